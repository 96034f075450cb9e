"""Deals as events: one per state, numbered, each the whole record; and adjustments with ids of their own."""

from __future__ import annotations

from simulator.clock import DAY, START_SECONDS, utc_instant
from simulator.deals import deal_events
from simulator.scripts import Adjustment, Script, State

AT = START_SECONDS + 30 * DAY
SCRIPT = Script(
    id="D-00007",
    account=3,
    offset=60,
    opened=AT,
    states=(
        State(AT, "discovery", "open", None, {"account_id": "acct-00003", "next_step": "Send the offer"}),
        State(AT + DAY, "proposal", "open", AT + 9 * DAY, {"account_id": "acct-00003", "amount": "5.00", "currency": "EUR"}),
        State(AT + 8 * DAY, "closed_won", "won", AT + 7 * DAY, {"account_id": "acct-00003", "amount": "5.00", "currency": "EUR"}),
    ),
    adjustment=Adjustment(AT + 60 * DAY, AT + 59 * DAY, "-1.00", "EUR", "refund"),
    broken=(),
)


def test_a_state_is_an_event_with_the_whole_record() -> None:
    (at, first), (_, second), *_ = deal_events([SCRIPT])
    assert at == AT
    assert first == {
        "id": "D-00007/0",
        "source": "crm",
        "type": "nisba.deal.v1",
        "time": utc_instant(AT, 60),
        "data": {
            "deal_id": "D-00007",
            "opened_at": utc_instant(AT, 60),
            "account_id": "acct-00003",
            "next_step": "Send the offer",
            "stage": "discovery",
            "status": "open",
            "revision": 0,
        },
    }
    assert second["data"]["closed_at"] == utc_instant(AT + 9 * DAY, 60), "when it should close"
    assert second["data"]["revision"] == 1


def test_an_adjustment_has_an_id_of_its_own() -> None:
    *_, (at, event) = deal_events([SCRIPT])
    assert at == AT + 60 * DAY
    assert event == {
        "id": "adj-00007",
        "source": "billing",
        "type": "nisba.adjustment.v1",
        "time": utc_instant(AT + 60 * DAY, 60),
        "data": {
            "adjustment_id": "adj-00007",
            "deal_id": "D-00007",
            "amount": "-1.00",
            "currency": "EUR",
            "effective_at": utc_instant(AT + 59 * DAY, 60),
            "reason": "refund",
        },
    }


def test_what_was_not_told_yet_has_no_event() -> None:
    assert list(deal_events([Script("D-00001", 0, 0, AT, (), None, ())])) == []
