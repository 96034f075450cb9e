"""Incentive statements through what may become of a booking, each figure derived by hand; and against the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import msgspec
import pytest

from nisba.agreements import Incentive, Tier
from nisba.config import Config
from nisba.errors import ConfigError, NotFound
from tests.unit.warehouse.landing import every_row, touch
from tests.unit.warehouse.locks.closing import AMOUNTS, CONFIG, PLAN, as_the_oracle, campaign, closed_books, lands, refund, state
from warehouse.locks.explained import explain_statement
from warehouse.locks.lock import lock
from warehouse.query import rows_as_dicts

TIERS = tuple(Tier(from_pct=Decimal(share), factor=Decimal(factor)) for share, factor in ((0, 0), (20, 1), (50, 2)))


def paying(**plan: Any) -> Config:
    """Return the configuration with a plan of these values: 1 % of marketing's credit, unless told otherwise."""
    return msgspec.structs.replace(CONFIG, incentive=(msgspec.structs.replace(PLAN, **plan),))


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with closed_books() as connection:
        yield connection


def said(con: duckdb.DuckDBPyConnection, statement_id: str) -> dict[str, str]:
    """Return the amounts of a statement that are not zero, to the cent."""
    (row,) = rows_as_dicts(con, "FROM locked.statement WHERE statement_id = ?", [statement_id])
    return {name: f"{row[name]:.2f}" for name in AMOUNTS if row[name]}


def lines(con: duckdb.DuckDBPyConnection, statement_id: str) -> list[tuple[str, str, str, str]]:
    rows = con.execute(
        "SELECT period, kind, payee, amount FROM locked.statement_line WHERE statement_id = ? ORDER BY line_no", [statement_id]
    )
    return [(period, kind, payee, f"{amount:.2f}") for period, kind, payee, amount in rows.fetchall()]


def test_a_quarter_is_paid_for_what_marketing_is_credited(con: duckdb.DuckDBPyConnection) -> None:
    config = paying(tiers=TIERS)
    assert lock(con, config, "2026-Q1").statements == ("2026-Q1/demand",)
    # bookings of 100.00 and 60.00, each over three touches, two of them marketing's
    assert said(con, "2026-Q1/demand") == {"base": "106.67", "share_pct": "66.67", "factor": "2.00", "earned": "2.13", "paid": "2.13"}
    # of 213 cents Ada's 53.34 are 106.51, Bo's 53.33 are 106.49
    assert lines(con, "2026-Q1/demand") == [("2026-Q1", "earned", "Ada", "1.07"), ("2026-Q1", "earned", "Bo", "1.06")]
    assert as_the_oracle(con, config) == 1


def test_months_and_years_have_no_statement_of_a_quarterly_plan(con: duckdb.DuckDBPyConnection) -> None:
    assert lock(con, paying(), "2026-01").statements == ()
    assert lock(con, paying(), "2025").statements == ()
    assert as_the_oracle(con, paying()) == 0


def test_a_period_locked_again_makes_no_statement(con: duckdb.DuckDBPyConnection) -> None:
    lock(con, paying(), "2026-Q1")
    before = rows_as_dicts(con, "FROM locked.statement")
    lands(con, refund("r-1", "d-1", "-30.00", "2026-03-20T00:00:00Z"))
    assert lock(con, paying(), "2026-Q1").statements == ()
    assert rows_as_dicts(con, "FROM locked.statement") == before


