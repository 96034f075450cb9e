"""What remains of a set of events (semantics §1): one version per identity, one winner per register, no retracted touch."""

from __future__ import annotations

import datetime as dt
from itertools import permutations
from typing import Any

import pytest

from nisba.config import Config, Reporting
from tests.oracle.settled import canonical, day_of, end_of_day, instant, moment, register_order, settle, zone_of
from tests.strategies import Event, event
from tests.unit.oracle.facts import at, deal, settled, spend, touch


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1970-01-01t00:00:00.1z", 100_000),
        ("1970-01-01 02:00:00.0000019+02:00", 1),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1970-01-01T00:00:00-05:45", 5 * 3_600_000_000 + 45 * 60_000_000),
        ("2026-03-31T00:00:00Z", 1_774_915_200_000_000),
    ],
)
def test_instants(text: str, microseconds: int) -> None:
    assert instant(text) == microseconds


@pytest.mark.parametrize("text", ["2026-03-31", "2026-03-31T00:00:00", "2026-03-31T00:00Z", "31.3.2026 00:00:00Z"])
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(AssertionError):
        instant(text)


@pytest.mark.parametrize(
    ("zone", "text", "day"),
    [
        ("UTC", "2026-03-31T23:59:59.999999Z", dt.date(2026, 3, 31)),
        ("Europe/Berlin", "2026-03-28T22:59:59Z", dt.date(2026, 3, 28)),
        ("Europe/Berlin", "2026-03-28T23:00:00Z", dt.date(2026, 3, 29)),
        ("Europe/Berlin", "2026-03-29T22:00:00Z", dt.date(2026, 3, 30)),
        ("America/New_York", "2026-03-01T04:59:59Z", dt.date(2026, 2, 28)),
        ("Asia/Kathmandu", "2026-03-31T18:15:00Z", dt.date(2026, 4, 1)),
    ],
)
def test_days_of_the_reporting_time_zone(zone: str, text: str, day: dt.date) -> None:
    """Berlin's clocks jump on 29 March: its days begin an hour earlier in UTC from the 30th on."""
    config = Config(reporting=Reporting(time_zone=zone))
    assert day_of(instant(text), zone_of(config)) == day
    assert moment(instant(text)).tzinfo == dt.timezone.utc


@pytest.mark.parametrize(
    ("type_name", "data", "expected"),
    [
        ("deal", {"stage": "s", "deal_id": "d"}, b'{"deal_id":"d","stage":"s"}'),
        ("deal", {"deal_id": "d", "revision": 0, "deleted": False, "contact_ids": [], "owner": None}, b'{"deal_id":"d"}'),
        ("deal", {"deal_id": "d", "unknown": 1}, b'{"deal_id":"d"}'),
        ("deal", {"amount": "100.00"}, b'{"amount":"100"}'),
        ("deal", {"amount": "1E+2"}, b'{"amount":"100"}'),
        ("deal", {"amount": "0.50"}, b'{"amount":"0.5"}'),
        ("deal", {"opened_at": "2026-03-01T02:00:00+02:00"}, b'{"opened_at":"2026-03-01T00:00:00.000000Z"}'),
        ("deal", {"contact_ids": ["b", "a"]}, b'{"contact_ids":["b","a"]}'),
        ("spend", {"starts_on": "2026-03-01", "ends_on": "2026-03-01"}, b'{"starts_on":"2026-03-01"}'),
        ("spend", {"starts_on": "2026-03-01", "ends_on": "2026-03-02"}, b'{"ends_on":"2026-03-02","starts_on":"2026-03-01"}'),
        ("touch", {"campaign_id": "Ж"}, '{"campaign_id":"Ж"}'.encode()),
        ("touch", {"channel": " Paid\u00a0 Search", "kind": "Ж"}, '{"channel":"paid search","kind":"ж"}'.encode()),
        ("deal", {"segment": "", "region": " \u3000", "name": "", "stage": " Cafe\u0301"}, '{"stage":"Café"}'.encode()),
        ("touch", {"utm": {"source": "", "term": None}, "attributes": {"n": 1.0}}, b'{"attributes":{"n":1}}'),
        ("deal", {"closed_on": "2026-03-31"}, b'{"closed_on":"2026-03-31"}'),
        ("deal", {"status": "open", "closed_at": "9999-12-31T00:00:00Z", "closed_on": "0001-01-01"}, b'{"status":"open"}'),
        ("identity", {"since": "1969-12-31T23:59:59Z", "until": "2200-01-01T00:00:00Z"}, b"{}"),
        ("identity", {"since": "1970-01-01T00:00:00Z"}, b'{"since":"1970-01-01T00:00:00.000000Z"}'),
        ("campaign", {"starts_on": "0001-01-01", "ends_on": "2199-12-31"}, b'{"ends_on":"2199-12-31"}'),
        ("touch", {"channel": "(none)"}, b'{"channel":"(none)"}'),
    ],
    ids=[
        "sorted",
        "defaults",
        "unknown fields",
        "zeros",
        "exponent",
        "half",
        "instants",
        "order of lists",
        "one day",
        "two days",
        "UTF-8",
        "labels",
        "nothing in a label",
        "nothing in utm, and a number by value",
        "a day under its own name",
        "no expected close",
        "no window",
        "the first instant",
        "the last day",
        "reserved words as they came",
    ],
)
def test_canonical_forms(type_name: str, data: dict[str, Any], expected: bytes) -> None:
    assert canonical(type_name, data) == expected


