"""Why the credits of a deal are others than before: which of the facts that came in between change them.

A kind of fact is a cause where the credits come out otherwise without those of its kind that came in between, or come out otherwise with
them alone. What changed but concerns another deal, or changes no credit, is not named.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pyarrow as pa

from nisba.attribution import RULES_EDITION, fold
from nisba.attribution.facts import Facts
from nisba.config import Config, config_hash
from warehouse.locks.ledger_cut import changed_types, was_written
from warehouse.locks.rows import KEY, folded_truth
from warehouse.locks.runs import LockedPeriod, Run, with_models
from warehouse.query import relations
from warehouse.recompute.adjacency import ACCOUNT_OF_DEAL
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope, plan_accounts

__all__ = ["CAUSES", "Side", "causes_of"]

CAUSES = ("new_touch", "retraction", "identity", "amendment", "reopened", "adjustment", "deletion", "fx", "configuration")

_DEAL, _CONFIGURATION = "deal", "configuration"
_FACTS: Mapping[str, tuple[str, ...]] = {
    "new_touch": ("touch",),
    "retraction": ("retraction",),
    # what leads say: who they are, and which deal they became
    "identity": ("identity", "lead_stage"),
    _DEAL: ("deal",),
    "adjustment": ("adjustment",),
    "fx": ("fx",),
}
"""The kinds of facts that credits depend on, by cause; what a deal's own states did is told apart afterwards."""


@dataclass(frozen=True)
class Side:
    """A configuration, and how far the ledger had been written: None, up to now."""

    config: Config
    until: dt.datetime | None
    rules_edition: int = RULES_EDITION


@dataclass(frozen=True)
class _Known:
    """The facts about some deals and the configuration of one side; what is mixed of two sides is one, too."""

    facts: Facts
    config: Config

    def with_(self, cause: str, other: _Known) -> _Known:
        """Return the same with what concerns one cause taken from the other side."""
        if cause == _CONFIGURATION:
            return replace(self, config=other.config)
        return replace(self, facts=replace(self.facts, **{name: getattr(other.facts, name) for name in _FACTS[cause]}))


def causes_of(
    con: duckdb.DuckDBPyConnection,
    before: Side,
    after: Side,
    periods: Sequence[LockedPeriod],
    deal_ids: Sequence[str],
    runs: Sequence[Run],
) -> dict[str, tuple[str, ...]]:
    """Return why credits of deals changed in some periods, each with all causes in the order of `CAUSES`."""
    if not deal_ids:
        return {}
    scope = plan_accounts(con, _accounts(con, deal_ids))
    models = {model for period in periods for model in period.models}
    old, new = (_known(con, scope, side, models, runs) for side in (before, after))
    named = _named(con, old, new, _candidates(con, before, after), periods, deal_ids)
    _tell_apart(con, named, before, after, (old, new), periods)
    return {deal_id: tuple(cause for cause in CAUSES if cause in named[deal_id]) for deal_id in deal_ids}


def _accounts(con: duckdb.DuckDBPyConnection, deal_ids: Sequence[str]) -> list[str]:
    """Return the accounts that any state of the deals ever named."""
    of_deals = f"SELECT DISTINCT {ACCOUNT_OF_DEAL} FROM ledger.deal WHERE list_contains(?, deal_id)"
    return [account for (account,) in con.execute(of_deals, [list(deal_ids)]).fetchall()]


def _known(con: duckdb.DuckDBPyConnection, scope: Scope, side: Side, models: Collection[str], runs: Sequence[Run]) -> _Known:
    return _Known(read_facts(con, scope, side.until), with_models(side.config, models, runs))


def _candidates(con: duckdb.DuckDBPyConnection, before: Side, after: Side) -> list[str]:
    """Return the causes that there can be at all: facts of their kind came in between, or something else is configured."""
    assert before.until is not None
    changed = changed_types(con, before.until, after.until)
    found = [cause for cause, types in _FACTS.items() if changed & set(types)]
    same = config_hash(before.config) == config_hash(after.config) and before.rules_edition == after.rules_edition
    return found if same else [*found, _CONFIGURATION]


def _named(
    con: duckdb.DuckDBPyConnection,
    old: _Known,
    new: _Known,
    candidates: list[str],
    periods: Sequence[LockedPeriod],
    deal_ids: Iterable[str],
) -> dict[str, set[str]]:
    """Return the causes of each deal. Where no kind of fact decides by itself, it is all of them together."""
    found: dict[str, set[str]] = {deal_id: set() for deal_id in deal_ids}
    if len(candidates) > 1:
        was, is_now = (_credits(con, known, periods) for known in (old, new))
        for cause in candidates:
            alone, without = (_credits(con, known, periods) for known in (old.with_(cause, new), new.with_(cause, old)))
            for deal_id in _differing(con, was, alone) | _differing(con, is_now, without):
                found.get(deal_id, set()).add(cause)
    return {deal_id: causes or set(candidates) for deal_id, causes in found.items()}


