"""Which touches are in a deal's journey, which of them count as one, and who holds its milestones (semantics §4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nisba.config import Attribution, CustomModel
from tests.oracle.identity import resolve
from tests.oracle.journeys import Journey, Spec, journey
from tests.oracle.settled import instant
from tests.strategies import Event, event
from tests.unit.oracle.facts import CLOSE, OPENED, at, deal, link, settled, stage, touch

US = 1 / 86_400_000_000
MINUTE = 1 / 1440
OPENING = (CLOSE - OPENED).days


def journey_of(*events: Event, **attribution: Any) -> Journey:
    """Return the journey of the deal `d`."""
    facts = settled(*events)
    (current,) = facts.register("deal", lambda state: state.get("deal_id")).values()
    return journey(facts, resolve(facts), current, Spec.of(Attribution(**attribution)))


def ids(found: Journey) -> list[str]:
    return [each.id for each in found.touches]


def positions(found: Journey) -> dict[str, str]:
    return {each.id: found.position(i) for i, each in enumerate(found.touches)}


def on(*days_before_close: float, **data: Any) -> list[Event]:
    """Return touches of the account, of campaigns of their own, named by their number."""
    return [touch(f"t{i}", days, account_id="a", campaign_id=f"c{i}", **data) for i, days in enumerate(days_before_close)]


def test_the_window_has_both_its_ends() -> None:
    edge = OPENING + 180
    events = on(edge + US, edge, OPENING, 0, -US)
    assert ids(journey_of(*events, deal())) == ["t1", "t2", "t3"]


@pytest.mark.parametrize(
    ("attribution", "expected"),
    [
        ({"lookback_days": 0}, ["t1", "t2", "t3"]),
        ({"lookback_days": 5}, ["t0", "t1", "t2", "t3"]),
        ({"lookback_days": 5, "anchor": "closed_at"}, ["t2", "t3"]),
    ],
)
def test_lookback_and_anchor(attribution: dict[str, Any], expected: list[str]) -> None:
    events = [*on(OPENING + 4, OPENING, 5, 1), deal()]
    assert ids(journey_of(*events, **attribution)) == expected


def test_an_open_deal_has_no_last_moment_and_is_anchored_at_its_opening() -> None:
    events = on(OPENING + 181, OPENING + 1, -400)
    for anchor in ("opened_at", "closed_at"):
        assert ids(journey_of(*events, deal(status="open"), anchor=anchor)) == ["t1", "t2"]


def test_a_lost_deal_keeps_the_touches_up_to_its_close() -> None:
    assert ids(journey_of(*on(3, -1), deal(status="lost"))) == ["t0"]


@pytest.mark.parametrize(
    ("attribution", "expected"),
    [
        ({}, ["click", "sales"]),
        ({"excluded_kinds": ()}, ["click", "impression", "sales"]),
        ({"excluded_kinds": ("click", "call")}, ["impression"]),
        ({"teams": ("sales",)}, ["sales"]),
        ({"teams": ()}, []),
    ],
)
def test_kinds_and_teams(attribution: dict[str, Any], expected: list[str]) -> None:
    events = [
        touch("click", 9, account_id="a"),
        touch("impression", 8, account_id="a", kind="impression"),
        touch("sales", 7, account_id="a", kind="call", team="sales"),
    ]
    assert ids(journey_of(*events, deal(), **attribution)) == expected


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [((), ["t0", "t1", "t2"]), ((" EMAIL ",), ["t0", "t2"]), (("email", "paid"), ["t2"]), (("mail",), ["t0", "t1", "t2"])],
)
def test_channels_that_never_earn(excluded: tuple[str, ...], expected: list[str]) -> None:
    channels = ("paid", "email", "event")
    events = [touch(f"t{i}", 9 - i, account_id="a", channel=channel) for i, channel in enumerate(channels)]
    assert ids(journey_of(*events, deal(), excluded_channels=excluded)) == expected


@pytest.mark.parametrize(
    ("referrer", "named"),
    [
        ("https://paypal.com/checkout", True),
        ("https://www.paypal.com", True),
        ("HTTPS://user:secret@WWW.PayPal.com.:8443/pay?to=x#y", True),
        ("//paypal.com?x", True),
        ("paypal.com/pay", True),
        ("paypal.com:443", True),
        ("android-app://paypal.com/", True),
        ("https://notpaypal.com/", False),
        ("https://paypal.com.evil.test/", False),
        ("https://shop.test/?from=//paypal.com", False),
        ("https://shop.test#@paypal.com", False),
        ("/paypal.com", False),
        (None, False),
    ],
)
def test_hosts_of_referrers_that_never_earn(referrer: str | None, named: bool) -> None:
    events = [touch("t", 9, account_id="a", referrer=referrer), deal()]
    assert ids(journey_of(*events, excluded_referrers=("PayPal.com",))) == ([] if named else ["t"])
    assert ids(journey_of(*events)) == ["t"]


@pytest.mark.parametrize(
    ("status", "opened_at", "expected"),
    [
        ("won", at(-200), ["t1", "t2"]),
        ("lost", at(-200), ["t1", "t2"]),
        ("open", at(-200), ["t2", "t3"]),
        ("won", at(30), ["t0", "t1", "t2"]),
    ],
    ids=["won before it was opened", "lost before", "an open one has no close", "opened before its close"],
)
def test_a_deal_that_closed_before_it_was_opened_opened_at_its_close(status: str, opened_at: str, expected: list[str]) -> None:
    events = [*on(181, 30, 0, -10), deal(status=status, opened_at=opened_at, closed_at=at(0))]
    found = journey_of(*events, lookback_days=202 if status == "open" else 180)
    assert ids(found) == expected
    if status != "open" and opened_at == at(-200):
        assert positions(found) == {"t1": "FT", "t2": "LC+OC+CW"}


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [("account", ["p", "q", "r", "nobody"]), ("contacts", ["p", "q"]), ("primary_contact", ["q"])],
)
def test_mappings(mapping: str, expected: list[str]) -> None:
    """By account all its touches; else only those of the deal's contacts, under whatever id."""
    events = [
        touch("p", 9, account_id="a", person_id="p"),
        touch("q", 8, account_id="a", person_id="other-q"),
        touch("r", 7, account_id="a", person_id="r"),
        touch("nobody", 6, account_id="a"),
        link("1", "person:q", "person:other-q"),
    ]
    assert ids(journey_of(*events, deal(contact_ids=["p"], primary_contact_id="q"), mapping=mapping)) == expected


