"""Tables of figures, as the models make them from an oracle's books, against the rows of an oracle that never saw their SQL."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.config import Config
from tests.oracle import Rows
from tests.oracle.levels.world import World, world
from tests.some_models import build_models
from tests.strategies import Event, facts_of
from warehouse.migrations import migrate
from warehouse.query import arrow_table, relations
from warehouse.settings import write_settings

__all__ = ["FIGURES_OF_SALES", "differences", "new_warehouse"]

_PERIOD = ("period_kind", "period")
_SEGMENT = (*_PERIOD, "segment_kind", "segment")

Keys = Mapping[str, tuple[str, ...]]
"""Table → the columns that tell its rows apart."""

FIGURES_OF_SALES: Keys = {
    "marts.velocity": _SEGMENT,
    "marts.cac": _PERIOD,
    "marts.campaign_roi": (*_PERIOD, "campaign_id", "model"),
    "marts.campaign_tree": (*_PERIOD, "campaign_id", "model"),
    "marts.channel_roi": (*_PERIOD, "channel", "model"),
    "marts.marketing_share": (*_SEGMENT, "model"),
    "marts.sales_exception": ("exception_id", "source"),
    "marts.exception_cost": (*_SEGMENT, "rule"),
    "marts.crm_adherence": (*_SEGMENT, "check"),
    "marts.crm_adherence_failure": (*_PERIOD, "check", "deal_id", "lead_id", "pass_no", "rule_id"),
    "marts.deal_share": (*_PERIOD, "model", "deal_id"),
    "marts.touch_activity": ("day", "channel", "campaign_id", "kind"),
    "marts.pipeline_created": (*_PERIOD, "dimension_kind", "dimension", "model"),
    "marts.maturation": ("age",),
    "marts.model_range": (*_PERIOD, "entity_kind", "entity"),
    "marts.benchmark": ("metric", "entity_kind", "entity", *_PERIOD),
    "marts.advice": ("rank",),
}


def new_warehouse() -> duckdb.DuckDBPyConnection:
    """Return a warehouse in memory: one thread, since so little is in it."""
    con = duckdb.connect(":memory:")
    con.execute("SET threads = 1")
    migrate(con)
    return con


def differences(
    con: duckdb.DuckDBPyConnection, events: list[Event], config: Config, keys: Keys, figures: Callable[[World], Rows]
) -> list[str]:
    """Return what differs in the tables of `keys` between the models and an oracle, a sentence each."""
    one = world(events, config)
    _load(con, events, config, one)
    build_models(con, keys)
    expected = figures(one)
    return [
        f"{table}: {said}" for table, key in keys.items() for said in _differing(arrow_table(con, f"FROM {table}"), expected[table], key)
    ]


def _load(con: duckdb.DuckDBPyConnection, events: list[Event], config: Config, one: World) -> None:
    """Put the facts into the ledger and the oracle's books into the core."""
    for name, table in facts_of(events).tables().items():
        _replace(con, f"ledger.{name}", table)
    for name in BOOK_SCHEMAS.keys() - {"held"}:
        _replace(con, f"core.{name}", pa.Table.from_pylist(one.books[name], schema=BOOK_SCHEMAS[name]))
    write_settings(con, config)


def _replace(con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    con.execute(f"TRUNCATE {name}")
    if len(rows):
        with relations(con, made=rows):
            con.execute(f"INSERT INTO {name} BY NAME SELECT * FROM made")


def _differing(made: pa.Table, expected: Iterable[dict[str, Any]], key: tuple[str, ...]) -> Iterator[str]:
    found = {tuple(row[name] for name in key): row for row in made.to_pylist()}
    wanted = {tuple(row[name] for name in key): row for row in expected}
    yield from (f"the models lack {place}" for place in wanted.keys() - found.keys())
    yield from (f"the models have {place} besides" for place in found.keys() - wanted.keys())
    for place in wanted.keys() & found.keys():
        for name, value in wanted[place].items():
            if not _are_same(value, found[place][name]):
                yield f"{place}: {name} is {found[place][name]}, by the oracle {value}"


def _are_same(wanted: Any, found: Any) -> bool:
    """Tell whether two values are the same; quotients to nine digits, amounts exactly."""
    if isinstance(found, float) and wanted is not None:
        return math.isclose(float(wanted), found, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(wanted, Fraction) and isinstance(found, Decimal):
        return wanted == Fraction(found)
    return bool(wanted == found)
