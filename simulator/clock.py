"""Simulated time: whole seconds since the epoch, a fixed first day, and instants as events write them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from simulator.draws import Bools, Ints

__all__ = ["DAY", "FIRST_SECONDS", "RUN_UP", "START", "START_SECONDS", "iso_instants", "on_weekday", "to_date", "utc_instant"]

DAY = 86_400
START = date(2024, 1, 1)
"""First day of the books: a constant, so that the same seed tells the same story for ever."""

RUN_UP = 200
"""Days before START in which the company works already, so that its first months are like its later ones."""

_EPOCH = date(1970, 1, 1)
START_SECONDS = (START - _EPOCH).days * DAY
FIRST_SECONDS = START_SECONDS - RUN_UP * DAY
"""When the run-up begins: the earliest touch of a stream."""


def to_date(seconds: int) -> date:
    """Return the UTC date of an instant."""
    return _EPOCH + timedelta(days=int(seconds) // DAY)


def on_weekday(seconds: Ints) -> Ints:
    """Move instants of a weekend to the Thursday or Friday before."""
    weekday = (seconds // DAY + 3) % 7  # the epoch was a Thursday
    return seconds - 2 * DAY * (weekday >= 5)


def iso_instants(seconds: Ints, offset_minutes: Ints, millis: Ints | None = None, *, zulu: Bools | None = None) -> list[str]:
    """Write instants in local time with their offset; `zulu` marks those to be written in UTC with a Z."""
    offset = offset_minutes if zulu is None else np.where(zulu, 0, offset_minutes)
    local = seconds + offset * 60
    if millis is None:
        texts = np.datetime_as_string(local.astype("datetime64[s]"))
    else:
        texts = np.datetime_as_string((local * 1000 + millis).astype("datetime64[ms]"))
    if zulu is None:
        return [text + _suffix(minutes) for text, minutes in zip(texts.tolist(), offset.tolist(), strict=True)]
    rows = zip(texts.tolist(), offset.tolist(), zulu.tolist(), strict=True)
    return [text + ("Z" if is_zulu else _suffix(minutes)) for text, minutes, is_zulu in rows]


def utc_instant(seconds: int, offset_minutes: int = 0) -> str:
    """Write one instant in local time with its offset."""
    return str(np.datetime64(int(seconds) + offset_minutes * 60, "s")) + _suffix(offset_minutes)


def _suffix(minutes: int) -> str:
    size = abs(minutes)
    return f"{'-' if minutes < 0 else '+'}{size // 60:02d}:{size % 60:02d}"