@pytest.mark.parametrize(
    ("zone", "day", "last"),
    [
        ("UTC", "2026-03-31", "2026-03-31T23:59:59.999999Z"),
        ("Europe/Berlin", "2026-03-28", "2026-03-28T22:59:59.999999Z"),
        ("Europe/Berlin", "2026-03-29", "2026-03-29T21:59:59.999999Z"),
        ("Africa/Cairo", "2024-04-25", "2024-04-25T21:59:59.999999Z"),
        ("America/St_Johns", "2010-11-06", "2010-11-07T02:29:59.999999Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T09:59:59.999999Z"),
        ("Pacific/Apia", "2011-12-29", "2011-12-30T09:59:59.999999Z"),
    ],
    ids=["UTC", "winter", "summer", "a day without midnight", "midnight twice", "a day that was left out", "the day before it"],
)
def test_the_last_microsecond_of_a_day(zone: str, day: str, last: str) -> None:
    config = Config(reporting=Reporting(time_zone=zone))
    assert moment(end_of_day(dt.date.fromisoformat(day), zone_of(config))) == moment(instant(last))


def kept(*events: Event) -> list[str]:
    """Return the stages of the deal states that remain."""
    return [state.get("stage") for state in settle(events).of("deal")]


def test_the_same_content_again_is_a_duplicate() -> None:
    assert kept(deal(stage="one"), deal(stage="one")) == ["one"]
    zulu = deal(stage="one") | {"time": "2026-03-31T00:00:00Z"}
    assert kept(deal(stage="one"), zulu) == ["one"]


def test_of_two_contents_the_later_time_wins_in_whatever_order() -> None:
    versions = (deal(stage="late", changed=1), deal(stage="early", changed=2), deal(stage="middle", changed=1.5))
    assert {tuple(kept(*order)) for order in permutations(versions)} == {("late",)}


def test_at_one_time_the_larger_canonical_form_wins() -> None:
    """Bytes are compared: `Ж` is larger than `z`, and `z` larger than `B`."""
    versions = (deal(stage="B"), deal(stage="z"), deal(stage="Ж"))
    assert {tuple(kept(*order)) for order in permutations(versions)} == {("Ж",)}


def test_another_source_or_type_is_another_identity() -> None:
    other = deal(stage="two") | {"source": "erp"}
    assert sorted(kept(deal(stage="one"), other)) == ["one", "two"]
    found = settled(touch("e", 1, account_id="a"), deal("e"))
    assert (len(found.of("touch")), len(found.of("deal"))) == (1, 1)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        (deal("e9", changed=1), deal("e1", changed=2, revision=1)),
        (deal("e9", changed=2), deal("e1", changed=1)),
        (deal("e9"), deal("e1") | {"source": "z"}),
        (deal("e1"), deal("e2")),
        (deal("e9"), deal("e\ufb00")),
        (deal("e9", status="open"), deal("e1", status="lost")),
        (deal("e9", status="lost"), deal("e1", status="won")),
        (deal("e9", status="won"), deal("e1", status="open", deleted=True)),
        (deal("e9", changed=1, status="won"), deal("e1", status="open")),
        (deal("e9", status="won"), deal("e1", status="open", revision=1)),
    ],
    ids=[
        "revision",
        "time",
        "source",
        "id",
        "bytes of the id",
        "lost after open",
        "won after lost",
        "deleted after all",
        "time before rank",
        "revision before rank",
    ],
)
def test_register_order(lower: Event, higher: Event) -> None:
    one, other = (settled(each).of("deal")[0] for each in (lower, higher))
    assert register_order(one) < register_order(other)
    for order in ((lower, higher), (higher, lower)):
        assert settled(*order).register("deal", lambda state: state.get("deal_id"))["d"] == other


def test_a_register_has_a_winner_per_key() -> None:
    facts = settled(spend("k1", "1.00", "2026-03-01"), spend("k2", "2.00", "2026-03-01"), spend("k3", "3.00", "2026-03-02"))
    winners = facts.register("spend", lambda event: event.get("starts_on"))
    assert {day.day: winner.id for day, winner in winners.items()} == {1: "k2", 2: "k3"}


def test_a_retracted_touch_is_gone_whenever_the_retraction_comes() -> None:
    taken_back = event("touch-retraction", "bots", "r", at(80), {"touch_source": "web", "touch_id": "t1"})
    other_source = event("touch-retraction", "bots", "s", at(80), {"touch_source": "shop", "touch_id": "t2"})
    events = [touch("t1", 5, account_id="a"), touch("t2", 4, account_id="a"), taken_back, other_source]
    for order in (events, events[::-1]):
        assert [found.id for found in settle(order).of("touch")] == ["t2"]


def test_a_type_that_nobody_sent_is_empty() -> None:
    assert settled().of("deal") == settled(deal()).of("touch") == []
