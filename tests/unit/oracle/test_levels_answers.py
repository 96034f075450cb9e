"""What a good lead is, how far the teams agree, and how soon leads are answered (figures §1), worked out on paper."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from nisba.agreements import BusinessHours, LeadQuality, LeadSla
from nisba.config import Config, Labels, Reporting
from tests.oracle.levels import figures
from tests.oracle.levels.business import HOUR, business_time, due_at
from tests.oracle.settled import instant, moment
from tests.strategies import Event
from tests.unit.oracle.lead_facts import PLAIN, UTC, at, deal, lead, only, touch


def judged(*events: Event, config: Config = PLAIN, **rule: Any) -> dict[str, Any] | None:
    """Return the row of lead `l`, judged by one rule."""
    rules = Config(lead_quality=(LeadQuality(id="good", **rule),), labels=config.labels, reporting=config.reporting)
    rows = [row for row in figures(events, rules)["marts.lead_quality"] if row["lead_id"] == "l"]
    return rows[-1] if rows else None


def failed(*events: Event, config: Config = PLAIN, **rule: Any) -> list[str]:
    """Return what it fails."""
    row = judged(*events, config=config, **rule)
    assert row is not None
    assert row["is_qualified"] == (row["failed"] == [])
    return list(row["failed"])


# Quality


@pytest.mark.parametrize(
    ("score", "least", "expected"),
    [
        (None, None, []),
        (None, "0", ["score"]),
        (0, "0", []),
        (0.7, "0.7", []),
        (0.7, "0.70", []),
        (0.69, "0.7", ["score"]),
        (70, "70", []),
        (69.999, "70", ["score"]),
        (-1, "0", ["score"]),
    ],
)
def test_the_score_of_a_lead(score: float | None, least: str | None, expected: list[str]) -> None:
    assert failed(lead("mql", "2", score=score), min_score=None if least is None else Decimal(least)) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"owner": "Ada", "attributes": {"size": 3}}, []),
        ({"owner": "", "attributes": {"size": 3}}, ["owner"]),
        ({"attributes": {"size": ""}}, ["owner", "attributes.size"]),
        ({"owner": "Ada"}, ["attributes.size"]),
        ({"owner": "Ada", "attributes": {"size": None}}, ["attributes.size"]),
        ({"owner": "Ada", "attributes": {"size": 0}}, []),
        ({"owner": "Ada", "attributes": {"size": False}}, []),
    ],
)
def test_what_a_rule_requires(data: dict[str, Any], expected: list[str]) -> None:
    assert failed(lead("mql", "2", **data), required=("owner", "attributes.size")) == expected


def test_what_earlier_and_later_events_say_is_not_required_of_the_mql() -> None:
    assert failed(lead("inquiry", "1", owner="Ada"), lead("mql", "2"), lead("sal", "3", owner="Ada"), required=("owner",)) == ["owner"]


def test_segments_and_channels_ignore_case_and_may_be_none() -> None:
    small, plain = lead("mql", "2", person_id="p", attributes={"segment": "Small  Firms"}), lead("mql", "2", person_id="p")
    assert failed(small, segments=("SMALL FIRMS",)) == []
    assert failed(small, segments=("large", "(none)")) == ["segment"]
    assert failed(plain, segments=("small firms",)) == ["segment"]
    assert failed(plain, segments=("(None)",)) == []
    assert failed(plain, touch("1"), channels=("PAID",)) == []
    assert failed(plain, touch("1"), channels=("email", "(none)")) == ["channel"]
    assert failed(plain, channels=("(NONE)",)) == []
    renamed = Config(labels=Labels(segment={"small firms": "smb"}, channel={"paid": "Search"}))
    assert failed(small, config=renamed, segments=("Small Firms",)) == ["segment"]
    assert failed(small, touch("1"), config=renamed, segments=("SMB",), channels=("search",)) == []


def test_failures_are_told_in_order() -> None:
    rule: dict[str, Any] = {"min_score": Decimal(1), "required": ("person_id", "owner"), "segments": ("x",), "channels": ("x",)}
    assert failed(lead("mql", "2"), **rule) == ["score", "person_id", "owner", "segment", "channel"]


def test_judged_is_the_first_mql_event_of_that_time() -> None:
    first, second = lead("mql", "2", "a", score=1), lead("mql", "2", "b", score=9)
    earlier_source = lead("mql", "2", "z", source="ads", score=9)
    other_stage = lead("inquiry", "2", "0", score=9)
    later = lead("mql", "3", "0", score=9)
    assert failed(first, second, later, other_stage, min_score=Decimal(5)) == ["score"]
    assert failed(first, second, earlier_source, min_score=Decimal(5)) == []


def test_an_inferred_mql_is_not_judged() -> None:
    assert judged(lead("inquiry", "1"), lead("sal", "3")) is None
    assert judged(lead("sal", "3")) is None
    assert judged(lead("mql", "3"), lead("sal", "2")) is None  # the SAL is earlier: nobody says when it became an MQL
    assert judged(lead("mql", "3"), lead("sal", "3")) is not None


@pytest.mark.parametrize(
    ("events", "answer"),
    [
        ([], "none"),
        ([lead("sal", "3")], "accepted"),
        ([lead("sql", "3")], "accepted"),  # a leap over SAL
        ([lead("rejected", "3")], "rejected"),
        ([lead("recycled", "3")], "recycled"),
        ([lead("rejected", "3"), lead("sal", "4")], "accepted"),
        ([lead("sal", "3"), lead("rejected", "4")], "accepted"),
        ([lead("inquiry", "1", deal_id="d"), deal("d", "9", status="lost", closed="10")], "accepted"),
    ],
)
def test_what_a_lead_was_answered(events: list[Event], answer: str) -> None:
    row = judged(lead("mql", "2"), *events)
    assert row is not None
    assert row["answer"] == answer


def test_each_pass_is_judged() -> None:
    events = [lead("mql", "2"), lead("rejected", "3"), lead("mql", "5"), lead("sal", "6")]
    rows = figures(events, Config(lead_quality=(LeadQuality(id="good"),)))["marts.lead_quality"]
    assert [(row["pass_no"], row["answer"]) for row in rows] == [(1, "rejected"), (2, "accepted")]


def versions(*valid_from: dt.date | None) -> Config:
    """Return rules that are called 0, 1, 2 in the order of the file; days are those of Riyadh."""
    rules = tuple(LeadQuality(id=f"{n}", valid_from=since) for n, since in enumerate(valid_from))
    return Config(lead_quality=rules, reporting=Reporting(time_zone="Asia/Riyadh"))


@pytest.mark.parametrize(
    ("valid_from", "when", "expected"),
    [
        ((), "10", []),
        ((None,), "10", ["0"]),
        ((None, dt.date(2026, 3, 10)), "9 20:59:59.999999", ["0"]),
        ((None, dt.date(2026, 3, 10)), "9 21:00", ["1"]),
        ((dt.date(2026, 3, 10), None), "11", ["0"]),
        ((dt.date(2026, 3, 10), dt.date(2026, 3, 5)), "11", ["0"]),
        ((dt.date(2026, 3, 10), dt.date(2026, 3, 5)), "7", ["1"]),
        ((dt.date(2026, 3, 10), dt.date(2026, 3, 5)), "2", []),
        ((dt.date(2026, 3, 5), dt.date(2026, 3, 5)), "7", ["1"]),
        ((None, None), "7", ["1"]),
    ],
)
def test_the_version_of_a_day(valid_from: tuple[dt.date | None, ...], when: str, expected: list[str]) -> None:
    rows = figures([lead("mql", when)], versions(*valid_from))["marts.lead_quality"]
    assert [row["rule_id"] for row in rows] == expected


def test_a_row_of_quality_says_all() -> None:
    events = [lead("mql", "2 22:00", person_id="p", score=1), touch("1", channel="Fair")]
    config = Config(lead_quality=(LeadQuality(id="good", min_score=Decimal(2)),), reporting=Reporting(time_zone="Asia/Riyadh"))
    assert figures(events, config)["marts.lead_quality"] == [
        {
            "lead_id": "l",
            "pass_no": 1,
            "mql_at": dt.datetime(2026, 3, 2, 22, tzinfo=UTC),
            "mql_on": dt.date(2026, 3, 3),
            "rule_id": "good",
            "is_qualified": False,
            "failed": ["score"],
            "answer": "none",
            "channel": "fair",
            "segment": None,
        }
    ]


# Agreement


def test_how_far_the_teams_agree() -> None:
    """Good leads: two accepted, one recycled, one unanswered; bad ones: one accepted, two rejected. They agree on four of six."""
    answers = [(9, "sal"), (9, "sal"), (9, "recycled"), (9, None), (1, "sql"), (1, "rejected"), (1, "rejected")]
    events = [lead("mql", "2", lead_id=f"x{n}", score=score, owner="Ada" if n else None) for n, (score, _) in enumerate(answers)]
    events += [lead(answer, "3", lead_id=f"x{n}") for n, (_, answer) in enumerate(answers) if answer is not None]
    rules = (LeadQuality(id="old", min_score=Decimal(5)), LeadQuality(id="new", valid_from=dt.date(2026, 3, 20)))
    rows = figures([*events, lead("mql", "25", lead_id="late")], Config(lead_quality=rules))["marts.lead_agreement"]
    march = {"period_kind": "month", "period": "2026-03", "segment_kind": "all", "segment": "all"}
    old = only(rows, rule_id="old", **march)
    counts = ("qualified_accepted", "qualified_rejected", "unqualified_accepted", "unqualified_rejected", "unanswered")
    assert [old[name] for name in counts] == [2, 1, 1, 2, 1]
    assert old["agreement_pct"] == Fraction(400, 6)
    new = only(rows, rule_id="new", **march)
    assert ([new[name] for name in counts], new["agreement_pct"]) == ([0, 0, 0, 0, 1], None)
    nobody = only(rows, rule_id="old", **march | {"segment_kind": "owner", "segment": "(none)"})
    assert ([nobody[name] for name in counts], nobody["agreement_pct"]) == ([1, 0, 0, 0, 0], 100)
    assert len(rows) == 3 * (5 + 4)  # month, quarter, year; old: all, segment, channel and two owners


# Business time


def firm(**hours: Any) -> Config:
    """Return a configuration of business hours."""
    return Config(business_hours=BusinessHours(**hours))


ALWAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours_between(since: str, until: str, config: Config) -> Fraction:
    return Fraction(business_time(instant(at(since)), instant(at(until)), config), HOUR)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2 09:00", "2 17:00", 8),  # a Monday
        ("2 00:00", "3 00:00", 8),
        ("2 16:00", "3 10:00", 2),
        ("6 16:30", "9 09:30", 1),  # over a weekend
        ("7 10:00", "8 18:00", 0),
        ("2 12:00", "2 12:00", 0),
        ("3 12:00", "2 12:00", 0),  # backwards
        ("2 16:59:59.999999", "2 23:00", Fraction(1, HOUR)),
        ("1 00:00", "2026-04-01", 22 * 8 + 3),
    ],
)
def test_business_hours_of_a_plain_week(since: str, until: str, expected: Any) -> None:
    assert hours_between(since, until, PLAIN) == expected


@pytest.mark.parametrize(
    ("opens", "closes", "day", "expected"),
    [
        ("00:00", "24:00", "2026-03-28", 24),
        ("00:00", "24:00", "2026-03-29", 23),
        ("00:00", "24:00", "2026-10-25", 25),
        ("02:30", "10:00", "2026-03-29", Fraction(13, 2)),  # opens at half past three by the new clock
        ("02:30", "10:00", "2026-10-25", Fraction(17, 2)),  # the first half past two
        ("02:15", "02:45", "2026-03-29", Fraction(1, 2)),
        ("02:15", "02:45", "2026-10-25", Fraction(1, 2)),
        ("02:30", "03:00", "2026-03-29", 0),  # three o'clock comes before half past two
        ("01:00", "02:30", "2026-10-25", Fraction(3, 2)),
    ],
)
def test_days_on_which_clocks_jump(opens: str, closes: str, day: str, expected: Any) -> None:
    date = dt.date.fromisoformat(day)
    config = firm(days=(ALWAYS[date.weekday()],), opens=opens, closes=closes, time_zone="Europe/Berlin")
    assert hours_between(f"{date - dt.timedelta(days=2)}", f"{date + dt.timedelta(days=2)}", config) == expected


def test_on_the_first_of_two_equal_times_it_opens() -> None:
    """On 25 October 2026 half past two comes twice in Berlin: at 00:30 and at 01:30 UTC."""
    config = firm(days=("sun",), opens="02:30", closes="03:30", time_zone="Europe/Berlin")
    assert hours_between("2026-10-25 00:00", "2026-10-25 00:45", config) == Fraction(1, 4)
    assert hours_between("2026-10-25 00:45", "2026-10-25 06:00", config) == Fraction(7, 4)  # until half past three: 02:30 UTC


def test_a_midnight_that_never_comes() -> None:
    """In Havana the day of 8 March 2026 begins at one o'clock, which is 05:00 UTC."""
    config = firm(days=("sun",), opens="00:00", closes="02:00", time_zone="America/Havana")
    assert hours_between("8 00:00", "9 00:00", config) == 1
    assert moment(due_at(instant(at("7")), Fraction(1, 2), config)).isoformat() == "2026-03-08T05:30:00+00:00"
    late = firm(days=("sat",), opens="23:00", closes="24:00", time_zone="America/Havana")
    assert moment(due_at(instant(at("7")), Fraction(1), late)).isoformat() == "2026-03-08T05:00:00+00:00"