def test_what_was_reversed_is_clawed_back_and_what_is_missing_is_carried_on(con: duckdb.DuckDBPyConnection) -> None:
    config = paying(pool_pct=Decimal(10))
    lock(con, config, "2026-Q1")
    assert said(con, "2026-Q1/demand")["paid"] == "10.67"
    lands(con, state("d-1", "2026-05-04T00:00:00Z", "lost"), state("d-3", "2026-06-01T00:00:00Z", amount="30.00"))
    lock(con, config, "2026-Q2")
    assert said(con, "2026-Q2/demand") == {
        "base": "20.00",
        "share_pct": "66.67",
        "factor": "1.00",
        "earned": "2.00",
        "clawed_back": "-6.67",
        "carried_out": "-4.67",
    }
    assert lines(con, "2026-Q2/demand") == [
        ("2026-Q2", "earned", "Ada", "1.00"),
        ("2026-Q2", "earned", "Bo", "1.00"),
        ("2026-Q1", "clawed_back", "Ada", "-3.34"),
        ("2026-Q1", "clawed_back", "Bo", "-3.33"),
    ]
    lands(con, state("d-4", "2026-08-01T00:00:00Z", amount="90.00"))
    lock(con, config, "2026-Q3")
    assert said(con, "2026-Q3/demand") == {
        "base": "60.00",
        "share_pct": "66.67",
        "factor": "1.00",
        "earned": "6.00",
        "carried_in": "-4.67",
        "paid": "1.33",
    }
    assert as_the_oracle(con, config) == 3


def test_a_refund_and_an_amendment_belong_to_the_booking(con: duckdb.DuckDBPyConnection) -> None:
    config = paying(pool_pct=Decimal(10))
    lock(con, config, "2026-Q1")
    lands(
        con,
        refund("r-1", "d-1", "-30.00", "2026-05-20T00:00:00Z"),
        state("d-2", "2026-05-15T00:00:00Z", amount="90.00", closed_at="2026-03-10T00:00:00Z"),
    )
    lock(con, config, "2026-Q2")
    # nothing was booked in the second quarter: its share is 0, and so is what it earns
    assert said(con, "2026-Q2/demand") == {"factor": "1.00"}
    assert lines(con, "2026-Q2/demand") == []
    lands(con, refund("r-2", "d-2", "-60.00", "2026-07-20T00:00:00Z"))
    lock(con, config, "2026-Q3")
    assert said(con, "2026-Q3/demand") == {"factor": "1.00", "clawed_back": "-4.00", "carried_out": "-4.00"}
    assert as_the_oracle(con, config) == 3


def test_where_the_booking_has_no_statement_its_corrections_belong_to_their_own_period(con: duckdb.DuckDBPyConnection) -> None:
    config = paying(pool_pct=Decimal(10))
    lands(con, refund("r-1", "d-1", "-30.00", "2026-05-20T00:00:00Z"), state("d-3", "2026-06-01T00:00:00Z", amount="30.00"))
    lock(con, config, "2026-Q2")
    assert said(con, "2026-Q2/demand") == {"share_pct": "66.67", "factor": "1.00"}  # 20.00 booked, 20.00 given back
    assert lines(con, "2026-Q2/demand") == []
    lock(con, config, "2026-Q1")
    # now that the first quarter has a statement, the refund is its own: the second quarter is worth 2.00
    assert said(con, "2026-Q1/demand") == {
        "base": "86.67",
        "share_pct": "66.67",
        "factor": "1.00",
        "earned": "8.67",
        "clawed_back": "2.00",
        "paid": "10.67",
    }
    assert as_the_oracle(con, config) == 2


def test_the_factor_of_a_period_is_kept_for_ever(con: duckdb.DuckDBPyConnection) -> None:
    config = paying(pool_pct=Decimal(10), tiers=TIERS)
    lock(con, config, "2026-Q1")
    assert said(con, "2026-Q1/demand")["factor"] == "2.00"
    # ten more calls of sales: marketing's share would be below a fifth now
    lands(con, *(touch(f"s-{n}", f"2026-01-{10 + n}T00:00:00Z", channel=f"phone {n}", team="sales") for n in range(10)))
    lock(con, config, "2026-Q2")
    # of 13 touches the first three have a cent more: 2 x 7.70 and 2 x 4.62 are left, and 4.93 of the 21.33
    assert said(con, "2026-Q2/demand") == {"clawed_back": "-16.40", "carried_out": "-16.40"}
    assert as_the_oracle(con, config) == 2