def test_without_a_primary_contact_nobody_is_it() -> None:
    events = [touch("nobody", 6, account_id="a"), touch("p", 5, account_id="a", person_id="p")]
    assert ids(journey_of(*events, deal(contact_ids=["p"]), mapping="primary_contact")) == []


def test_a_merged_accounts_touches_are_its_own() -> None:
    events = [touch("old", 9, account_id="b"), touch("new", 8, account_id="a"), link("1", "account:b", "account:a")]
    assert ids(journey_of(*events, deal())) == ["old", "new"]


def of_p(name: str, minutes: float, **data: Any) -> Event:
    """Return a touch of a person, so many minutes after a moment ten days before the close."""
    return touch(name, 10 - minutes * MINUTE, account_id="a", person_id="p", **data)


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        ([of_p("t0", 0), of_p("t1", 29.999)], ["t0"]),
        ([of_p("t0", 0), of_p("t1", 30)], ["t0", "t1"]),
        ([of_p("t0", 0), of_p("t1", 20), of_p("t2", 40), of_p("t3", 60)], ["t0"]),
        ([of_p("t0", 0), of_p("t1", 5, kind="form")], ["t0", "t1"]),
        ([of_p("t0", 0), of_p("t1", 5, channel="event")], ["t0", "t1"]),
        ([of_p("t0", 0), of_p("t1", 5, campaign_id="c")], ["t0", "t1"]),
        ([of_p("t0", 0), of_p("t1", 5, kind="form"), of_p("t2", 10)], ["t0", "t1"]),
        ([of_p("t0", 0), touch("t1", 10 - 5 * MINUTE, account_id="a", person_id="q")], ["t0", "t1"]),
        ([touch("t0", 10, account_id="a"), touch("t1", 10 - MINUTE, account_id="a")], ["t0", "t1"]),
        ([touch("t0", 10, account_id="a", visitor_id="v"), touch("t1", 10 - MINUTE, account_id="a", visitor_id="v")], ["t0"]),
    ],
    ids=[
        "less than half an hour",
        "half an hour",
        "a chain counts as one",
        "another kind",
        "another channel",
        "another campaign",
        "another key between does not end the session",
        "another person",
        "nobody in particular",
        "a browser",
    ],
)
def test_what_counts_as_one(events: list[Event], kept: list[str]) -> None:
    assert ids(journey_of(*events, deal())) == kept


@pytest.mark.parametrize(
    ("collapse_by", "kept"),
    [
        (("campaign_id", "channel", "kind"), ["t0", "t1", "t2", "t3"]),
        (("channel", "kind"), ["t0", "t2", "t3"]),
        (("kind",), ["t0", "t3"]),
        (("campaign_id",), ["t0", "t1"]),
        ((), ["t0"]),
    ],
    ids=str,
)
def test_what_touches_of_one_visit_are_equal_in(collapse_by: Any, kept: list[str]) -> None:
    """None is equal to none: two touches without a campaign have the same."""
    events = [
        of_p("t0", 0),
        of_p("t1", 5, campaign_id="c"),
        of_p("t2", 10, channel="event"),
        of_p("t3", 15, kind="form", channel="event"),
    ]
    assert ids(journey_of(*events, deal(), collapse_by=collapse_by)) == kept


