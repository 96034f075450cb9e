"""The funnel of leads as figures §1 says it, worked out on paper."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from nisba.config import Config, Reporting
from tests.oracle.levels import figures
from tests.strategies import Event
from tests.unit.oracle.lead_facts import PLAIN, deal, lead, only, touch

EVENTS = [
    lead("mql", "2026-02-27", lead_id="a", attributes={"segment": "smb"}, owner="Ada"),
    lead("sal", "2", lead_id="a"),
    lead("mql", "1", lead_id="b", attributes={"segment": "smb"}),
    lead("sal", "6", lead_id="b"),
    lead("mql", "5", lead_id="c", owner="Ben"),
    lead("rejected", "6", lead_id="c"),
    lead("mql", "7", lead_id="d", owner="Ben", person_id="p"),
    lead("mql", "8", lead_id="e"),
    lead("sql", "9", lead_id="e"),
    lead("sal", "10", lead_id="f"),
    lead("mql", "31", lead_id="g"),
    lead("sal", "2026-04-01", lead_id="g"),
    touch("7"),
]
"""In March b, c, d, e, g become MQLs; a, b, e come to SAL, e by a leap, f without an MQL; g comes there in April."""

MQL_SAL: dict[str, Any] = {"from_stage": "mql", "to_stage": "sal"}
ALL: dict[str, Any] = {"segment_kind": "all", "segment": "all"}


def funnel(events: list[Event], config: Config = PLAIN, **where: Any) -> dict[str, Any]:
    """Return the one row of the funnel, without what it is about."""
    row = only(figures(events, config)["marts.funnel"], **where)
    return {name: row[name] for name in list(row)[7:]}


def months(view: str, period: str, **where: Any) -> dict[str, Any]:
    """Return the row from MQL to SAL of a month."""
    return funnel(EVENTS, view=view, period_kind="month", period=period, **MQL_SAL, **(where or ALL))


def test_a_cohort_says_what_became_of_those_that_entered() -> None:
    march = months("cohort", "2026-03")
    assert (march["entered"], march["converted"], march["exited"], march["open"]) == (5, 3, 1, 1)
    assert (march["inferred"], march["preexisting"], march["rate"]) == (1, 0, Fraction(3, 5))
    assert (march["median_days"], march["p90_days"]) == (3, Fraction(46, 10))  # b after 5 days, g after one; e is only inferred
    assert (march["rate_low"], march["rate_high"]) == pytest.approx((0.230724, 0.882380), abs=1e-6)
    february = months("cohort", "2026-02")
    assert (february["entered"], february["converted"], february["open"], february["median_days"]) == (1, 1, 0, 3)


def test_a_passport_says_what_entered_and_what_came_in_the_period() -> None:
    march = months("passport", "2026-03")
    assert (march["entered"], march["converted"], march["rate"]) == (5, 3, Fraction(3, 5))  # a, b, e; f has no MQL
    assert (march["median_days"], march["p90_days"], march["inferred"]) == (4, Fraction(48, 10), 1)
    assert [march[name] for name in ("exited", "open", "rate_low", "rate_high")] == [None] * 4
    february, april = months("passport", "2026-02"), months("passport", "2026-04")
    assert (february["entered"], february["converted"], february["rate"], february["median_days"]) == (1, 0, 0, None)
    assert (april["entered"], april["converted"], april["rate"], april["median_days"]) == (0, 1, None, 1)


def test_where_nothing_entered_and_nothing_came_there_is_no_row() -> None:
    rows = figures(EVENTS, PLAIN)["marts.funnel"]
    assert not [row for row in rows if row["view"] == "cohort" and row["period"] == "2026-04" and row["from_stage"] == "mql"]
    assert not [row for row in rows if row["entered"] + row["converted"] == 0]
    assert not [row for row in rows if row["from_stage"] == "inquiry"]


def test_a_rate_of_a_passport_may_exceed_one() -> None:
    """The seven leads of February come in March, where one of its own enters."""
    old = [lead("mql", "2026-02-20", lead_id=f"x{n}") for n in range(7)] + [lead("sal", "3", lead_id=f"x{n}") for n in range(7)]
    where = {"period": "2026-03", "view": "passport", **MQL_SAL, **ALL}
    assert funnel([*old, lead("mql", "4", lead_id="y")], **where)["rate"] == 7


def test_segments_add_up_to_all() -> None:
    rows = [row for row in figures(EVENTS, PLAIN)["marts.funnel"] if row["period_kind"] == "year" and row["from_stage"] == "mql"]
    march = {(row["segment_kind"], row["segment"]): (row["entered"], row["converted"]) for row in rows if MQL_SAL.items() <= row.items()}
    assert march == {
        ("all", "all"): (6, 4),
        ("segment", "smb"): (2, 2),
        ("segment", "(none)"): (4, 2),
        ("channel", "paid"): (1, 0),
        ("channel", "(none)"): (5, 4),
        ("owner", "Ada"): (1, 1),
        ("owner", "Ben"): (2, 0),
        ("owner", "(none)"): (3, 3),
    }


def test_pairs_of_stages() -> None:
    events = [lead(stage, f"{day}") for day, stage in enumerate(("inquiry", "mql", "sal", "sql", "opportunity", "customer"), start=1)]
    rows = [row for row in figures(events, PLAIN)["marts.funnel"] if {"view": "cohort", "period": "2026-03", **ALL}.items() <= row.items()]
    assert {(row["from_stage"], row["to_stage"]): row["median_days"] for row in rows} == {
        ("inquiry", "mql"): 1,
        ("mql", "sal"): 1,
        ("sal", "sql"): 1,
        ("sql", "opportunity"): 1,
        ("opportunity", "customer"): 1,
        ("inquiry", "customer"): 5,
        ("mql", "customer"): 4,
    }


def test_preexisting_and_inferred_have_no_days() -> None:
    """The deal is older than the lead: its opportunity is no work of the funnel, though the SQL of the third is."""
    events = [lead("mql", "2", deal_id="d"), deal("d", "2026-02-01", "9")]
    where = {"view": "cohort", "period": "2026-03", **ALL}
    sql = funnel(events, from_stage="sal", to_stage="sql", **where)
    assert (sql["converted"], sql["inferred"], sql["preexisting"], sql["median_days"]) == (1, 1, 0, None)
    opportunity = funnel(events, from_stage="sql", to_stage="opportunity", **where)
    assert (opportunity["inferred"], opportunity["preexisting"], opportunity["median_days"]) == (0, 1, None)
    customer = funnel(events, from_stage="mql", to_stage="customer", **where)
    assert (customer["inferred"], customer["preexisting"], customer["median_days"]) == (0, 1, None)


def test_days_from_a_stage_that_is_inferred_count() -> None:
    events = [lead("inquiry", "1"), lead("sal", "3"), lead("sql", "3 18:00")]
    row = funnel(events, from_stage="sal", to_stage="sql", view="cohort", period="2026-03", **ALL)
    assert row["median_days"] == Fraction(1, 4)
    skipped = [lead("inquiry", "1"), lead("sal", "3")]
    assert funnel(skipped, view="passport", period="2026-03", **MQL_SAL, **ALL)["median_days"] == 0


def test_an_exit_of_one_that_converted_is_none_of_the_pair() -> None:
    events = [lead("mql", "1"), lead("sal", "2"), lead("rejected", "3")]
    where = {"view": "cohort", "period": "2026-03", **ALL}
    assert funnel(events, **MQL_SAL, **where)["exited"] == 0
    assert funnel(events, from_stage="sal", to_stage="sql", **where)["exited"] == 1


def test_passes_of_one_lead_count_each() -> None:
    events = [lead("mql", "1"), lead("rejected", "2"), lead("mql", "3"), lead("sal", "4")]
    row = funnel(events, view="cohort", period="2026-03", **MQL_SAL, **ALL)
    assert (row["entered"], row["converted"], row["exited"]) == (2, 1, 1)


def test_periods_are_those_of_the_reports() -> None:
    config = Config(reporting=Reporting(time_zone="Asia/Riyadh", fiscal_year_start_month=4))
    rows = figures([lead("mql", "31 20:59:59.999999"), lead("mql", "31 21:00", lead_id="m")], config)["marts.funnel"]
    found = {
        (row["period_kind"], row["period"]): row["entered"] for row in rows if {"view": "cohort", **MQL_SAL, **ALL}.items() <= row.items()
    }
    assert found == {
        ("month", "2026-03"): 1,
        ("quarter", "2026-Q4"): 1,
        ("year", "2026"): 1,
        ("month", "2026-04"): 1,
        ("quarter", "2027-Q1"): 1,
        ("year", "2027"): 1,
    }


def test_seven_of_twenty() -> None:
    events = [lead("mql", "1", lead_id=f"x{n}") for n in range(20)] + [lead("sal", "2", lead_id=f"x{n}") for n in range(7)]
    row = funnel(events, view="cohort", period="2026-03", **MQL_SAL, **ALL)
    assert (row["rate"], f"{row['rate_low']:.4f}", f"{row['rate_high']:.4f}") == (Fraction(7, 20), "0.1812", "0.5671")
