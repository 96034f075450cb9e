"""What is asked of an event beyond the kinds of its fields: one table, and both ways of the decoder follow from it.

A rule is a predicate over the columns of a type, already read, and the sentence for an event that breaks it. The quick way asks it about
a whole block and marks the rows; the exact way asks the same predicate again about the marked rows, their texts read exactly,
and refuses what still breaks it. So a rule added here is asked on both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.bounds import COUNT_LIMIT, RATE_LIMIT, SPEND_DAYS
from nisba.attribution.facts import MONEY, TEXT
from nisba.attribution.labels import folded, is_no_campaign, is_reserved
from nisba.errors import Refused
from schemas.bounds import FIRST_DAY, LAST_DAY, is_outside
from schemas.events import BY_FACT_TYPE, EVENT_TYPES
from schemas.kinds import Mask, fields_of_kind, optional_texts, short

__all__ = ["RULES", "Rule", "first_broken", "rules_of"]

_SMALLEST_RATE, _LARGEST_RATE = 1 / Decimal(RATE_LIMIT), Decimal(RATE_LIMIT)
_DIRECT = "(none)"
"""What analytics tools call direct traffic: the one reserved word that a channel may be called."""
_OUTSIDE = f"is outside the days that the books know, {FIRST_DAY} to {LAST_DAY}: send the right one"

Columns: TypeAlias = Mapping[str, pa.Array]
"""The columns of `ledger_schema` by name; a text that was not read is null."""


@dataclass(frozen=True)
class Rule:
    """What no event of some types may be."""

    name: str
    fact_types: tuple[str, ...]
    is_broken: Callable[[Columns], Mask]
    """Tells which rows break the rule."""
    error_class: str
    """`schema` for a field that is missing or out of range by itself, `semantic` for fields that are impossible together."""
    sentence: Callable[[Any], str]
    """(an event that breaks it, its `data` in canonical form) → what is wrong, the path first."""

    def refusal(self, event: Any) -> Refused:
        """Return why an event that breaks the rule is refused."""
        return Refused(self.error_class, self.sentence(event))


def _holds(condition: pa.Array) -> Mask:
    mask: Mask = condition.fill_null(False).to_numpy(zero_copy_only=False)
    return mask


def _absent(column: pa.Array) -> Mask:
    mask: Mask = column.is_null().to_numpy(zero_copy_only=False)
    return mask


def _given(column: pa.Array) -> Mask:
    return ~_absent(column)


def _equal(column: pa.Array, value: Any) -> Mask:
    return _holds(pc.equal(column, value))


def _less(column: pa.Array, value: Any) -> Mask:
    return _holds(pc.less(column, value))


def _distinct(column: pa.Array, is_bad: Callable[[str], bool]) -> Mask:
    """Return the rows whose text is bad; each different one is asked about once."""
    bad = [text for text in pc.unique(column.drop_null()).to_pylist() if is_bad(text)]
    return _holds(pc.is_in(column, value_set=pa.array(bad, TEXT))) if bad else np.zeros(len(column), dtype=bool)


def _is_impossible_rate(text: str) -> bool:
    return not _SMALLEST_RATE <= Decimal(text) <= _LARGEST_RATE


def _is_no_channel(label: str) -> bool:
    return is_reserved(label) and folded(label) != _DIRECT


def _either(instant: str, date: str, fact_type: str, is_missing: Callable[[Columns], Mask]) -> Iterator[Rule]:
    """Yield the rules about an instant for which a date may stand: not both, and one of them where it is asked for."""
    yield Rule(
        f"{instant} or {date}",
        (fact_type,),
        lambda c: _given(c[instant]) & _given(c[date]),
        "schema",
        lambda _: f"$.data.{date}: {instant} is given as well: send one of the two, {date} where only the day is known",
    )
    yield Rule(
        f"has {instant}",
        (fact_type,),
        lambda c: is_missing(c) & _absent(c[instant]) & _absent(c[date]),
        "schema",
        lambda event: f"$.data.{instant}: missing, and so is {date}: {_whose(fact_type, event.data)} needs one of the two",
    )


def _whose(fact_type: str, data: Any) -> str:
    return f"{'an' if data.status == 'open' else 'a'} {data.status} deal" if fact_type == "deal" else f"an {fact_type}"


def _always(columns: Columns) -> Mask:
    return np.ones(len(columns["source"]), dtype=bool)


def _has_a_window(columns: Columns) -> Mask:
    return _equal(columns["op"], "link") & (_given(columns["since"]) | _given(columns["until"]))


def _is_membership(columns: Columns) -> Mask:
    def links(one: str, other: str) -> Mask:
        return _equal(columns[f"{other}_kind"], "account") & (
            _equal(columns[f"{one}_kind"], "person") | _equal(columns[f"{one}_kind"], "lead")
        )

    return links("left", "right") | links("right", "left")


def _of_kind(
    kind: str,
    name: str,
    is_broken: Callable[[pa.Array], Mask],
    error_class: str,
    sentence: Callable[[str, Any], str],
    *,
    is_required: bool = False,
) -> Iterator[Rule]:
    """Yield a rule about every field of a kind (the required ones only, if so); its sentence is made of the field's path and its value."""
    for event_type in EVENT_TYPES.values():
        for field in fields_of_kind(event_type.struct, kind):
            if is_required and field in optional_texts(event_type.struct):
                continue
            yield Rule(
                f"{field} {name}",
                (event_type.fact_type,),
                lambda columns, field=field: is_broken(columns[field]),  # type: ignore[misc]
                error_class,
                lambda event, field=field: sentence(f"$.data.{field}", getattr(event.data, field)),  # type: ignore[misc]
            )


