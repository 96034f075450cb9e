"""A scope owns what it selected, covers what is dirty, and reads what its books need and little more."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from nisba.attribution.facts import FACT_TYPES, Facts
from nisba.config import Attribution, Config
from tests.unit.warehouse.landing import LINEAR, attribute, empty_warehouse, land_events, touch
from tests.unit.warehouse.recompute.company import COMPANY, account, link, rate
from warehouse.recompute import scope as planning
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope, plan_accounts, plan_scope
from warehouse.recompute.verification import verify_books


def _attributed() -> duckdb.DuckDBPyConnection:
    con = empty_warehouse()
    land_events(con, *COMPANY)
    attribute(con)
    return con


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """The company, landed and attributed."""
    with _attributed() as connection:
        yield connection


@pytest.fixture(scope="module")
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    """The company for all tests that only look at it."""
    with _attributed() as connection:
        yield connection


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose, though a company so small would be read whole."""
    monkeypatch.setattr(planning, "EVERYTHING_FROM", 2.0)


def ids(facts: Facts) -> set[str]:
    return {event_id for table in facts.tables().values() for event_id in table["event_id"].to_pylist()}


def nodes(table: pa.Table) -> set[str]:
    return {f"{row['kind']}:{row['id']}" for row in table.to_pylist()}


ALWAYS = {"r-t-gone", "f-1"}
"""Retractions and rates are read whole."""
OF_ACME = {"t-acme", "t-p1", "t-v1", "t-beta", "i-1", "i-2", "i-3", "i-4", "e-1", "l-e1", "m-1", "m-2"}


def test_scope_reads_the_same_facts_after_another_was_planned(company: duckdb.DuckDBPyConnection) -> None:
    acme = plan_accounts(company, ["acme"])
    before = ids(read_facts(company, acme))
    far = plan_accounts(company, ["far"])
    assert ids(read_facts(company, acme)) == before == ALWAYS | OF_ACME
    assert ids(read_facts(company, far)) == ALWAYS | {"t-far", "e-9", "l-e9", "m-9"}


def test_scope_is_whole_though_the_ledger_goes_on(con: duckdb.DuckDBPyConnection) -> None:
    """What was planned stays planned; a fact that comes later makes its own accounts dirty."""
    acme = plan_accounts(con, ["acme"])
    land_events(con, link("i-9", ("person", "p-1"), ("account", "far")))
    assert sorted(acme.accounts["id"].to_pylist()) == ["acme", "acme.de"]
    assert "account:far" not in nodes(acme.read)
    assert "account:far" in nodes(plan_accounts(con, ["acme"]).read)


def test_nodes_of_an_account_are_its_component_and_who_shares_its_visitors(company: duckdb.DuckDBPyConnection) -> None:
    scope = plan_accounts(company, ["acme.de"])
    assert nodes(scope.replaced) == {"account:acme", "account:acme.de", "person:p-1", "visitor:v-1", "deal:d-1"}
    assert nodes(scope.read) == nodes(scope.replaced) | {"person:p-2", "lead:l-1", "account:beta"}
    assert sorted(scope.accounts["id"].to_pylist()) == ["acme", "acme.de"]


def test_accounts_asked_for_twice_or_unknown_are_there_once(company: duckdb.DuckDBPyConnection) -> None:
    scope = plan_accounts(company, ["far", "far", "nobody"])
    assert sorted(scope.accounts["id"].to_pylist()) == ["far", "nobody"]
    assert not scope.everything
    assert len(plan_accounts(company, []).read) == 0