@pytest.mark.parametrize(
    ("handed", "hours", "expected"),
    [
        ("2 09:00", "24", "2026-03-04T17:00:00+00:00"),  # at the close, not at the next opening
        ("2 12:00", "24", "2026-03-05T12:00:00+00:00"),
        ("6 16:00", "24", "2026-03-11T16:00:00+00:00"),
        ("7 12:00", "24", "2026-03-11T17:00:00+00:00"),
        ("7 12:00", "0", "2026-03-07T12:00:00+00:00"),  # no time at all has passed at once
        ("2 17:00", "0.5", "2026-03-03T09:30:00+00:00"),
        ("2 09:00", "8.0000000001", "2026-03-03T09:00:00.000001+00:00"),  # instants are whole microseconds
        ("2 09:00:00.000001", "8", "2026-03-03T09:00:00.000001+00:00"),
    ],
)
def test_when_an_answer_is_due(handed: str, hours: str, expected: str) -> None:
    assert moment(due_at(instant(at(handed)), Fraction(hours), PLAIN)).isoformat() == expected


def test_holidays() -> None:
    """Good Friday is 3 April 2026, Easter Monday the 6th; in Berlin alone 8 March 2027, a Monday, is one."""
    assert hours_between("2026-04-02 00:00", "2026-04-08 00:00", PLAIN) == 4 * 8
    assert hours_between("2026-04-02 00:00", "2026-04-08 00:00", firm(holidays="DE")) == 2 * 8
    assert hours_between("2027-03-08 00:00", "2027-03-09 00:00", firm(holidays="DE")) == 8
    assert hours_between("2027-03-08 00:00", "2027-03-09 00:00", firm(holidays="DE-BE")) == 0
    assert hours_between("2 00:00", "5 00:00", firm(holidays=(dt.date(2026, 3, 3),))) == 2 * 8
    maundy = firm(holidays="DE", closed_days=(dt.date(2026, 4, 2),))
    assert hours_between("2026-04-02 00:00", "2026-04-08 00:00", maundy) == 8


