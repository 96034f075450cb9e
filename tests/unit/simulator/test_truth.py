"""truth.json recomputed from nothing but the events: counts, deals, revenue at the published rates."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from nisba.money import minor_digits
from simulator import Noise, Summary, simulate
from simulator.clock import RUN_UP

Events = dict[str, list[dict[str, Any]]]

QUIET = Noise(0, 0, 0, 0, oversized=False)


@pytest.fixture(scope="module", params=[(21, 300, 450), (22, 90, 700)], ids=["fifteen months", "two years"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    seed, accounts, days = request.param
    return simulate(seed, accounts, days, tmp_path_factory.mktemp("told"), noise=QUIET)


@pytest.fixture(scope="module")
def events(told: Summary) -> Events:
    """Every event by its type."""
    found: Events = {}
    for file in told.directory.glob("*.jsonl"):
        for line in file.read_bytes().splitlines():
            event = msgspec.json.decode(line)
            found.setdefault(event["type"].split(".")[1], []).append(event)
    return found


@pytest.fixture(scope="module")
def histories(events: Events) -> dict[str, list[dict[str, Any]]]:
    """The states of every deal of the story in the order of their revisions; contracts of long ago are apart."""
    found: dict[str, list[dict[str, Any]]] = {}
    mine = [event for event in events["deal"] if not event["data"]["deal_id"].startswith("C-")]
    for event in sorted(mine, key=lambda event: event["data"]["revision"]):
        found.setdefault(event["data"]["deal_id"], []).append(event["data"])
    return found


@pytest.fixture(scope="module")
def closes(histories: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The first decided state of every deal that is not deleted in the end."""
    living = (states for states in histories.values() if not states[-1].get("deleted"))
    firsts = (next((state for state in states if state["status"] != "open"), None) for states in living)
    return [state for state in firsts if state is not None]


def utc_day(instant: str) -> dt.date:
    return dt.datetime.fromisoformat(instant).astimezone(dt.timezone.utc).date()


def test_the_summary_is_the_truth(told: Summary) -> None:
    topics = told.truth["topics"]
    assert json.loads((told.directory / "truth.json").read_text("utf-8")) == told.truth
    assert told.records == sum(topic["records"] for topic in topics.values())
    assert told.dead_letters == 0
    assert told.touches == topics["marketing.touch"]["events"]["nisba.touch.v1"]
    assert (told.deals, told.won_deals) == (told.truth["deals"], told.truth["effects"]["won_deals"])


def test_events_are_counted_by_type(told: Summary, events: Events) -> None:
    counts = Counter[str]()
    for topic in told.truth["topics"].values():
        counts.update(topic["events"])
    assert counts == {f"nisba.{name}.v1": len(rows) for name, rows in events.items()}


def test_deals_are_those_that_were_opened(told: Summary, histories: dict[str, list[dict[str, Any]]]) -> None:
    """All but those whose opening falls behind the end, in a time zone west of Greenwich."""
    assert 0 <= told.deals - len(histories) <= 3
    late = [states for states in histories.values() if states[0]["status"] != "open"]
    assert len(late) == told.truth["planted"]["exceptions"]["closed_before_opened"]["count"]


def test_contracts_of_long_ago_were_won(told: Summary, events: Events) -> None:
    old = [event["data"] for event in events["deal"] if event["data"]["deal_id"].startswith("C-")]
    assert len(old) == told.truth["earlier_deals"] > 10
    assert {(data["status"], data["deal_type"], data["currency"], data["revision"]) for data in old} == {("won", "new", "USD", 0)}
    assert max(data["closed_at"] for data in old) < "2023-06"


def test_decided_and_won_deals_are_those_of_the_first_close(told: Summary, closes: list[dict[str, Any]]) -> None:
    truth = told.truth["effects"]
    assert truth["decided_deals"] == len(closes)
    assert truth["won_deals"] == sum(state["status"] == "won" for state in closes)


def test_revenue_is_that_of_the_first_close_at_the_rate_of_its_day(told: Summary, events: Events, closes: list[dict[str, Any]]) -> None:
    quotes = {(event["data"]["quote"], event["data"]["date"]): Fraction(event["data"]["rate"]) for event in events["fx"]}

    def per_euro(currency: str, day: dt.date) -> Fraction:
        """Return the latest quote at or before a day; nothing is published on weekends."""
        back = next(n for n in range(4) if currency == "EUR" or (currency, (day - dt.timedelta(days=n)).isoformat()) in quotes)
        return Fraction(1) if currency == "EUR" else quotes[currency, (day - dt.timedelta(days=back)).isoformat()]

    cents = 0
    for state in (state for state in closes if state["status"] == "won"):
        day = utc_day(state["closed_at"])
        exact = Fraction(Decimal(state["amount"])) * 100 * per_euro("USD", day) / per_euro(state["currency"], day)
        cents += exact.numerator // exact.denominator
    assert told.truth["effects"]["won_revenue_usd_cents"] == cents > 0


def test_amounts_have_the_decimals_of_their_currency(events: Events) -> None:
    for name in ("deal", "adjustment", "spend", "campaign"):
        for data in (event["data"] for event in events[name]):
            amount = data.get("amount", data.get("budget"))
            if amount is not None:
                assert -int(Decimal(amount).as_tuple().exponent) == minor_digits(data["currency"])


def test_what_an_event_names_is_there(events: Events) -> None:
    """Retracted touches, refunded deals and spent campaigns exist; contacts and leads' deals too."""
    touches = {(event["source"], event["id"]) for event in events["touch"]}
    assert {(event["data"]["touch_source"], event["data"]["touch_id"]) for event in events["touch-retraction"]} <= touches
    deals = {event["data"]["deal_id"] for event in events["deal"]}
    assert {event["data"]["deal_id"] for event in events["adjustment"]} <= deals
    campaigns = {event["data"]["campaign_id"] for event in events["campaign"]}
    assert {event["data"]["campaign_id"] for event in events["spend"]} <= campaigns
    assert {event["data"].get("campaign_id", "c-report") for event in events["touch"]} <= campaigns
    named = {event["data"]["deal_id"] for event in events["lead-stage"] if "deal_id" in event["data"]}
    assert named <= deals
    assert len(named) > 10


def test_nothing_happens_before_the_run_up_or_behind_the_last_day(told: Summary, events: Events) -> None:
    first = dt.datetime.fromisoformat(f"{told.truth['starts_on']}T00:00:00+00:00")
    last = first + dt.timedelta(days=told.truth["days"])
    for name, rows in events.items():
        times = [dt.datetime.fromisoformat(event["time"].replace("Z", "+00:00")) for event in rows]
        assert max(times) < last, name
        old = [time for time, event in zip(times, rows, strict=True) if time < first - dt.timedelta(days=RUN_UP)]
        if name in ("touch", "deal"):
            assert len(old) <= told.truth["earlier_deals"], "contracts of long ago, and the meeting before each"
        elif name in ("lead-stage", "identity", "spend", "adjustment", "touch-retraction"):
            assert not old, name
        if name in ("spend", "adjustment"):
            assert min(times) >= first, "the books begin with the first day"


def test_arrival_is_nearly_in_order_of_time(told: Summary) -> None:
    """Without late records nothing is more than a night behind; that is what consumers may rely on nowhere else."""
    times = [
        dt.datetime.fromisoformat(msgspec.json.decode(line)["time"].replace("Z", "+00:00")).timestamp()
        for line in (told.directory / "crm.deal.jsonl").read_bytes().splitlines()
    ]
    latest = 0.0
    for time in times:
        latest = max(latest, time)
        assert latest - time < 5 * 3600
