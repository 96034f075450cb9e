"""What is asked of an event beyond the kinds of its fields: one table, and both ways of the decoder follow from it.

A rule is a predicate over the columns of a type, already read, and the sentence for an event that breaks it. The quick way asks it about
a whole block and marks the rows; the exact way asks the same predicate again about the marked rows, their texts read exactly,
and refuses what still breaks it. So a rule added here is asked on both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.facts import MONEY
from nisba.errors import Refused
from schemas.events import EVENT_TYPES
from schemas.kinds import Mask, fields_of_kind, short

__all__ = ["RULES", "Rule", "first_broken", "rules_of"]

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
    """(`data` of an event that breaks it, in canonical form) → what is wrong, the path first."""

    def refusal(self, data: Any) -> Refused:
        """Return why an event that breaks the rule is refused."""
        return Refused(self.error_class, self.sentence(data))


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


def _of_kind(
    kind: str, name: str, is_broken: Callable[[pa.Array], Mask], error_class: str, sentence: Callable[[str, str], str]
) -> Iterator[Rule]:
    """Yield a rule about every field of a kind; its sentence is made of the field's path and its text."""
    for event_type in EVENT_TYPES.values():
        for field in fields_of_kind(event_type.struct, kind):
            yield Rule(
                f"{field} {name}",
                (event_type.fact_type,),
                lambda columns, field=field: is_broken(columns[field]),  # type: ignore[misc]
                error_class,
                lambda data, field=field: sentence(f"$.data.{field}", getattr(data, field)),  # type: ignore[misc]
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
        lambda data: f"$.data.ends_on: {data.ends_on} is before starts_on, {data.starts_on}",
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
        "won has an amount",
        ("deal",),
        lambda c: _equal(c["status"], "won") & _absent(c["amount"]),
        "schema",
        lambda _: "$.data.amount: missing, and a won deal needs one, with its currency",
    ),
    Rule(
        "amount is zero or more",
        ("deal",),
        lambda c: _less(c["amount"], pa.scalar(0, MONEY)),
        "schema",
        lambda data: f"$.data.amount: {short(data.amount)} is below zero: send a refund as a nisba.adjustment.v1",
    ),
    Rule(
        "ended has a close",
        ("deal",),
        lambda c: ~_equal(c["status"], "open") & _absent(c["closed_at"]),
        "schema",
        lambda data: f"$.data.closed_at: missing, and a {data.status} deal needs it",
    ),
    Rule(
        "segment is free",
        ("deal",),
        lambda c: _equal(c["segment"], "all"),
        "semantic",
        lambda _: "$.data.segment: 'all' is the name of the sum over all segments: name this one otherwise",
    ),
    Rule(
        "links two nodes",
        ("identity",),
        lambda c: _equal(c["left_kind"], c["right_kind"]) & _equal(c["left_id"], c["right_id"]),
        "semantic",
        lambda data: f"$.data.right: {data.left.kind} {short(data.left.id)} cannot be linked with itself",
    ),
    *_of_kind(
        "rate",
        "is above zero",
        lambda rate: _equal(rate, "0") | _holds(pc.starts_with(rate, "-")),
        "semantic",
        lambda path, text: f"{path}: a rate of {short(text)} is impossible: expected one above zero",
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
