"""Every rule of the contract is asked on both ways: what breaks it is refused in its words, its neighbour at the edge is not."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from nisba.attribution.facts import INSTANT, PAYLOAD
from schemas.columns import Rows, fact_table
from schemas.decoder import decode_block
from schemas.envelope import lean_decoder
from schemas.events import BY_FACT_TYPE, EVENT_TYPES
from schemas.kinds import Mask
from schemas.refusals import ERROR_CLASSES
from schemas.rules import RULES, Rule, _of_kind, first_broken, rules_of
from tests.unit.schemas.event_samples import SAMPLES, block, dead_letter, fact, sample

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
TOUCH, DEAL, CAMPAIGN, SPEND, FX = (f"nisba.{name}.v1" for name in ("touch", "deal", "campaign", "spend", "fx"))
OPEN = {"status": "open", "closed_at": ..., "amount": ..., "currency": ...}
LOST = {"status": "lost", "amount": ..., "currency": ...}
WON_ON = {"closed_at": ..., "closed_on": "2026-03-02"}
ADJUSTMENT, IDENTITY, ACCOUNT = (f"nisba.{name}.v1" for name in ("adjustment", "identity", "account"))
PERSON, LEAD, FIRM, VISITOR = ({"kind": kind, "id": "x"} for kind in ("person", "lead", "account", "visitor"))
MEMBER = {"left": PERSON, "right": FIRM}
SINCE, UNTIL = "2026-02-01T00:00:00Z", "2026-02-01T00:00:00.000001Z"
FAR = "is outside the days that the books know, 1970-01-01 to 2199-12-31: send the right one"
NEVER = "0001-01-01T00:00:00Z"

# rule, type → what breaks exactly it; neighbours at the edge that are good; what its sentence says
EXAMPLES: dict[tuple[str, str], tuple[dict[str, Any], list[dict[str, Any]], str]] = {
    ("names somebody", TOUCH): (
        {"account_id": ..., "visitor_id": ...},
        [{"account_id": ...}, {"visitor_id": ...}, {"account_id": ..., "visitor_id": ..., "person_id": "p"}],
        "$.data: a touch names at least one of account_id, person_id and visitor_id",
    ),
    ("names one", "nisba.erasure.v1"): (
        {"person_id": "p"},
        [{}, {"visitor_id": None, "person_id": "p"}],
        "$.data: an erasure names one of person_id and visitor_id; send one event for each",
    ),
    ("ends after its start", CAMPAIGN): (
        {"ends_on": "2026-02-28"},
        [{"ends_on": "2026-03-01"}, {"ends_on": ...}, {"starts_on": ...}],
        "$.data.ends_on: 2026-02-28 is before starts_on, 2026-03-01",
    ),
    ("ends after its start", SPEND): (
        {"ends_on": "2026-02-28"},
        [{"ends_on": "2026-03-01"}, {"ends_on": ...}],
        "$.data.ends_on: 2026-02-28 is before starts_on, 2026-03-01",
    ),
    ("budget has a currency", CAMPAIGN): (
        {"currency": ...},
        [{"currency": ..., "budget": ...}, {"budget": ...}],
        "$.data.currency: missing, and a budget needs one",
    ),
    ("amounts have a currency", DEAL): (
        LOST | {"list_amount": "5"},
        [LOST, {"list_amount": "5"}],
        "$.data.currency: missing, and an amount needs one",
    ),
    ("currency has an amount", DEAL): (
        LOST | {"currency": "USD"},
        [LOST, LOST | {"currency": "USD", "amount": "0"}, {"amount": ..., "currency": ...}],
        "$.data.amount: missing, and a currency comes with one",
    ),
    ("amount is zero or more", DEAL): (
        {"amount": "-0.01"},
        [{"amount": "0.00"}, {"amount": "-0.00"}, {"list_amount": "-0.01"}],
        "$.data.amount: '-0.01' is below zero: send a refund as a nisba.adjustment.v1",
    ),
    ("opened_at or opened_on", DEAL): (
        {"opened_on": "2026-01-10"},
        [{"opened_at": ..., "opened_on": "2026-01-10"}, {"opened_on": ""}, {"opened_on": None}],
        "$.data.opened_on: opened_at is given as well: send one of the two, opened_on where only the day is known",
    ),
    ("has opened_at", DEAL): (
        {"opened_at": ...},
        [{"opened_at": "", "opened_on": "2026-01-10"}],
        "$.data.opened_at: missing, and so is opened_on: a won deal needs one of the two",
    ),
    ("closed_at or closed_on", DEAL): (
        {"closed_on": "2026-03-02"},
        [WON_ON, OPEN | {"closed_on": "2026-03-02"}, {"status": "open", "closed_at": NEVER, "closed_on": "2026-03-02"}],
        "$.data.closed_on: closed_at is given as well: send one of the two, closed_on where only the day is known",
    ),
    ("has closed_at", DEAL): (
        LOST | {"closed_at": ...},
        [OPEN, LOST, LOST | WON_ON],
        "$.data.closed_at: missing, and so is closed_on: a lost deal needs one of the two",
    ),
    ("effective_at or effective_on", ADJUSTMENT): (
        {"effective_on": "2026-04-01"},
        [{"effective_at": ..., "effective_on": "2026-04-01"}],
        "$.data.effective_on: effective_at is given as well: send one of the two, effective_on where only the day is known",
    ),
    ("has effective_at", ADJUSTMENT): (
        {"effective_at": None},
        [{"effective_at": None, "effective_on": "2026-04-01"}],
        "$.data.effective_at: missing, and so is effective_on: an adjustment needs one of the two",
    ),
    ("only memberships have a window", IDENTITY): (
        {"since": SINCE},
        [
            {"since": SINCE} | MEMBER,
            {"until": SINCE, "left": FIRM, "right": LEAD},
            {"until": SINCE, "op": "unlink"},
            {"since": NEVER, "until": "9999-12-31T23:59:59Z"},
            {"since": ""},
        ],
        "$.data.since: only the link of a person or a lead with an account holds for a time, this one is of visitor and person: "
        "leave since and until out",
    ),
    ("a window ends after it began", IDENTITY): (
        {"since": SINCE, "until": SINCE} | MEMBER,
        [
            {"since": SINCE, "until": UNTIL} | MEMBER,
            {"since": SINCE, "until": SINCE, "op": "unlink"} | MEMBER,
            {"since": SINCE, "until": NEVER} | MEMBER,
        ],
        "$.data.until: 2026-02-01T00:00:00.000000Z is not after since, 2026-02-01T00:00:00.000000Z",
    ),
    ("covers ten years at most", SPEND): (
        {"starts_on": "2020-01-01", "ends_on": "2030-01-08"},
        [{"starts_on": "2020-01-01", "ends_on": "2030-01-07"}],
        "$.data.ends_on: from 2020-01-01 to 2030-01-08 are more than 3660 days: a spend covers no more, split it",
    ),
    **{
        ("channel is free", event_type): (
            {"channel": " Unattributed "},
            [{"channel": "(None)"}, {"channel": "alles"}, {"channel": "(direct)"}],
            "$.data.channel: 'unattributed' is the name of a row of the reports: name the channel otherwise",
        )
        for event_type in (TOUCH, CAMPAIGN)
    },
    **{
        ("campaign is one", event_type): (
            {"campaign_id": word},
            [{"campaign_id": "organic"}, {"campaign_id": f"{word} "}],
            f"$.data.campaign_id: {word!r} says that there is no campaign: send the campaign's id",
        )
        for event_type, word in ((CAMPAIGN, "ALL"), (SPEND, "(Not Set)"))
    },
    ("same_as is one", CAMPAIGN): (
        {"same_as": "(none)"},
        [{"same_as": ""}, {"same_as": "c-spring"}, {"same_as": " (none)"}],
        "$.data.same_as: '(none)' says that there is no campaign: send the campaign's id, or leave it out",
    ),
    **{
        (f"{field} is not empty", event_type): (
            {field: empty},
            [{field: "."}],
            f"$.data.{field}: empty, and it is required",
        )
        for event_type, field, empty in (
            (TOUCH, "channel", ""),
            (TOUCH, "kind", "\u00a0 "),
            (CAMPAIGN, "channel", " "),
            (CAMPAIGN, "name", ""),
            (DEAL, "stage", "\t"),
        )
    },
    ("opened_at is of our days", DEAL): (
        {"opened_at": "1969-12-31T23:59:59.999999Z"},
        [{"opened_at": "1970-01-01T00:00:00Z"}],
        f"$.data.opened_at: 1969-12-31T23:59:59.999999Z {FAR}",
    ),
    ("closed_at is of our days", DEAL): (
        {"closed_at": "9999-12-31T00:00:00Z"},
        [{"closed_at": "2199-12-31T23:59:59.999999Z"}, {"status": "open", "closed_at": "9999-12-31T00:00:00Z"}],
        f"$.data.closed_at: 9999-12-31T00:00:00.000000Z {FAR}",
    ),
    ("effective_at is of our days", ADJUSTMENT): (
        {"effective_at": "2200-01-01T00:00:00Z"},
        [{"effective_at": "2200-01-01T00:00:00+00:01"}],
        f"$.data.effective_at: 2200-01-01T00:00:00.000000Z {FAR}",
    ),
    **{
        (f"{field} is of our days", event_type): (
            {field: bad} | (WON_ON if field == "closed_on" else {}) | others | {field: bad},
            [others | {field: good}],
            f"$.data.{field}: {bad} {FAR}",
        )
        for event_type, field, bad, good, others in (
            (DEAL, "opened_on", "2200-01-01", "2199-12-31", {"opened_at": ...}),
            (DEAL, "closed_on", "1969-12-31", "1970-01-01", {"closed_at": ...}),
            (ADJUSTMENT, "effective_on", "0001-01-01", "1970-01-01", {"effective_at": ...}),
            (SPEND, "starts_on", "1969-12-31", "1970-01-01", {"ends_on": "1970-01-01"}),
            (SPEND, "ends_on", "2200-01-01", "2199-12-31", {"starts_on": "2199-12-31"}),
            (FX, "date", "9999-12-31", "2199-12-31", {}),
        )
    },
    **{
        (f"{field} is below 10^15", SPEND): (
            {field: 10**15},
            [{field: 10**15 - 1}, {field: 0}],
            f"$.data.{field}: 1000000000000000 is impossible: expected a number below 10^15",
        )
        for field in ("impressions", "clicks", "leads")
    },
    ("links two nodes", "nisba.identity.v1"): (
        {"right": {"kind": "visitor", "id": "v-81"}},
        [{"right": {"kind": "lead", "id": "v-81"}}, {"right": {"kind": "visitor", "id": "V-81"}}],
        "$.data.right: visitor 'v-81' cannot be linked with itself",
    ),
    ("rate is possible", FX): (
        {"rate": "0"},
        [{"rate": "0.000000000001"}, {"rate": "1000000000000"}],
        "$.data.rate: a rate of '0' is impossible: expected one from 10^-12 to 10^12",
    ),
}
OF_TIME = "time is of our days"
# these come before any rule could see them: the columns of FAR_IS_NONE hold nothing far
NEVER_BROKEN = {("starts_on", CAMPAIGN), ("ends_on", CAMPAIGN), ("since", IDENTITY), ("until", IDENTITY)}
CASES = [(name, event_type, *found) for (name, event_type), found in EXAMPLES.items()]


def test_every_rule_has_its_example() -> None:
    declared = {(rule.name, BY_FACT_TYPE[fact_type].name) for rule in RULES for fact_type in rule.fact_types}
    of_time = {(OF_TIME, name) for name in EVENT_TYPES}
    never = {(f"{field} is of our days", event_type) for field, event_type in NEVER_BROKEN}
    assert declared == EXAMPLES.keys() | of_time | never
    assert len(declared) == sum(len(rule.fact_types) for rule in RULES)
    assert {rule.error_class for rule in RULES} <= set(ERROR_CLASSES)


def broken(event: dict[str, Any]) -> tuple[list[str], bool]:
    """Return the rules that the quick way finds broken, and whether it left a text unread."""
    fact_type = EVENT_TYPES[event["type"]].fact_type
    rows = Rows([0], [lean_decoder().decode(json.dumps(event))])
    made = fact_table(fact_type, rows, "t", 0, np.zeros(1, dtype=np.int64))
    columns = {name: made.table.column(name).combine_chunks() for name in made.table.column_names}
    found = [rule.name for rule in rules_of(fact_type) if rule.is_broken(columns)[0]]
    first = made.broken[0]
    assert (rules_of(fact_type)[first].name if first >= 0 else None) == (found[0] if found else None)
    return found, bool(made.unread[0])


Case = tuple[str, str, dict[str, Any], list[dict[str, Any]], str]


@pytest.mark.parametrize("case", CASES, ids=[f"{case[1]}-{case[0]}" for case in CASES])
def test_mask_and_sentence_agree(case: Case) -> None:
    name, event_type, changes, neighbours, sentence = case
    (rule,) = (rule for rule in rules_of(EVENT_TYPES[event_type].fact_type) if rule.name == name)
    event = sample(event_type, **changes)
    assert broken(event) == ([name], False)
    assert dead_letter(event) == (rule.error_class, sentence)
    for neighbour in neighbours:
        good = sample(event_type, **neighbour)
        assert broken(good) == ([], False)
        assert fact(good)["event_id"] == "e-1"


@pytest.mark.parametrize("event_type", SAMPLES)
def test_good_events_break_nothing(event_type: str) -> None:
    assert broken(sample(event_type)) == ([], False)


def test_the_first_rule_that_is_broken_gives_the_sentence() -> None:
    """A won deal with nothing: the amount is asked for before the close, and the close before the stage."""
    bare = {"amount": ..., "closed_at": ..., "stage": ""}
    assert broken(sample(DEAL, **bare))[0] == ["currency has an amount", "has closed_at", "stage is not empty"]
    assert dead_letter(sample(DEAL, **bare))[1].startswith("$.data.amount: missing")
    assert dead_letter(sample(DEAL, closed_at=..., stage=""))[1].startswith("$.data.closed_at: missing")


def test_texts_that_are_written_otherwise_are_asked_as_well() -> None:
    """Not plain, so the quick way does not read them; the rule is asked when they are read exactly."""
    for amount, error_class in (("-00.0100", "schema"), ("-00.0000", None)):
        event = sample(DEAL, amount=amount)
        assert broken(event)[1]
        assert (dead_letter(event)[0] if error_class else fact(event)["amount"]) == (error_class or 0)
    assert dead_letter(sample(FX, rate="-00.50")) == (
        "semantic",
        "$.data.rate: a rate of '-0.5' is impossible: expected one from 10^-12 to 10^12",
    )
    for rate in ("1000000000000.0000001", "0.0000000000009", "-1"):
        assert dead_letter(sample(FX, rate=rate))[0] == "semantic"
    assert fact(sample(FX, rate="01000000000000.00"))["rate"] == "1000000000000"


@pytest.mark.parametrize("event_type", SAMPLES)
def test_no_event_is_of_another_age(event_type: str) -> None:
    for time, written in (
        ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
        ("2200-01-01T00:00:00Z", "2200-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00+03:00", "0001-01-01T00:00:00Z"),
    ):
        assert dead_letter(sample(event_type) | {"time": time}) == ("semantic", f"$.time: {written} {FAR}")
    for time in ("1970-01-01T00:00:00Z", "2199-12-31T23:59:59.9999999Z"):
        assert broken(sample(event_type) | {"time": time[:26].removesuffix("Z") + "Z"}) == ([], False)
        assert fact(sample(event_type) | {"time": time})["event_id"] == "e-1"


def test_a_spend_of_one_day_is_refused_for_the_day_that_it_says() -> None:
    assert dead_letter(sample(SPEND, starts_on="1969-12-31")) == ("semantic", f"$.data.starts_on: 1969-12-31 {FAR}")


@pytest.mark.parametrize(("field", "event_type"), sorted(NEVER_BROKEN))
def test_dates_that_mean_none_are_none(field: str, event_type: str) -> None:
    """Of a campaign and of a membership; 1970-01-01 and the end of 2199 are days like others."""
    others = MEMBER if event_type == IDENTITY else {"starts_on": ..., "ends_on": ...}
    end = "T00:00:00Z" if event_type == IDENTITY else ""
    for day in ("0001-01-01", "1969-12-31", "2200-01-01", "9999-12-31"):
        assert fact(sample(event_type, **others | {field: f"{day}{end}"}))[field] is None
    for day in ("1970-01-01", "2199-12-31"):
        assert fact(sample(event_type, **others | {field: f"{day}{end}"}))[field] is not None


def test_the_expected_close_of_an_open_deal_may_be_unknown() -> None:
    for field, far in (("closed_at", NEVER), ("closed_at", "9999-12-31T23:59:59-05:00"), ("closed_on", "2200-01-01")):
        close = {"closed_at": ...} | {field: far}
        assert fact(sample(DEAL, status="open", **close))[field] is None
        for status in ("won", "lost"):
            assert dead_letter(sample(DEAL, status=status, **close))[0] == "semantic"


def test_a_field_that_is_at_fault_itself_goes_before_rules() -> None:
    assert dead_letter(sample(SPEND, starts_on="2026-02-30", ends_on="2026-01-01"))[1].startswith("$.data.starts_on: ")
    assert dead_letter(sample(DEAL, amount="1.0001", currency=...)) == (
        "semantic",
        "$.data.amount: '1.0001' has more decimals than any currency has (3)",
    )
    assert dead_letter(sample(DEAL, amount="1.001", currency=...))[1] == "$.data.currency: missing, and an amount needs one"


def test_a_rule_is_in_force_from_the_moment_it_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways ask it, though nothing but the table names it."""
    rule = Rule(
        "is no robot", ("touch",), lambda c: np.array(c["kind"]) == "bot", "semantic", lambda event: f"$.data.kind: {event.data.kind}"
    )
    monkeypatch.setattr("schemas.rules.RULES", (*RULES, rule))
    rules_of.cache_clear()
    try:
        events = [sample(TOUCH, kind=kind) for kind in ("click", "bot", "bots")]
        for exactly in (False, True):
            decoded = decode_block(block(*events), exactly=exactly)
            (refused,) = decoded.dead_letters.to_pylist()
            assert (refused["kafka_offset"], refused["message"]) == (101, "$.data.kind: bot")
            assert decoded.facts["touch"]["kind"].to_pylist() == ["click", "bots"]
    finally:
        monkeypatch.undo()
        rules_of.cache_clear()