def test_the_zone_of_the_firm_is_that_of_the_reports_unless_it_says_so() -> None:
    riyadh = Config(reporting=Reporting(time_zone="Asia/Riyadh"))
    assert hours_between("2 13:00", "2 17:00", riyadh) == 1
    assert hours_between("2 13:00", "2 17:00", Config(reporting=riyadh.reporting, business_hours=BusinessHours(time_zone="UTC"))) == 4


# Answers


def answered(*events: Event, rule: str = "mql_sal_24h", config: Config = PLAIN) -> dict[str, Any] | None:
    """Return the row of a rule."""
    rows = [row for row in figures(events, config)["marts.lead_sla"] if row["rule_id"] == rule]
    return rows[-1] if rows else None


def hands(from_stage: Any, to_stage: Any, hours: str = "8") -> Config:
    return Config(lead_sla=(LeadSla(id="r", from_stage=from_stage, to_stage=to_stage, hours=Decimal(hours)),))


@pytest.mark.parametrize(
    ("events", "answer", "when"),
    [
        ([], "none", None),
        ([lead("sal", "3")], "accepted", "3"),
        ([lead("sql", "3"), lead("sal", "4")], "accepted", "3"),
        ([lead("sal", "2")], "accepted", "2"),  # with the MQL's time, but a higher stage
        ([lead("mql", "3")], "none", None),
        ([lead("inquiry", "1"), lead("inquiry", "3")], "none", None),
        ([lead("rejected", "3"), lead("sal", "4")], "rejected", "3"),
        ([lead("recycled", "3")], "recycled", "3"),
        ([lead("sal", "3"), lead("rejected", "3")], "accepted", "3"),
        ([lead("rejected", "2")], "rejected", "2"),
        ([lead("rejected", "3", "b"), lead("recycled", "3", "a")], "recycled", "3"),
    ],
)
def test_who_answers_first(events: list[Event], answer: str, when: str | None) -> None:
    row = answered(lead("mql", "2"), *events)
    assert row is not None
    assert (row["answer"], row["answered_at"] and f"{row['answered_at']:%-d}") == (answer, when)


