"""What campaigns and their trees cost and bring, how ripe that is, and what stands behind it (figures §2), worked out on paper."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from nisba.config import Attribution, Config, Reporting
from tests.level_sets import level_set
from tests.oracle.costs import named_campaigns
from tests.oracle.figures import campaign_roi as plain_roi
from tests.oracle.levels import figures_of
from tests.oracle.levels.campaigns import campaign_cycles, campaign_roi, campaign_tree, channel_roi, parents
from tests.oracle.levels.deals import marketing_shares
from tests.oracle.levels.drill import model_range, pipeline_created, touch_activity
from tests.oracle.levels.maturation import maturation
from tests.oracle.levels.world import World, world
from tests.strategies import Event, event
from tests.unit.oracle.lead_facts import at, deal, lead, only, touch

Rows = list[dict[str, Any]]

LINEAR = Config(attribution=Attribution(models=("linear",)))
MARCH = {"period_kind": "month", "period": "2026-03"}


def campaign(campaign_id: str, parent_id: str | None = None, changed: str = "1", **data: Any) -> Event:
    """Return a campaign."""
    usual = {"campaign_id": campaign_id, "name": campaign_id, "channel": "paid", "parent_id": parent_id}
    return event("campaign", "ads", f"{campaign_id}/{changed}", at(changed), usual | data)


def spend(campaign_id: str, amount: str, day: str = "2026-03-02", **data: Any) -> Event:
    """Return a cost of a campaign on a day."""
    usual = {"campaign_id": campaign_id, "amount": amount, "currency": "USD", "starts_on": day}
    return event("spend", "ads", f"{campaign_id}/{day}", at("1"), usual | data)


def click(when: str, campaign_id: str | None, account_id: str = "a", **data: Any) -> Event:
    """Return a touch of an account."""
    return touch(when, None, f"{account_id}/{when}", account_id=account_id, campaign_id=campaign_id, **data)


def won(deal_id: str, closed: str, amount: str, account_id: str = "a", opened: str = "1", **data: Any) -> Event:
    """Return a deal that is won."""
    return deal(deal_id, opened, closed, account_id=account_id, amount=amount, currency="USD", **data)


def read(*events: Event, config: Config = LINEAR) -> tuple[World, Rows]:
    """Return the world of events and the stages of its leads."""
    one = world(events, config)
    return one, figures_of(one)["core.lead_stage"]


def of_campaign(campaign_id: str, *events: Event, config: Config = LINEAR, **where: Any) -> dict[str, Any]:
    """Return what a campaign cost and brought: in March where nothing else is said."""
    return only(campaign_roi(*read(*events, config=config)), campaign_id=campaign_id, **(MARCH | where))


def of_tree(campaign_id: str, *events: Event, **where: Any) -> dict[str, Any]:
    """Return the same of a campaign and all its descendants."""
    return only(campaign_tree(*read(*events)), campaign_id=campaign_id, **(MARCH | where))


# What a lead and a deal cost


def test_what_a_lead_costs() -> None:
    events = [
        spend("c", "60.00"),
        touch("1", campaign_id="c"),
        lead("mql", "2", lead_id="l", person_id="p"),
        lead("mql", "2", lead_id="m", person_id="p"),
        lead("opportunity", "4", lead_id="m"),  # an SQL too, by inference
        lead("mql", "2026-04-02", lead_id="n", person_id="p"),
        lead("mql", "2", lead_id="o", person_id="q"),  # of no campaign
    ]
    made = of_campaign("c", *events)
    assert (made["mqls"], made["sqls"], made["cost_per_mql"], made["cost_per_sql"]) == (2, 1, 30, 60)
    year = of_campaign("c", *events, period_kind="year", period="2026")
    assert (year["mqls"], year["cost_per_mql"]) == (3, 20)
    assert [row["period"] for row in campaign_roi(*read(*events)) if row["period_kind"] == "month"] == ["2026-03"]  # a lead makes no row


def test_what_a_lead_costs_where_there_is_none_or_no_cost() -> None:
    made = of_campaign("c", spend("c", "60.00"))
    assert (made["mqls"], made["cost_per_mql"], made["cost_per_sql"], made["cost_per_won_deal"]) == (0, None, None, None)
    free = of_campaign("c", click("5", "c"), won("d", "9", "10.00"), touch("1", campaign_id="c"), lead("mql", "2", person_id="p"))
    assert (free["cost"], free["mqls"], free["cost_per_mql"], free["cost_per_won_deal"]) == (None, 1, None, None)
    zero = of_campaign("c", spend("c", "0"), touch("1", campaign_id="c"), lead("mql", "2", person_id="p"))
    assert (zero["cost"], zero["cost_per_mql"], zero["roi_reason"]) == (0, 0, "zero_cost")


def test_what_a_won_deal_costs() -> None:
    events = [
        spend("c", "30.00"),
        click("2", "c"),
        click("3", "e"),
        won("d", "9", "10.00"),
        click("2", "c", "b"),
        won("e", "9", "10.00", "b"),
        click("2", "c", "f"),
        won("f", "2026-04-09", "10.00", "f"),  # closed in another month
        click("2", "c", "g"),
        deal("g", "1", "9", "lost", account_id="g"),
    ]
    made = of_campaign("c", *events)
    assert (made["won_deals"], made["attributed_deals"], made["cost_per_won_deal"]) == (2, Decimal("1.5"), 20)


def test_weights_count_once_however_often_a_deal_is_booked() -> None:
    events = spend("c", "30.00"), click("2", "c"), won("d", "9", "10.00"), won("d", "9", "20.00", changed="10")
    assert of_campaign("c", *events)["cost_per_won_deal"] == 30


def test_weights_are_of_the_model() -> None:
    config = Config(attribution=Attribution(models=("first_touch", "last_touch")))
    events = spend("c", "30.00"), click("2", "c"), click("3", "e"), won("d", "9", "10.00")
    assert of_campaign("c", *events, config=config, model="first_touch")["cost_per_won_deal"] == 30
    last = of_campaign("c", *events, config=config, model="last_touch")
    assert (last["won_deals"], last["cost_per_won_deal"]) == (0, None)


def test_channels_have_their_own() -> None:
    events = [
        campaign("c", channel="Email"),
        spend("c", "30.00"),
        spend("unknown", "5.00"),
        click("2", "c"),  # paid, whatever the campaign is
        won("d", "9", "10.00"),
        won("e", "9", "20.00", "nobody"),
        touch("1", channel="email", campaign_id="other"),
        lead("mql", "2", person_id="p"),
    ]
    rows = {row["channel"]: row for row in channel_roi(*read(*events)) if row["period_kind"] == "month"}
    assert rows.keys() == {"email", "(none)", "paid", "(unattributed)"}
    assert (rows["email"]["cost"], rows["email"]["revenue"], rows["email"]["mqls"], rows["email"]["cost_per_mql"]) == (30, 0, 1, 30)
    assert (rows["paid"]["cost"], rows["paid"]["revenue"], rows["paid"]["attributed_deals"]) == (None, 10, 1)
    assert (rows["(unattributed)"]["revenue"], rows["(unattributed)"]["won_deals"]) == (20, 1)
    assert (rows["(none)"]["cost"], rows["(none)"]["roi"]) == (5, -1)


@pytest.mark.parametrize("seed", range(20))
def test_what_there_was_before_is_as_in_semantics(seed: int) -> None:
    one, stages = read(*level_set(seed)[0], config=level_set(seed)[1])
    expected = plain_roi(one.books, one.config, named_campaigns(one.settled))
    found: dict[tuple[str, ...], Any] = {
        (row["period_kind"], row["period"], row["campaign_id"], row["model"]): row for row in campaign_roi(one, stages)
    }
    assert found.keys() == expected.keys()
    assert all(expected[key].items() <= found[key].items() for key in expected)


# Trees


def test_parents_are_followed_by_other_names() -> None:
    events = campaign("a", "q"), campaign("q", "x", same_as="p"), campaign("p", "top"), campaign("b", "c9"), campaign("alone")
    assert parents(world(events, LINEAR)) == {"a": "p", "p": "top", "b": "c9"}
    assert parents(world((campaign("a", "p"), campaign("a", "q", "2")), LINEAR)) == {"a": "q"}  # the later word
    assert parents(world((campaign("a", ""), campaign("b", "(none)"), campaign("c", "ALL")), LINEAR)) == {}


@pytest.mark.parametrize(
    ("events", "expected", "cycles"),
    [
        ([campaign("a", "b"), campaign("b", "a")], {"b": "a"}, [{"a", "b"}]),
        ([campaign("b", "c"), campaign("c", "d"), campaign("d", "b")], {"c": "d", "d": "b"}, [{"b", "c", "d"}]),
        ([campaign("a", "c"), campaign("b", "c"), campaign("c", "b")], {"a": "c", "c": "b"}, [{"b", "c"}]),  # a is outside it
        ([campaign("a", "a")], {}, [{"a"}]),
        ([campaign("a", "b"), campaign("b", same_as="a")], {}, [{"a"}]),  # its own name
        ([campaign("a", "b"), campaign("b", "a"), campaign("x", "y"), campaign("y", "x")], {"b": "a", "y": "x"}, [{"a", "b"}, {"x", "y"}]),
        ([campaign("a", "b"), campaign("b", "c")], {"a": "b", "b": "c"}, []),
    ],
)
def test_circles_are_cut_at_their_smallest_id(events: list[Event], expected: dict[str, str], cycles: list[set[str]]) -> None:
    one = world(events, LINEAR)
    assert parents(one) == expected
    assert campaign_cycles(one) == set(map(frozenset, cycles))


TREE = campaign("root"), campaign("kid", "root"), campaign("grandkid", "kid"), campaign("other")


def test_a_tree_adds_up_its_campaigns() -> None:
    events = [
        *TREE,
        spend("root", "10.00"),
        spend("kid", "20.00"),
        spend("grandkid", "30.00"),
        spend("other", "1000.00"),
        click("2", "grandkid"),
        click("3", "other"),
        won("d", "9", "300.00"),
        deal("o", "5", None, "open", account_id="a", amount="100.00", currency="USD"),
        touch("1", campaign_id="kid"),
        lead("mql", "2", person_id="p"),
    ]
    root, kid = of_tree("root", *events), of_tree("kid", *events)
    assert (root["cost"], root["revenue"], root["realized_revenue"], root["pipeline"], root["mqls"]) == (60, 150, 150, 50, 1)
    assert (root["roi"], root["roas"], root["cost_per_mql"], root["cost_per_won_deal"]) == (Fraction(3, 2), Fraction(5, 2), 60, 120)
    assert (kid["cost"], kid["revenue"], kid["parent_id"], root["parent_id"]) == (50, 150, "root", None)
    assert {row["campaign_id"] for row in campaign_tree(*read(*events))} == {"root", "kid"}  # those with children
    assert (of_campaign("root", *events)["cost"], of_campaign("kid", *events)["parent_id"]) == (10, "root")  # its own alone


def test_a_deal_counts_once_in_a_tree() -> None:
    events = *TREE, spend("root", "10.00"), click("2", "kid"), click("3", "grandkid"), won("d", "9", "300.00")
    assert of_tree("root", *events)["won_deals"] == 1
    assert of_tree("root", *events)["attributed_deals"] == 1


def test_a_child_alone_makes_the_row_of_its_tree() -> None:
    made = of_tree("root", *TREE, click("2", "grandkid"), won("d", "9", "300.00"))
    assert (made["cost"], made["revenue"], made["roi_reason"]) == (None, 300, "no_cost")
    assert campaign_tree(*read(*TREE, spend("other", "5.00"))) == []


def test_a_parent_that_no_event_names_has_a_tree() -> None:
    made = of_tree("nobody", campaign("a", "nobody"), spend("a", "5.00"), spend("nobody", "1.00"))
    assert made["cost"] == 6


def test_a_circle_is_the_tree_of_its_smallest_id() -> None:
    events = campaign("a", "b"), campaign("b", "c"), campaign("c", "a"), spend("a", "1.00"), spend("b", "2.00"), spend("c", "4.00")
    # a has no parent: b is below c, c below a
    assert [of_tree(name, *events)["cost"] for name in ("a", "c")] == [7, 6]
    assert {row["campaign_id"] for row in campaign_tree(*read(*events))} == {"a", "c"}


# Ripeness


def ripening(now: str, *events: Event) -> Rows:
    """Return how revenue grows with the age of touches, at an instant."""
    as_of = dt.datetime.fromisoformat(at(now).replace("Z", "+00:00"))
    return maturation(world(events, Config(attribution=Attribution(models=("linear",)), reporting=Reporting(as_of=as_of))))


GROWING = (
    click("2026-01-05", "c", "a1"),
    won("d1", "2026-01-20", "100.00", "a1", opened="2026-01-05"),
    click("2026-01-06", "c", "a2"),
    won("d2", "2026-02-20", "50.00", "a2", opened="2026-01-05"),
    click("2026-02-05", "c", "a3"),
    won("d3", "2026-02-20", "200.00", "a3", opened="2026-02-05"),
    click("2026-02-06", "c", "a4"),
    won("d4", "2026-03-20", "100.00", "a4", opened="2026-02-05"),
)


def test_growth_is_over_the_months_that_are_of_an_age() -> None:
    rows = ripening("2026-03-31 23:59:59.999999", *GROWING)
    assert [row["age"] for row in rows] == list(range(25))
    first, second, third = rows[1], rows[2], rows[3]
    assert (first["booked_before"], first["booked"], first["growth"]) == (300, 450, Fraction(3, 2))
    assert (second["booked_before"], second["booked"], second["growth"]) == (150, 150, 1)  # January alone is two months old
    assert (third["booked_before"], third["growth"]) == (0, 1)
    assert (rows[0]["growth"], rows[0]["matured_pct"]) == (None, Fraction(200, 3))
    assert [row["matured_pct"] for row in rows[1:]] == [100] * 24


def test_a_month_counts_when_it_is_over() -> None:
    rows = ripening("2026-03-31 23:59:59.999998", *GROWING)
    assert (rows[1]["booked_before"], rows[1]["booked"]) == (100, 150)  # February is not yet a month old
    assert rows[2]["booked_before"] == 0


def test_all_shares_to_come_are_multiplied() -> None:
    later = click("2026-01-07", "c", "a5"), won("d5", "2026-03-20", "150.00", "a5", opened="2026-01-05")
    rows = ripening("2026-04-01", *GROWING, *later)
    assert [row["growth"] for row in rows[1:3]] == [Fraction(3, 2), 2]
    assert [row["matured_pct"] for row in rows[:3]] == [Fraction(100, 3), 50, 100]


def test_only_the_latest_three_years_of_touches_are_asked() -> None:
    """At the end of March 2026 the 36 latest months that are one month old end with February: they begin with March 2023."""
    old = [
        event_
        for month in ("2023-02", "2023-03")
        for event_ in (click(f"{month}-05", "c", month), won(month, f"{month}-20", "10.00", month, opened=f"{month}-05"))
    ]
    rows = ripening("2026-04-01", *GROWING, *old)
    assert [row["booked_before"] for row in rows[1:3]] == [310, 170]  # those of two months begin with February


def test_what_is_taken_back_has_no_growth() -> None:
    """A month that has come to nothing says nothing about the next."""
    back = click("2026-01-05", "c", "a1"), won("d1", "2026-01-20", "100.00", "a1", opened="2026-01-05")
    reopened = deal("d1", "2026-01-05", None, "open", "2026-02-10", account_id="a1")
    rows = ripening("2026-04-01", *back, reopened)
    assert (rows[1]["booked_before"], rows[1]["booked"], rows[1]["growth"], rows[0]["matured_pct"]) == (100, 0, 1, 100)
    less = won("d1", "2026-01-20", "50.00", "a1", opened="2026-01-05", changed="2026-02-10")
    rows = ripening("2026-04-01", *back, less)
    assert (rows[1]["growth"], rows[0]["matured_pct"]) == (Fraction(1, 2), 200)


def test_two_years_are_ripe() -> None:
    late = click("2023-01-05", "c", "a1"), won("d1", "2023-01-20", "10.00", "a1", opened="2023-01-05")
    for closed, age in (("2025-01-20", 24), ("2025-02-20", 25)):
        more = click("2023-01-06", "c", "a2"), won("d2", closed, "10.00", "a2", opened="2023-01-05")
        rows = ripening("2026-01-01", *late, *more)
        assert [row["age"] for row in rows if row["growth"] not in (None, 1)] == ([24] if age == 24 else [])


def matured(now: str, *events: Event, **where: Any) -> Any:
    """Return how ripe a campaign is, in March where nothing else is said: a month of age 0 is at two thirds, an older one is ripe."""
    as_of = dt.datetime.fromisoformat(at(now).replace("Z", "+00:00"))
    config = Config(attribution=Attribution(models=("linear",)), reporting=Reporting(as_of=as_of))
    return of_campaign("x", *GROWING, *events, config=config, **where)["matured_pct"]


def test_a_period_is_as_ripe_as_its_months() -> None:
    quarter = {"period_kind": "quarter", "period": "2026-Q1"}
    march, january = spend("x", "10.00", "2026-03-02"), spend("x", "30.00", "2026-01-02")
    assert matured("2026-04-01", march) == Fraction(200, 3)  # of age 0
    assert matured("2026-05-01", march) == 100
    assert matured("2026-03-31 23:59:59.999998", march) == 0  # not yet over
    assert matured("2026-03-31 23:59:59.999998", march, spend("x", "10.00", "2026-01-02"), **quarter) == 50
    assert matured("2026-04-01", march, january, **quarter) == Fraction(100 * 3 + Fraction(200, 3), 4)
    assert matured("2026-04-01", march, **quarter) == Fraction(200, 3)  # nothing was spent in the others


def test_months_of_no_cost_are_equal() -> None:
    quarter = {"period_kind": "quarter", "period": "2026-Q1"}
    nothing = spend("x", "0", "2026-03-02")
    assert matured("2026-04-01", nothing, **quarter) == Fraction(100 + 100 + Fraction(200, 3), 3)
    back = spend("x", "-5.00", "2026-03-02"), spend("x", "5.00", "2026-02-02")
    assert matured("2026-04-01", *back, **quarter) == 100  # February alone cost anything
    assert matured("2026-04-01", back[0], **quarter) == Fraction(100 + 100 + Fraction(200, 3), 3)


def test_without_an_instant_nothing_is_ripe() -> None:
    assert maturation(world((spend("x", "5.00"),), LINEAR)) == []
    assert of_campaign("x", spend("x", "5.00"))["matured_pct"] is None


def test_a_tree_is_as_ripe_as_what_was_spent_in_it() -> None:
    events = *GROWING, *TREE, spend("root", "10.00", "2026-03-02"), spend("kid", "30.00", "2026-01-02"), lead("mql", "2026-04-01 00:00")
    assert of_tree("root", *events, period_kind="quarter", period="2026-Q1")["matured_pct"] == Fraction(100 * 3 + Fraction(200, 3), 4)
    assert of_tree("kid", *events, period_kind="quarter", period="2026-Q1")["matured_pct"] == 100


# Pipeline created


def created(*events: Event, config: Config = LINEAR, **where: Any) -> Any:
    """Return what was created in March, by dimension: its pipeline, its deals, its share."""
    rows = [row for row in pipeline_created(world(events, config)) if (MARCH | where).items() <= row.items()]
    return {(row["dimension_kind"], row["dimension"]): (row["pipeline"], row["deals"], row["share_pct"]) for row in rows}


def test_what_was_created() -> None:
    events = [
        campaign("fair", same_as="expo"),
        click("2", "fair", team="marketing"),
        click("3", None, team="sales", channel="phone"),
        click("6", "late"),  # after the deal was opened
        deal("d", "5", "9", "lost", "9", account_id="a", amount="100.00", currency="USD", segment="smb"),
        deal("e", "6", None, "open", account_id="nobody", amount="60.00", currency="USD"),
        deal("f", "7", None, "open", account_id="nobody2", amount="5.00", currency="EUR"),
        deal("g", "8", None, "open", account_id="nobody3"),  # no amount: nothing was created
    ]
    half, rest = Decimal("0.5"), (60, 2, Fraction(75, 2))
    assert created(*events) == {
        ("campaign", "expo"): (50, half, Fraction(125, 4)),
        ("campaign", "(none)"): (50, half, Fraction(125, 4)),
        ("campaign", "(unattributed)"): rest,
        ("channel", "paid"): (50, half, Fraction(125, 4)),
        ("channel", "phone"): (50, half, Fraction(125, 4)),
        ("channel", "(unattributed)"): rest,
        ("team", "marketing"): (50, half, Fraction(125, 4)),
        ("team", "sales"): (50, half, Fraction(125, 4)),
        ("team", "(unattributed)"): rest,
        ("segment", "smb"): (100, 1, Fraction(125, 2)),
        ("segment", "(none)"): rest,
    }
    assert created(*events, period_kind="quarter", period="2026-Q1").keys() == created(*events).keys()
    assert created(*events, period="2026-04") == {}


def test_nothing_is_a_share_of_nothing() -> None:
    unpriced = deal("d", "5", None, "open", account_id="a", amount="0", currency="USD")
    assert created(unpriced)["segment", "(none)"] == (0, 1, None)
    unrated = deal("d", "5", None, "open", account_id="a", amount="9.00", currency="EUR")
    assert created(unrated)["segment", "(none)"] == (0, 1, None)


def test_models_share_alone() -> None:
    config = Config(attribution=Attribution(models=("first_touch", "last_touch")))
    events = click("2", "x"), click("3", "y"), deal("d", "5", None, "open", account_id="a", amount="10.00", currency="USD")
    assert created(*events, config=config, model="first_touch", dimension_kind="campaign") == {("campaign", "x"): (10, 1, 100)}
    assert created(*events, config=config, model="last_touch", dimension_kind="campaign") == {("campaign", "y"): (10, 1, 100)}


# Touches by day


def test_touches_of_a_day() -> None:
    retraction = event("touch-retraction", "web", "r", at("9"), {"touch_source": "web", "touch_id": "a/2 13:00"})
    events = [
        campaign("fair", same_as="expo"),
        click("2 10:00", "expo"),
        click("2 11:00", "fair"),  # another name
        click("2 11:10", "fair", kind="impression"),
        click("2 13:00", "expo"),
        retraction,
        click("2 14:00", "(not set)", "stranger"),
        click("2 23:30", "expo"),
        touch("2 14:00", None, "v", visitor_id="v"),
        won("d", "9", "10.00"),
        won("e", "9", "10.00"),  # of the same account: each touch counts once
    ]
    rows = touch_activity(world(events, Config(reporting=Reporting(time_zone="Europe/Berlin"))))
    second, third = dt.date(2026, 3, 2), dt.date(2026, 3, 3)
    found = {(row["day"], row["channel"], row["campaign_id"], row["kind"]): (row["touches"], row["in_journey"]) for row in rows}
    assert found == {
        (second, "paid", "expo", "click"): (2, 2),
        (second, "paid", "expo", "impression"): (1, 0),
        (second, "paid", "(none)", "click"): (2, 0),
        (third, "paid", "expo", "click"): (1, 1),
    }


# How far models agree


def ranges(*events: Event, models: tuple[str, ...] = ("first_touch", "last_touch", "linear")) -> Rows:
    """Return the ranges of events over models."""
    one, stages = read(*events, config=Config(attribution=Attribution(models=models)))
    return model_range(campaign_roi(one, stages), channel_roi(one, stages), marketing_shares(one))


def test_how_far_models_agree() -> None:
    events = [
        campaign("x", channel="paid"),
        spend("x", "20.00"),
        click("2", "x"),
        click("3", "y", channel="phone", team="sales"),
        won("d", "9", "100.00"),
    ]
    of_x = only(ranges(*events), **MARCH, entity_kind="campaign", entity="x")
    assert (of_x["lowest"], of_x["median"], of_x["highest"], of_x["positive_models"], of_x["models"]) == (-1, Fraction(3, 2), 4, 2, 3)
    two = only(ranges(*events, models=("first_touch", "last_touch")), **MARCH, entity_kind="channel", entity="paid")
    assert (two["lowest"], two["median"], two["highest"], two["positive_models"], two["models"]) == (-1, Fraction(3, 2), 4, 1, 2)
    share = only(ranges(*events), **MARCH, entity_kind="share")
    assert (share["entity"], share["lowest"], share["median"], share["highest"], share["positive_models"]) == ("all", 0, 50, 100, 2)
    assert {row["entity"] for row in ranges(*events) if row["entity_kind"] == "campaign"} == {"x"}  # y has no cost


def test_a_return_of_nothing_is_not_above_zero() -> None:
    of_x = only(ranges(spend("x", "100.00"), click("2", "x"), won("d", "9", "100.00"), models=("linear",)), **MARCH, entity_kind="campaign")
    assert (of_x["lowest"], of_x["positive_models"]) == (0, 0)
