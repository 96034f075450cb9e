"""The report says whether credits add up: over entries and missing credits, in both currencies."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from reports.values import Checks, read_checks


def test_sound_books_are_counted(con: duckdb.DuckDBPyConnection) -> None:
    assert read_checks(con) == Checks(deals=4, entries=4, wrong_entries=0, models=2, held=0, booked=Decimal("920.000"))


BROKEN = {
    "largest_deal_without_credits": ("DELETE FROM core.credit_line WHERE deal_id = 'd-large'", 2),
    "reporting_credits_doubled": ("UPDATE core.credit_line SET revenue_reporting = 2 * revenue_reporting WHERE deal_id = 'd-euro'", 1),
    "one_model_forgets_an_entry": ("DELETE FROM core.credit_line WHERE deal_id = 'd-large' AND entry_no = 2 AND model = 'linear'", 1),
    "one_touch_forgotten": ("DELETE FROM core.credit_line WHERE deal_id = 'd-large' AND ordinal = 2 AND model = 'linear'", 2),
    "a_cent_too_much": ("UPDATE core.credit_line SET revenue = revenue + 0.01 WHERE deal_id = 'd-open' AND model = 'linear'", 1),
    "wrong_in_both_models_is_one_entry": ("UPDATE core.credit_line SET revenue = 0 WHERE deal_id = 'd-euro'", 1),
    "credits_without_an_entry": ("DELETE FROM core.entry WHERE deal_id = 'd-euro'", 1),
    "converted_though_held": ("UPDATE core.entry SET amount_reporting = NULL WHERE deal_id = 'd-euro'", 1),
    "held_though_converted": ("UPDATE core.credit_line SET revenue_reporting = NULL WHERE deal_id = 'd-euro'", 1),
    "no_credit_at_all": ("DELETE FROM core.credit_line", 4),
}


@pytest.mark.parametrize("name", BROKEN)
def test_entries_that_are_not_credited_in_full_are_counted(con: duckdb.DuckDBPyConnection, name: str) -> None:
    sql, wrong = BROKEN[name]
    con.execute(sql)
    assert read_checks(con).wrong_entries == wrong


def test_held_entries_are_counted_and_are_no_gap(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE core.entry SET amount_reporting = NULL WHERE deal_id = 'd-euro'")
    con.execute("UPDATE core.credit_line SET revenue_reporting = NULL WHERE deal_id = 'd-euro'")
    checks = read_checks(con)
    assert (checks.wrong_entries, checks.held, checks.booked) == (0, 1, Decimal("810.000"))


def test_empty_books_have_nothing_to_add_up(con: duckdb.DuckDBPyConnection) -> None:
    for table in ("deal", "entry", "model", "credit_line", "setting"):
        con.execute(f"DELETE FROM core.{table}")
    assert read_checks(con) == Checks(deals=0, entries=0, wrong_entries=0, models=0, held=0, booked=Decimal(0))
