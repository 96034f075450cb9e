"""Real reference rates of the European Central Bank, 1999 to 2026, as `fx` events through the decoder: what deals are worth.

The file has units of a currency for one EUR, on business days only. Expected amounts are worked out from the file by the rule of
semantics §6 in fractions, and stand here as literal figures too.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from nisba.attribution import fold
from nisba.attribution.facts import Facts
from nisba.config import Attribution, Config, Reporting
from schemas.decoder import decode_block
from schemas.encoding import encode_event
from tests.oracle import Rows
from tests.oracle.compare import rows_of
from tests.strategies import Event, block_of, event, facts_of

Quotes = dict[dt.date, dict[str, str]]

DIGITS = {"USD": 2, "EUR": 2, "JPY": 0, "GBP": 2, "RUB": 2, "HRK": 2, "KRW": 0}


@pytest.fixture(scope="module")
def quotes(sample_data: Path) -> Quotes:
    """The quotes by day and currency, as the file writes them."""
    with (sample_data / "ecb_fx" / "eurofxref-hist.csv").open(newline="", encoding="utf-8") as file:
        rows = [(dt.date.fromisoformat(row.pop("Date")), row) for row in csv.DictReader(file)]
    return {day: {currency: rate for currency, rate in row.items() if currency and rate not in ("", "N/A")} for day, row in rows}


@pytest.fixture(scope="module")
def facts(quotes: Quotes) -> Facts:
    """Every quote of the file as a fact."""
    records = [
        encode_event(
            "nisba.fx.v1", f"{day}/{quote}", "ecb", f"{day}T15:00:00Z", {"date": f"{day}", "base": "EUR", "quote": quote, "rate": rate}
        )
        for day, of_day in quotes.items()
        for quote, rate in of_day.items()
    ]
    decoded = decode_block(block_of("finance.fx", records))
    assert decoded.dead_letters.num_rows == 0
    return Facts.of(**decoded.facts)


@pytest.fixture(scope="module")
def some(facts: Facts) -> Facts:
    """The quotes of four currencies: where a test needs no more, it need not fold all."""
    wanted = pc.is_in(facts.fx["quote"], value_set=pa.array(["USD", "GBP", "JPY", "RUB"]))
    return replace(facts, fx=facts.fx.filter(wanted))


@pytest.fixture(scope="module")
def worths(facts: Facts) -> dict[str, Rows]:
    """The books of all sales into one currency, by currency, at all quotes."""
    by_target: dict[str, list[Event]] = defaultdict(list)
    for sale in SALES:
        by_target[sale.target].append(deal(sale.amount, sale.currency, f"{sale.day}T12:00:00Z", deal_id=sale.id))
    return {target: books(facts, deals, target) for target, deals in by_target.items()}


def books(facts: Facts, events: Sequence[Event], currency: str = "USD", time_zone: str = "UTC") -> Rows:
    """Return the books of some events at the bank's rates."""
    config = Config(
        reporting=Reporting(currency=currency, time_zone=time_zone), attribution=Attribution(models=("linear",), default_model="linear")
    )
    return rows_of(fold(replace(facts_of(events), fx=facts.fx), config).tables())


def deal(amount: str, currency: str, closed_at: str, status: str = "won", deal_id: str = "d") -> Event:
    """Return a deal that closed, or whose open state is of, an instant."""
    data = {"deal_id": deal_id, "account_id": "a", "stage": status, "status": status, "amount": amount, "currency": currency}
    closed = {"opened_at": "2020-01-01T00:00:00Z", "closed_at": None if status == "open" else closed_at}
    return event("deal", "crm", deal_id, closed_at, data | closed)


def per_euro(quotes: Quotes, currency: str, day: dt.date) -> Fraction | None:
    """Return the latest quote of the days D−7 … D."""
    if currency == "EUR":
        return Fraction(1)
    found = (quotes.get(day - dt.timedelta(days=back), {}).get(currency) for back in range(8))
    rate = next((rate for rate in found if rate is not None), None)
    return None if rate is None else Fraction(rate)


