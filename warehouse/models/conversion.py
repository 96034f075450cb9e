"""Amounts in the reporting currency, at the exact rates of the books: SQL has no fractions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from nisba.attribution.fx import Rates, half_even
from nisba.config import Config, Reporting
from nisba.money import MAX_AMOUNT, minor_digits

__all__ = ["in_reporting_currency"]

EPOCH = dt.date(1970, 1, 1)


def in_reporting_currency(
    money: pa.Table, names: tuple[str, str, str], exchange: pa.Table, setting: pa.Table, fx: pa.Table
) -> Iterator[Decimal | None]:
    """Yield the amount of each row, at the rate of its day and rounded half to even to minor units.

    `names` are the columns of currency, amount and day; `exchange` is `core.exchange`, `setting` `core.setting`, `fx` `ledger.current_fx`.
    None where one of the three, or the rate, is not known, and where the books could not hold it.
    """
    reporting = _reporting(exchange, setting) if len(money) else Reporting()  # of an empty warehouse nothing is known
    rates, digits = Rates(fx, Config(reporting=reporting)), minor_digits(reporting.currency)
    for currency, amount, day in zip(*(money[name].to_pylist() for name in names), strict=True):
        rate = None if None in (currency, amount, day) else rates.rate(currency, (day - EPOCH).days)
        yield None if rate is None else _rounded(Fraction(amount) * rate, digits)


def _reporting(exchange: pa.Table, setting: pa.Table) -> Reporting:
    [how] = exchange.to_pylist()
    fixed = {pair: Decimal(rate) for pair, rate in zip(how["fixed_pairs"], how["fixed_rates"], strict=True)}
    [currency] = setting["reporting_currency"].to_pylist()
    return Reporting(currency=currency, fx_policy=how["fx_policy"], fx_pivot=how["fx_pivot"], fixed_rates=fixed)


def _rounded(amount: Fraction, digits: int) -> Decimal | None:
    minor = amount * 10**digits
    rounded = half_even(minor.numerator, minor.denominator)
    return Decimal(rounded).scaleb(-digits) if abs(rounded) < MAX_AMOUNT * 10**digits else None