@pytest.mark.parametrize(
    ("rule", "opened", "expected"),
    [
        (("mql", "sal"), "3", ("accepted", "3")),
        (("mql", "sal"), "2 12:00:00.000001", ("accepted", "2")),
        (("mql", "opportunity"), "3", ("accepted", "3")),
        (("mql", "customer"), "3", ("none", None)),
    ],
)
def test_a_deal_that_is_opened_later_answers(rule: tuple[Any, Any], opened: str, expected: Any) -> None:
    row = answered(lead("mql", "2", deal_id="d"), deal("d", opened, "20"), rule="r", config=hands(*rule))
    assert row is not None
    assert (row["answer"], row["answered_at"] and f"{row['answered_at']:%-d}") == expected


def test_a_deal_that_was_there_before_is_no_answer() -> None:
    """It was opened with the MQL or before it: nobody did anything about the lead."""
    for opened in ("2", "1"):
        row = answered(lead("mql", "2", deal_id="d"), deal("d", opened, "20"))
        assert row is not None
        assert row["answer"] == "none"


def test_a_deal_answers_in_the_pass_that_it_belongs_to() -> None:
    events = [lead("mql", "2", deal_id="d"), lead("rejected", "5"), lead("mql", "6", deal_id="d"), deal("d", "4", status="open")]
    rows = figures(events, PLAIN)["marts.lead_sla"]
    assert [(row["pass_no"], row["answer"]) for row in rows] == [(1, "rejected"), (2, "none")]