def converted(quotes: Quotes, amount: str, currency: str, target: str, day: dt.date) -> Decimal | None:
    """Return an amount in another currency, over EUR, rounded half to even."""
    to_target, to_currency = per_euro(quotes, target, day), per_euro(quotes, currency, day)
    if to_target is None or to_currency is None:
        return None
    minor = round(Fraction(amount) * to_target / to_currency * 10 ** DIGITS[target])
    return Decimal(minor).scaleb(-DIGITS[target])


@dataclass(frozen=True)
class Sale:
    """A deal and what it is worth in another currency; None where it is held."""

    id: str
    amount: str
    currency: str
    target: str
    day: str
    expected: str | None


SALES = (
    Sale("direct quote of the day", "1000.00", "EUR", "USD", "2025-04-17", "1136.00"),
    Sale("Easter Monday: the quote of Maundy Thursday", "999.99", "EUR", "USD", "2025-04-21", "1135.99"),
    Sale("the first quote after Easter", "999.99", "EUR", "USD", "2025-04-22", "1147.59"),
    Sale("inverse quote", "1136.00", "USD", "EUR", "2025-04-17", "1000.00"),
    Sale("inverse quote on a Sunday", "500000.00", "USD", "EUR", "2026-04-12", "426949.02"),
    Sale("through EUR on a Saturday", "1000000", "JPY", "USD", "2026-04-11", "6281.71"),
    Sale("through EUR", "250000.00", "GBP", "USD", "2025-04-22", "334156.40"),
    Sale("into a currency without minor units", "1234.56", "GBP", "JPY", "2025-04-22", "231575"),
    Sale("between two without minor units", "999999", "KRW", "JPY", "2026-04-13", "107274"),
    Sale("the euro itself", "0.05", "EUR", "EUR", "2025-04-17", "0.05"),
    Sale("10.00 × 1.1685 = 11.685: half to the even cent", "10.00", "EUR", "USD", "2026-04-09", "11.68"),
    Sale("the last quote of the rouble, seven days on, with the dollar of the day", "1000000.00", "RUB", "USD", "2022-03-08", "9293.44"),
    Sale("the rouble eight days on", "1000000.00", "RUB", "USD", "2022-03-09", None),
    Sale("the kuna, seven days into the euro", "7536.50", "HRK", "EUR", "2023-01-06", "1000.00"),
    Sale("the kuna, eight days into the euro", "7536.50", "HRK", "EUR", "2023-01-07", None),
    Sale("before the first quote of all", "1000.00", "USD", "EUR", "1999-01-03", None),
)


def test_all_quotes_of_the_file_are_facts(facts: Facts, quotes: Quotes) -> None:
    assert (len(quotes), min(quotes), max(quotes)) == (6983, dt.date(1999, 1, 4), dt.date(2026, 4, 13))
    assert facts.fx.num_rows == sum(map(len, quotes.values())) == 217_555
    assert len(set(facts.fx["quote"].to_pylist())) == 41


@pytest.mark.parametrize("sale", SALES, ids=lambda sale: sale.id)
def test_worth_of_a_deal(worths: dict[str, Rows], quotes: Quotes, sale: Sale) -> None:
    rows = {name: [row for row in table if row.get("deal_id") == sale.id] for name, table in worths[sale.target].items()}
    expected = None if sale.expected is None else Decimal(sale.expected)
    assert converted(quotes, sale.amount, sale.currency, sale.target, dt.date.fromisoformat(sale.day)) == expected
    for table, column in (("deal", "amount_reporting"), ("entry", "amount_reporting"), ("credit_line", "revenue_reporting")):
        assert [row[column] for row in rows[table]] == [expected]
    assert [(row["id"], row["reason"]) for row in rows["held"]] == ([(sale.id, "fx_missing")] if expected is None else [])


