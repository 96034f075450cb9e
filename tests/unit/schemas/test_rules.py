"""Every rule of the contract is asked on both ways: what breaks it is refused in its words, its neighbour at the edge is not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from nisba.attribution.facts import PAYLOAD
from schemas.columns import Rows, fact_table
from schemas.decoder import decode_block
from schemas.envelope import lean_decoder
from schemas.events import BY_FACT_TYPE, EVENT_TYPES
from schemas.kinds import Mask
from schemas.refusals import ERROR_CLASSES
from schemas.rules import RULES, Rule, _of_kind, first_broken, rules_of
from tests.unit.schemas.event_samples import SAMPLES, block, dead_letter, fact, sample

TOUCH, DEAL, CAMPAIGN, SPEND, FX = (f"nisba.{name}.v1" for name in ("touch", "deal", "campaign", "spend", "fx"))
OPEN = {"status": "open", "closed_at": ..., "amount": ..., "currency": ...}
LOST = {"status": "lost", "amount": ..., "currency": ...}

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
        [LOST, LOST | {"currency": "USD", "amount": "0"}],
        "$.data.amount: missing, and a currency comes with one",
    ),
    ("won has an amount", DEAL): (
        {"amount": ..., "currency": ...},
        [LOST, OPEN, {"amount": "0"}],
        "$.data.amount: missing, and a won deal needs one, with its currency",
    ),
    ("amount is zero or more", DEAL): (
        {"amount": "-0.01"},
        [{"amount": "0.00"}, {"amount": "-0.00"}, {"list_amount": "-0.01"}],
        "$.data.amount: '-0.01' is below zero: send a refund as a nisba.adjustment.v1",
    ),
    ("ended has a close", DEAL): (
        LOST | {"closed_at": ...},
        [OPEN, LOST],
        "$.data.closed_at: missing, and a lost deal needs it",
    ),
    ("segment is free", DEAL): (
        {"segment": "all"},
        [{"segment": "All"}, {"segment": "all "}, {"segment": ""}, {"segment": None}],
        "$.data.segment: 'all' is the name of the sum over all segments: name this one otherwise",
    ),
    ("links two nodes", "nisba.identity.v1"): (
        {"right": {"kind": "visitor", "id": "v-81"}},
        [{"right": {"kind": "lead", "id": "v-81"}}, {"right": {"kind": "visitor", "id": "V-81"}}],
        "$.data.right: visitor 'v-81' cannot be linked with itself",
    ),
    ("rate is above zero", FX): (
        {"rate": "0"},
        [{"rate": "0." + "0" * 253 + "1"}, {"rate": "1"}],
        "$.data.rate: a rate of '0' is impossible: expected one above zero",
    ),
}
CASES = [(name, event_type, *found) for (name, event_type), found in EXAMPLES.items()]


def test_every_rule_has_its_example() -> None:
    declared = {(rule.name, BY_FACT_TYPE[fact_type].name) for rule in RULES for fact_type in rule.fact_types}
    assert declared == EXAMPLES.keys()
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
    """A won deal with nothing: the amount is asked for before the close, and the close before the segment."""
    bare = {"amount": ..., "currency": ..., "closed_at": ..., "segment": "all"}
    assert broken(sample(DEAL, **bare))[0] == ["won has an amount", "ended has a close", "segment is free"]
    assert dead_letter(sample(DEAL, **bare))[1].startswith("$.data.amount: missing")
    assert dead_letter(sample(DEAL, closed_at=..., segment="all"))[1].startswith("$.data.closed_at: missing")


def test_texts_that_are_written_otherwise_are_asked_as_well() -> None:
    """Not plain, so the quick way does not read them; the rule is asked when they are read exactly."""
    for amount, error_class in (("-00.0100", "schema"), ("-00.0000", None)):
        event = sample(DEAL, amount=amount)
        assert broken(event)[1]
        assert (dead_letter(event)[0] if error_class else fact(event)["amount"]) == (error_class or 0)
    assert dead_letter(sample(FX, rate="-00.50")) == ("semantic", "$.data.rate: a rate of '-0.5' is impossible: expected one above zero")


def test_a_field_that_is_at_fault_itself_goes_before_rules() -> None:
    assert dead_letter(sample(SPEND, starts_on="2026-02-30", ends_on="2026-01-01"))[1].startswith("$.data.starts_on: ")
    assert dead_letter(sample(DEAL, amount="1.0001", currency=...)) == (
        "semantic",
        "$.data.amount: '1.0001' has more decimals than any currency has (3)",
    )
    assert dead_letter(sample(DEAL, amount="1.001", currency=...))[1] == "$.data.currency: missing, and an amount needs one"


def test_a_rule_is_in_force_from_the_moment_it_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways ask it, though nothing but the table names it."""
    rule = Rule("is no robot", ("touch",), lambda c: np.array(c["kind"]) == "bot", "semantic", lambda data: f"$.data.kind: {data.kind}")
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
        (("campaign",), "ends_on is not of 2027"),
        (("campaign",), "starts_on is not of 2027"),
        (("fx",), "date is not of 2027"),
        (("spend",), "ends_on is not of 2027"),
        (("spend",), "starts_on is not of 2027"),
    ]
    (of_fx,) = (rule for rule in late if rule.fact_types == ("fx",))
    columns = {"date": pa.array(["2026-12-31", "2027-01-01"])}
    assert of_fx.is_broken(columns).tolist() == [False, True]
    data = lean_decoder().decode(json.dumps(sample(FX, date="2027-01-01"))).data
    refusal = of_fx.refusal(data)
    assert (refusal.error_class, refusal.message) == ("semantic", "$.data.date 2027-01-01")


def test_types_without_rules_break_none() -> None:
    without = [fact_type for fact_type in PAYLOAD if not rules_of(fact_type)]
    assert sorted(without) == ["adjustment", "lead_stage", "retraction"]
    assert first_broken("retraction", {}, 3).tolist() == [-1, -1, -1]