def test_of_an_answer_and_an_exit_of_one_instant_the_answer_counts() -> None:
    row = answered(lead("mql", "2", deal_id="d"), lead("rejected", "3", "a"), deal("d", "3", status="open"))
    assert row is not None
    assert row["answer"] == "accepted"
    after = answered(lead("mql", "2"), lead("rejected", "3", "a"), lead("sal", "3 12:00:00.000001"))
    assert after is not None
    assert after["answer"] == "rejected"


def test_what_is_inferred_was_not_handed_over() -> None:
    assert answered(lead("inquiry", "1"), lead("sal", "3")) is None
    assert answered(lead("mql", "3"), lead("sal", "2")) is None
    assert answered(lead("sal", "3")) is None
    both = answered(lead("sal", "3"), rule="sal_sql_40h")
    assert both is not None
    assert both["answer"] == "none"


def test_an_opportunity_may_be_handed_over_by_a_deal() -> None:
    events = [lead("mql", "2", deal_id="d"), deal("d", "4", "9"), lead("customer", "5")]
    row = answered(*events, rule="r", config=hands("opportunity", "customer"))
    assert row is not None
    assert (f"{row['handed_at']:%-d}", row["answer"], f"{row['answered_at']:%-d}") == ("4", "accepted", "5")


@pytest.mark.parametrize(
    ("answer", "breached"),
    [("4 17:00", False), ("4 17:00:00.000001", True), ("4 16:59:59.999999", False), ("5", True)],
)
def test_an_answer_is_late_after_the_instant_at_which_it_was_due(answer: str, breached: bool) -> None:
    row = answered(lead("mql", "2 09:00"), lead("sal", answer))
    assert row is not None
    assert row["is_breached"] is breached


