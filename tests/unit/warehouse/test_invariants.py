"""Books whose credits do not add up are not written: the error names the entry, the old books stay."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from nisba.config import Attribution, Config
from nisba.errors import CheckFailed
from tests.unit.warehouse.landing import empty_warehouse, every_row
from tests.unit.warehouse.small_books import ROWS, books
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
    with pytest.raises(CheckFailed, match="'d-1', 1, 'first_touch'"):
        replace_books(con, scope=EVERYTHING, books=books(), config=two)


def test_sound_books_are_counted_and_clean(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO ops.dirty_account VALUES ('acme', 'facts', now()::TIMESTAMPTZ)")
    assert replace_books(con, scope=EVERYTHING, books=books(), config=CONFIG) == ReplaceCounts(accounts=0, deals=1, credits=2)
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