def test_scope_cannot_be_changed(company: duckdb.DuckDBPyConnection) -> None:
    scope = plan_accounts(company, ["acme"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        scope.read = scope.replaced  # type: ignore[misc]
    assert scope == plan_accounts(company, ["acme"])
    assert scope != plan_accounts(company, ["far"])


def test_everything_reads_every_fact_that_counts(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, touch("t-acme", "2025-12-31T00:00:00Z", channel="event"))  # an earlier version, which loses
    facts = read_facts(con, Scope(everything=True))
    assert ids(facts) == {event["id"] for event in COMPANY}
    assert {name: len(table) for name, table in facts.tables().items()}["touch"] == 5
    assert set(facts.tables()) == set(FACT_TYPES)


def test_version_that_lost_is_not_read(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, touch("t-far", "2025-12-31T00:00:00Z", account_id="acme"), touch("t-acme", "2026-02-01T00:00:00Z", channel="event"))
    touches = read_facts(con, plan_accounts(con, ["acme"])).touch.to_pylist()
    assert sorted((row["event_id"], row["channel"]) for row in touches if row["account_id"] == "acme") == [("t-acme", "event")]


def test_nothing_is_planned_where_nothing_is_dirty(company: duckdb.DuckDBPyConnection) -> None:
    assert plan_scope(company, LINEAR) is None


def test_another_configuration_is_everything(company: duckdb.DuckDBPyConnection) -> None:
    scope = plan_scope(company, Config(attribution=Attribution(models=("linear",), default_model="linear", lookback_days=9)))
    assert scope is not None
    assert (scope.everything, scope.why, len(scope.read)) == (True, ("configuration",), 0)


def test_warehouse_that_was_never_attributed_is_everything() -> None:
    with empty_warehouse() as con:
        scope = plan_scope(con, LINEAR)
    assert scope is not None
    assert scope.everything


def test_most_accounts_dirty_is_everything(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, *(touch(f"t-new-{name}", account_id=name) for name in ("acme", "beta", "far")))
    scope = plan_scope(con, LINEAR)
    assert scope is not None
    assert (scope.everything, scope.why) == (True, ("facts",))


def test_first_facts_of_an_attributed_warehouse_are_chosen() -> None:
    """Nothing names an account together with something else yet: no part of no accounts is dirty."""
    with empty_warehouse() as con:
        attribute(con)
        land_events(con, touch("t-1"))
        scope = plan_scope(con, LINEAR)
        assert scope is not None
        assert (scope.everything, scope.accounts["id"].to_pylist()) == (False, ["acme"])


def test_names_of_accounts_that_nothing_else_names_are_not_everything(con: duckdb.DuckDBPyConnection) -> None:
    """A CRM knows many firms with which nothing ever happened: however many of them are named, the others are not read."""
    land_events(con, *(account(f"n-{number}", f"firm-{number}") for number in range(50)))
    scope = plan_scope(con, LINEAR)
    assert scope is not None
    assert not scope.everything
    assert set(scope.accounts["id"].to_pylist()) == {f"firm-{number}" for number in range(50)}
    assert ids(read_facts(con, scope)) == ALWAYS | {f"n-{number}" for number in range(50)}
    attribute(con)
    assert con.execute("SELECT count(*) FROM core.account").fetchall() == [(50,)]
    assert verify_books(con, LINEAR).differences == []


@pytest.mark.usefixtures("chosen")
def test_dirty_account_is_planned_with_its_component(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, touch("t-new", account_id="far"))
    scope = plan_scope(con, LINEAR)
    assert scope is not None
    assert scope.accounts["id"].to_pylist() == ["far"]
    assert ids(read_facts(con, scope)) == ALWAYS | {"t-far", "t-new", "e-9", "l-e9", "m-9"}
    assert len(scope.campaigns) == 0


@pytest.mark.usefixtures("chosen")
def test_visitor_that_no_account_knows_is_replaced_alone(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, touch("t-new", account_id=None, visitor_id="v-new"))
    scope = plan_scope(con, LINEAR)
    assert scope is not None
    assert (nodes(scope.replaced), len(scope.accounts)) == ({"visitor:v-new"}, 0)
    assert ids(read_facts(con, scope)) == ALWAYS | {"t-new"}


@pytest.mark.usefixtures("chosen")
def test_rate_plans_the_deals_and_the_costs_near_it(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, rate("f-2", "2026-02-01"))
    scope = plan_scope(con, LINEAR)
    assert scope is not None
    assert sorted(scope.campaigns["campaign_id"].to_pylist()) == ["c-1", "c-2"]
    assert {"k-1", "k-2", "c-e1", "f-2"} <= ids(read_facts(con, scope))


@pytest.mark.usefixtures("chosen")
def test_adjustment_is_read_with_every_event_of_its_register(company: duckdb.DuckDBPyConnection) -> None:
    """m-2 names another deal than m-1, and might be the one that counts."""
    read = ids(read_facts(company, plan_accounts(company, ["acme"])))
    assert {"m-1", "m-2"} <= read
    assert "m-9" not in read