@pytest.mark.parametrize(
    ("now", "breached", "decided"),
    [("4 17:00", 0, 0), ("4 17:00:00.000001", 1, 1), ("3", 0, 0), ("1", 0, 0)],
)
def test_a_lead_without_an_answer_is_late_once_it_was_due(now: str, breached: int, decided: int) -> None:
    config = Config(reporting=Reporting(as_of=dt.datetime.fromisoformat(at(now).replace("Z", "+00:00"))))
    rows = figures([lead("mql", "2 09:00")], config)
    row = only(rows["marts.lead_sla"], lead_id="l")
    assert (row["is_breached"], row["answered_at"]) == (bool(breached), None)
    hours = {"4 17:00": 24, "4 17:00:00.000001": 24, "3": 11, "1": 0}  # until now; never below zero
    assert row["business_hours"] == hours[now]
    summary = only(rows["marts.lead_sla_summary"], period_kind="month", segment_kind="all")
    assert (summary["handed"], summary["answered"], summary["breached"], summary["decided"]) == (1, 0, breached, decided)
    assert (summary["breach_pct"], summary["median_hours"]) == (100 if decided else None, None)


def test_now_is_that_of_the_latest_event() -> None:
    late = lead("inquiry", "20", lead_id="m")
    row = answered(lead("mql", "2 09:00"), late)
    assert row is not None
    assert (row["is_breached"], row["business_hours"]) == (True, 14 * 8 + 3)


def test_an_answer_later_than_now_is_one() -> None:
    config = Config(reporting=Reporting(as_of=dt.datetime(2026, 3, 3, tzinfo=UTC)))
    row = answered(lead("mql", "2 09:00"), lead("sal", "9 09:00"), config=config)
    assert row is not None
    assert (row["answer"], row["is_breached"], row["business_hours"]) == ("accepted", True, 40)


