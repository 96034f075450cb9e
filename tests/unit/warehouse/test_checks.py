"""Books whose credits do not add up are not written: the error names the entry, the old books stay."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from nisba.config import Attribution, Config
from nisba.errors import CheckFailed
from tests.unit.warehouse.landing import empty_warehouse, every_row
from tests.unit.warehouse.small_books import ROWS, books
from warehouse.checks import CreditGap, check_books, credit_gaps
from warehouse.loader import ReplaceCounts, replace_books
from warehouse.recompute.scope import Scope, plan_scope

CONFIG = Config(attribution=Attribution(models=("linear",), default_model="linear"))
EVERYTHING = Scope(everything=True)
LINES, ENTRY = ROWS["credit_line"], ROWS["entry"][0]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        yield connection


def _changed(number: int, **values: Any) -> list[dict[str, Any]]:
    return [line | values if place == number else line for place, line in enumerate(LINES)]


BROKEN = {
    "a_cent_too_much": {"credit_line": _changed(0, revenue=Decimal("50.01"))},
    "a_cent_too_little_in_reporting_currency": {"credit_line": _changed(1, revenue_reporting=Decimal("49.99"))},
    "one_touch_forgotten": {"credit_line": LINES[:1]},
    "entry_without_any_credit": {"entry": [ENTRY, ENTRY | {"entry_no": 2, "entry": "amendment"}]},
    "entry_that_one_model_forgets": {"credit_line": [*LINES, LINES[0] | {"model": "first_touch", "entry_no": 1, "revenue": Decimal(1)}]},
    "credit_without_entry": {"entry": [], "deal": ROWS["deal"]},
    "converted_though_held": {"entry": [ENTRY | {"amount_reporting": None}]},
}


@pytest.mark.parametrize("name", BROKEN)
def test_books_that_do_not_add_up_are_refused_and_nothing_changes(con: duckdb.DuckDBPyConnection, name: str) -> None:
    replace_books(con, scope=EVERYTHING, books=books(), config=CONFIG)
    before = every_row(con)
    with pytest.raises(CheckFailed, match=r"credits do not add up to their entries.*'d-1'"):
        replace_books(con, scope=EVERYTHING, books=books(**BROKEN[name]), config=CONFIG)
    assert every_row(con) == before


def test_entry_that_a_model_of_the_configuration_does_not_credit_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    two = Config(attribution=Attribution(models=("linear", "first_touch"), default_model="linear"))
    with pytest.raises(CheckFailed, match=r"deal 'd-1', entry 1, first_touch: 100\.000 booked, None credited"):
        replace_books(con, scope=EVERYTHING, books=books(), config=two)


def test_sound_books_are_counted_and_clean(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO ops.dirty_account VALUES ('acme', 'facts', now()::TIMESTAMPTZ)")
    assert replace_books(con, scope=EVERYTHING, books=books(), config=CONFIG) == ReplaceCounts(accounts=1, deals=1, credits=2)
    assert plan_scope(con, CONFIG) is None
    assert con.execute("SELECT models, default_model FROM core.setting").fetchone() == (["linear"], "linear")


def test_held_deal_has_credits_without_reporting_money(con: duckdb.DuckDBPyConnection) -> None:
    held = [line | {"revenue_reporting": None} for line in LINES]
    counts = replace_books(con, scope=EVERYTHING, books=books(entry=[ENTRY | {"amount_reporting": None}], credit_line=held), config=CONFIG)
    assert counts.credits == 2


def test_another_configuration_makes_everything_dirty(con: duckdb.DuckDBPyConnection) -> None:
    replace_books(con, scope=EVERYTHING, books=books(), config=CONFIG)
    other = Config(attribution=Attribution(models=("linear",), default_model="linear", lookback_days=90))
    scope = plan_scope(con, other)
    assert scope is not None
    assert (scope.everything, scope.why) == (True, ("configuration",))


@pytest.fixture
def two_models(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Three won deals, the first of them the largest, each credited in full by two models; the reporting currency is another one."""
    con.execute("INSERT INTO core.setting (models) VALUES (['linear', 'first_touch'])")
    for deal_id, amount in (("big", 900), ("middle", 100), ("small", 10)):
        con.execute(
            "INSERT INTO core.entry BY NAME SELECT ? AS deal_id, 1 AS entry_no, ? AS amount, amount * 2 AS amount_reporting",
            [deal_id, amount],
        )
        con.execute(
            """
            INSERT INTO core.credit_line BY NAME
            SELECT model, ordinal, deal_id, entry_no, amount / 2 AS revenue, amount AS revenue_reporting
            FROM core.entry, (VALUES ('linear'), ('first_touch')) AS models (model), (VALUES (1), (2)) AS touches (ordinal)
            WHERE deal_id = ?
            """,
            [deal_id],
        )
    return con


