"""What goes wrong between a source and a topic: late, repeated, contradicting and broken records, in known numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec
import numpy as np

from schemas.kinds import parse_instant
from simulator.clock import DAY
from simulator.draws import Draws, Ints

__all__ = ["Delivery", "Noise", "Variant", "deliver", "disturb"]

_OVERSIZED_BYTES = 1_048_576 + 1_024
_SMALLEST = 150
"""Topics with fewer records stay clean: one broken record in ten would stop a careful consumer."""


@dataclass(frozen=True)
class Noise:
    """How much goes wrong, in per cent of the records of a topic."""

    malformed_pct: float = 0.5
    duplicate_pct: float = 0.6
    conflict_pct: float = 0.1
    late_pct: float = 3.0
    oversized: bool = True
    """One touch of more than a mebibyte."""


class Variant(IntEnum):
    """What a delivered record is, compared with the event it comes from."""

    ORIGINAL = 0
    REPEATED = 1  # the same bytes
    REZONED = 2  # the same content: its time in UTC
    CONFLICT = 3  # the same identity, other content
    MALFORMED = 4
    SCHEMA = 5
    UNKNOWN_TYPE = 6
    SEMANTIC = 7
    OVERSIZED = 8


@dataclass(frozen=True)
class Delivery:
    """The records of a topic in order of arrival: which event, and in what shape."""

    position: Ints
    variant: Ints

    def count(self, *variants: Variant) -> int:
        """Return how many records have one of these shapes."""
        return int(np.isin(self.variant, variants).sum())


def deliver(draws: Draws, at: Ints, noise: Noise, *, semantic: bool, oversized: bool) -> Delivery:
    """Order the records of a topic by arrival; `at` has the seconds at which its events happened."""
    size = len(at)
    position, variant = _extras(draws, size, noise, semantic=semantic, oversized=oversized)
    arrival = at + _delay(draws, size, noise)
    extra = arrival[position] + 1 + draws.below(len(position), 3 * DAY)
    all_positions = np.concatenate([np.arange(size, dtype=np.int64), position])
    order = np.argsort(np.concatenate([arrival, extra]), kind="stable")
    return Delivery(all_positions[order], np.concatenate([np.zeros(size, np.int64), variant])[order])


def _delay(draws: Draws, size: int, noise: Noise) -> Ints:
    """Most records take seconds, some a night, a few come weeks late."""
    usual = draws.quantile(size, (1, 2, 5, 30, 600, 4 * 3600))
    weeks = DAY + draws.quantile(size, (0, 2 * DAY, 9 * DAY, 40 * DAY))
    return np.where(draws.chance(size, round(noise.late_pct * 100)), weeks, usual)


def _extras(draws: Draws, size: int, noise: Noise, *, semantic: bool, oversized: bool) -> tuple[Ints, Ints]:
    """Pick different events to repeat, to contradict and to break."""
    if size < _SMALLEST:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    shuffled = np.argsort(draws.raw(size), kind="stable").astype(np.int64)
    repeated, conflicts, broken = (_share(size, pct) for pct in (noise.duplicate_pct, noise.conflict_pct, noise.malformed_pct))
    classes = [Variant.MALFORMED, Variant.SCHEMA, Variant.UNKNOWN_TYPE, *([Variant.SEMANTIC] if semantic else [])]
    variants = [
        *(Variant.REZONED if number % 2 else Variant.REPEATED for number in range(repeated)),
        *([Variant.CONFLICT] * conflicts),
        *(classes[number % len(classes)] for number in range(broken)),
        *([Variant.OVERSIZED] if oversized and broken else []),
    ]
    chosen = variants[:size]
    return shuffled[: len(chosen)], np.asarray(chosen, dtype=np.int64)


def _share(size: int, pct: float) -> int:
    parts = round(pct * 100)
    return max(1, size * parts // 10_000) if parts else 0


def disturb(line: bytes, variant: int) -> bytes:
    """Return the record in the shape that a variant says."""
    return _SHAPES[variant](line)


def _rezoned(line: bytes) -> bytes:
    event = msgspec.json.decode(line)
    event["time"] = parse_instant(event["time"], "$.time").isoformat().replace("+00:00", "Z")
    return msgspec.json.encode(event)


def _contradicted(line: bytes) -> bytes:
    event = msgspec.json.decode(line)
    field, value = _CHANGES[event["type"]]
    event["data"][field] = value
    return msgspec.json.encode(event)


_CHANGES: dict[str, tuple[str, Any]] = {
    "nisba.touch.v1": ("url", "https://www.example.com/changed-later"),
    "nisba.touch-retraction.v1": ("reason", "changed_later"),
    "nisba.lead-stage.v1": ("rule_version", "changed-later"),
    "nisba.deal.v1": ("next_step", "Changed later"),
    "nisba.adjustment.v1": ("reason", "changed_later"),
}


def _cut(line: bytes) -> bytes:
    return line[: len(line) * 2 // 3]


def _incomplete(line: bytes) -> bytes:
    """Leave out a required field, or the offset of the time."""
    event = msgspec.json.decode(line)
    if len(line) % 2:
        event["time"] = event["time"][:19]
    else:
        del event["data"][next(iter(event["data"])) if event["type"] not in _REQUIRED else _REQUIRED[event["type"]]]
    return msgspec.json.encode(event)


_REQUIRED = {"nisba.touch.v1": "channel", "nisba.deal.v1": "status", "nisba.lead-stage.v1": "stage", "nisba.spend.v1": "amount"}


def _from_the_future(line: bytes) -> bytes:
    event = msgspec.json.decode(line)
    event["type"] = event["type"][:-1] + "9"
    return msgspec.json.encode(event)


def _impossible(line: bytes) -> bytes:
    """Break a rule that no type can express."""
    event = msgspec.json.decode(line)
    data = event["data"]
    if event["type"] == "nisba.spend.v1":
        data["ends_on"] = "2019-12-31"
    elif event["type"] == "nisba.identity.v1":
        data["right"] = data["left"]
    elif event["type"] == "nisba.fx.v1":
        data["rate"] = "0"
    else:
        data |= {"amount": "1", "currency": "ZZZ"}
    return msgspec.json.encode(event)


def _too_large(line: bytes) -> bytes:
    event = msgspec.json.decode(line)
    event["data"]["attributes"] = {"page": "x" * _OVERSIZED_BYTES}
    return msgspec.json.encode(event)


_SHAPES: dict[int, Callable[[bytes], bytes]] = {
    Variant.ORIGINAL: bytes,
    Variant.REPEATED: bytes,
    Variant.REZONED: _rezoned,
    Variant.CONFLICT: _contradicted,
    Variant.MALFORMED: _cut,
    Variant.SCHEMA: _incomplete,
    Variant.UNKNOWN_TYPE: _from_the_future,
    Variant.SEMANTIC: _impossible,
    Variant.OVERSIZED: _too_large,
}