def test_owner_and_team_are_those_until_it_was_handed_over() -> None:
    events = [
        lead("inquiry", "1", owner="Ada", team="marketing"),
        lead("mql", "2", owner="", deal_id="d", attributes={"segment": "smb"}),
        lead("sal", "3", owner="Ben", team="sales"),
    ]
    row = answered(*events)
    assert row is not None
    assert (row["owner"], row["team"], row["segment"], row["channel"]) == ("Ada", "marketing", "smb", "(none)")
    assert (row["due_at"], row["business_hours"]) == (dt.datetime(2026, 3, 5, 12, tzinfo=UTC), 8)
    nobody = answered(*events[1:])
    assert nobody is not None
    assert (nobody["owner"], nobody["team"]) == (None, None)
    at_once = answered(*events[1:2], lead("inquiry", "2", "z", owner="Cleo"))
    assert at_once is not None
    assert at_once["owner"] == "Cleo"


def test_versions_of_a_pair_of_stages() -> None:
    rules = (
        LeadSla(id="new", from_stage="mql", to_stage="sal", hours=Decimal(4), valid_from=dt.date(2026, 3, 3)),
        LeadSla(id="old", from_stage="mql", to_stage="sal", hours=Decimal(8)),
        LeadSla(id="other", from_stage="sal", to_stage="sql", hours=Decimal(1), valid_from=dt.date(2026, 3, 5)),
    )
    config = Config(lead_sla=rules, reporting=Reporting(time_zone="Asia/Riyadh"))
    events = [lead("mql", "2 20:59:59.999999"), lead("sal", "4"), lead("mql", "2 21:00", lead_id="m"), lead("sal", "5", lead_id="m")]
    rows = figures(events, config)["marts.lead_sla"]
    assert [(row["lead_id"], row["rule_id"]) for row in rows] == [("l", "old"), ("m", "new"), ("m", "other")]


def test_a_summary_counts_those_handed_over_in_the_period() -> None:
    """Answered after 1, 3 and 11 hours, one unanswered and overdue, one not due yet: two of four decided ones are late."""
    config = hands("mql", "sal")
    events = [
        lead("mql", "2 09:00", lead_id="a", owner="Ada"),
        lead("sal", "2 10:00", lead_id="a"),
        lead("mql", "2 09:00", lead_id="b", owner="Ben"),
        lead("rejected", "2 12:00", lead_id="b"),
        lead("mql", "2 09:00", lead_id="c"),
        lead("sal", "3 12:00", lead_id="c", owner="Ada"),
        lead("mql", "3 09:00", lead_id="d", owner="Ada"),
        lead("mql", "4 09:00", lead_id="e", owner="Ada"),
    ]
    rows = figures(events, config)["marts.lead_sla_summary"]
    row = only(rows, period_kind="quarter", segment_kind="all")
    assert [row[name] for name in ("period", "rule_id", "segment")] == ["2026-Q1", "r", "all"]
    assert [row[name] for name in ("handed", "answered", "breached", "decided")] == [5, 3, 2, 4]
    assert (row["breach_pct"], row["median_hours"], row["p90_hours"]) == (50, 3, Fraction(94, 10))
    owners = {row["segment"]: row["handed"] for row in rows if row["segment_kind"] == "owner" and row["period_kind"] == "month"}
    assert owners == {"Ada": 3, "Ben": 1, "(none)": 1}  # of the row: who had it when it was handed over


def test_a_row_of_an_answer_says_all() -> None:
    events = [lead("mql", "2 09:00", person_id="p", owner="Ada"), lead("rejected", "3 10:00"), touch("1", channel="Fair")]
    assert figures(events, hands("mql", "sal"))["marts.lead_sla"] == [
        {
            "lead_id": "l",
            "pass_no": 1,
            "rule_id": "r",
            "from_stage": "mql",
            "to_stage": "sal",
            "handed_at": dt.datetime(2026, 3, 2, 9, tzinfo=UTC),
            "due_at": dt.datetime(2026, 3, 2, 17, tzinfo=UTC),
            "answer": "rejected",
            "answered_at": dt.datetime(2026, 3, 3, 10, tzinfo=UTC),
            "business_hours": 9,
            "is_breached": True,
            "channel": "fair",
            "segment": None,
            "owner": "Ada",
            "team": None,
        }
    ]
