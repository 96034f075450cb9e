"""Every rule with an edge, on the edge and one step beyond it: a microsecond, a cent, a byte. Times are those of a deal won on 31 March."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from nisba.attribution import fold
from nisba.config import Attribution, Config, CustomModel, Reporting
from tests.oracle import Rows
from tests.oracle.compare import rows_of
from tests.strategies import Event, event, facts_of

CLOSE = dt.datetime(2026, 3, 31, tzinfo=dt.timezone.utc)
OPENED = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)
EDGE = OPENED - dt.timedelta(days=180)
STEP = dt.timedelta(microseconds=1)
MINUTE = dt.timedelta(minutes=1)


def touch(touch_id: str, at: dt.datetime, **data: Any) -> Event:
    return event("touch", "web", touch_id, at.isoformat(), {"channel": "paid", "kind": "click", "team": "marketing"} | data)


def deal(event_id: str = "e", at: dt.datetime = CLOSE, **data: Any) -> Event:
    fixed = {"deal_id": "d", "account_id": "a", "stage": "s", "status": "won", "amount": "100.00", "currency": "USD"}
    return event(
        "deal", "crm", event_id, at.isoformat(), {**fixed, "opened_at": OPENED.isoformat(), "closed_at": CLOSE.isoformat(), **data}
    )


def mql(at: dt.datetime) -> Event:
    return event("lead-stage", "crm", "l", at.isoformat(), {"lead_id": "l", "stage": "mql", "account_id": "a"})


def books(*events: Event, currency: str = "USD") -> Rows:
    config = Config(reporting=Reporting(currency=currency), attribution=Attribution(models=("linear",), default_model="linear"))
    return rows_of(fold(facts_of(events), config).tables())


def positions(rows: Rows) -> dict[str, str]:
    return {row["touch_id"]: row["position"] for row in rows["journey_touch"]}


def entries(rows: Rows) -> list[tuple[str, Any, dt.datetime]]:
    ordered = sorted(rows["entry"], key=lambda row: row["entry_no"])
    return [(row["entry"], row["amount"], row["booked_at"]) for row in ordered]


def test_both_ends_of_the_window_are_inside() -> None:
    """`anchor − lookback ≤ time ≤ close` (semantics §4)."""
    instants = {"before": EDGE - STEP, "first": EDGE, "last": CLOSE, "after": CLOSE + STEP}
    rows = books(*(touch(name, at, account_id="a") for name, at in instants.items()), deal())
    assert positions(rows) == {"first": "FT+LC+OC", "last": "CW"}


def test_touches_less_than_half_an_hour_apart_count_as_one() -> None:
    """Each less than the gap after the one before it of its key; half an hour is not less. A touch between has another key."""
    at = {"first": OPENED, "between": OPENED + 10 * MINUTE, "thirty": OPENED + 30 * MINUTE, "next": OPENED + 60 * MINUTE - STEP}
    touches = [touch(name, time, person_id="p", account_id="a", campaign_id="b" if name == "between" else "c") for name, time in at.items()]
    assert positions(books(*touches, deal())).keys() == {"first", "between", "thirty"}


def test_a_chain_of_touches_counts_as_its_first() -> None:
    touches = [touch(f"t{i}", OPENED + i * 29 * MINUTE, person_id="p", account_id="a") for i in range(5)]
    assert positions(books(*touches, deal())) == {"t0": "FT+LC+OC+CW"}


def test_milestones_are_at_or_before_their_time() -> None:
    """OC at `opened_at` itself, LC at lead creation itself (semantics §4)."""
    created = OPENED - dt.timedelta(days=5)
    at = {"ft": created - STEP, "lc": created, "soon": created + STEP, "oc": OPENED, "cw": OPENED + STEP}
    rows = books(*(touch(name, time, account_id="a") for name, time in at.items()), mql(created), deal())
    assert positions(rows) == {"ft": "FT", "lc": "LC", "soon": "", "oc": "OC", "cw": "CW"}


@pytest.mark.parametrize(
    ("created", "expected"),
    [(CLOSE, "LC+CW"), (CLOSE + STEP, "CW"), (EDGE, "CW"), (EDGE - STEP, "CW")],
    ids=["close", "later", "edge", "earlier"],
)
def test_lead_creation_of_the_account_is_looked_for_in_the_window(created: dt.datetime, expected: str) -> None:
    """Both ends inclusive; outside it lead creation is unknown, and LC is OC's touch."""
    rows = books(touch("first", EDGE + STEP, account_id="a"), touch("last", CLOSE, account_id="a"), mql(created), deal())
    assert positions(rows)["last"] == expected
    inside = EDGE <= created <= CLOSE
    assert [row["lead_created_at"] for row in rows["deal"]] == [created if inside else None]


