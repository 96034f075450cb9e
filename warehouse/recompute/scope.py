"""Plan what to recompute: the dirty accounts, all that their books depend on, and the identities to write again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from nisba.attribution import RULES_EDITION
from nisba.attribution.facts import TEXT
from nisba.config import Config, config_hash
from warehouse.query import arrow_table, one_value
from warehouse.recompute.traversal import NODES, PEOPLE, Traversal, ids_of

__all__ = ["CAMPAIGNS", "Scope", "plan_accounts", "plan_scope"]

CAMPAIGNS = pa.schema([("campaign_id", TEXT)])
FACTS = ("facts",)
"""Why something is dirty: facts were landed. Whatever else it is may have changed every row."""


@dataclass(frozen=True)
class Scope:
    """What one attribution covers, and what it has to read. It owns what it selected: any number of scopes live side by side."""

    everything: bool
    """All there is; the tables are empty then."""
    why: tuple[str, ...] = ()
    replaced: pa.Table = field(default_factory=NODES.empty_table, repr=False)
    """NODES whose identity rows are replaced; their accounts are those whose deals are."""
    read: pa.Table = field(default_factory=NODES.empty_table, repr=False)
    """NODES, deals among them, whose facts are read: `replaced`, and all else that its books depend on."""
    campaigns: pa.Table = field(default_factory=CAMPAIGNS.empty_table, repr=False)
    """Campaigns whose cost is computed anew, under every name that they ever had: one column, `campaign_id`."""

    @property
    def is_to_be_written_whole(self) -> bool:
        """Tell whether every row of the books is to be written: not where facts alone changed, which leave most of the rows as they are."""
        return self.everything and self.why != FACTS

    @property
    def accounts(self) -> pa.Table:
        """Return the raw ids of the accounts whose deals are replaced, closed over account links: one column, `id`."""
        return ids_of(self.replaced, "account")


# Whatever was ever a name of one campaign: an id that changes its name moves costs from the old campaign to the new one.
_CAMPAIGNS = """
    WITH RECURSIVE
    pair AS (SELECT DISTINCT campaign_id, same_as FROM ledger.campaign WHERE same_as IS NOT NULL),
    edge AS (SELECT campaign_id AS this, same_as AS other FROM pair UNION SELECT same_as, campaign_id FROM pair),
    reached AS (
        SELECT campaign_id FROM ops.dirty_campaign
        UNION
        SELECT other FROM reached JOIN edge ON this = campaign_id
    )
    SELECT campaign_id FROM reached
"""

EVERYTHING_FROM = 0.5
"""Above this part of all accounts, reading everything is quicker than choosing."""
# of the accounts that any fact names together with something else: a name alone, as a CRM has many, is read in a moment
_DIRTY_PART = """
    WITH
    account AS (SELECT DISTINCT left_id AS account_id FROM ledger.pair WHERE left_kind = 'account'),
    dirty AS (SELECT DISTINCT account_id FROM ops.dirty_account)
    SELECT coalesce(avg((dirty.account_id IS NOT NULL)::INTEGER), 0) FROM account LEFT JOIN dirty USING (account_id)
"""


def plan_scope(con: duckdb.DuckDBPyConnection, config: Config) -> Scope | None:
    """Return what is dirty, None when nothing is; everything is, where other settings or another edition of the rules made the books."""
    if con.execute("SELECT config_hash, rules_edition FROM core.setting").fetchall() != [(config_hash(config), RULES_EDITION)]:
        return Scope(everything=True, why=("configuration",))
    accounts = arrow_table(con, "SELECT DISTINCT 'account' AS kind, account_id AS id FROM ops.dirty_account")
    campaigns = arrow_table(con, _CAMPAIGNS)
    nodes = arrow_table(con, "SELECT DISTINCT kind, id FROM ops.dirty_node")
    if not len(accounts) and not len(campaigns) and not len(nodes):
        return None
    if one_value(con, _DIRTY_PART) > EVERYTHING_FROM:
        return Scope(everything=True, why=FACTS)
    return _plan(con, nodes, accounts, campaigns)


def plan_accounts(con: duckdb.DuckDBPyConnection, accounts: Sequence[str]) -> Scope:
    """Return the scope of some accounts, dirty or not: to look at their books, not to replace them."""
    ids = sorted(set(accounts))
    wanted = pa.table([["account"] * len(ids), ids], schema=NODES)
    return _plan(con, NODES.empty_table(), wanted, CAMPAIGNS.empty_table())


def _plan(con: duckdb.DuckDBPyConnection, nodes: pa.Table, accounts: pa.Table, campaigns: pa.Table) -> Scope:
    """Close dirty nodes and accounts over what their identities and their books depend on.

    Upwards from the dirty accounts: persons that belong to them, and the visitor groups of these. Then sideways: who else claims the
    groups, and downwards again: to which other accounts the persons belong.
    """
    replaced = Traversal(con, nodes)
    replaced.close(("visitor",))
    replaced.step(("visitor",), PEOPLE)
    replaced.add(accounts)
    replaced.close(("account",))
    replaced.step(("account",), (*PEOPLE, "deal"))
    replaced.step(("deal",), PEOPLE)
    replaced.close(PEOPLE)
    replaced.step((*PEOPLE, "account"), ("visitor",))
    replaced.close(("visitor",))
    read = Traversal(con, replaced.nodes)
    read.step(("visitor",), PEOPLE)
    read.close(PEOPLE)
    read.step(PEOPLE, ("deal", "account"))
    read.step(("visitor",), ("account",))
    read.close(("account",))
    return Scope(False, FACTS, replaced.nodes, read.nodes, campaigns)
