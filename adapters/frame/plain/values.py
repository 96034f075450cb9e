"""What the cells of an export by hand say: numbers, amounts, dates and instants as a spreadsheet or a web page shows them.

A function returns the value as plain text, or None where the cell is no such value; nothing is guessed from a cell alone.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache

from nisba.errors import AmountError
from nisba.money import minor_digits

__all__ = [
    "DATE_FORMATS",
    "amount",
    "currency",
    "currency_of_header",
    "date",
    "fitting_dates",
    "instant",
    "is_ambiguous",
    "is_nothing",
    "is_rounded_id",
    "number",
    "truth",
    "whole",
]

_NOTHING = frozenset({"", "-", "--", "---", "–", "—", "n/a", "#n/a", "null", "(not set)"})
_YES = frozenset({"true", "t", "1", "yes", "y", "x", "ja", "wahr", "oui", "si", "sí", "sim"})
_NO = frozenset({"false", "f", "0", "no", "n", "nein", "falsch", "non", "não"})
_GROUP = {".": ",", ",": "."}
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009\u2007 '’", None))
_NUMBER = {
    point: re.compile(
        rf"(?P<whole>\d+|\d{{1,3}}(?:{re.escape(_GROUP[point])}\d{{2,3}})*{re.escape(_GROUP[point])}\d{{3}})?(?:{re.escape(point)}(?P<part>\d+))?"
    )
    for point in _GROUP
}
_SCIENTIFIC = re.compile(r"\d+(?:\.\d+)?[eE][+-]?\d{1,2}")
_DOLLARS = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP", "BRL"})
_MARKS: Mapping[str, frozenset[str]] = {
    "$": _DOLLARS,
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP", "EGP", "GIP", "LBP"}),
    "¥": frozenset({"JPY", "CNY"}),
    "US$": frozenset({"USD"}),
    "CA$": frozenset({"CAD"}),
    "C$": frozenset({"CAD"}),
    "A$": frozenset({"AUD"}),
    "AU$": frozenset({"AUD"}),
    "NZ$": frozenset({"NZD"}),
    "S$": frozenset({"SGD"}),
    "HK$": frozenset({"HKD"}),
    "MX$": frozenset({"MXN"}),
    "R$": frozenset({"BRL"}),
    "₹": frozenset({"INR"}),
    "Rs": frozenset({"INR", "PKR", "LKR", "NPR", "MUR"}),
    "Rs.": frozenset({"INR", "PKR", "LKR", "NPR", "MUR"}),
    "₺": frozenset({"TRY"}),
    "₪": frozenset({"ILS"}),
    "₩": frozenset({"KRW"}),
    "zł": frozenset({"PLN"}),
    "Kč": frozenset({"CZK"}),
    "kr": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "kr.": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "Fr.": frozenset({"CHF"}),
    "ر.س": frozenset({"SAR"}),
    "د.إ": frozenset({"AED"}),
}
"""What stands beside a number for its currency, and which it may be."""
_MARKED = re.compile(r"^(?P<before>[^\d.,+-]*)(?P<number>[+-]?[\d.,]*(?:[eE][+-]?\d+)?)(?P<after>[^\d,+-]*?)(?P<minus>-?)$")

_DAYS = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%a, %b %d, %Y",
)
DATE_FORMATS = (
    *_DAYS,
    *(f"{day}{between}{clock}" for day in _DAYS for between in (" ", ", ") for clock in ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")),
)
"""Formats that are tried to tell which one a file has; none is used without being asked for, but ISO 8601."""
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?", re.IGNORECASE)
_YEARS = range(1970, 2200)


def is_nothing(cell: str) -> bool:
    """Say whether a cell stands for no value.

    >>> is_nothing("--"), is_nothing(" "), is_nothing("0"), is_nothing("NA")
    (True, True, False, False)
    """
    return cell.strip().lower() in _NOTHING


def is_rounded_id(cell: str) -> bool:
    """Say whether a spreadsheet has made a rounded number of an id: what it was cannot be told.

    >>> is_rounded_id("2.38427E+16"), is_rounded_id("1e5-shoes"), is_rounded_id("701E0000000")
    (True, False, False)
    """
    return re.fullmatch(r"\d[.,]\d+E\+\d{2}", cell.strip()) is not None


@cache
def _marks(mark: str) -> frozenset[str] | None:
    """Return which currencies a mark may stand for; None where it is none."""
    if mark in _MARKS:
        return _MARKS[mark]
    try:
        minor_digits(mark.upper())
    except AmountError:
        return None
    return frozenset({mark.upper()})


@lru_cache(100_000)
def amount(cell: str, decimal: str = ".") -> tuple[str, frozenset[str] | None] | None:
    """Read an amount: the number as plain text, and the currencies that it may be in as far as the cell says.

    >>> amount("$1,234.50")[0], amount("1.234,56 €", ","), amount("(12.00)"), amount("1'234.50 CHF")[0], amount("EUR 7")
    ('1234.50', ('1234.56', frozenset({'EUR'})), ('-12.00', None), '1234.50', ('7', frozenset({'EUR'})))
    >>> amount("12,50"), amount("1.234,56"), amount("3 apples"), amount("5 %")
    (None, None, None, None)
    """
    text = cell.strip().translate(_SPACES)
    is_negative = text.startswith("(") and text.endswith(")")
    text = (text[1:-1] if is_negative else text).replace("−", "-")
    if text.startswith("-"):
        is_negative, text = True, text[1:]
    match = _MARKED.match(text)
    if match is None or not match["number"]:
        return None
    mark = match["before"] or match["after"]
    may_be = _marks(mark) if mark else None
    plain = _plain(match["number"].removeprefix("+"), decimal)
    if plain is None or (mark and may_be is None) or (match["before"] and match["after"]):
        return None
    if plain.startswith("-"):
        is_negative, plain = True, plain[1:]
    return ("-" if is_negative or match["minus"] else "") + plain, may_be


def _plain(text: str, decimal: str) -> str | None:
    if text.startswith("-"):
        inner = _plain(text[1:], decimal)
        return inner and f"-{inner}"
    if _SCIENTIFIC.fullmatch(text.replace(",", ".") if decimal == "," else text):
        return _written_out(text.replace(",", "."))
    match = _NUMBER[decimal].fullmatch(text)
    if match is None or not text:
        return None
    whole, part = (match["whole"] or "0").replace(_GROUP[decimal], ""), match["part"]
    return f"{whole}.{part}" if part else whole


def _written_out(text: str) -> str:
    """Write a number without its exponent, exactly.

    >>> _written_out("1.5E-3"), _written_out("12E2")
    ('0.0015', '1200')
    """
    return format(Decimal(text), "f")


def number(cell: str, decimal: str = ".") -> str | None:
    """Read a number without a currency; of a percentage, the part of one.

    >>> number("1,234"), number("12.5 %"), number("12,5%", ","), number("$3")
    ('1234', '0.125', '0.125', None)
    """
    text = cell.strip()
    is_percent = text.endswith("%")
    found = amount(text.removesuffix("%"), decimal)
    if found is None or found[1] is not None:
        return None
    return _written_out(f"{found[0]}e-2") if is_percent else found[0]


def whole(cell: str, decimal: str = ".") -> str | None:
    """Read a whole number.

    >>> whole("1,234"), whole("12.00"), whole("12.5"), whole("10%")
    ('1234', '12', None, None)
    """
    found = None if cell.strip().endswith("%") else number(cell, decimal)
    if found is None:
        return None
    before, _, after = found.partition(".")
    return before if not after.strip("0") else None


def is_ambiguous(cell: str) -> bool:
    """Say whether a number is another one with the other decimal sign.

    >>> is_ambiguous("1.234"), is_ambiguous("$1,234"), is_ambiguous("12.34"), is_ambiguous("1,234.5"), is_ambiguous("0.123")
    (True, True, False, False, False)
    """
    one, other = amount(cell, "."), amount(cell, ",")
    return one is not None and other is not None and Decimal(one[0]) != Decimal(other[0]) and not cell.strip().startswith("0")


def currency(cell: str) -> str | None:
    """Read the code of a currency.

    >>> currency(" eur "), currency("euro")
    ('EUR', None)
    """
    code = cell.strip().upper()
    return code if code.isascii() and code.isalpha() and len(code) == 3 and _marks(code) else None


def currency_of_header(header: str) -> str | None:
    """Return the currency that a column's header names.

    >>> currency_of_header("Amount spent (EUR)"), currency_of_header("Kosten in CHF"), currency_of_header("Kosten [€]")
    ('EUR', 'CHF', 'EUR')
    >>> currency_of_header("Cost (ALL platforms)"), currency_of_header("Cost")
    (None, None)
    """
    match = re.search(r"[(\[]\s*([A-Z]{3}|[^\w\s])\s*[)\]]", header) or re.search(r"\b(?:in|en) ([A-Z]{3})$", header)
    codes = _marks(match[1]) if match else None
    return next(iter(codes)) if codes and len(codes) == 1 else None


def truth(cell: str) -> str | None:
    """Read a yes or a no.

    >>> truth("Ja"), truth("FALSE"), truth("maybe")
    ('true', 'false', None)
    """
    word = cell.strip().lower()
    return "true" if word in _YES else "false" if word in _NO else None


@lru_cache(100_000)
def date(cell: str, formats: tuple[str, ...] = ()) -> str | None:
    """Read a day, by the first of the formats that fits; ISO 8601 where there are none.

    >>> date("1.3.2026", ("%d.%m.%Y",)), date("2026-03-01T23:30:00-08:00"), date("01.03.2026"), date("31.02.2026", ("%d.%m.%Y",))
    ('2026-03-01', '2026-03-01', None, None)
    """
    found = instant(cell, formats)
    return found and found[:10]


@lru_cache(100_000)
def instant(cell: str, formats: tuple[str, ...] = ()) -> str | None:
    """Read an instant: ISO 8601, with its offset where the cell has one; only its day where the cell has no time.

    >>> instant("01.03.2026 14:05", ("%d.%m.%Y %H:%M",)), instant("2026-03-01 14:05")
    ('2026-03-01T14:05:00', '2026-03-01T14:05:00')
    >>> instant("2026-03-01T14:05:10.5Z"), instant("2026-03-01")
    ('2026-03-01T14:05:10.5Z', '2026-03-01')
    """
    text = cell.strip()
    for one in formats:
        found = _by(text, one)
        if found is not None:
            return found
    return None if formats else _iso(text)


def _by(text: str, one: str) -> str | None:
    try:
        moment = dt.datetime.strptime(text, one)  # noqa: DTZ007 - a local time: the adapter's settings say whose
    except ValueError:
        return None
    if moment.year not in _YEARS:
        return None
    return moment.isoformat() if _has_clock(one) else moment.date().isoformat()


def _has_clock(one: str) -> bool:
    return any(part in one for part in ("%H", "%I", "%X", "%T"))


def _iso(text: str) -> str | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    day, clock, offset = match.groups()
    try:
        dt.datetime.fromisoformat(f"{day}T{(clock or '00:00')[:8]}")
    except ValueError:
        return None
    if int(day[:4]) not in _YEARS:
        return None
    return day if clock is None else f"{day}T{clock if len(clock) > 5 else clock + ':00'}{(offset or '').upper()}"


def fitting_dates(cells: Iterable[str], formats: Sequence[str] = DATE_FORMATS) -> list[str]:
    """Return the formats by which every cell is a date.

    >>> fitting_dates(["03/04/2026", "13/04/2026"]), fitting_dates(["03/04/2026"])
    (['%d/%m/%Y'], ['%m/%d/%Y', '%d/%m/%Y'])
    """
    left = list(formats)
    for cell in cells:
        left = [one for one in left if _by(cell.strip(), one) is not None]
        if not left:
            break
    return left
