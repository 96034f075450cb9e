"""What the discounts beyond the agreed ones cost in the reporting currency, at the exact rates of the books: SQL has no fractions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from nisba.attribution.facts import MONEY, TEXT
from nisba.attribution.fx import Rates, half_even
from nisba.config import Config, Reporting
from nisba.money import MAX_AMOUNT, minor_digits

__all__ = ["model"]

EPOCH = dt.date(1970, 1, 1)


def model(discounted: pa.Table, exchange: pa.Table, setting: pa.Table, fx: pa.Table) -> pa.Table:
    """Return `deal_id, excess_reporting` (null where no rate is known, or the books could not hold it), one row per discounted deal."""
    reporting = _reporting(exchange, setting) if len(discounted) else Reporting()  # of an empty warehouse nothing is known
    excess = list(_excess_reporting(discounted, Rates(fx, Config(reporting=reporting)), minor_digits(reporting.currency)))
    return pa.table({"deal_id": discounted["deal_id"].cast(TEXT), "excess_reporting": pa.array(excess, MONEY)})


def _reporting(exchange: pa.Table, setting: pa.Table) -> Reporting:
    [how] = exchange.to_pylist()
    fixed = {pair: Decimal(rate) for pair, rate in zip(how["fixed_pairs"], how["fixed_rates"], strict=True)}
    [currency] = setting["reporting_currency"].to_pylist()
    return Reporting(currency=currency, fx_policy=how["fx_policy"], fx_pivot=how["fx_pivot"], fixed_rates=fixed)


def _excess_reporting(discounted: pa.Table, rates: Rates, digits: int) -> Iterator[Decimal | None]:
    """Yield each excess, converted at the rate of its deal and rounded half to even to minor units."""
    for currency, excess, day in zip(*(discounted[name].to_pylist() for name in ("currency", "excess", "rate_day")), strict=True):
        rate = None if day is None else rates.rate(currency, (day - EPOCH).days)
        yield None if rate is None else _rounded(Fraction(excess) * rate, digits)


def _rounded(amount: Fraction, digits: int) -> Decimal | None:
    minor = amount * 10**digits
    rounded = half_even(minor.numerator, minor.denominator)
    return Decimal(rounded).scaleb(-digits) if rounded < MAX_AMOUNT * 10**digits else None
