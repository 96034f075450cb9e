"""Passes of leads and their stages as figures §1 says them, worked out on paper; "now", states and periods too."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from nisba.config import Attribution, Config, Labels, Reporting
from tests.oracle.levels import figures
from tests.oracle.levels.world import begins_at, ends_at, quantile, span, state_at, ttm, wilson
from tests.oracle.settled import instant, moment
from tests.strategies import Event, event
from tests.unit.oracle.lead_facts import PLAIN, UTC, at, deal, lead, link, of_lead, only, read, stages_of, touch

# As of, states, periods


def test_now_is_the_latest_event_of_a_deal_or_a_lead() -> None:
    deleted = deal("d", "1", "2", changed="9", deleted=True)
    assert read(lead("mql", "3"), deleted, touch("20")).as_of == instant(at("9"))
    assert read(lead("mql", "10"), deleted).as_of == instant(at("10"))
    assert read(touch("20")).as_of is None
    until = Config(reporting=Reporting(as_of=dt.datetime(2026, 1, 1, tzinfo=UTC)))
    assert read(lead("mql", "3"), config=until).as_of == instant("2026-01-01T00:00:00Z")
    assert read(touch("20"), config=until).as_of == instant("2026-01-01T00:00:00Z")


def test_the_state_of_a_deal_at_an_instant() -> None:
    opened = deal("d", "1", status="open")
    gone = deal("d", "1", status="open", changed="3", deleted=True)
    won = deal("d", "1", "5", revision=1)
    late = deal("d", "1", "6", status="lost")
    found = read(opened, gone, won, late).deals["d"]
    assert state_at(found, instant(at("1")) - 1) is None
    states = {day: state_at(found, instant(at(day))) for day in ("1", "2", "3", "4", "5", "6")}
    assert {day: state and state.get("status") for day, state in states.items()} == {
        "1": "open",
        "2": "open",
        "3": None,
        "4": None,
        "5": "won",
        "6": "won",  # a lower revision, however late
    }


def test_a_deal_deleted_now_is_no_deal() -> None:
    assert read(deal("d", "1", status="open"), deal("d", "1", "5", deleted=True)).deals == {}


def test_spans_of_periods() -> None:
    config = Config(reporting=Reporting(time_zone="Europe/Berlin", fiscal_year_start_month=7))
    assert span("quarter", "2026-Q3", config) == (dt.date(2026, 1, 1), dt.date(2026, 3, 31))
    assert span("year", "2026", config) == (dt.date(2025, 7, 1), dt.date(2026, 6, 30))
    assert span("ttm", "2026-01", config) == (dt.date(2025, 2, 1), dt.date(2026, 1, 31))
    assert moment(begins_at("month", "2026-03", config)).isoformat() == "2026-02-28T23:00:00+00:00"
    assert moment(ends_at("month", "2026-03", config)).isoformat() == "2026-03-31T21:59:59.999999+00:00"


def test_twelve_months_begin_eleven_months_after_the_first() -> None:
    assert ttm([]) == {}
    assert list(ttm(["2025-03", "2026-01"])) == []
    assert {label: (months[0], months[-1]) for label, months in ttm(["2026-04", "2025-03"]).items()} == {
        "2026-02": ("2025-03", "2026-02"),
        "2026-03": ("2025-04", "2026-03"),
        "2026-04": ("2025-05", "2026-04"),
    }


def test_small_numbers() -> None:
    assert [*wilson(0, 3), *wilson(3, 3)] == pytest.approx([0, 0.561497, 0.438503, 1], abs=1e-6)
    assert [quantile([1, 2, 3, 4], q) for q in ("0.5", "0.9", "0.25", "0", "1")] == [
        Fraction(5, 2),
        Fraction(37, 10),
        Fraction(7, 4),
        1,
        4,
    ]
    assert quantile([7], "0.9") == 7


# Passes


def cut(*events: Event) -> list[list[str]]:
    """Return the stages of each pass."""
    return [[one.get("stage") for one in each.events] for each in of_lead(*events)]


@pytest.mark.parametrize("left", ["rejected", "recycled"])
@pytest.mark.parametrize("back", ["inquiry", "mql"])
def test_an_inquiry_or_mql_after_an_exit_begins_a_pass(left: str, back: str) -> None:
    assert cut(lead("inquiry", "1"), lead(left, "2"), lead(back, "2 12:00:00.000001")) == [["inquiry", left], [back]]


def test_at_the_instant_of_the_exit_no_pass_begins() -> None:
    assert cut(lead("mql", "1"), lead("rejected", "2", "a"), lead("mql", "2", "b")) == [["mql", "rejected", "mql"]]
    assert cut(lead("mql", "1"), lead("rejected", "2", "b"), lead("mql", "2", "a")) == [["mql", "mql", "rejected"]]


def test_only_the_exit_of_the_same_pass_counts() -> None:
    """The inquiry of the third day begins the second pass; the MQL after it comes after an exit of the first."""
    events = [lead("mql", "1"), lead("rejected", "2"), lead("inquiry", "3"), lead("mql", "4"), lead("recycled", "5"), lead("mql", "6")]
    assert cut(*events) == [["mql", "rejected"], ["inquiry", "mql", "recycled"], ["mql"]]


@pytest.mark.parametrize("stage", ["sal", "sql", "opportunity", "customer", "rejected"])
def test_no_other_stage_begins_a_pass(stage: str) -> None:
    assert cut(lead("mql", "1"), lead("rejected", "2"), lead(stage, "3")) == [["mql", "rejected", stage]]


def test_events_are_in_order_of_time_source_and_id() -> None:
    events = [lead("sql", "1", "a", source="t"), lead("mql", "1", "b", source="s"), lead("sal", "1", "a", source="s")]
    assert cut(*events) == [["sal", "mql", "sql"]]


def test_leads_are_apart_even_of_one_person() -> None:
    events = [lead("mql", "1", person_id="p"), lead("rejected", "2", person_id="p"), lead("mql", "3", lead_id="m", person_id="p")]
    assert [(one.lead_id, one.pass_no) for one in of_lead(*events)] == [("l", 1), ("m", 1)]


# Stages


def test_a_skipped_stage_is_inferred() -> None:
    (one,) = of_lead(lead("inquiry", "1"), lead("sql", "5"))
    assert stages_of(one) == {"inquiry": "1", "mql": "5?", "sal": "5?", "sql": "5"}


def test_times_never_run_backwards() -> None:
    (one,) = of_lead(lead("inquiry", "9"), lead("mql", "5"), lead("sal", "7"))
    assert stages_of(one) == {"inquiry": "5?", "mql": "5", "sal": "7"}


def test_a_stage_of_that_very_time_is_not_inferred() -> None:
    (one,) = of_lead(lead("mql", "5", "b"), lead("sal", "5", "a"))
    assert stages_of(one) == {"mql": "5", "sal": "5"}


def test_the_earliest_event_of_a_stage_counts() -> None:
    (one,) = of_lead(lead("mql", "5"), lead("mql", "3"), lead("mql", "8"))
    assert stages_of(one) == {"mql": "3"}


def test_exits_are_no_stages() -> None:
    one, two = of_lead(lead("rejected", "1"), lead("mql", "3"))
    assert (one.stages, stages_of(two), two.pass_no) == ({}, {"mql": "3"}, 2)
    rows = figures([lead("rejected", "1"), lead("mql", "3")], PLAIN)
    assert [(row["pass_no"], row["stage"]) for row in rows["core.lead_stage"]] == [(2, "mql")]


def test_a_lead_that_was_only_turned_away_has_no_stage() -> None:
    rows = figures([lead("rejected", "1", owner="Ada")], PLAIN)
    assert rows["core.lead_stage"] == rows["marts.funnel"] == []
    assert only(rows["core.lead"], lead_id="l") == {
        "lead_id": "l",
        "passes": 1,
        "first_at": dt.datetime(2026, 3, 1, 12, tzinfo=UTC),
        "current_stage": None,
        "person_id": "lead:l",
        "account_id": None,
        "segment": None,
        "owner": "Ada",
        "team": None,
    }


# Deals


@pytest.mark.parametrize(
    ("opened", "closed", "status", "expected", "preexisting"),
    [
        ("4", "9", "won", {"mql": "2", "sal": "4?", "sql": "4?", "opportunity": "4", "customer": "9"}, False),
        ("4", "9", "lost", {"mql": "2", "sal": "4?", "sql": "4?", "opportunity": "4"}, False),
        ("4", None, "open", {"mql": "2", "sal": "4?", "sql": "4?", "opportunity": "4"}, False),
        ("2", None, "open", {"mql": "2", "sal": "2?", "sql": "2?", "opportunity": "2"}, False),
        ("2 11:59:59.999999", None, "open", {"mql": "2", "sal": "2?", "sql": "2?", "opportunity": "2"}, True),
        ("2026-01-01", "2026-01-31", "won", {"mql": "2", "sal": "2?", "sql": "2?", "opportunity": "2", "customer": "2"}, True),
        ("2026-01-01", "9", "won", {"mql": "2", "sal": "2?", "sql": "2?", "opportunity": "2", "customer": "9"}, True),
        ("9", "4", "won", {"mql": "2", "sal": "4?", "sql": "4?", "opportunity": "4", "customer": "4"}, False),  # closed before opened
    ],
)
def test_what_a_deal_adds(opened: str, closed: str | None, status: str, expected: dict[str, str], preexisting: bool) -> None:
    (one,) = of_lead(lead("mql", "2", deal_id="d"), deal("d", opened, closed, status))
    assert (stages_of(one), one.is_preexisting) == (expected, preexisting)


def test_an_mql_that_a_deal_of_that_time_follows_is_no_guess() -> None:
    """The deal is older than the lead: all stages are entered at once, and those without an event are inferred."""
    (one,) = of_lead(lead("mql", "2", deal_id="d"), lead("sal", "3"), deal("d", "1", status="open"))
    assert stages_of(one) == {"mql": "2", "sal": "2?", "sql": "2?", "opportunity": "2"}


def test_e_is_the_earliest_event_of_any_stage() -> None:
    """Turned away on the second, qualified on the fifth: the deal of the fourth is not older than the pass."""
    (one,) = of_lead(lead("rejected", "2"), lead("sql", "5", deal_id="d"), deal("d", "4", status="open"))
    assert (stages_of(one), one.is_preexisting) == ({"sql": "4?", "opportunity": "4"}, False)


def test_unknown_and_deleted_deals_say_nothing() -> None:
    gone = deal("e", "4", "9", deleted=True)
    (one,) = of_lead(lead("mql", "2", deal_id="d"), lead("sal", "3", deal_id="e"), deal("e", "4", status="open"), gone)
    assert (stages_of(one), one.deal_id) == ({"mql": "2", "sal": "3"}, None)


def test_a_deal_of_a_lead_that_was_only_turned_away() -> None:
    (one,) = of_lead(lead("rejected", "2", deal_id="d"), deal("d", "4", "9", "lost"))
    assert (stages_of(one), one.exit) == ({"opportunity": "4"}, None)


def test_a_deal_belongs_to_the_last_pass_that_names_it() -> None:
    events = [lead("mql", "2", deal_id="d"), lead("rejected", "3"), lead("mql", "5", deal_id="d"), deal("d", "4", status="open")]
    one, two = of_lead(*events)
    assert (stages_of(one), one.deal_id, one.names("d")) == ({"mql": "2"}, "d", True)
    assert (stages_of(two)["opportunity"], two.is_preexisting) == ("5", True)


def test_two_leads_may_share_a_deal() -> None:
    one, two = of_lead(lead("mql", "2", deal_id="d"), lead("mql", "3", lead_id="m", deal_id="d"), deal("d", "4", status="open"))
    assert stages_of(one)["opportunity"] == stages_of(two)["opportunity"] == "4"


def test_the_deal_of_a_pass_is_the_known_one_that_is_named_last() -> None:
    events = [lead("mql", "2", deal_id="d"), lead("sal", "3", deal_id="e"), lead("sql", "4", deal_id="nowhere"), lead("sql", "5")]
    (one,) = of_lead(*events, deal("d", "9", status="open"), deal("e", "8", status="open"))
    assert one.deal_id == "e"
    assert stages_of(one)["opportunity"] == "8"


# Exits


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([lead("mql", "2"), lead("rejected", "3", reason="price")], ("rejected", "3", "price")),
        ([lead("mql", "2"), lead("rejected", "3"), lead("recycled", "4", reason="")], ("recycled", "4", None)),
        ([lead("mql", "2"), lead("rejected", "3"), lead("sal", "4")], None),
        ([lead("mql", "2"), lead("sal", "2"), lead("rejected", "3"), lead("sal", "4")], ("rejected", "3", None)),  # entered before
        ([lead("mql", "2"), lead("rejected", "3"), lead("sal", "3")], ("rejected", "3", None)),  # with it, not after it
        ([lead("mql", "2"), lead("rejected", "3"), lead("sal", "3 12:00:00.000001")], None),
        ([lead("mql", "2"), lead("rejected", "3"), lead("sal", "4"), lead("recycled", "5")], ("recycled", "5", None)),
        ([lead("mql", "2", deal_id="d"), lead("rejected", "3"), deal("d", "4", status="open")], None),
        ([lead("mql", "2", deal_id="d"), lead("rejected", "3"), deal("d", "2", status="open")], ("rejected", "3", None)),
        ([lead("mql", "2")], None),
    ],
)
def test_how_a_pass_ends(events: list[Event], expected: tuple[str, str, str | None] | None) -> None:
    row = figures(events, PLAIN)["core.lead_stage"][0]
    found = (row["exit"], f"{row['exit_at']:%-d}", row["exit_reason"]) if row["exit_at"] is not None else None
    assert found == expected


def test_of_two_exits_of_one_instant_the_last_in_order_counts() -> None:
    (one,) = of_lead(lead("mql", "2"), lead("rejected", "3", "b"), lead("recycled", "3", "a"))
    assert one.exit is not None
    assert one.exit.get("stage") == "rejected"


# Whose a pass is


def test_segment_owner_and_team_are_of_the_leads_latest_event_that_has_one() -> None:
    events = [
        lead("mql", "1", owner="Ada", team="marketing", attributes={"segment": "smb"}),
        lead("rejected", "2", owner="", attributes={"segment": ""}),
        lead("mql", "4", owner="Ben", attributes={"segment": "  Enterprise\u00a0"}),
        lead("sal", "5", team="sales", attributes={"segment": "ALL"}),  # a reserved word is none
    ]
    for one in of_lead(*events):
        assert (one.segment, one.owner, one.team) == ("Enterprise", "Ben", "sales")
    small = Config(labels=Labels(segment={"ENTERPRISE": "Large"}))
    assert {one.segment for one in of_lead(*events, config=small)} == {"Large"}


def test_else_the_segment_is_that_of_the_deal_named_last() -> None:
    of_account = event("account", "crm", "a", at("1"), {"account_id": "a", "name": "A", "segment": "smb"})
    deals = [deal("d", "1", status="open", segment="public"), deal("e", "1", status="open")]
    events = [lead("mql", "1", deal_id="d"), lead("rejected", "2"), lead("mql", "4")]
    assert [one.segment for one in of_lead(*events, *deals, of_account)] == ["public", "public"]
    again = lead("sal", "5", deal_id="e")
    assert [one.segment for one in of_lead(*events, again, *deals, of_account)] == ["smb", "smb"]
    assert [one.segment for one in of_lead(*events, again, *deals)] == [None, None]


def test_the_account_of_a_pass() -> None:
    """Its latest event that has one; else the only one that the person ever had."""
    events = [lead("mql", "1", account_id="b"), lead("rejected", "2"), lead("mql", "4")]
    assert [one.account_id for one in of_lead(*events)] == ["b", "b"]
    another = lead("mql", "1", lead_id="m", person_id="p", account_id="c")
    here = lead("mql", "5", person_id="p")
    assert [one.account_id for one in of_lead(*events, here, another)][:2] == ["b", None]  # b or c
    assert [one.account_id for one in of_lead(*events, link("account:b", "account:a"))] == ["a", "a"]
    row = only(figures([*events, here, another], PLAIN)["core.lead"], lead_id="l")
    assert (row["account_id"], row["person_id"]) == ("b", "person:p")


def test_a_membership_that_is_over_counts_as_one_that_there_ever_was() -> None:
    window = {"since": "2025-01-01T00:00:00Z", "until": "2025-02-01T00:00:00Z"}
    old = link("person:p", "account:a", **window)
    assert of_lead(lead("mql", "1", person_id="p"), old)[0].account_id == "a"
    new = link("person:p", "account:b")
    assert of_lead(lead("mql", "1", person_id="p"), old, new)[0].account_id is None


def test_a_lead_without_a_person_is_one() -> None:
    assert of_lead(lead("mql", "1"))[0].person_id == "lead:l"
    assert of_lead(lead("mql", "1"), lead("mql", "1", lead_id="k", person_id="p"), link("lead:k", "lead:l"))[0].person_id == "person:p"


# Channel and campaign


def came_by(*touches: Event, config: Config = PLAIN, events: tuple[Event, ...] = ()) -> tuple[str, str]:
    """Return channel and campaign of a lead of person `p` that became an MQL on the tenth of March at noon."""
    one = of_lead(lead("mql", "10", person_id="p"), *events, *touches, config=config)[0]
    return one.channel, one.campaign_id


NONE = ("(none)", "(none)")
TWO_DAYS = Config(attribution=Attribution(lookback_days=2))


def test_the_latest_touch_at_or_before_the_first_stage() -> None:
    assert came_by() == NONE
    early, late = touch("8", campaign_id="c1"), touch("9", channel="Event ", campaign_id="c2")
    assert came_by(early, late) == ("event", "c2")
    assert came_by(early, touch("10", campaign_id="c3")) == ("paid", "c3")
    assert came_by(early, touch("10 12:00:00.000001", campaign_id="c3")) == ("paid", "c1")
    assert came_by(early, touch("9", team="sales", channel="call")) == ("call", "(none)")
    assert came_by(touch("9", touch_id="b", campaign_id="c1"), touch("9", touch_id="a", campaign_id="c2")) == ("paid", "c1")


def test_the_lookback_has_an_exact_edge() -> None:
    assert came_by(touch("8", campaign_id="c"), config=TWO_DAYS) == ("paid", "c")
    assert came_by(touch("8 11:59:59.999999", campaign_id="c"), config=TWO_DAYS) == NONE


def test_the_first_stage_is_not_the_first_event() -> None:
    """Turned away on the fifth, an MQL of the same pass on the tenth: a touch of the ninth is before its first stage."""
    events = [lead("rejected", "5", person_id="p"), lead("sal", "10", person_id="p")]
    assert of_lead(*events, touch("9"))[0].channel == "paid"
    assert of_lead(lead("inquiry", "12", person_id="p"), lead("mql", "10"), touch("11"))[0].channel == "(none)"


def test_touches_that_do_not_count() -> None:
    seen = touch("9", kind="Impression", campaign_id="c2")
    assert came_by(touch("8", campaign_id="c1"), seen) == ("paid", "c1")
    by_mail = Config(attribution=Attribution(excluded_kinds=(), excluded_channels=("PAID",)))
    assert came_by(touch("9"), config=by_mail) == NONE
    assert came_by(seen | {"data": seen["data"] | {"channel": "email"}}, config=by_mail) == ("email", "c2")
    gone = event("touch-retraction", "web", "r", at("20"), {"touch_source": "web", "touch_id": "t/9"})
    assert came_by(touch("8", campaign_id="c1"), touch("9", campaign_id="c2"), gone) == ("paid", "c1")
    shop = Config(attribution=Attribution(excluded_referrers=("shop.test",)))
    assert came_by(touch("9", referrer="https://shop.test/"), config=shop) == ("paid", "(none)")  # kind and channel exclude, no referrer


def test_a_device_counts_for_whom_it_has_in_core_identity() -> None:
    """Its person by the latest claim, whoever had it at the time; a person that the touch names goes before it."""
    seen = touch("8", None, visitor_id="v", campaign_id="c")
    assert came_by(seen) == NONE
    assert came_by(seen, link("visitor:v", "person:p", "20")) == ("paid", "c")
    assert came_by(seen, link("visitor:v", "person:p", "20"), link("visitor:v", "person:q", "21")) == NONE
    assert came_by(seen, link("visitor:v", "person:q", "1"), link("visitor:v", "person:p", "21")) == ("paid", "c")
    named = touch("9", "q", visitor_id="v", campaign_id="c")
    assert came_by(named, link("visitor:v", "person:p", "20")) == NONE
    assert came_by(touch("9", None, account_id="a")) == NONE
    merged = [touch("9", "q"), link("person:p", "person:q")]
    assert came_by(*merged) == ("paid", "(none)")


def test_names_of_names_are_followed() -> None:
    def also(one: str, other: str) -> Event:
        return event("campaign", "ads", one, at("1"), {"campaign_id": one, "name": "n", "channel": "paid", "same_as": other})

    assert came_by(touch("9", campaign_id="c3"), also("c3", "c2"), also("c2", "c1")) == ("paid", "c1")
    assert came_by(touch("9", campaign_id="c3"), also("c3", "c2"), also("c2", "c3")) == ("paid", "c2")
    assert came_by(touch("9", campaign_id="(Not Set)")) == ("paid", "(none)")


# Rows of leads


def test_rows_of_stages_say_all() -> None:
    config = Config(reporting=Reporting(time_zone="Asia/Riyadh"))
    events = [
        lead("inquiry", "1 22:00", person_id="p", owner="Ada", team="marketing", account_id="a", attributes={"segment": "smb"}),
        lead("sal", "3", deal_id="d"),
        lead("rejected", "9", reason="price"),
        deal("d", "4", "9", "lost"),
        touch("1", campaign_id="c"),
    ]
    rows = figures(events, config)["core.lead_stage"]
    shared = {
        "lead_id": "l",
        "pass_no": 1,
        "is_preexisting": False,
        "account_id": "a",
        "segment": "smb",
        "channel": "paid",
        "campaign_id": "c",
        "owner": "Ada",
        "team": "marketing",
        "deal_id": "d",
        "exit": "rejected",
        "exit_at": dt.datetime(2026, 3, 9, 12, tzinfo=UTC),
        "exit_reason": "price",
    }
    assert all(shared.items() <= row.items() for row in rows)
    assert [
        (row["stage"], row["stage_rank"], f"{row['entered_at']:%-d %H}", row["entered_on"].day, row["is_inferred"]) for row in rows
    ] == [
        ("inquiry", 1, "1 22", 2, False),
        ("mql", 2, "3 12", 3, True),
        ("sal", 3, "3 12", 3, False),
        ("sql", 4, "4 12", 4, True),
        ("opportunity", 5, "4 12", 4, False),
    ]


def test_a_lead_is_as_far_as_its_last_pass() -> None:
    events = [lead("sql", "1"), lead("rejected", "2"), lead("mql", "3", team="sales")]
    row = only(figures(events, PLAIN)["core.lead"], lead_id="l")
    assert (row["passes"], row["current_stage"], row["team"], f"{row['first_at']:%-d}") == (2, "mql", "sales", "1")