def test_a_gap_of_zero_collapses_nothing() -> None:
    assert ids(journey_of(of_p("t0", 0), of_p("t1", 0), deal(), session_gap_minutes=0)) == ["t0", "t1"]


def test_the_order_is_time_then_source_then_id() -> None:
    same = [touch("z", 9, account_id="a", campaign_id="1"), touch("a", 9, account_id="a", campaign_id="2")]
    other = touch("a", 9, account_id="a", campaign_id="3") | {"source": "mail"}
    found = journey_of(*same, other, touch("m", 10, account_id="a"), deal())
    assert [(each.source, each.id) for each in found.touches] == [("web", "m"), ("mail", "a"), ("web", "a"), ("web", "z")]


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([], {"t0": "FT", "t1": "LC+OC", "t2": "", "t3": "CW"}),
        ([stage("s", "mql", 55, deal_id="d")], {"t0": "FT+LC", "t1": "OC", "t2": "", "t3": "CW"}),
        ([stage("s", "mql", 60, deal_id="d")], {"t0": "FT+LC", "t1": "OC", "t2": "", "t3": "CW"}),
        ([stage("s", "mql", 60 + US, deal_id="d")], {"t0": "FT", "t1": "OC", "t2": "", "t3": "CW"}),
        ([stage("s", "mql", 9, deal_id="d")], {"t0": "FT", "t1": "OC", "t2": "LC", "t3": "CW"}),
        ([stage("s", "sql", 55, deal_id="d")], {"t0": "FT", "t1": "LC+OC", "t2": "", "t3": "CW"}),
    ],
    ids=["unknown: the opening's", "between", "on a touch", "before any touch: dropped", "behind the opening", "another stage is none"],
)
def test_milestones(stages: list[Event], expected: dict[str, str]) -> None:
    """Touches 60 and 40 days, 10 days and the very moment before the close; the opening is 30 days before it."""
    assert positions(journey_of(*on(60, 40, 10, 0), *stages, deal())) == expected


def test_one_touch_holds_everything_and_none_holds_nothing() -> None:
    assert positions(journey_of(*on(60), deal())) == {"t0": "FT+LC+OC+CW"}
    assert journey_of(deal()).milestones == {}


def test_a_touch_behind_the_opening_drops_the_earlier_milestones() -> None:
    assert positions(journey_of(*on(10, 5), deal())) == {"t0": "FT", "t1": "CW"}


@pytest.mark.parametrize(
    ("stages", "created"),
    [
        ([stage("1", "inquiry", 50, deal_id="d"), stage("2", "mql", 60, deal_id="d")], 60),
        ([stage("1", "opportunity", 20, deal_id="d"), stage("2", "mql", 300)], 300),
        ([stage("1", "opportunity", 20, deal_id="d"), stage("2", "mql", 60, lead="k", account_id="a")], 60),
        ([stage("1", "mql", OPENING + 180, account_id="a"), stage("2", "mql", 20, account_id="a")], OPENING + 180),
        ([stage("1", "mql", OPENING + 180 + US, account_id="a"), stage("2", "mql", 20, account_id="a")], 20),
        ([stage("1", "mql", 20, account_id="a", deal_id="another")], 20),
        ([stage("1", "mql", -1, account_id="a")], None),
        ([stage("1", "sal", 20, account_id="a")], None),
        ([stage("1", "mql", 20, account_id="b")], None),
    ],
    ids=[
        "the earliest of the lead that names the deal",
        "all stages of that lead, whenever",
        "a lead that has no creation gives way to the account's",
        "the account's, from the first moment of the lookback",
        "not before it",
        "also one that names another deal",
        "not behind the close",
        "only inquiry and mql create",
        "not another account's",
    ],
)
def test_lead_creation(stages: list[Event], created: float | None) -> None:
    found = journey_of(*stages, deal()).lead_created_at
    assert found == (None if created is None else instant(at(created)))


def test_a_spec_is_the_models_own_where_it_has_one() -> None:
    base = Attribution()
    usual = Spec.of(base)
    own = CustomModel(id="own", lookback_days=0, excluded_kinds=(), mapping="contacts", excluded_channels=(" Email",), collapse_by=())
    assert Spec.of(base, own) == replace(
        usual,
        mapping="contacts",
        excluded_kinds=frozenset(),
        excluded_channels=frozenset({"email"}),
        lookback_days=0,
        collapse_by=frozenset(),
    )
    assert Spec.of(base, CustomModel(id="own")) == usual
    assert Spec.of(base, CustomModel(id="own", excluded_kinds=("IMPRESSION",))) == usual, "in whatever case"


def test_a_retracted_touch_is_in_no_journey() -> None:
    taken_back = event("touch-retraction", "bots", "r", at(0), {"touch_source": "web", "touch_id": "t1"})
    assert ids(journey_of(*on(9, 8, 7), taken_back, deal())) == ["t0", "t2"]
