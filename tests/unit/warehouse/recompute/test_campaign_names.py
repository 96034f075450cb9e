"""Costs under other names and by ids of their own: increments dirty, read and replace all that they move, and end where one go ends."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution import prepare
from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.costs import cost_daily
from schemas.keys import identity_hashes
from tests.strategies import examples
from tests.unit.attribution.fact_rows import NOON, STEP, fact_rows
from tests.unit.warehouse.landing import LINEAR, empty_warehouse
from warehouse.loader import land
from warehouse.recompute import invalidation
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope, plan_scope
from warehouse.replacement import replace_rows
from warehouse.settings import write_settings

MARCH = dt.date(2026, 3, 1)
NO_BOOKS = {name: schema.empty_table() for name, schema in BOOK_SCHEMAS.items()}
Facts = list[tuple[str, dict[str, Any]]]


def spend(event_id: str, campaign_id: str, amount: str, **more: Any) -> tuple[str, dict[str, Any]]:
    fixed = {"starts_on": MARCH, "ends_on": MARCH, "currency": "USD"}
    return "spend", {"event_id": event_id, "campaign_id": campaign_id, "amount": Decimal(amount)} | fixed | more


def named(event_id: str, campaign_id: str, same_as: str | None, step: int = 0) -> tuple[str, dict[str, Any]]:
    about = {"campaign_id": campaign_id, "same_as": same_as, "name": campaign_id, "channel": "email"}
    return "campaign", {"event_id": event_id, "occurred_at": NOON + step * STEP} | about


def rate(event_id: str, day: dt.date) -> tuple[str, dict[str, Any]]:
    return "fx", {"event_id": event_id, "base": "EUR", "quote": "USD", "date": day, "rate": "2"}


def landed(con: duckdb.DuckDBPyConnection, *facts: tuple[str, dict[str, Any]]) -> None:
    """Land facts in one batch; each identity comes once."""
    tables = {}
    for fact_type in ("spend", "campaign", "fx"):
        rows = [row for kind, row in facts if kind == fact_type]
        table = fact_rows(fact_type, *rows)
        hashes: Any = identity_hashes(table["source"].to_pylist(), table["event_id"].to_pylist()) if rows else []
        provenance = {
            "content_hash": pa.array(hashes, pa.uint64()),
            "topic": pa.array(["file"] * len(rows), pa.string()),
            "kafka_partition": pa.array([0] * len(rows), pa.int32()),
            "kafka_offset": pa.array(range(len(rows)), pa.int64()),
            "identity_hash": pa.array(hashes, pa.uint64()),
        }
        for name, column in provenance.items():
            table = table.append_column(name, column)
        tables[fact_type] = table
    land(con, facts=tables, dead_letters=None, offsets=[])


def attributed(con: duckdb.DuckDBPyConnection) -> Scope | None:
    """Compute anew the costs that are dirty, and nothing else; None where none are."""
    scope = plan_scope(con, LINEAR)
    if scope is not None:
        replaced(con, scope)
    return scope


def replaced(con: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    costs, held = cost_daily(prepare(read_facts(con, scope), LINEAR), LINEAR)
    replace_rows(con, scope, NO_BOOKS | {"cost_daily": costs, "held": held})
    write_settings(con, LINEAR)
    invalidation.clear(con)


def books(con: duckdb.DuckDBPyConnection) -> tuple[list[Any], list[Any]]:
    costs = con.execute("SELECT campaign_id, day, cost_reporting, channel FROM core.cost_daily ORDER BY ALL").fetchall()
    return costs, con.execute("SELECT id, reason, campaign_id, amount FROM ops.held ORDER BY ALL").fetchall()


def costs_by_campaign(con: duckdb.DuckDBPyConnection) -> dict[str, Decimal]:
    return dict(con.execute("SELECT campaign_id, sum(cost_reporting) FROM core.cost_daily GROUP BY ALL").fetchall())


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A campaign, 1001, and utm, another name of it; far is another campaign."""
    with empty_warehouse() as connection:
        landed(connection, spend("s-1", "1001", "10"), spend("s-2", "utm", "5"), spend("s-3", "far", "7"), named("n-1", "utm", "1001"))
        attributed(connection)
        yield connection


def planned(con: duckdb.DuckDBPyConnection) -> list[str]:
    scope = attributed(con)
    assert scope is not None
    found: list[str] = sorted(scope.campaigns["campaign_id"].to_pylist())
    return found