def test_the_cap_is_of_the_period_and_leaves_room_for_what_is_lost(con: duckdb.DuckDBPyConnection) -> None:
    config = paying(pool_pct=Decimal(10), cap=Decimal(8))
    lock(con, config, "2026-Q1")
    assert said(con, "2026-Q1/demand")["earned"] == "8.00"
    lands(con, refund("r-1", "d-1", "-15.00", "2026-05-20T00:00:00Z"))
    lock(con, config, "2026-Q2")
    assert said(con, "2026-Q2/demand") == {"factor": "1.00"}  # 9.67 is still more than the cap
    lands(con, refund("r-2", "d-1", "-45.00", "2026-07-20T00:00:00Z"))
    lock(con, config, "2026-Q3")
    assert said(con, "2026-Q3/demand") == {"factor": "1.00", "clawed_back": "-1.33", "carried_out": "-1.33"}
    assert as_the_oracle(con, config) == 3


def test_parts_move_between_payees_when_the_sum_does_not(con: duckdb.DuckDBPyConnection) -> None:
    config = paying(pool_pct=Decimal(10), cap=Decimal(8))
    lock(con, config, "2026-Q1")
    lands(con, touch("t-4", "2026-01-09T00:00:00Z", campaign_id="spring", channel="chat"))
    lock(con, config, "2026-Q2")
    assert said(con, "2026-Q2/demand") == {"factor": "1.00"}
    # of 120.00 two thirds are Ada's now: 5.33 instead of 4.00
    assert lines(con, "2026-Q2/demand") == [("2026-Q1", "clawed_back", "Ada", "1.33"), ("2026-Q1", "clawed_back", "Bo", "-1.33")]
    assert as_the_oracle(con, config) == 2


def test_campaigns_without_an_owner_and_touches_without_a_campaign_are_unassigned() -> None:
    config = paying(pool_pct=Decimal(10))
    more = (campaign("fair", None, "2026-01-02T00:00:00Z"), touch("t-4", "2026-01-09T00:00:00Z", channel="chat"))
    with closed_books(*more) as con:
        lock(con, config, "2026-Q1")
        # 100.00 and 60.00 over four touches: 40.00 for Ada, 80.00 for nobody who is known
        assert lines(con, "2026-Q1/demand") == [("2026-Q1", "earned", "(unassigned)", "8.00"), ("2026-Q1", "earned", "Ada", "4.00")]
        assert as_the_oracle(con, config) == 1


def test_a_plan_may_pay_the_owners_of_deals(con: duckdb.DuckDBPyConnection) -> None:
    config = paying(pool_pct=Decimal(10), team="sales", split_by="deal_owner")
    lands(con, state("d-3", "2026-03-12T00:00:00Z", amount="90.00", owner=None))
    lock(con, config, "2026-Q1")
    # sales has a third: 33.33, 20.00 and 30.00
    assert lines(con, "2026-Q1/demand") == [
        ("2026-Q1", "earned", "(unassigned)", "3.00"),
        ("2026-Q1", "earned", "rep of d-1", "3.33"),
        ("2026-Q1", "earned", "rep of d-2", "2.00"),
    ]
    assert as_the_oracle(con, config) == 1


def test_shares_may_be_fixed(con: duckdb.DuckDBPyConnection) -> None:
    config = paying(pool_pct=Decimal(10), split_by={"Demand generation": Decimal(60), "Brand": Decimal(40), "Nobody": Decimal(0)})
    lock(con, config, "2026-Q1")
    # 10.67: 6.402 and 4.268
    assert lines(con, "2026-Q1/demand") == [("2026-Q1", "earned", "Brand", "4.27"), ("2026-Q1", "earned", "Demand generation", "6.40")]
    lands(con, state("d-1", "2026-05-04T00:00:00Z", deleted=True), state("d-2", "2026-05-04T00:00:00Z", deleted=True))
    lock(con, config, "2026-Q2")
    assert lines(con, "2026-Q2/demand") == [
        ("2026-Q1", "clawed_back", "Brand", "-4.27"),
        ("2026-Q1", "clawed_back", "Demand generation", "-6.40"),
    ]
    assert as_the_oracle(con, config) == 2