def _credits(con: duckdb.DuckDBPyConnection, known: _Known, periods: Sequence[LockedPeriod]) -> pa.Table:
    return folded_truth(con, known.facts, known.config, periods, later=True).select([*KEY, "revenue_reporting"])


def _differing(con: duckdb.DuckDBPyConnection, left: pa.Table, right: pa.Table) -> set[str]:
    """Return the deals whose credits are not the same on both sides."""
    with relations(con, left_credit=left, right_credit=right):
        sides = ("FROM left_credit EXCEPT ALL FROM right_credit", "FROM right_credit EXCEPT ALL FROM left_credit")
        both = " UNION ALL ".join(f"SELECT deal_id FROM ({side})" for side in sides)
        return {deal_id for (deal_id,) in con.execute(f"SELECT DISTINCT deal_id FROM ({both})").fetchall()}


def _tell_apart(
    con: duckdb.DuckDBPyConnection,
    named: dict[str, set[str]],
    before: Side,
    after: Side,
    sides: tuple[_Known, _Known],
    periods: Sequence[LockedPeriod],
) -> None:
    """Say of states of deals what they did: a deal was deleted, reopened or amended; those of another deal changed who belongs where."""
    concerned = {deal_id for deal_id, causes in named.items() if _DEAL in causes}
    if not concerned:
        return
    assert before.until is not None
    own = _with_states(con, concerned, before.until, after.until)
    old, new = (_Told.of(known, periods) for known in sides)
    for deal_id in concerned:
        named[deal_id] = (named[deal_id] - {_DEAL}) | (_of_states(deal_id, old, new) if deal_id in own else {"identity"})


def _with_states(con: duckdb.DuckDBPyConnection, deal_ids: Collection[str], after: dt.datetime, until: dt.datetime | None) -> set[str]:
    """Return the deals of which states came, or lost to another version, in between."""
    condition, span = was_written(after, until)
    written = f"SELECT DISTINCT deal_id FROM ledger.deal WHERE list_contains($3, deal_id) AND ({condition})"
    return {deal_id for (deal_id,) in con.execute(written, [*span, sorted(deal_ids)]).fetchall()}


@dataclass(frozen=True)
class _Told:
    """What the states of deals did by one side."""

    deleted: set[Any]
    reopened: dict[Any, set[Any]]
    """By deal: the events that ended a won spell, and when."""
    amended: dict[Any, set[Any]]

    @classmethod
    def of(cls, known: _Known, periods: Sequence[LockedPeriod]) -> _Told:
        """Read it off the entries that are dated in the periods, or belong to bookings that are."""
        books = fold(known.facts, known.config)
        known_deals, there = (set(table["deal_id"].to_pylist()) for table in (known.facts.deal, books.deal))
        entries = sorted(books.entry.to_pylist(), key=lambda row: (row["deal_id"], row["entry_no"]))
        rebooked = {(row["source"], row["event_id"]) for row in entries if row["entry"] == "rebooking"}
        told: dict[str, defaultdict[Any, set[Any]]] = {"reopened": defaultdict(set), "amended": defaultdict(set)}
        begun_on = None
        for row in entries:
            begun_on = row["booked_on"] if row["entry"] in ("booking", "rebooking") else begun_on
            if row["entry"] in ("amendment", "reversal") and _is_in(periods, row["booked_on"], begun_on):
                event = (row["source"], row["event_id"])
                ends_spell = row["entry"] == "reversal" and event not in rebooked
                told["reopened" if ends_spell else "amended"][row["deal_id"]].add((event, row["booked_on"]))
        return cls(known_deals - there, **told)


def _is_in(periods: Sequence[LockedPeriod], *days: dt.date | None) -> bool:
    return any(each.period.start <= day <= each.period.end for each in periods for day in days if day is not None)


def _of_states(deal_id: str, old: _Told, new: _Told) -> set[str]:
    """Return what a deal's own new states did: deleted or brought back, reopened, amended; another correction of it is an amendment."""
    if (deal_id in old.deleted) != (deal_id in new.deleted):
        return {"deletion"}
    told = {"reopened": (old.reopened, new.reopened), "amendment": (old.amended, new.amended)}
    found = {cause for cause, (was, is_now) in told.items() if was.get(deal_id, set()) != is_now.get(deal_id, set())}
    return found or {"amendment"}