def test_cost_of_another_name_plans_the_campaign(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, spend("s-4", "utm", "1"))
    assert planned(con) == ["1001", "utm"]
    assert costs_by_campaign(con) == {"1001": 11, "far": 7}


def test_id_that_changes_its_name_moves_its_cost(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, named("n-2", "utm", "far", step=1))
    assert planned(con) == ["1001", "far", "utm"]
    assert costs_by_campaign(con) == {"1001": 10, "far": 12}
    landed(con, named("n-3", "utm", None, step=2))
    assert planned(con) == ["1001", "far", "utm"]
    assert costs_by_campaign(con) == {"1001": 10, "far": 7, "utm": 5}


def test_chain_is_planned_from_end_to_end(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, named("n-2", "1001", "top"))
    assert planned(con) == ["1001", "top", "utm"]
    assert costs_by_campaign(con) == {"top": 15, "far": 7}


def test_cost_that_moves_to_another_campaign_leaves_the_one_before(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, spend("s-4", "utm", "100", spend_id="inv-7"))
    attributed(con)
    landed(con, spend("s-5", "far", "200", spend_id="inv-7", revision=1))
    assert planned(con) == ["1001", "far", "utm"]
    assert costs_by_campaign(con) == {"1001": 15, "far": 207}


def test_campaign_that_a_cost_left_is_computed_without_it_though_the_new_one_is_not_planned(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, spend("s-4", "utm", "100", spend_id="inv-7"), spend("s-5", "far", "200", spend_id="inv-7", revision=1))
    attributed(con)
    landed(con, spend("s-6", "1001", "1", ends_on=MARCH + dt.timedelta(days=1)))
    assert planned(con) == ["1001", "utm"]
    assert costs_by_campaign(con) == {"1001": 16, "far": 207}


def test_held_cost_of_another_name_is_released_by_its_rate(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, spend("s-4", "utm", "3", spend_id="x", currency="EUR"))
    attributed(con)
    assert books(con)[1] == [("s|x", "fx_missing", "utm", 3)]
    landed(con, rate("f-1", MARCH))
    assert planned(con) == ["1001", "far", "utm"]
    assert costs_by_campaign(con) == {"1001": 21, "far": 7}
    assert books(con)[1] == []


IDS = ("a", "b", "c", "d")
SPENDS = st.tuples(
    st.just("spend"), st.sampled_from(IDS), st.sampled_from(["1.005", "-2", "7"]), st.sampled_from([None, "x", "y"]), st.integers(0, 2)
)
NAMES = st.tuples(st.just("campaign"), st.sampled_from(IDS), st.sampled_from([None, *IDS]), st.integers(0, 3))
RATES = st.tuples(st.just("fx"), st.integers(0, 9))


def facts_of(drawn: list[tuple[Any, ...]]) -> Facts:
    found = []
    for number, (kind, *rest) in enumerate(drawn):
        if kind == "spend":
            campaign_id, amount, spend_id, revision = rest
            days = {"starts_on": MARCH, "ends_on": MARCH + dt.timedelta(days=revision)}
            euro = {"currency": "EUR"} if number % 3 == 0 else {}
            found.append(spend(f"e{number}", campaign_id, amount, spend_id=spend_id, revision=revision, **days, **euro))
        elif kind == "campaign":
            campaign_id, same_as, step = rest
            found.append(named(f"e{number}", campaign_id, same_as, step))
        else:
            found.append(rate(f"e{number}", MARCH - dt.timedelta(days=rest[0])))
    return found


@examples(20, of_profile=0.25)
@given(st.lists(SPENDS | NAMES | RATES, min_size=2, max_size=14), st.randoms(use_true_random=False), st.integers(1, 5))
def test_increments_end_where_one_go_ends(drawn: list[tuple[Any, ...]], dice: random.Random, batches: int) -> None:
    facts = facts_of(drawn)
    dice.shuffle(facts)
    cut = sorted(dice.sample(range(1, len(facts)), min(batches, len(facts) - 1)))
    with empty_warehouse() as con:
        attributed(con)
        for low, high in zip([0, *cut], [*cut, len(facts)], strict=True):
            landed(con, *facts[low:high])
            attributed(con)
        in_increments = books(con)
        replaced(con, Scope(everything=True))
        assert in_increments == books(con)