def test_of_a_shared_device_the_claim_at_the_instant_counts() -> None:
    """The latest claim at or before the touch, ties by larger id; before all claims, the earliest (semantics §2)."""
    claims = [touch("c1", OPENED, visitor_id="v", person_id="p1"), touch("c2", OPENED + MINUTE, visitor_id="v", person_id="p2")]
    claims.append(touch("c3", OPENED + MINUTE, visitor_id="v", person_id="p3"))
    at = {"early": OPENED - MINUTE, "just before": OPENED + MINUTE - STEP, "at": OPENED + MINUTE}
    links = [
        event(
            "identity",
            "crm",
            p,
            OPENED.isoformat(),
            {"op": "link", "left": {"kind": "person", "id": p}, "right": {"kind": "account", "id": "a"}},
        )
        for p in ("p1", "p2", "p3")
    ]
    touches = [touch(name, time, visitor_id="v", campaign_id=name) for name, time in at.items()]
    rows = books(*claims, *touches, *links, deal())
    actors = {row["touch_id"]: row["actor"] for row in rows["journey_touch"]}
    assert [actors[name] for name in at] == ["person:p1", "person:p1", "person:p3"]


def test_of_two_claims_with_one_source_and_id_the_type_decides() -> None:
    """`touch` is larger than `identity`: the latest claim is the touch's, though both are of one time, source and id (semantics §2)."""
    ends = {"left": {"kind": "visitor", "id": "v"}, "right": {"kind": "person", "id": "p1"}}
    linked = event("identity", "web", "same", OPENED.isoformat(), {"op": "link", **ends})
    rows = books(linked, touch("same", OPENED, visitor_id="v", person_id="p2"))
    assert [row["person_id"] for row in rows["identity"] if row["kind"] == "visitor"] == ["person:p2"]


def test_a_higher_revision_beats_a_later_time() -> None:
    """Register order is (revision, time, source, id) (semantics §1)."""
    rows = books(deal("e1", CLOSE + MINUTE, amount="1.00"), deal("e2", CLOSE, amount="2.00", revision=1))
    assert [row["amount"] for row in rows["deal"]] == [2]
    assert [(kind, amount) for kind, amount, _ in entries(rows)] == [("booking", Decimal(1)), ("amendment", Decimal(1))]


def test_a_corrected_close_moves_the_booking_and_an_amendment_keeps_its_own_time() -> None:
    """`booked_at` is the close of the last state of the run (semantics §7)."""
    corrected, at = CLOSE - dt.timedelta(days=9), CLOSE + MINUTE
    rows = books(deal("e1"), deal("e2", at, closed_at=corrected.isoformat(), amount="90.00"))
    assert entries(rows) == [("booking", Decimal(100), corrected), ("amendment", Decimal(-10), at)]


@pytest.mark.parametrize(("refund", "applied", "missing"), [("-100.00", "-100.00", []), ("-100.01", "-100.00", [("r", Decimal("0.01"))])])
def test_a_refund_takes_a_deal_to_zero_and_no_further(refund: str, applied: str, missing: list[tuple[str, Decimal]]) -> None:
    """What is missing in the end is held (semantics §7)."""
    data = {"adjustment_id": "r", "deal_id": "d", "amount": refund, "currency": "USD", "effective_at": CLOSE.isoformat()}
    rows = books(deal(), event("adjustment", "erp", "r", CLOSE.isoformat(), data))
    assert [(kind, amount) for kind, amount, _ in entries(rows)] == [("booking", Decimal(100)), ("adjustment", Decimal(applied))]
    assert [(row["id"], row["amount"]) for row in rows["held"]] == missing


def test_adjustments_apply_in_order_of_their_effect() -> None:
    """By (`effective_at`, `adjustment_id`), not by id or arrival: the true-up of the earlier day makes room for the refund."""
    days = {
        "b": ("50.00", CLOSE),
        "a": ("-120.00", CLOSE + MINUTE),
        "c": ("-31.00", CLOSE + 2 * MINUTE),
        "d": ("-30.00", CLOSE + 2 * MINUTE),
    }
    data = {"deal_id": "d", "currency": "USD"}
    events = [
        event("adjustment", "erp", id_, CLOSE.isoformat(), data | {"adjustment_id": id_, "amount": amount, "effective_at": at.isoformat()})
        for id_, (amount, at) in days.items()
    ]
    rows = books(deal(), *events)
    assert [(kind, amount) for kind, amount, _ in entries(rows)] == [
        ("booking", Decimal(100)),
        ("adjustment", Decimal(50)),
        ("adjustment", Decimal(-120)),
        ("adjustment", Decimal(-30)),
        ("adjustment", Decimal(0)),
    ]
    assert [(row["id"], row["reason"], row["amount"]) for row in rows["held"]] == [("d", "over_refund", Decimal(31))]


@pytest.mark.parametrize(("rate", "worth"), [("1999.999999999998", Decimal(10**15 - 1)), ("2000", None)])
def test_a_total_of_ten_to_the_fifteen_is_out_of_range(rate: str, worth: Decimal | None) -> None:
    """A converted running total of 10^15 or more holds its deal; one yen less does not (semantics §6)."""
    quote = event("fx", "bank", "q", CLOSE.isoformat(), {"date": CLOSE.date().isoformat(), "base": "USD", "quote": "JPY", "rate": rate})
    rows = books(quote, deal(amount="500000000000.00"), currency="JPY")
    assert [row["amount_reporting"] for row in rows["entry"]] == [worth]
    assert [row["reason"] for row in rows["held"]] == ([] if worth else ["out_of_range"])