def _deals(*deal_ids: str) -> pa.Table:
    return pa.table({"deal_id": pa.array(deal_ids, pa.string())})


def test_sound_credits_have_no_gaps(two_models: duckdb.DuckDBPyConnection) -> None:
    assert credit_gaps(two_models) == []
    check_books(two_models)
    check_books(two_models, _deals("big", "middle", "small"))


def test_deleted_and_doubled_credits_are_both_named(two_models: duckdb.DuckDBPyConnection) -> None:
    """A deal without a single credit line joins nothing, and a doubled reporting amount leaves the deal's own currency right."""
    two_models.execute("DELETE FROM core.credit_line WHERE deal_id = 'big'")
    two_models.execute(
        "UPDATE core.credit_line SET revenue_reporting = 2 * revenue_reporting WHERE deal_id = 'middle' AND model = 'linear'"
    )
    assert credit_gaps(two_models) == [
        CreditGap("big", 1, "first_touch", Decimal(900), None, Decimal(1800), None),
        CreditGap("big", 1, "linear", Decimal(900), None, Decimal(1800), None),
        CreditGap("middle", 1, "linear", Decimal(100), Decimal(100), Decimal(200), Decimal(400)),
    ]
    with pytest.raises(CheckFailed) as failed:
        check_books(two_models)
    assert "deal 'big', entry 1, linear: 900.000 booked, None credited (1800.000 and None in the reporting currency)" in str(failed.value)
    assert "deal 'middle', entry 1, linear: 100.000 booked, 100.000 credited (200.000 and 400.000 in the rep" in str(failed.value)
    assert "small" not in str(failed.value)


def test_only_the_deals_that_are_asked_for_are_looked_at(two_models: duckdb.DuckDBPyConnection) -> None:
    two_models.execute("DELETE FROM core.credit_line WHERE deal_id = 'big'")
    two_models.execute("UPDATE core.credit_line SET revenue = 0 WHERE deal_id = 'small'")
    assert {gap.deal_id for gap in credit_gaps(two_models)} == {"big", "small"}
    assert {gap.deal_id for gap in credit_gaps(two_models, _deals("small", "middle"))} == {"small"}
    assert credit_gaps(two_models, _deals("middle")) == []
    assert credit_gaps(two_models, _deals()) == []
    assert credit_gaps(two_models, _deals("unknown")) == []


def test_a_check_of_some_deals_leaves_nothing_behind(two_models: duckdb.DuckDBPyConnection) -> None:
    credit_gaps(two_models, _deals("middle"))
    with pytest.raises(duckdb.CatalogException):
        two_models.execute("FROM checked_deal")


def test_credit_of_no_entry_and_of_no_model_is_a_gap(two_models: duckdb.DuckDBPyConnection) -> None:
    two_models.execute("DELETE FROM core.entry WHERE deal_id = 'small'")
    two_models.execute("UPDATE core.setting SET models = ['linear']")
    found = {(gap.deal_id, gap.model): (gap.amount, gap.credited) for gap in credit_gaps(two_models)}
    assert found == {
        ("big", "first_touch"): (None, Decimal(900)),
        ("middle", "first_touch"): (None, Decimal(100)),
        ("small", "first_touch"): (None, Decimal(10)),
        ("small", "linear"): (None, Decimal(10)),
    }


def test_long_list_of_gaps_is_cut_and_counted(two_models: duckdb.DuckDBPyConnection) -> None:
    two_models.execute("DELETE FROM core.credit_line")
    with pytest.raises(CheckFailed, match=r"entry 1, first_touch.*, and 1 more\.$"):
        check_books(two_models)


def test_held_money_is_no_gap_until_it_is_credited(two_models: duckdb.DuckDBPyConnection) -> None:
    two_models.execute("UPDATE core.entry SET amount_reporting = NULL WHERE deal_id = 'big'")
    assert [gap.credited_reporting for gap in credit_gaps(two_models)] == [Decimal(1800)] * 2
    two_models.execute("UPDATE core.credit_line SET revenue_reporting = NULL WHERE deal_id = 'big'")
    assert credit_gaps(two_models) == []