def test_a_rule_about_a_kind_is_one_about_each_of_its_fields() -> None:
    def is_late(column: Any) -> Mask:
        late: Mask = np.array(column).astype(str) >= "2027"
        return late

    late = list(_of_kind("date", "is not of 2027", is_late, "semantic", lambda path, text: f"{path} {text}"))
    assert sorted((rule.fact_types, rule.name) for rule in late) == [
        (("adjustment",), "effective_on is not of 2027"),
        (("campaign",), "ends_on is not of 2027"),
        (("campaign",), "starts_on is not of 2027"),
        (("deal",), "closed_on is not of 2027"),
        (("deal",), "opened_on is not of 2027"),
        (("fx",), "date is not of 2027"),
        (("spend",), "ends_on is not of 2027"),
        (("spend",), "starts_on is not of 2027"),
    ]
    (of_fx,) = (rule for rule in late if rule.fact_types == ("fx",))
    columns = {"date": pa.array(["2026-12-31", "2027-01-01"])}
    assert of_fx.is_broken(columns).tolist() == [False, True]
    refusal = of_fx.refusal(lean_decoder().decode(json.dumps(sample(FX, date="2027-01-01"))))
    assert (refusal.error_class, refusal.message) == ("semantic", "$.data.date 2027-01-01")


def test_types_without_rules_of_their_own_break_none() -> None:
    without = [fact_type for fact_type in PAYLOAD if [rule.name for rule in rules_of(fact_type)] == [OF_TIME]]
    assert sorted(without) == ["account", "lead_stage", "retraction"]
    columns = {"occurred_at": pa.array([NOON] * 3, INSTANT)}
    assert first_broken("retraction", columns, 3).tolist() == [-1, -1, -1]