def test_weights_are_shown_half_to_even() -> None:
    """1/8192 = 0.0001220703125 and its complement: the twelfth decimal goes to the even side."""
    tie = CustomModel(id="tie", first_touch=Decimal("0.01220703125"), rest=Decimal("99.98779296875"))
    config = Config(attribution=Attribution(models=("linear",), default_model="linear"), model=(tie,))
    facts = facts_of([touch("first", OPENED, account_id="a"), touch("last", CLOSE, account_id="a"), deal()])
    lines = [line for line in fold(facts, config).credit_line.to_pylist() if line["model"] == "tie"]
    assert {line["ordinal"]: line["weight"] for line in lines} == {1: Decimal("0.000122070312"), 2: Decimal("0.999877929688")}


def credits_of(rows: Rows, model: str, entry_no: int) -> list[Decimal]:
    lines = [line for line in rows["credit_line"] if (line["model"], line["entry_no"]) == (model, entry_no)]
    return [line["revenue"] for line in sorted(lines, key=lambda line: line["ordinal"])]


def test_an_entry_is_credited_by_the_difference_of_running_totals() -> None:
    """Half of 100.00 comes back: 33.34, 33.33, 33.33 become the split of 50.00, 16.67, 16.67, 16.66 (semantics §6).

    Splitting each refund by itself would leave the touches at 0.00, -0.01 and 0.01 when everything is refunded.
    """
    data = {"deal_id": "d", "amount": "-50.00", "currency": "USD", "effective_at": CLOSE.isoformat()}
    refunds = [event("adjustment", "erp", id_, CLOSE.isoformat(), data | {"adjustment_id": id_}) for id_ in ("r1", "r2")]
    rows = books(*(touch(f"t{i}", OPENED + i * 60 * MINUTE, account_id="a") for i in range(3)), deal(), *refunds)
    expected = (("33.34", "33.33", "33.33"), ("-16.67", "-16.66", "-16.67"), ("-16.67", "-16.67", "-16.66"))
    assert [credits_of(rows, "linear", number) for number in (1, 2, 3)] == [[Decimal(text) for text in entry] for entry in expected]


@pytest.mark.parametrize(("channels", "holder"), [(("paid", "email", "direct"), 2), (("direct", "direct", "direct"), 3)])
def test_last_non_direct_falls_back_to_the_last_touch(channels: tuple[str, ...], holder: int) -> None:
    """The last touch whose channel is not `direct`; if all are, plain last touch (semantics §5)."""
    touches = [touch(f"t{i}", OPENED + i * 60 * MINUTE, account_id="a", channel=channel) for i, channel in enumerate(channels)]
    config = Config(attribution=Attribution(models=("last_non_direct",), default_model="last_non_direct"))
    lines = fold(facts_of([*touches, deal()]), config).credit_line.to_pylist()
    assert [(line["ordinal"], line["revenue"]) for line in lines] == [(holder, 100)]


def said(op: str, left: str, right: str, at: dt.datetime = OPENED) -> Event:
    """Return an `identity` event; nodes are written `kind:id`."""
    ends = [dict(zip(("kind", "id"), node.split(":"), strict=True)) for node in (left, right)]
    return event("identity", "crm", f"{op} {left} {right}", at.isoformat(), {"op": op, "left": ends[0], "right": ends[1]})


def test_the_smallest_id_names_a_person_and_an_account() -> None:
    """Persons go before leads, then by bytes: `B` before `a` (semantics §2)."""
    pairs = (("lead:a", "person:b"), ("person:b", "person:Ж"), ("lead:a", "account:a"), ("account:a", "account:B"))
    rows = books(*(said("link", left, right) for left, right in pairs))
    expected = {
        ("lead", "a"): "person:b",
        ("person", "b"): "person:b",
        ("person", "Ж"): "person:b",
        ("account", "a"): None,
        ("account", "B"): None,
    }
    assert {(row["kind"], row["id"]): row["person_id"] for row in rows["identity"]} == expected
    assert {row["account_id"] for row in rows["identity"]} == {"B"}


@pytest.mark.parametrize(("latest", "found"), [("link", True), ("unlink", False)])
def test_the_latest_word_about_a_pair_decides_and_voids_what_touches_imply(latest: str, found: bool) -> None:
    """A touch of person and account implies a link; an `unlink` takes even that away (semantics §2)."""
    earlier = "link" if latest == "unlink" else "unlink"
    words = [said(earlier, "person:p", "account:a"), said(latest, "account:a", "person:p", OPENED + STEP)]
    implying = touch("implying", OPENED, person_id="p", account_id="a")
    rows = books(*words, implying, touch("other", OPENED + 60 * MINUTE, person_id="p"), deal())
    assert ("other" in positions(rows)) is found
