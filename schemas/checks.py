"""Check one event's `data`, field by field, and bring its text into canonical form: the exact way, for one event at a time.

The decoder takes this way for what its columns find suspicious; it decides alone what is refused, and why. Classes: `schema` for
a field that is missing, of a wrong type or out of range by itself; `semantic` for fields that are fine one by one and
impossible together, and for currencies that do not exist.
"""

from __future__ import annotations

import datetime as dt
import re
import typing
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

from nisba.money import MAX_AMOUNT, AmountError, minor_digits, parse_amount
from schemas.events import Adjustment, Campaign, Data, Deal, Erasure, Fx, Identity, Spend, Touch

__all__ = ["Refused", "canonical_instant", "fields_of_kind", "normalise", "parse_instant", "plain_decimal"]

RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?", re.ASCII)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
DECIMAL = re.compile(r"(-?)0*(\d+)(?:\.(\d+))?", re.ASCII)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


class Refused(Exception):
    """An event that becomes a dead letter: its class, and what to do about it."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(error_class, message)
        self.error_class, self.message = error_class, message


def normalise(data: Data) -> None:
    """Bring `data` into canonical form, in place; raises Refused for what the fields' types alone do not rule out."""
    for name in fields_of_kind(type(data), "instant"):
        _mend(data, name, canonical_instant)
    for name in fields_of_kind(type(data), "date"):
        _mend(data, name, _date)
    for name in fields_of_kind(type(data), "rate"):
        _mend(data, name, _rate)
    for check in _CHECKS.get(type(data).__name__, ()):
        check(data)
    for name in fields_of_kind(type(data), "currency"):
        _mend(data, name, _currency)
    for name in fields_of_kind(type(data), "amount"):
        _mend(data, name, lambda text, path: _amount(text, path, data.currency))  # type: ignore[attr-defined]
    _leave_defaults_out(data)


@cache
def fields_of_kind(struct: type[Data], kind: str) -> tuple[str, ...]:
    """Return the fields whose text is of a kind: instant, date, amount, rate, currency or id.

    >>> from schemas.events import Adjustment
    >>> fields_of_kind(Adjustment, "instant")
    ('effective_at',)
    """
    hints = typing.get_type_hints(struct, include_extras=True)
    return tuple(name for name, hint in hints.items() if kind in _kinds(hint))


def _kinds(hint: Any) -> Iterator[str]:
    if typing.get_origin(hint) is typing.Union:
        for option in typing.get_args(hint):
            yield from _kinds(option)
    for meta in getattr(hint, "__metadata__", ()):
        yield (meta.extra or {}).get("kind", "")


def _mend(data: Data, name: str, rule: Callable[[str, str], str]) -> None:
    text = getattr(data, name)
    if text is not None:
        setattr(data, name, rule(text, f"$.data.{name}"))


def parse_instant(text: str, path: str) -> dt.datetime:
    """Read an RFC 3339 time with an offset as UTC; digits beyond microseconds are cut off.

    >>> parse_instant("2026-03-01T09:30:00.9999999+03:00", "$.time").isoformat()
    '2026-03-01T06:30:00.999999+00:00'

    Raises Refused for anything else: a naive time, a second of 60, an instant outside the years 1 to 9999 in UTC.
    """
    match = RFC3339.fullmatch(text)
    if not match:
        raise Refused("schema", f"{path}: {_short(text)} is not an RFC 3339 time such as 2026-03-01T09:30:00+03:00")
    day, clock, fraction, offset = match.groups()
    if offset is None:
        raise Refused("schema", f"{path}: {_short(text)} has no offset: write Z or one such as +03:00, it is never guessed")
    try:
        whole = dt.datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in 'Zz' else offset}")
        return whole.astimezone(dt.timezone.utc).replace(microsecond=int(((fraction or "") + "000000")[:6]))
    except (ValueError, OverflowError) as error:
        raise Refused("schema", f"{path}: {_short(text)} is no instant of the calendar ({error}); seconds run from 00 to 59") from None


def canonical_instant(text: str, path: str) -> str:
    """Write an instant in UTC with six digits and Z; raises Refused.

    >>> canonical_instant("2026-03-01t09:30:00+03:00", "$.time")
    '2026-03-01T06:30:00.000000Z'
    """
    return parse_instant(text, path).isoformat(timespec="microseconds").replace("+00:00", "Z")


def plain_decimal(text: str) -> str | None:
    """Write a decimal without leading or trailing zeros; None when the text is no plain decimal.

    >>> plain_decimal("0012.500"), plain_decimal("-0.0"), plain_decimal("1e3")
    ('12.5', '0', None)
    """
    match = DECIMAL.fullmatch(text)
    if not match:
        return None
    sign, whole, fraction = match.groups()
    fraction = (fraction or "").rstrip("0")
    number = f"{whole}.{fraction}" if fraction else whole
    return number if number == "0" else sign + number