@pytest.mark.parametrize(("time_zone", "rate_of", "expected"), [("UTC", "2026-04-10", "117.11"), ("Europe/Berlin", "2026-04-13", "116.84")])
def test_the_day_is_that_of_the_reporting_time_zone(some: Facts, quotes: Quotes, time_zone: str, rate_of: str, expected: str) -> None:
    """Half past ten on Sunday evening in UTC, Friday's rate holds; in Berlin it is Monday already."""
    rows = books(some, [deal("100.00", "EUR", "2026-04-12T22:30:00Z")], time_zone=time_zone)
    assert [row["amount_reporting"] for row in rows["entry"]] == [Decimal(expected)]
    assert Decimal(expected) == Decimal(quotes[dt.date.fromisoformat(rate_of)]["USD"]).quantize(Decimal("1.0000")) * 100


def test_an_open_deal_has_the_rate_of_its_latest_state(some: Facts) -> None:
    """1.136 on the 17th, 1.1476 on the 22nd: an open deal has no close (semantics §6)."""
    earlier, later = (deal("100.00", "EUR", f"2025-04-{day}T12:00:00Z", "open") | {"id": f"e{day}"} for day in (17, 22))
    assert [row["amount_reporting"] for row in books(some, [earlier])["entry"]] == [Decimal("113.60")]
    assert [row["amount_reporting"] for row in books(some, [earlier, later])["entry"]] == [Decimal("114.76")]


def test_credits_are_split_in_both_currencies(some: Facts) -> None:
    """10,000 JPY of Saturday the 11th are 62.82 USD; thirds of each add up by themselves."""
    data = {"account_id": "a", "channel": "paid", "kind": "click", "team": "marketing"}
    touches = [event("touch", "web", f"t{i}", f"2026-04-0{i}T00:00:00Z", data | {"campaign_id": f"c{i}"}) for i in (1, 2, 3)]
    won = deal("10000", "JPY", "2026-04-11T12:00:00Z")
    won["data"]["opened_at"] = "2026-04-05T00:00:00Z"
    lines = sorted(books(some, [*touches, won])["credit_line"], key=lambda line: line["ordinal"])
    assert [line["revenue"] for line in lines] == [3334, 3333, 3333]
    assert [line["revenue_reporting"] for line in lines] == [Decimal("20.94")] * 3


def spend(amount: str, currency: str, starts_on: str, ends_on: str) -> Event:
    """Return a cost over some days."""
    data: dict[str, Any] = {"campaign_id": "c", "amount": amount, "currency": currency, "starts_on": starts_on, "ends_on": ends_on}
    return event("spend", "ads", "s", f"{ends_on}T12:00:00Z", data)


def test_each_day_of_a_cost_has_its_own_rate(some: Facts, quotes: Quotes) -> None:
    """60.00 GBP over Easter 2025: five days at the quotes of Maundy Thursday, the sixth at those of Tuesday.

    A day costs 13.228838: the cents of five of them are 66.14, so that the fifth has one less than the others.
    """
    rows = books(some, [spend("60.00", "GBP", "2025-04-17", "2025-04-22")])
    found = {row["day"]: row["cost_reporting"] for row in rows["cost_daily"]}
    assert [str(found[day]) for day in sorted(found)] == ["13.230"] * 4 + ["13.220", "13.370"]
    exact = [Fraction(10) * per_euro_of(quotes, "USD", day) / per_euro_of(quotes, "GBP", day) for day in found]
    assert sum(found.values()) == Decimal(round(100 * sum(round(cost * 10**6) for cost in exact) / Fraction(10**6))).scaleb(-2)


def per_euro_of(quotes: Quotes, currency: str, day: dt.date) -> Fraction:
    found = per_euro(quotes, currency, day)
    assert found is not None
    return found


def test_a_cost_that_runs_past_the_last_quote_is_held_whole(some: Facts) -> None:
    """The rouble's last quote is of the 1st: a cost until the 8th counts, one until the 9th is held, all of it (semantics §9)."""
    until_8th, until_9th = (books(some, [spend("90000.00", "RUB", "2022-03-01", f"2022-03-0{day}")]) for day in (8, 9))
    assert (len(until_8th["cost_daily"]), until_8th["held"]) == (8, [])
    assert until_9th["cost_daily"] == []
    assert [(row["id"], row["reason"], row["amount"]) for row in until_9th["held"]] == [
        ("ads|c|2022-03-01|2022-03-09", "fx_missing", 90_000)
    ]
