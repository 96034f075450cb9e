"""Everything that a deal's credits rest on: journey, shares, entries, the events behind them, and what was left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution import prepare, resolve
from nisba.attribution.books import DEFAULT_JOURNEY
from nisba.attribution.explanation import left_out
from nisba.attribution.facts import Facts, ledger_schema
from nisba.attribution.models import journey_specs
from nisba.attribution.shards import unpack
from nisba.config import Config
from nisba.errors import NotFound
from reports.render.formats import with_name
from reports.values import read_rule, read_setting
from warehouse.query import has_table, one_value, rows_as_dicts
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import plan_accounts

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation:
    """A deal by one model. Rows are dicts: `touches` in journey order, `credits` by touch and entry, `left_out` by time."""

    deal: dict[str, Any]
    model: str
    rule: str
    time_zone: str
    reporting_currency: str
    touches: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    credits: list[dict[str, Any]]
    held: list[dict[str, Any]]
    left_out: list[dict[str, Any]] | None
    """None where there is no ledger to look into: a published snapshot."""


def explain(con: duckdb.DuckDBPyConnection, config: Config, deal_id: str, model: str | None = None) -> Explanation:
    """Explain a deal by a model (default: the default model). Raises NotFound for an unknown deal or model."""
    deal = _deal(con, deal_id)
    setting = read_setting(con)
    chosen = model or setting.default_model
    rule = read_rule(con, chosen)
    has_ledger = bool(one_value(con, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'ledger'"))
    journey = chosen if chosen in journey_specs(config) else DEFAULT_JOURNEY
    touches, entries = (_TOUCHES, _ENTRIES) if has_ledger else (_TOUCHES_OF_SNAPSHOT, _ENTRIES_OF_SNAPSHOT)
    return Explanation(
        deal,
        chosen,
        rule,
        setting.time_zone,
        setting.reporting_currency,
        rows_as_dicts(con, touches, [chosen, deal_id, journey, deal_id]),
        rows_as_dicts(con, entries, [deal_id]),
        rows_as_dicts(con, _CREDITS, [chosen, deal_id]),
        rows_as_dicts(con, "SELECT * FROM ops.held WHERE deal_id = ? ORDER BY kind, id", [deal_id]) if has_table(con, "ops.held") else [],
        _left_out(con, config, deal, journey) if has_ledger else None,
    )


# Where each event came from; a snapshot has no ledger and does not know.
_ORIGIN = "SELECT source, event_id, topic, kafka_partition, kafka_offset FROM ledger.current_{fact_type}"
_NO_ORIGIN = """
    SELECT NULL::VARCHAR AS source, NULL::VARCHAR AS event_id, NULL::VARCHAR AS topic, NULL::INTEGER AS kafka_partition,
        NULL::BIGINT AS kafka_offset WHERE false
"""

_TOUCHES_FROM = """
    WITH share AS (
        SELECT ordinal, any_value(weight) AS share, sum(revenue) AS credit
        FROM core.credit_line WHERE model = ? AND deal_id = ? GROUP BY ordinal
    ),
    origin AS ({origin})
    SELECT t.ordinal, t.touched_at, t.position, t.channel, t.kind, t.team, t.campaign_id, share.share, share.credit,
        t.touch_source, t.touch_id, origin.topic, origin.kafka_partition, origin.kafka_offset
    FROM core.journey_touch AS t
    LEFT JOIN share ON share.ordinal = t.ordinal
    LEFT JOIN origin ON origin.source = t.touch_source AND origin.event_id = t.touch_id
    WHERE t.journey = ? AND t.deal_id = ?
    ORDER BY t.ordinal