def _date(text: str, path: str) -> str:
    try:
        if DATE.fullmatch(text):
            return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise Refused("schema", f"{path}: {_short(text)} is not a date such as 2026-03-01")


def _rate(text: str, path: str) -> str:
    plain = plain_decimal(text)
    if plain is None:
        raise Refused("schema", f'{path}: {_short(text)} is not a decimal string such as "1.0834"')
    if plain == "0" or plain.startswith("-"):
        raise Refused("semantic", f"{path}: a rate of {_short(text)} is impossible: expected one above zero")
    return plain


def _currency(code: str, path: str) -> str:
    try:
        minor_digits(code)
    except AmountError as error:
        raise Refused("semantic", f"{path}: {error}") from None
    return code


def _amount(text: str, path: str, currency: str) -> str:
    plain = plain_decimal(text)
    if plain is None:
        raise Refused("schema", f'{path}: {_short(text)} is not a decimal string such as "1234.50"')
    if abs(Decimal(plain)) >= MAX_AMOUNT:
        raise Refused("schema", f"{path}: {_short(text)} is out of range: the books hold amounts below 10^12")
    try:
        return format(parse_amount(plain, currency), "f")
    except AmountError as error:
        raise Refused("semantic", f"{path}: {_short(str(error), 200)}") from None


def _short(text: str, limit: int = 60) -> str:
    shown = text if len(text) <= limit else text[:limit] + "…"
    return shown if limit > 60 else repr(shown)


def _leave_defaults_out(data: Data) -> None:
    for name, default in (("revision", 0), ("deleted", False), ("contact_ids", [])):
        if getattr(data, name, None) == default:
            setattr(data, name, None)
    utm = getattr(data, "utm", None)
    if utm is not None and not any(getattr(utm, name) is not None for name in utm.__struct_fields__):
        data.utm = None  # type: ignore[attr-defined]
    if type(data).__name__ == "Spend" and data.ends_on == data.starts_on:  # type: ignore[attr-defined]
        data.ends_on = None  # type: ignore[attr-defined]


def _missing(name: str, why: str) -> Refused:
    return Refused("schema", f"$.data.{name}: missing, {why}")


def _names_somebody(touch: Touch) -> None:
    if touch.account_id is None and touch.person_id is None and touch.visitor_id is None:
        raise Refused("schema", "$.data: a touch names at least one of account_id, person_id and visitor_id")


def _names_one(erasure: Erasure) -> None:
    if (erasure.person_id is None) == (erasure.visitor_id is None):
        raise Refused("schema", "$.data: an erasure names one of person_id and visitor_id; send one event for each")


def _ends_after_start(span: Campaign | Spend) -> None:
    if span.starts_on is not None and span.ends_on is not None and span.ends_on < span.starts_on:
        raise Refused("semantic", f"$.data.ends_on: {span.ends_on} is before starts_on, {span.starts_on}")


def _budget_has_currency(campaign: Campaign) -> None:
    if campaign.budget is not None and campaign.currency is None:
        raise _missing("currency", "and a budget needs one")


def _deal_money(deal: Deal) -> None:
    if deal.currency is None and (deal.amount is not None or deal.list_amount is not None):
        raise _missing("currency", "and an amount needs one")
    if deal.currency is not None and deal.amount is None:
        raise _missing("amount", "and a currency comes with one")
    if deal.status == "won" and deal.amount is None:
        raise _missing("amount", "and a won deal needs one, with its currency")
    if deal.amount is not None and (plain_decimal(deal.amount) or "").startswith("-"):
        raise Refused("schema", f"$.data.amount: {_short(deal.amount)} is below zero: send a refund as a nisba.adjustment.v1")


def _deal_close(deal: Deal) -> None:
    if deal.status != "open" and deal.closed_at is None:
        raise _missing("closed_at", f"and a {deal.status} deal needs it")


def _segment_is_free(deal: Deal) -> None:
    if deal.segment == "all":
        raise Refused("semantic", "$.data.segment: 'all' is the name of the sum over all segments: name this one otherwise")


def _two_nodes(identity: Identity) -> None:
    if (identity.left.kind, identity.left.id) == (identity.right.kind, identity.right.id):
        raise Refused("semantic", f"$.data.right: {identity.left.kind} {_short(identity.left.id)} cannot be linked with itself")


_CHECKS: dict[str, tuple[Callable[[Any], None], ...]] = {
    Touch.__name__: (_names_somebody,),
    Campaign.__name__: (_ends_after_start, _budget_has_currency),
    Spend.__name__: (_ends_after_start,),
    Deal.__name__: (_deal_money, _deal_close, _segment_is_free),
    Identity.__name__: (_two_nodes,),
    Erasure.__name__: (_names_one,),
    Adjustment.__name__: (),
    Fx.__name__: (),
}