def test_what_a_period_lost_comes_back_with_its_booking(con: duckdb.DuckDBPyConnection) -> None:
    """Deleted by mistake and brought back: nobody keeps anything in between, and everybody has their part again in the end."""
    config = paying(pool_pct=Decimal(10))
    lock(con, config, "2026-Q1")
    lands(con, *(state(deal_id, "2026-05-04T00:00:00Z", deleted=True) for deal_id in ("d-1", "d-2")))
    lock(con, config, "2026-Q2")
    assert said(con, "2026-Q2/demand") == {"factor": "1.00", "clawed_back": "-10.67", "carried_out": "-10.67"}
    lands(con, state("d-1", "2026-08-04T00:00:00Z", closed_at="2026-02-10T00:00:00Z"))
    lands(con, state("d-2", "2026-08-04T00:00:00Z", closed_at="2026-03-10T00:00:00Z", amount="60.00"))
    lock(con, config, "2026-Q3")
    assert said(con, "2026-Q3/demand") == {"factor": "1.00", "clawed_back": "10.67", "carried_in": "-10.67"}
    assert as_the_oracle(con, config) == 3


def test_several_plans_have_statements_of_their_own(con: duckdb.DuckDBPyConnection) -> None:
    second = Incentive(id="calls", team="sales", model="first_touch", pool_pct=Decimal(5))
    config = msgspec.structs.replace(CONFIG, incentive=(PLAN, second))
    assert lock(con, config, "2026-Q1").statements == ("2026-Q1/demand", "2026-Q1/calls")
    assert said(con, "2026-Q1/calls") == {"factor": "1.00"}  # no first touch is of sales
    assert as_the_oracle(con, config) == 2


def test_a_plan_that_changes_under_its_id_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    lock(con, paying(), "2026-Q1")
    before = every_row(con)
    with pytest.raises(
        ConfigError, match="incentive 'demand': pool_pct, cap changed since 2026-Q1-1, whose statement it made: a plan that"
    ):
        lock(con, paying(pool_pct=Decimal(2), cap=Decimal(100)), "2026-Q2")
    assert every_row(con) == before
    lock(con, paying(id="demand_2", pool_pct=Decimal(2)), "2026-Q2")
    lock(con, paying(), "2026-Q3")


def test_a_statement_is_explained_down_to_its_entries(con: duckdb.DuckDBPyConnection) -> None:
    config = paying(pool_pct=Decimal(10))
    lock(con, config, "2026-Q1")
    lands(con, refund("r-1", "d-1", "-30.00", "2026-05-20T00:00:00Z"))
    lock(con, config, "2026-Q2")
    lands(con, refund("r-2", "d-1", "-10.00", "2026-07-20T00:00:00Z"))
    lock(con, config, "2026-Q3")
    first, second = explain_statement(con, "2026-Q1"), explain_statement(con, "2026-Q2", "demand")
    assert [(line.payee, sum(entry.revenue_reporting for entry in line.entries)) for line in first.lines] == [
        ("Ada", Decimal("53.34")),
        ("Bo", Decimal("53.33")),
    ]
    ada = second.lines[0]
    assert (ada.kind, ada.period, ada.amount) == ("clawed_back", "2026-Q1", Decimal("-1.00"))
    assert [(entry.deal_id, entry.entry, entry.run_id, entry.is_new) for entry in ada.entries] == [
        ("d-1", "booking", "2026-Q1-1", False),
        ("d-1", "adjustment", "2026-Q2-1", True),
        ("d-2", "booking", "2026-Q1-1", False),
    ]
    assert (second.plan.pool_pct, second.statement.run_id) == (Decimal(10), "2026-Q2-1")


def test_statements_that_are_not_there_are_said_to_be_none(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NotFound, match=r"no statement is made yet: name a plan in \[\[incentive\]\], then `nisba lock` a quarter"):
        explain_statement(con, "2026-Q1")
    config = msgspec.structs.replace(CONFIG, incentive=(PLAN, msgspec.structs.replace(PLAN, id="second")))
    lock(con, config, "2026-Q1")
    with pytest.raises(NotFound, match="no statement of '2026-Q2'; there are: 2026-Q1/demand, 2026-Q1/second"):
        explain_statement(con, "2026-Q2")
    with pytest.raises(NotFound, match="no statement of '2026-Q1' by the plan 'third'"):
        explain_statement(con, "2026-Q1", "third")
    with pytest.raises(ConfigError, match="several plans have a statement of 2026-Q1: demand, second; name one with --plan"):
        explain_statement(con, "2026-Q1")