"""
_TOUCHES = _TOUCHES_FROM.format(origin=_ORIGIN.format(fact_type="touch"))
_TOUCHES_OF_SNAPSHOT = _TOUCHES_FROM.format(origin=_NO_ORIGIN)

_ENTRIES_FROM = """
    WITH origin AS ({origin}), adjusted AS ({adjusted})
    SELECT e.entry_no, e.entry, e.booked_at, e.booked_on, e.is_final, e.currency, e.amount, e.amount_reporting, e.source, e.event_id,
        coalesce(adjusted.topic, origin.topic) AS topic, coalesce(adjusted.kafka_partition, origin.kafka_partition) AS kafka_partition,
        coalesce(adjusted.kafka_offset, origin.kafka_offset) AS kafka_offset
    FROM core.entry AS e
    LEFT JOIN origin ON e.entry <> 'adjustment' AND origin.source = e.source AND origin.event_id = e.event_id
    LEFT JOIN adjusted ON e.entry = 'adjustment' AND adjusted.source = e.source AND adjusted.event_id = e.event_id
    WHERE e.deal_id = ?
    ORDER BY e.entry_no
"""
_ENTRIES = _ENTRIES_FROM.format(origin=_ORIGIN.format(fact_type="deal"), adjusted=_ORIGIN.format(fact_type="adjustment"))
_ENTRIES_OF_SNAPSHOT = _ENTRIES_FROM.format(origin=_NO_ORIGIN, adjusted=_NO_ORIGIN)

_CREDITS = """
    SELECT ordinal, entry_no, weight, revenue, revenue_reporting FROM core.credit_line
    WHERE model = ? AND deal_id = ? ORDER BY ordinal, entry_no
"""

_DEAL = """
    SELECT deal.*, account.name AS account_name FROM core.deal LEFT JOIN core.account USING (account_id) WHERE deal_id = ?
"""

_NEAREST_DEALS = """
    SELECT deal_id, name FROM core.deal
    ORDER BY greatest(jaro_winkler_similarity(deal_id, $1), coalesce(jaro_winkler_similarity(lower(name), lower($1)), 0)) DESC, deal_id
    LIMIT 3
"""


def _deal(con: duckdb.DuckDBPyConnection, deal_id: str) -> dict[str, Any]:
    found = rows_as_dicts(con, _DEAL, [deal_id])
    if not found:
        near = ", ".join(with_name(row["deal_id"], row["name"]) for row in rows_as_dicts(con, _NEAREST_DEALS, [deal_id]))
        hint = f"; the nearest are {near}" if near else ""
        raise NotFound(f"no deal has the id {deal_id!r} in the books{hint}.")
    return found[0]


def _left_out(con: duckdb.DuckDBPyConnection, config: Config, deal: dict[str, Any], journey: str) -> list[dict[str, Any]]:
    """Resolve the deal's account again and say why its other touches earn nothing.

    Retracted touches vanish from identity and journeys; to name them, the account is resolved once more as if they were there.
    """
    accounts = rows_as_dicts(con, "SELECT id FROM core.identity WHERE kind = 'account' AND account_id = ?", [deal["account_id"]])
    facts = read_facts(con, plan_accounts(con, [row["id"] for row in accounts]))
    spec = journey_specs(config)[journey]
    found = [row for payload in _payloads(facts, config) for row in left_out(unpack(payload), deal["deal_id"], spec)]
    retracted = _retracted(facts)
    if retracted:
        whole = Facts(**{**facts.tables(), "retraction": ledger_schema("retraction", provenance=False).empty_table()})
        again = [row for payload in _payloads(whole, config) for row in left_out(unpack(payload), deal["deal_id"], spec, retracted)]
        found += [row for row in again if row.reason == "retracted"]
    return [asdict(row) for row in sorted(found, key=lambda row: (row.touched_at, row.touch_source, row.touch_id))]


def _payloads(facts: Facts, config: Config) -> list[bytes]:
    return [payload for _, payload in resolve(prepare(facts, config), config).shards(1)]


def _retracted(facts: Facts) -> set[tuple[str, str]]:
    """Return (source, id) of the touches at hand that a retraction names."""
    at_hand = set(_keys(facts.touch, "source", "event_id"))
    return at_hand & set(_keys(facts.retraction, "touch_source", "touch_id"))


def _keys(table: pa.Table, source: str, event_id: str) -> list[tuple[str, str]]:
    columns = [pc.cast(table[name], pa.string()).to_pylist() for name in (source, event_id)]
    return list(zip(*columns, strict=True))
