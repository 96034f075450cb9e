"""Currencies, minor units and the largest amount: the rules of money that every layer shares.

Money is an integer of minor units of its currency, or a DECIMAL(18, 3) in a table. It is never a float.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import cache

from iso4217 import Currency

from nisba.errors import AmountError

__all__ = ["AMOUNT_DIGITS", "MAX_AMOUNT", "TABLE_DIGITS", "milli_per_minor", "minor_digits", "parse_amount", "plain"]

TABLE_DIGITS = 3
"""Decimals of a money column: DECIMAL(18, 3)."""

AMOUNT_DIGITS = 15
MAX_AMOUNT = 10**AMOUNT_DIGITS
"""An amount of this size or more, in whole units, is refused."""

# Left ISO 4217 when their countries took the euro or a new unit, but dated books and the ECB's history still name them.
_WITHDRAWN = {"BGN": 2, "CYP": 2, "EEK": 2, "HRK": 2, "LTL": 2, "LVL": 2, "MTL": 2, "ROL": 2, "SIT": 2, "SKK": 2, "TRL": 2}


@cache
def minor_digits(currency: str) -> int:
    """Return the decimals of a currency's minor unit (ISO 4217).

    >>> minor_digits("JPY"), minor_digits("USD"), minor_digits("KWD")
    (0, 2, 3)

    Raises AmountError for a code that is unknown, has no minor unit (gold) or has more than three decimals.
    """
    if currency in _WITHDRAWN:
        return _WITHDRAWN[currency]
    try:
        digits = Currency(currency).exponent
    except ValueError:
        raise AmountError(f"unknown currency {currency!r}: expected an ISO 4217 code such as 'EUR'") from None
    if digits is None:
        raise AmountError(f"currency {currency!r} has no minor unit and cannot be booked")
    if digits > TABLE_DIGITS:
        raise AmountError(f"currency {currency!r} has {digits} decimals: the books hold {TABLE_DIGITS} at most")
    return int(digits)


def milli_per_minor(currency: str) -> int:
    """Return how many thousandths of a unit one minor unit is: 10 for USD, 1,000 for JPY, 1 for KWD."""
    return int(10 ** (TABLE_DIGITS - minor_digits(currency)))


def parse_amount(text: str, currency: str) -> Decimal:
    """Read a decimal string as an amount of `currency`, without trailing zeros beyond what it says.

    >>> parse_amount("1234.50", "USD")
    Decimal('1234.5')

    Raises AmountError when it is no plain decimal, has more decimals than the currency, or is too large.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise AmountError(f"{text!r} is not a decimal number") from None
    if not amount.is_finite():
        raise AmountError(f"{text!r} is not a finite number")
    if abs(amount) >= MAX_AMOUNT:
        raise AmountError(f"{text!r} is too large: the books hold amounts below 10^{AMOUNT_DIGITS}")
    digits = minor_digits(currency)
    if amount != amount.quantize(Decimal(1).scaleb(-digits)):
        raise AmountError(f"{text!r} has more decimals than {currency} has ({digits})")
    return plain(amount)


def plain(number: Decimal) -> Decimal:
    """Drop trailing zeros without an exponent: 1200.00 → 1200, 0.50 → 0.5, -0 → 0.

    >>> plain(Decimal("1200.00")), plain(Decimal("1E+3"))
    (Decimal('1200'), Decimal('1000'))
    """
    number = number.normalize()
    if not number:
        return Decimal(0)
    return number if int(number.as_tuple().exponent) <= 0 else number.quantize(Decimal(1))
