"""The figures of hand-made books, reckoned on paper: see tests/unit/reports/books.py."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from decimal import Decimal

import duckdb
import pytest

from nisba.errors import NotFound
from reports.values import (
    MEASURES,
    Arrivals,
    Campaign,
    Measure,
    Setting,
    measures,
    read_arrivals,
    read_example_deal,
    read_report,
    read_rule,
    read_setting,
)

D = Decimal


def test_setting_is_that_of_the_books(con: duckdb.DuckDBPyConnection) -> None:
    assert read_setting(con) == Setting("USD", "UTC", "linear", D(30), 2)


def test_report_of_a_year(con: duckdb.DuckDBPyConnection) -> None:
    report = read_report(con)
    assert (report.period_kind, report.period, report.model, report.rule) == ("year", "2026", "linear", "all touches 100 % in equal parts")
    assert (report.currency, report.target_pct) == ("USD", 30.0)
    # 900 - 90 shared by two touches, 110 by one; the expo cost 200
    revenue = {row.campaign_id: (row.revenue, row.cost, row.roi, row.roi_reason, row.won_deals) for row in report.campaigns}
    assert revenue == {
        "c-expo": (D("405.000"), D("200.000"), 1.025, None, 1),
        "(none)": (D("405.000"), None, None, "no_cost", 1),
        "c-mail": (D("110.000"), None, None, "no_cost", 1),
        "(unattributed)": (D("0.000"), None, None, "no_cost", 0),  # pipeline alone
    }


def test_campaigns_stand_by_falling_revenue_then_cost_then_id(con: duckdb.DuckDBPyConnection) -> None:
    assert [row.campaign_id for row in read_report(con).campaigns] == ["c-expo", "(none)", "c-mail", "(unattributed)"]
    by_first_touch = read_report(con, model="first_touch").campaigns
    assert [row.campaign_id for row in by_first_touch] == ["c-expo", "c-mail", "(none)", "(unattributed)"]


@pytest.mark.parametrize(
    ("period", "kind", "revenue"),
    [
        ("2026", "year", {"c-expo": D("405.000"), "(none)": D("405.000"), "c-mail": D("110.000"), "(unattributed)": D("0.000")}),
        ("2026-Q1", "quarter", {"c-expo": D("450.000"), "(none)": D("450.000"), "(unattributed)": D("0.000"), "c-mail": D("0.000")}),
        ("2026-Q2", "quarter", {"c-mail": D("110.000"), "(none)": D("-45.000"), "c-expo": D("-45.000")}),
        ("2026-05", "month", {"c-mail": D("110.000")}),
    ],
)
def test_money_stands_in_the_period_that_booked_it(
    con: duckdb.DuckDBPyConnection, period: str, kind: str, revenue: dict[str, Decimal]
) -> None:
    report = read_report(con, period=period)
    assert (report.period_kind, {row.campaign_id: row.revenue for row in report.campaigns}) == (kind, revenue)
    assert list(revenue) == [row.campaign_id for row in report.campaigns]


def test_realized_revenue_goes_by_the_touch(con: duckdb.DuckDBPyConnection) -> None:
    mail = {row.campaign_id: row for row in read_report(con, period="2026-Q1").campaigns}["c-mail"]
    assert (mail.revenue, mail.realized_revenue, mail.won_deals) == (D("0.000"), D("110.000"), 0)


def test_measures_of_a_year(con: duckdb.DuckDBPyConnection) -> None:
    found = {row.name: row for row in measures(read_report(con).share)}
    assert tuple(found) == MEASURES
    money = {name: (row.revenue, row.deals, row.deals_pct) for name, row in found.items()}
    assert money["attributed"] == (D("515.000"), D("1.5"), 75.0)
    assert money["sourced_lead_source"] == (D("810.000"), 1, 50.0)  # d-large came from the website
    assert money["sourced_first_touch"] == money["sourced_before_sales"] == money["influenced"] == (D("920.000"), 2, 100.0)
    assert found["coverage"] == Measure("coverage", D("920.000"), 100.0, 2, 100.0)
    assert [found[name].revenue_pct for name in MEASURES[:2]] == pytest.approx([100 * 515 / 920, 100 * 810 / 920])


def test_share_is_beside_its_target(con: duckdb.DuckDBPyConnection) -> None:
    share = read_report(con).share
    assert (share["won_revenue"], share["won_deals"]) == (D("920.000"), 2)
    assert share["gap_to_target"] == pytest.approx(100 * 515 / 920 - 30)


def test_first_touch_gives_everything_to_marketing(con: duckdb.DuckDBPyConnection) -> None:
    assert measures(read_report(con, model="first_touch").share)[0].revenue == D("920.000")


def test_period_with_cost_alone_has_campaigns_and_no_share(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM marts.marketing_share WHERE period = '2026-02'")
    report = read_report(con, period="2026-02")
    assert [row.campaign_id for row in report.campaigns] == ["c-expo", "(none)"]
    assert (report.share, measures(report.share)) == ({}, [])


def test_period_of_lost_deals_alone_has_a_share_and_no_campaigns(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM marts.campaign_roi WHERE period = '2026-05'")
    report = read_report(con, period="2026-05")
    assert (report.period_kind, report.campaigns, report.share["won_deals"]) == ("month", (), 1)


def test_latest_year_with_revenue_is_the_default(con: duckdb.DuckDBPyConnection) -> None:
    for changes in ("'2027' AS period, 0 AS won_revenue", "'2025' AS period"):
        year = f"SELECT * REPLACE ({changes}) FROM marts.marketing_share WHERE period = '2026'"
        con.execute(f"INSERT INTO marts.marketing_share {year}")
    assert read_report(con).period == "2026"


def test_year_without_revenue_is_the_default_where_there_is_no_other(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE marts.marketing_share SET won_revenue = 0")
    assert read_report(con).period == "2026"


@pytest.mark.parametrize("period", ["2031", "2026-13", "2026-Q5", "", "2026-01-03", "' OR true --"])
def test_unknown_period_names_those_that_are_there(con: duckdb.DuckDBPyConnection, period: str) -> None:
    with pytest.raises(NotFound) as raised:
        read_report(con, period=period)
    months = "there are months from 2026-02 to 2026-05, quarters (2026-Q1) and years"
    assert str(raised.value) == f"no figures for the period {period!r}; {months}."


def test_books_without_closed_deals_have_no_period(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM marts.marketing_share; DELETE FROM marts.campaign_roi")
    with pytest.raises(NotFound, match=r"^no deal is won or lost yet, so there is no period to report on\.$"):
        read_report(con)
    with pytest.raises(NotFound, match=r"^no figures for the period '2026'; no deal is won or lost yet\.$"):
        read_report(con, period="2026")


def test_unknown_model_names_those_that_are_there(con: duckdb.DuckDBPyConnection) -> None:
    assert read_rule(con, "first_touch") == "first touch 100 %"
    with pytest.raises(NotFound, match=r"^no model 'lineal' in the books; there are: first_touch, linear\.$"):
        read_report(con, model="lineal")


def test_empty_books_say_what_to_do(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM core.setting")
    with pytest.raises(NotFound, match=r"^the books are empty: run `nisba backfill`"):
        read_report(con)


def test_arrivals_are_those_of_ingest_and_all_dead_letters(con: duckdb.DuckDBPyConnection) -> None:
    assert read_arrivals(con) == Arrivals(duplicates=7, conflicts=3, dead_letters={"malformed": 1, "schema": 2})


def test_nothing_arrived_yet(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM ops.cycle; DELETE FROM ops.dead_letter")
    assert read_arrivals(con) == Arrivals(duplicates=0, conflicts=0, dead_letters={})


def test_example_is_a_won_deal_with_more_to_tell(con: duckdb.DuckDBPyConnection) -> None:
    assert read_example_deal(con) == "d-large"  # two entries; d-euro has one, d-open is not won
    con.execute("UPDATE core.journey_touch SET journey_length = 4 WHERE deal_id = 'd-euro'")
    assert read_example_deal(con) == "d-euro"
    con.execute("UPDATE core.deal SET status = 'lost'")
    assert read_example_deal(con) is None


def test_values_do_not_change(con: duckdb.DuckDBPyConnection) -> None:
    campaign: Campaign = read_report(con).campaigns[0]
    with pytest.raises(FrozenInstanceError):
        campaign.revenue = D(0)  # type: ignore[misc]
