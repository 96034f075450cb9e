"""The funnel of leads (figures §1): `marts.funnel`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise

from tests.oracle.levels.leads import Row, segments_of
from tests.oracle.levels.passes import STAGES, Pass
from tests.oracle.levels.world import World, quantile, ratio, wilson

__all__ = ["PAIRS", "funnel"]

PAIRS = (*pairwise(STAGES), ("inquiry", "customer"), ("mql", "customer"))
DAY = 86_400_000_000

Key = tuple[str, ...]  # period kind, period, view, segment kind, segment, from stage, to stage
Group = tuple[list[Pass], list[Pass]]  # those that entered, those that converted


def funnel(world: World, passes: Iterable[Pass]) -> list[Row]:
    """Return one row per period, view, segment and pair of stages in which a pass entered or converted."""
    groups: dict[Key, Group] = {}
    for one in passes:
        for from_stage, to_stage in PAIRS:
            for key, is_entry, is_conversion in _counted(world, one, from_stage, to_stage):
                entered, converted = groups.setdefault(key, ([], []))
                entered += [one] * is_entry
                converted += [one] * is_conversion
    return [_row(key, *group) for key, group in groups.items()]


def _counted(world: World, one: Pass, from_stage: str, to_stage: str) -> Iterator[tuple[Key, bool, bool]]:
    """Yield where a pass counts, and whether as one that entered and as one that converted."""
    if not one.has(from_stage):
        return
    left = world.periods(one.stages[from_stage].entered_at)
    reached = world.periods(one.stages[to_stage].entered_at) if one.has(to_stage) else []
    for segment in segments_of(one.segment, one.channel, one.owner):
        for period in left:
            yield (*period, "cohort", *segment, from_stage, to_stage), True, one.has(to_stage)
        for period in dict.fromkeys([*left, *reached]):
            yield (*period, "passport", *segment, from_stage, to_stage), period in left, period in reached


def _row(key: Key, entered: list[Pass], converted: list[Pass]) -> Row:
    names = ("period_kind", "period", "view", "segment_kind", "segment", "from_stage", "to_stage")
    row: Row = dict(zip(names, key, strict=True))
    view, from_stage, to_stage = row["view"], row["from_stage"], row["to_stage"]
    others = [one for one in entered if not one.has(to_stage)]
    exited = sum(one.exit is not None for one in others)
    inferred = [one for one in converted if one.stages[to_stage].is_inferred]
    preexisting = [one for one in converted if one.is_preexisting and to_stage in ("opportunity", "customer")]
    days = [_days(one, from_stage, to_stage) for one in converted if one not in inferred and one not in preexisting]
    low, high = wilson(len(converted), len(entered)) if view == "cohort" else (None, None)
    return row | {
        "entered": len(entered),
        "converted": len(converted),
        "exited": exited if view == "cohort" else None,
        "open": len(others) - exited if view == "cohort" else None,
        "inferred": len(inferred),
        "preexisting": len(preexisting),
        "rate": ratio(len(converted), len(entered)),
        "rate_low": low,
        "rate_high": high,
        "median_days": quantile(days, "0.5"),
        "p90_days": quantile(days, "0.9"),
    }


def _days(one: Pass, from_stage: str, to_stage: str) -> Fraction:
    return Fraction(one.stages[to_stage].entered_at - one.stages[from_stage].entered_at, DAY)
