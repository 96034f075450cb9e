"""The canonical form of contents, what it leaves out, and which of two contents wins."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec
import pytest

from nisba.errors import Refused
from schemas.canonical import canonical, content_hash, hash_of, normalise, row_to_event, settle
from schemas.events import BY_FACT_TYPE, Account, Adjustment, Campaign, Deal, Fx, LeadStage, Spend, Touch, Utm
from schemas.kinds import EPOCH
from tests.unit.schemas.event_samples import SAMPLES, fact, sample

UTC = dt.timezone.utc
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=UTC)


def deal(**values: Any) -> Deal:
    fixed = {"deal_id": "d", "account_id": "a", "stage": "s", "status": "open", "opened_at": "2026-01-01T00:00:00Z"}
    return Deal(**{**fixed, **values})


def spend(**values: Any) -> Spend:
    return Spend(**{"campaign_id": "c", "starts_on": "2026-03-01", "amount": "1", "currency": "USD", **values})


def touch(**values: Any) -> Touch:
    return Touch(**{"account_id": "a", "channel": "c", "kind": "k", "team": "sales", **values})


@pytest.mark.parametrize(
    ("data", "left_out"),
    [
        (deal(revision=0), deal()),
        (deal(deleted=False), deal()),
        (deal(contact_ids=[]), deal()),
        (spend(revision=0), spend()),
        (spend(ends_on="2026-03-01"), spend()),
        (touch(utm=Utm()), touch()),
        (touch(campaign_id=None), touch()),
        (touch(campaign_id="", url=""), touch()),
        (touch(utm=Utm(term="")), touch()),
        (touch(attributes={}), touch()),
        (touch(channel=" C ", kind="K\u00a0"), touch()),
        (deal(closed_at="0001-01-01T00:00:00+03:00"), deal()),
        (deal(closed_on="9999-12-31"), deal()),
        (deal(segment=" "), deal()),
        (Account(account_id="a", revision=0, deleted=False, name=""), Account(account_id="a")),
        (LeadStage(lead_id="l", stage="mql", score=5.0, attributes={}), LeadStage(lead_id="l", stage="mql", score=5)),
    ],
)
def test_what_says_no_more_than_its_absence_is_left_out(data: Any, left_out: Any) -> None:
    assert canonical(data) == canonical(left_out)


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (deal(revision=-1), b'"revision":-1'),
        (deal(deleted=True), b'"deleted":true'),
        (deal(contact_ids=["b", "a"]), b'"contact_ids":["b","a"]'),
        (spend(ends_on="2026-03-02"), b'"ends_on":"2026-03-02"'),
        (touch(utm=Utm(term="", source=" ")), b'"utm":{"source":" "}'),
        (deal(status="won", closed_at="9999-12-31T00:00:00Z"), b'"closed_at":"9999-12-31T00:00:00.000000Z"'),
        (deal(opened_at=None, opened_on="2026-01-01"), b'"opened_on":"2026-01-01"'),
        (touch(attributes={"b": Decimal("1E+400"), "a": [None, {"d": 1, "c": 0.5}]}), b'{"a":[null,{"c":0.5,"d":1}],"b":1E+400}'),
        (touch(channel="نسبة"), '"channel":"نسبة"'.encode()),
    ],
)
def test_what_says_more_is_kept_as_it_is(data: Any, kept: bytes) -> None:
    assert kept in canonical(data)


def test_every_kind_of_text_is_brought_into_its_form() -> None:
    budget = Campaign(campaign_id="c", name="n", channel="e", starts_on="2026-03-01", budget="0500.10", currency="EUR")
    assert canonical(budget) == b'{"budget":"500.1","campaign_id":"c","channel":"e","currency":"EUR","name":"n","starts_on":"2026-03-01"}'
    assert canonical(Fx(date="2026-03-01", base="EUR", quote="USD", rate="01.10")) == (
        b'{"base":"EUR","date":"2026-03-01","quote":"USD","rate":"1.1"}'
    )


def test_canonical_leaves_its_argument_alone_and_normalise_does_not() -> None:
    data = spend(amount="1.50", revision=0)
    assert canonical(data) == canonical(data)
    assert (data.amount, data.revision) == ("1.50", 0)
    normalise(data)
    assert (data.amount, data.revision) == ("1.5", None)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (spend(amount="x"), "$.data.amount"),
        (spend(currency="usd"), "$.data.currency"),
        (spend(starts_on="x"), "$.data.starts_on"),
        (deal(opened_at="x"), "$.data.opened_at"),
        (Fx(date="2026-03-01", base="EUR", quote="USD", rate="x"), "$.data.rate"),
    ],
)
def test_what_a_field_cannot_hold_is_refused_by_its_path(data: Any, path: str) -> None:
    with pytest.raises(Refused) as caught:
        canonical(data)
    assert caught.value.message.startswith(f"{path}: ")


def test_the_hash_is_of_time_and_form() -> None:
    form = canonical(spend())
    micros = (NOON - EPOCH) // dt.timedelta(microseconds=1)
    expected = int.from_bytes(blake2b(micros.to_bytes(8, "little", signed=True) + form, digest_size=8).digest(), "little")
    assert content_hash(NOON, spend()) == hash_of(micros, form) == expected
    assert content_hash(NOON + dt.timedelta(microseconds=1), spend()) != expected
    first = dt.datetime.min.replace(tzinfo=UTC)
    assert content_hash(first, spend()) == hash_of((first - EPOCH) // dt.timedelta(microseconds=1), form)


@pytest.mark.parametrize("event_type", SAMPLES)
def test_a_row_becomes_the_event_that_it_was_made_of(event_type: str) -> None:
    row = fact(sample(event_type))
    kind = next(kind for kind in BY_FACT_TYPE.values() if kind.name == event_type)
    time, data = row_to_event(kind.fact_type, row)
    assert time == dt.datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
    again = msgspec.json.decode(canonical(data), type=kind.struct)
    assert canonical(again) == canonical(data)
    assert content_hash(time, again) == row["content_hash"]


def row(seconds: int, amount: str, event_id: str = "e") -> dict[str, Any]:
    data = {"adjustment_id": "a", "deal_id": "d", "amount": Decimal(amount), "currency": "USD", "effective_at": NOON, "reason": None}
    return {"source": "s", "event_id": event_id, "occurred_at": NOON + dt.timedelta(seconds=seconds), **data}


@pytest.mark.parametrize(
    ("rows", "winner"),
    [
        ([row(0, "9"), row(1, "1")], 1),
        ([row(1, "1"), row(0, "9")], 0),
        ([row(0, "10"), row(0, "9")], 1),  # as bytes of the form: "9" is larger than "10"
        ([row(0, "2"), row(0, "-2")], 0),
        ([row(0, "1.000"), row(0, "1")], 0),  # one content twice: the first
        ([row(0, "1")], 0),
    ],
)
def test_the_later_time_wins_then_the_larger_form(rows: list[dict[str, Any]], winner: int) -> None:
    assert settle("adjustment", rows) == winner


def test_forms_compare_by_their_keys_too() -> None:
    """What is left out ends the form earlier: `}` is larger than `,`."""
    bare, with_reason = row(0, "1"), row(0, "1") | {"reason": "x"}
    assert canonical(row_to_event("adjustment", bare)[1]) > canonical(row_to_event("adjustment", with_reason)[1])
    assert settle("adjustment", [with_reason, bare]) == 1
    assert isinstance(row_to_event("adjustment", bare)[1], Adjustment)