RULES: tuple[Rule, ...] = (
    Rule(
        "names somebody",
        ("touch",),
        lambda c: _absent(c["account_id"]) & _absent(c["person_id"]) & _absent(c["visitor_id"]),
        "schema",
        lambda _: "$.data: a touch names at least one of account_id, person_id and visitor_id",
    ),
    Rule(
        "names one",
        ("erasure",),
        lambda c: _absent(c["person_id"]) == _absent(c["visitor_id"]),
        "schema",
        lambda _: "$.data: an erasure names one of person_id and visitor_id; send one event for each",
    ),
    Rule(
        "ends after its start",
        ("campaign", "spend"),
        lambda c: _less(c["ends_on"], c["starts_on"]),
        "semantic",
        lambda event: f"$.data.ends_on: {event.data.ends_on} is before starts_on, {event.data.starts_on}",
    ),
    Rule(
        "budget has a currency",
        ("campaign",),
        lambda c: _given(c["budget"]) & _absent(c["currency"]),
        "schema",
        lambda _: "$.data.currency: missing, and a budget needs one",
    ),
    Rule(
        "amounts have a currency",
        ("deal",),
        lambda c: _absent(c["currency"]) & (_given(c["amount"]) | _given(c["list_amount"])),
        "schema",
        lambda _: "$.data.currency: missing, and an amount needs one",
    ),
    Rule(
        "currency has an amount",
        ("deal",),
        lambda c: _given(c["currency"]) & _absent(c["amount"]),
        "schema",
        lambda _: "$.data.amount: missing, and a currency comes with one",
    ),
    Rule(
        "amount is zero or more",
        ("deal",),
        lambda c: _less(c["amount"], pa.scalar(0, MONEY)),
        "schema",
        lambda event: f"$.data.amount: {short(event.data.amount)} is below zero: send a refund as a nisba.adjustment.v1",
    ),
    *_either("opened_at", "opened_on", "deal", _always),
    *_either("closed_at", "closed_on", "deal", lambda c: ~_equal(c["status"], "open")),
    *_either("effective_at", "effective_on", "adjustment", _always),
    Rule(
        "links two nodes",
        ("identity",),
        lambda c: _equal(c["left_kind"], c["right_kind"]) & _equal(c["left_id"], c["right_id"]),
        "semantic",
        lambda event: f"$.data.right: {event.data.left.kind} {short(event.data.left.id)} cannot be linked with itself",
    ),
    Rule(
        "only memberships have a window",
        ("identity",),
        lambda c: _has_a_window(c) & ~_is_membership(c),
        "semantic",
        lambda event: (
            f"$.data.{'since' if event.data.since else 'until'}: only the link of a person or a lead with an account holds for a time, "
            f"this one is of {event.data.left.kind} and {event.data.right.kind}: leave since and until out"
        ),
    ),
    Rule(
        "a window ends after it began",
        ("identity",),
        lambda c: _has_a_window(c) & _holds(pc.less_equal(c["until"], c["since"])),
        "semantic",
        lambda event: f"$.data.until: {event.data.until} is not after since, {event.data.since}",
    ),
    Rule(
        "covers ten years at most",
        ("spend",),
        lambda c: _holds(pc.greater_equal(pc.subtract(c["ends_on"].cast(pa.int32()), c["starts_on"].cast(pa.int32())), SPEND_DAYS)),
        "semantic",
        lambda event: (
            f"$.data.ends_on: from {event.data.starts_on} to {event.data.ends_on} are more than {SPEND_DAYS} days: "
            "a spend covers no more, split it"
        ),
    ),
    Rule(
        "channel is free",
        ("touch", "campaign"),
        lambda c: _distinct(c["channel"], _is_no_channel),
        "semantic",
        lambda event: f"$.data.channel: {short(event.data.channel)} is the name of a row of the reports: name the channel otherwise",
    ),
    Rule(
        "campaign is one",
        ("campaign", "spend"),
        lambda c: _distinct(c["campaign_id"], is_no_campaign),
        "semantic",
        lambda event: f"$.data.campaign_id: {short(event.data.campaign_id)} says that there is no campaign: send the campaign's id",
    ),
    Rule(
        "same_as is one",
        ("campaign",),
        lambda c: _distinct(c["same_as"], is_no_campaign),
        "semantic",
        lambda event: (
            f"$.data.same_as: {short(event.data.same_as)} says that there is no campaign: send the campaign's id, or leave it out"
        ),
    ),
    *(
        rule
        for kind in ("text", "label", "lower_case_label")
        for rule in _of_kind(
            kind,
            "is not empty",
            lambda text: _equal(text, ""),
            "schema",
            lambda path, _: f"{path}: empty, and it is required",
            is_required=True,
        )
    ),
    *(
        rule
        for kind in ("instant", "date")
        for rule in _of_kind(kind, "is of our days", is_outside, "semantic", lambda path, text: f"{path}: {text} {_OUTSIDE}")
    ),
    Rule(
        "time is of our days",
        tuple(BY_FACT_TYPE),
        lambda c: is_outside(c["occurred_at"]),
        "semantic",
        lambda event: f"$.time: {event.time} {_OUTSIDE}",
    ),
    *_of_kind(
        "count",
        "is below 10^15",
        lambda count: _holds(pc.greater_equal(count, COUNT_LIMIT)),
        "semantic",
        lambda path, count: f"{path}: {count} is impossible: expected a number below 10^15",
    ),
    *_of_kind(
        "rate",
        "is possible",
        lambda rate: _distinct(rate, _is_impossible_rate),
        "semantic",
        lambda path, text: f"{path}: a rate of {short(text)} is impossible: expected one from 10^-12 to 10^12",
    ),
)
"""All rules; of several that an event breaks, the first one says why it is refused."""


@cache
def rules_of(fact_type: str) -> tuple[Rule, ...]:
    """Return the rules about events of a type."""
    return tuple(rule for rule in RULES if fact_type in rule.fact_types)


def first_broken(fact_type: str, columns: Columns, rows: int) -> npt.NDArray[np.int64]:
    """Return for each row the place in `rules_of` of the first rule that it breaks; -1 for none."""
    first = np.full(rows, -1, dtype=np.int64)
    for place, rule in reversed(list(enumerate(rules_of(fact_type)))):
        first[rule.is_broken(columns)] = place
    return first
