"""Snowplow's fractribution package: its expected results on its own test input, where its rules are ours.

The same: which sessions of a customer count (up to and including the instant of the conversion), their order, last touch, spend
and ROAS. Not the same, and not compared:

* Its Shapley values compare paths that end with and without a conversion; such models come later here (semantics §5).
* It shortens paths before it weighs them (`Direct > Direct` becomes `Direct`). Here two visits on two days are two touches, so that
  under a linear model `Organic > Organic > Direct` gives two thirds to Organic and not one half.
* Its revenue is a float (`234.4200000000000284`); here it is cents.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from nisba.attribution import fold
from nisba.config import Attribution, Config
from tests.oracle import Rows
from tests.oracle.compare import rows_of
from tests.strategies import Event, event, facts_of

Table = Callable[[str], list[dict[str, str]]]

CHANNELS = ("direct", "organic_search", "paid_search_other", "referral", "unmatched_channel", "video")


@pytest.fixture(scope="module")
def table(sample_data: Path) -> Table:
    """Read one of the package's expected tables; names of columns and channels in small letters, as channels are here."""

    def read(name: str) -> list[dict[str, str]]:
        with (sample_data / "fractribution" / f"snowplow_fractribution_{name}_expected.csv").open(newline="", encoding="utf-8") as file:
            rows = [{column.lower(): value for column, value in row.items()} for row in csv.DictReader(file)]
        return [{column: value.lower() if column in ("channel", "path") else value for column, value in row.items()} for row in rows]

    return read


def instant(text: str) -> str:
    return f"{text.replace(' ', 'T')}Z"


def session(row: dict[str, str]) -> Event:
    data = {"person_id": row["customer_id"], "channel": row["channel"], "campaign_id": row["channel"], "kind": "visit", "team": "marketing"}
    return event("touch", "web", f"{row['customer_id']}/{row['visit_start_tstamp']}", instant(row["visit_start_tstamp"]), data)


def deal(customer: str, closed_at: str, status: str, amount: str | None) -> Event:
    """Return a deal of a customer, who is its own account's contact."""
    data = {"deal_id": customer, "account_id": f"of {customer}", "contact_ids": [customer], "stage": status, "status": status}
    money = {"amount": amount, "currency": amount and "USD"}
    return event("deal", "shop", customer, closed_at, data | money | {"opened_at": closed_at, "closed_at": closed_at})


def spend(row: dict[str, str]) -> Event:
    data = {"campaign_id": row["channel"], "amount": row["spend"], "currency": "USD", "starts_on": "2022-06-03", "ends_on": "2022-08-01"}
    return event("spend", "ads", row["channel"], "2022-08-02T00:00:00Z", data)


@pytest.fixture(scope="module")
def rows(table: Table) -> Rows:
    """The books: conversions are won deals, customers without one have a lost deal at the end of the window."""
    won = [
        deal(row["customer_id"], instant(row["conversion_tstamp"]), "won", row["revenue"]) for row in table("conversions_by_customer_id")
    ]
    lost = [deal(row["customer_id"], "2022-08-02T00:00:00Z", "lost", None) for row in table("paths_to_non_conversion")]
    events = [*map(session, table("sessions_by_customer_id")), *won, *lost, *map(spend, table("channel_spend"))]
    return rows_of(fold(facts_of(events), Config(attribution=Attribution(default_model="linear"))).tables())


def test_paths_are_theirs(rows: Rows, table: Table) -> None:
    """6 paths to a conversion, 61 to none, touch by touch; 12 sessions after a conversion are in none."""
    paths: dict[str, dict[int, str]] = defaultdict(dict)
    for row in rows["journey_touch"]:
        paths[row["deal_id"]][row["ordinal"]] = row["channel"]
    expected = {row["customer_id"]: row["path"] for name in ("paths_to_conversion", "paths_to_non_conversion") for row in table(name)}
    assert {customer: " > ".join(path[place] for place in sorted(path)) for customer, path in paths.items()} == expected
    assert (len(expected), len(table("sessions_by_customer_id")), len(rows["journey_touch"])) == (67, 97, 85)


def credited(rows: Rows, model: str) -> dict[str, tuple[Decimal, Decimal]]:
    """Return (conversions, revenue) of each channel: its weights and its credits."""
    channels = {(row["deal_id"], row["ordinal"]): row["channel"] for row in rows["journey_touch"]}
    totals = {channel: (Decimal(0), Decimal(0)) for channel in CHANNELS}
    for line in (line for line in rows["credit_line"] if line["model"] == model):
        conversions, revenue = totals[channels[line["deal_id"], line["ordinal"]]]
        totals[channels[line["deal_id"], line["ordinal"]]] = conversions + line["weight"], revenue + line["revenue"]
    return totals


def test_last_touch_conversions_revenue_and_roas_are_theirs(rows: Rows, table: Table) -> None:
    """Direct has 4 of 6 conversions and 234.42 of 500.92, a ROAS of 0.023442 on a spend of 10,000."""
    expected = {row["channel"]: row for row in table("report_table") if row["attribution_type"] == "last_touch"}
    cost: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows["cost_daily"]:
        cost[row["campaign_id"]] += row["cost_reporting"]
    found = credited(rows, "last_touch")
    assert found["direct"] == (Decimal(4), Decimal("234.42"))
    assert found.keys() == expected.keys()
    for channel, (conversions, revenue) in found.items():
        theirs = {name: Decimal(expected[channel][name]) for name in ("conversions", "revenue", "spend", "roas")}
        assert (conversions, revenue, cost[channel]) == (theirs["conversions"], round(theirs["revenue"], 2), theirs["spend"])
        assert revenue / cost[channel] == theirs["roas"]


def test_lost_paths_earn_nothing(rows: Rows) -> None:
    """61 customers without a conversion have journeys and no revenue: their channels stay at zero under every model."""
    assert sum(row["status"] == "lost" for row in rows["deal"]) == 61
    assert len({line["deal_id"] for line in rows["credit_line"]}) == 6
    for channel in ("paid_search_other", "referral", "unmatched_channel"):
        assert credited(rows, "linear")[channel] == (Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    ("model", "direct", "organic", "video"),
    [
        ("first_touch", "94.42", "206.50", "200.00"),
        ("last_touch", "234.42", "66.50", "200.00"),
        ("linear", "141.08", "159.84", "200.00"),
        ("position_40_20_40", "150.42", "150.50", "200.00"),
    ],
)
def test_revenue_by_channel_of_their_paths(rows: Rows, model: str, direct: str, organic: str, video: str) -> None:
    """By hand: only the 140.00 of `Organic > Organic > Direct` are shared: 46.67, 46.67, 46.66; or 56, 28, 56."""
    found = credited(rows, model)
    assert [found[channel][1] for channel in ("direct", "organic_search", "video")] == [Decimal(text) for text in (direct, organic, video)]
    assert sum(revenue for _, revenue in found.values()) == Decimal("500.92")


def test_their_shapley_values_are_others(rows: Rows, table: Table) -> None:
    """They share the 140.00 as 75.73 to 64.27, by how often each set of channels converts elsewhere; no rule of ours does that."""
    shapley = {
        row["channel"]: round(Decimal(row["revenue"]), 2) for row in table("channel_attribution") if row["attribution_type"] == "shapley"
    }
    assert (shapley["direct"], shapley["organic_search"]) == (Decimal("170.15"), Decimal("130.77"))
    assert sum(shapley.values()) == sum(revenue for _, revenue in credited(rows, "linear").values())
    assert shapley["direct"] not in {credited(rows, model)["direct"][1] for model in {line["model"] for line in rows["credit_line"]}}
