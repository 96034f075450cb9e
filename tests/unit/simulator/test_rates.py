"""Exchange rates: a walk of small steps on business days, and conversion cut to the cent."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.catalogue import CURRENCIES
from simulator.clock import DAY, FIRST_SECONDS, RUN_UP, START, START_SECONDS
from simulator.rates import Rates, build_rates

DAYS = 400
BEFORE = RUN_UP + 10


@pytest.fixture(scope="module")
def rates() -> Rates:
    return build_rates(3, DAYS)


def flat(**per_euro: int) -> Rates:
    """Return the rates of three days that do not change; the euro's own is 1."""
    return Rates(START_SECONDS, {code: np.full(3, rate, np.int64) for code, rate in {"EUR": 10_000, **per_euro}.items()})


def test_every_currency_has_a_rate_for_every_day_from_ten_days_before_the_run_up(rates: Rates) -> None:
    assert rates.first == FIRST_SECONDS - 10 * DAY
    assert {code: len(quotes) for code, quotes in rates.per_euro.items()} == dict.fromkeys(CURRENCIES, DAYS + BEFORE)
    assert all((quotes > 0).all() for quotes in rates.per_euro.values())


def test_a_euro_is_a_euro(rates: Rates) -> None:
    assert set(rates.per_euro["EUR"].tolist()) == {10_000}


@pytest.mark.parametrize("code", [code for code in CURRENCIES if code != "EUR"])
def test_a_walk_of_a_quarter_of_a_per_cent_a_day(rates: Rates, code: str) -> None:
    quotes = rates.per_euro[code]
    steps = np.diff(quotes)
    assert (np.abs(steps) <= quotes[:-1] // 400 + 1).all()
    assert len(set(quotes.tolist())) > 50
    assert quotes[0] == pytest.approx(CURRENCIES[code][0], rel=0.0026)


def test_weekends_repeat_friday(rates: Rates) -> None:
    """The first day is 5 June 2023, a Monday."""
    assert (START - dt.timedelta(days=BEFORE)).weekday() == 0
    for quotes in rates.per_euro.values():
        saturdays = range(5, DAYS + BEFORE - 1, 7)
        assert all(quotes[day - 1] == quotes[day] == quotes[day + 1] for day in saturdays)


def test_a_seed_is_a_walk() -> None:
    one, same, other = (build_rates(seed, 50).per_euro["USD"].tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_quotes_are_published_on_business_days_at_four_in_berlin(rates: Rates) -> None:
    rows = rates.events()
    business = [day for day in range(DAYS + BEFORE) if (START + dt.timedelta(days=day - BEFORE)).weekday() < 5]
    assert len(rows) == len(business) * (len(CURRENCIES) - 1)
    for at, event in rows:
        day = dt.date.fromisoformat(event["data"]["date"])
        assert day.weekday() < 5
        assert event["time"] == f"{day}T16:00:00+01:00"
        assert dt.datetime.fromisoformat(event["time"]).timestamp() == at


def test_quotes_say_what_the_table_says(rates: Rates) -> None:
    for at, event in rates.events():
        number = (at - rates.first) // DAY
        assert event["data"]["base"] == "EUR" != event["data"]["quote"]
        assert Fraction(event["data"]["rate"]) == Fraction(int(rates.per_euro[event["data"]["quote"]][number]), 10_000)
        assert event["id"] == f"fx-{event['data']['date']}-{event['data']['quote']}"


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [(100, "USD", 100_00), (100, "EUR", 110_00), (100, "GBP", 137_50), (10_000, "JPY", 6_875), (1, "JPY", 0), (0, "EUR", 0)],
)
def test_conversion_by_hand(amount: int, currency: str, cents: int) -> None:
    """One euro is 1.10 dollars, 0.80 pounds and 160 yen; what is below a cent is cut off."""
    rates = flat(USD=11_000, GBP=8_000, JPY=1_600_000)
    assert rates.in_usd_cents(np.asarray([amount]), [currency], np.asarray([START_SECONDS])).tolist() == [cents]


def test_conversion_takes_the_rate_of_the_day_and_stays_inside_the_table() -> None:
    rates = Rates(START_SECONDS, {"USD": np.asarray([11_000, 12_000, 13_000]), "EUR": np.full(3, 10_000)})
    at = START_SECONDS + np.asarray([-DAY, 0, DAY - 1, DAY, 2 * DAY, 9 * DAY])
    assert rates.in_usd_cents(np.ones(6, np.int64), ["EUR"] * 6, at).tolist() == [110, 110, 110, 120, 130, 130]


def test_nothing_is_worth_nothing() -> None:
    nobody = np.zeros(0, np.int64)
    assert flat(USD=11_000).in_usd_cents(nobody, [], nobody).tolist() == []


AMOUNTS = st.tuples(st.integers(0, 10**9), st.sampled_from(sorted(CURRENCIES)), st.integers(-20, DAYS + 20))
WALK = build_rates(4, DAYS)


@given(st.lists(AMOUNTS, min_size=1, max_size=20))
def test_conversion_is_the_exact_quotient_cut_off(rows: list[tuple[int, str, int]]) -> None:
    amounts, at = (np.asarray([row[place] for row in rows], dtype=np.int64) for place in (0, 2))
    found = WALK.in_usd_cents(amounts, [code for _, code, _ in rows], START_SECONDS + at * DAY)
    for cents, (amount, code, day) in zip(found.tolist(), rows, strict=True):
        number = min(max(day + BEFORE, 0), DAYS + BEFORE - 1)
        exact = Fraction(amount * 100 * int(WALK.per_euro["USD"][number]), int(WALK.per_euro[code][number]))
        assert cents == exact.numerator // exact.denominator
