"""A deal explained from events: what earned and what did not and why, each with the event behind it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from nisba.config import Config
from nisba.errors import NotFound
from reports.explain import Explanation, explain
from tests.unit.reports.landed import CONFIG, landed_books

D = Decimal


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with landed_books() as connection:
        yield connection


@pytest.fixture(scope="module")
def found(con: duckdb.DuckDBPyConnection) -> Explanation:
    return explain(con, CONFIG, "d-1")


def test_deal_model_and_setting(found: Explanation) -> None:
    assert (found.deal["deal_id"], found.deal["account_id"], found.deal["status"], found.deal["amount"]) == ("d-1", "acme", "won", D(100))
    assert (found.model, found.rule, found.time_zone, found.reporting_currency) == (
        "linear",
        "all touches 100 % in equal parts",
        "UTC",
        "USD",
    )


def test_touches_of_the_journey_with_what_they_earned(found: Explanation) -> None:
    assert [(row["ordinal"], row["touch_id"], row["position"], row["share"], row["credit"]) for row in found.touches] == [
        (1, "t-first", "FT+LC+OC", D("0.5"), D("30.000")),
        (2, "t-last", "CW", D("0.5"), D("30.000")),
    ]


def test_entries_are_the_booking_and_the_adjustment_that_counts(found: Explanation) -> None:
    assert [(row["entry_no"], row["entry"], row["amount"], row["amount_reporting"], row["is_final"]) for row in found.entries] == [
        (1, "booking", D("100.000"), D("100.000"), True),
        (2, "adjustment", D("-40.000"), D("-40.000"), True),
    ]


def test_credits_by_touch_and_entry_add_up_to_the_entries(found: Explanation) -> None:
    by_entry: dict[int, Decimal] = {}
    for row in found.credits:
        by_entry[row["entry_no"]] = by_entry.get(row["entry_no"], D(0)) + row["revenue"]
    assert by_entry == {1: D("100.000"), 2: D("-40.000")}
    assert [(row["ordinal"], row["entry_no"], row["weight"]) for row in found.credits] == [
        (ordinal, entry_no, D("0.5")) for ordinal in (1, 2) for entry_no in (1, 2)
    ]


def test_every_touch_and_entry_names_the_event_behind_it(found: Explanation) -> None:
    touches = {row["touch_id"]: (row["topic"], row["kafka_partition"], row["kafka_offset"]) for row in found.touches}
    assert touches == {"t-first": ("kafka.touch", 2, 101), "t-last": ("kafka.touch", 2, 107)}
    entries = [(row["source"], row["event_id"], row["topic"], row["kafka_offset"]) for row in found.entries]
    assert entries == [("crm", "d-1/1", "kafka.deal", 101), ("erp", "a-1", "kafka.adjustment", 100)]


def test_refund_without_a_rate_is_held(found: Explanation) -> None:
    assert [(row["kind"], row["id"], row["reason"], row["amount"]) for row in found.held] == [
        ("adjustment", "A-2", "fx_missing", D("-61.000"))
    ]


LEFT_OUT = {
    "t-early": "outside_lookback",
    "t-again": "collapsed",
    "t-seen": "excluded_kind",
    "t-partner": "team",
    "t-taken-back": "retracted",
    "t-stranger": "not_a_contact",
    "t-late": "after_close",
}


@pytest.mark.parametrize("touch_id", LEFT_OUT)
def test_every_reason_is_named_once(found: Explanation, touch_id: str) -> None:
    assert found.left_out is not None
    assert [row["reason"] for row in found.left_out if row["touch_id"] == touch_id] == [LEFT_OUT[touch_id]]


def test_left_out_touches_stand_by_time_and_say_why(found: Explanation) -> None:
    assert found.left_out is not None
    assert [row["touch_id"] for row in found.left_out] == list(LEFT_OUT)
    assert all(row["detail"] for row in found.left_out)
    assert found.left_out[1]["detail"] == "counts as one with t-first"


def test_nothing_is_both_in_the_journey_and_left_out(found: Explanation) -> None:
    assert found.left_out is not None
    assert {row["touch_id"] for row in found.left_out} & {row["touch_id"] for row in found.touches} == set()


def test_model_with_a_journey_of_its_own_is_explained_by_it(con: duckdb.DuckDBPyConnection) -> None:
    mine = explain(con, CONFIG, "d-1", "marketing_only")
    assert [(row["ordinal"], row["touch_id"], row["share"], row["credit"]) for row in mine.touches] == [(1, "t-first", D(1), D("60.000"))]
    assert mine.left_out is not None
    assert [row["reason"] for row in mine.left_out if row["touch_id"] == "t-last"] == ["team"]


def test_touch_without_share_is_in_the_journey(con: duckdb.DuckDBPyConnection) -> None:
    first = explain(con, CONFIG, "d-1", "first_touch")
    assert [(row["touch_id"], row["share"], row["credit"]) for row in first.touches] == [
        ("t-first", D(1), D("60.000")),
        ("t-last", None, None),
    ]


def test_deal_without_touches_amount_or_entries(con: duckdb.DuckDBPyConnection) -> None:
    bare = explain(con, CONFIG, "d-2")
    assert (bare.deal["status"], bare.deal["amount"], bare.touches, bare.entries, bare.credits) == ("open", None, [], [], [])
    assert (bare.held, bare.left_out) == ([], [])


def test_explaining_again_says_the_same_and_writes_nothing(con: duckdb.DuckDBPyConnection, found: Explanation) -> None:
    count = "SELECT count(*) FROM duckdb_tables() WHERE NOT temporary"
    before = con.execute(count).fetchone()
    assert explain(con, CONFIG, "d-1") == found
    assert con.execute(count).fetchone() == before


def test_unknown_deal_names_the_nearest(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NotFound, match=r"^no deal has the id 'd-3' in the books; the nearest are d-1, d-2\.$"):
        explain(con, CONFIG, "d-3")


def test_unknown_model_names_those_that_are_there(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NotFound, match=r"^no model 'mine' in the books; there are: first_touch, linear, marketing_only\.$"):
        explain(con, CONFIG, "d-1", "mine")


def test_books_without_deals_have_no_nearest() -> None:
    with duckdb.connect() as empty:
        empty.execute("CREATE SCHEMA core; CREATE TABLE core.deal (deal_id VARCHAR, name VARCHAR, account_id VARCHAR)")
        empty.execute("CREATE TABLE core.account (account_id VARCHAR, name VARCHAR)")
        with pytest.raises(NotFound, match=r"^no deal has the id 'd-1' in the books\.$"):
            explain(empty, Config(), "d-1")


def test_snapshot_knows_figures_but_no_ledger(tmp_path: Path, found: Explanation) -> None:
    path = tmp_path / "snapshot.duckdb"
    with landed_books(path) as con:  # what a snapshot has of the books: no ledger, nothing held, no identity
        con.execute("DROP SCHEMA ledger CASCADE; DROP TABLE ops.held; DROP TABLE core.identity")
        seen = explain(con, CONFIG, "d-1")
    assert (seen.held, seen.left_out) == ([], None)
    assert [(row["touch_id"], row["credit"], row["topic"]) for row in seen.touches] == [
        (row["touch_id"], row["credit"], None) for row in found.touches
    ]
    assert [(row["amount"], row["kafka_offset"]) for row in seen.entries] == [(row["amount"], None) for row in found.entries]
    assert seen.credits == found.credits
