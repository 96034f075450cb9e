"""Pipeline created: its amount, its rate, its touches and its milestones, in values worked out by hand. The deal is opened on 1 March."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from nisba.attribution import fold
from nisba.attribution.books import BOOK_SCHEMAS
from nisba.config import Attribution, Config, CustomModel, Multiplier, Reporting
from tests.oracle.compare import rows_of
from tests.strategies import Event, event, facts_of

OPENED = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)


def touch(touch_id: str, days: float, channel: str = "paid", **data: Any) -> Event:
    """Return a touch so many days after the opening."""
    fixed = {"account_id": "a", "channel": channel, "kind": "click", "team": "marketing"}
    return event("touch", "web", touch_id, (OPENED + days * DAY).isoformat(), fixed | data)


def state(days: float, amount: str | None = "100.00", status: str = "open", currency: str = "USD", **data: Any) -> Event:
    """Return a state of the deal, so many days after its opening; a won or lost one closes then."""
    at = (OPENED + days * DAY).isoformat()
    fixed = {"deal_id": "d", "account_id": "a", "stage": "s", "status": status, "opened_at": OPENED.isoformat()}
    fixed |= {} if amount is None else {"amount": amount, "currency": currency}
    fixed |= {} if status == "open" else {"closed_at": at}
    return event("deal", "crm", f"{data.get('deal_id', 'd')}{days}", at, fixed | data)


def mql(days: float, **data: Any) -> Event:
    fixed = {"lead_id": f"l{days}", "stage": "mql", "account_id": "a"}
    return event("lead-stage", "crm", f"l{days}", (OPENED + days * DAY).isoformat(), fixed | data)


def rate(day: int, base: str, value: str) -> Event:
    """Return a rate into USD of a day of March; 0 is the last of February."""
    date = dt.date(2026, 2, 28) + day * DAY
    return event("fx", "ecb", f"{base}{day}", OPENED.isoformat(), {"date": date.isoformat(), "base": base, "quote": "USD", "rate": value})


def created(*events: Event, model: str = "linear", reporting: Reporting | None = None, **attribution: Any) -> list[dict[str, Any]]:
    config = Config(
        reporting=reporting or Reporting(), attribution=Attribution(**{"models": (model,), "default_model": model, **attribution})
    )
    rows = rows_of(fold(facts_of(events), config).tables())["pipeline_credit"]
    return sorted(rows, key=lambda row: (row["deal_id"], row["ordinal"] or 0))


def shares(rows: list[dict[str, Any]]) -> dict[str | None, Decimal]:
    return {row["touch_id"]: row["amount"] for row in rows}


def usd(**amounts: str) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in amounts.items()}


@pytest.mark.parametrize(
    ("states", "amount"),
    [
        ([state(0), state(5, "300.00"), state(9, "250.00", "won")], "100"),
        ([state(0, None), state(1, "0.00"), state(2, "70.00"), state(3, "80.00")], "70"),
        ([state(0, "0.00"), state(9, "0.00", "lost")], "0"),
        ([state(0, None), state(9, "40.00", "lost")], "40"),
        ([state(2, "50.00", revision=1), state(3, "60.00", revision=0)], "60"),
        ([state(0, "20.00"), state(9, None, "won")], "20"),
    ],
)
def test_the_first_amount_above_zero_counts_for_ever(states: list[Event], amount: str) -> None:
    """In register order, whatever the deal is now; zero where none is above zero."""
    (row,) = created(touch("t", -1), *states)
    assert (row["touch_id"], row["amount"], row["currency"], row["amount_reporting"]) == ("t", Decimal(amount), "USD", Decimal(amount))


def test_deals_without_an_amount_or_deleted_have_no_row() -> None:
    assert created(touch("t", -1), state(0, None), state(1, None, "won")) == []
    assert created(touch("t", -1), state(0), state(1, deleted=True)) == []
    assert created() == []


def test_every_column() -> None:
    """Two touches until the opening, the second at its very instant; one after it counts for nothing."""
    touches = [touch("t1", -20, campaign_id="c", team="sales"), touch("t2", 0, "email"), touch("t3", 0.5)]
    rows = created(*touches, state(0, "0.05"), state(30, "9.00", "lost"))
    usual = {"model": "linear", "deal_id": "d", "weight": Decimal("0.5"), "created_on": dt.date(2026, 3, 1), "currency": "USD"}
    assert rows == [
        usual
        | {"ordinal": 1, "touch_source": "web", "touch_id": "t1", "campaign_id": "c", "channel": "paid", "team": "sales"}
        | {"touched_at": OPENED - 20 * DAY, "position": "FT", "amount": Decimal("0.03"), "amount_reporting": Decimal("0.03")},
        usual
        | {"ordinal": 2, "touch_source": "web", "touch_id": "t2", "campaign_id": None, "channel": "email", "team": "marketing"}
        | {"touched_at": OPENED, "position": "LC+OC+CW", "amount": Decimal("0.02"), "amount_reporting": Decimal("0.02")},
    ]
    assert [*rows[0]] == BOOK_SCHEMAS["pipeline_credit"].names


def test_nobody_made_it() -> None:
    """The touch after the opening earns the revenue, and no pipeline created."""
    (row,) = created(touch("late", 1), state(0), state(9, "100.00", "won"), model="w_30_30_30_10")
    found = {name: value for name, value in row.items() if value is not None}
    usual = {"model": "w_30_30_30_10", "deal_id": "d", "channel": "unattributed", "weight": 1, "created_on": dt.date(2026, 3, 1)}
    assert found == usual | {"amount": 100, "currency": "USD", "amount_reporting": 100}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("first_touch", usd(t1="100.00")),
        ("last_touch", usd(t3="100.00")),
        ("last_non_direct", usd(t2="100.00")),
        ("lead_creation", usd(t1="100.00")),
        ("opportunity_creation", usd(t3="100.00")),
        ("linear", usd(t1="33.34", t2="33.33", t3="33.33")),
        ("position_40_20_40", usd(t1="40.00", t2="20.00", t3="40.00")),
        ("w_30_30_30_10", usd(t1="60.00", t2="10.00", t3="30.00")),
        ("full_path_22_10", usd(t1="45.00", t2="10.00", t3="45.00")),
        ("time_decay_7d", usd(t1="14.29", t2="28.57", t3="57.14")),
    ],
)
def test_models_see_the_journey_as_if_the_deal_had_closed_at_its_opening(model: str, expected: dict[str, Decimal]) -> None:
    """Half-lives run from the last touch until then (7 and 14 days: 4, 2, 1 of 7), CW is that touch; lead creation is at t1."""
    touches = [touch("t1", -14), touch("t2", -7), touch("t3", 0, "direct"), touch("t4", 5), touch("t5", 20)]
    assert shares(created(*touches, mql(-14), state(0), state(25, "900.00", "won"), model=model)) == expected


@pytest.mark.parametrize(
    ("leads", "holder"),
    [
        ([mql(-5)], "t1"),
        ([mql(0)], "t3"),
        ([mql(1)], "t3"),
        ([mql(-2), mql(3, deal_id="d")], "t3"),
        ([], "t3"),
        ([mql(-15)], None),
    ],
)
def test_a_lead_that_was_created_later_is_not_known(leads: list[Event], holder: str | None) -> None:
    """Then LC is OC's touch, t3; no other lead is sought, though one of the account is earlier than the deal's own. t1, t2, t3: −10, −3, 0.

    A lead before every touch drops the milestone: its model then gives everything to the first touch.
    """
    touches = [touch("t1", -10), touch("t2", -3), touch("t3", 0), touch("t4", 2)]
    assert shares(created(*touches, *leads, state(0), state(9, status="won"), model="lead_creation")) == usd(**{holder or "t1": "100.00"})


def test_an_import_was_opened_at_its_close() -> None:
    """Closed on 1 March, created by the import in June: the day is that of the close, the touch until then has it."""
    june = (OPENED + 100 * DAY).isoformat()
    (row,) = created(touch("t", -30), touch("later", 1), state(0, status="won", opened_at=june))
    assert (row["touch_id"], row["created_on"], row["position"]) == ("t", dt.date(2026, 3, 1), "FT+LC+OC+CW")


def test_the_window_of_the_model_stays() -> None:
    """Anchored at the close of 30 March, 30 days back: the touch of the day before the opening is outside, that of the opening inside."""
    touches = [touch("outside", -1), touch("inside", 0)]
    deal = [state(0), state(29, status="won")]
    assert shares(created(*touches, *deal, anchor="closed_at", lookback_days=29)) == usd(inside="100.00")
    assert shares(created(*touches, *deal, lookback_days=29)) == usd(outside="50.00", inside="50.00")
    assert shares(created(*touches, deal[0], anchor="closed_at", lookback_days=29)) == usd(outside="50.00", inside="50.00"), "an open deal"


def test_the_rate_is_that_of_the_opening_and_a_missing_one_holds_nothing() -> None:
    events = [
        touch("t1", -2),
        touch("t2", -1),
        touch("t3", 0),
        state(5, "100.00", currency="EUR"),
        rate(-6, "EUR", "1.5"),
        rate(5, "EUR", "2"),
    ]
    rows = created(*events)
    assert [row["amount"] for row in rows] == [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")]
    assert [row["amount_reporting"] for row in rows] == [50, 50, 50], "1.5 of seven days before; the split of 150.00 is its own"
    assert [row["amount_reporting"] for row in created(*events[:4], rate(-7, "EUR", "1.5"), rate(2, "EUR", "2"))] == [None] * 3
    lost = [touch("t", 0), state(5, "100.00", currency="EUR"), state(6, "100.00", "lost", currency="EUR")]
    assert rows_of(fold(facts_of(lost), Config()).tables())["held"] == []


def test_the_day_is_that_of_the_reporting_time_zone() -> None:
    (row,) = created(state(0), reporting=Reporting(time_zone="Pacific/Kiritimati"))
    assert row["created_on"] == dt.date(2026, 3, 2)


def test_a_reporting_amount_out_of_range_is_unknown() -> None:
    rows = created(touch("t", 0), state(0, "900000000000000", currency="EUR"), rate(1, "EUR", "1.2"))
    assert [(row["amount"], row["amount_reporting"]) for row in rows] == [(900_000_000_000_000, None)]
    rows = created(touch("t1", -1), touch("t2", 0), state(0, "999999999999999.99"))
    assert [row["amount"] for row in rows] == [Decimal("500000000000000.00"), Decimal("499999999999999.99")], (
        "beyond what 64 bits can weigh"
    )


def test_a_custom_model_splits_over_its_own_journey() -> None:
    """Without e-mails, events three times as much: 3 of 4 and 1 of 4. Its rows are numbered in its own journey."""
    own = CustomModel(
        id="own", rest=Decimal(100), excluded_channels=("EMAIL",), multipliers=(Multiplier(factor=Decimal(3), channel="Event"),)
    )
    touches = [touch("t1", -3, "email"), touch("t2", -2, "event"), touch("t3", -1), touch("t4", 1)]
    config = Config(attribution=Attribution(models=("linear",), default_model="linear"), model=(own,))
    rows = fold(facts_of([*touches, state(0)]), config).pipeline_credit.to_pylist()
    found = [(row["model"], row["ordinal"], row["touch_id"], row["amount"]) for row in rows]
    assert sorted(found) == [
        ("linear", 1, "t1", Decimal("33.34")),
        ("linear", 2, "t2", Decimal("33.33")),
        ("linear", 3, "t3", Decimal("33.33")),
        ("own", 1, "t2", Decimal("75.00")),
        ("own", 2, "t3", Decimal("25.00")),
    ]


def test_deals_of_one_account_have_their_own() -> None:
    second = state(2, "7.00", "won", deal_id="e", opened_at=(OPENED + 2 * DAY).isoformat())
    rows = created(touch("t1", -1), touch("t2", 1), state(0), second, model="last_touch")
    assert [(row["deal_id"], row["touch_id"], row["amount"]) for row in rows] == [("d", "t1", 100), ("e", "t2", 7)]
