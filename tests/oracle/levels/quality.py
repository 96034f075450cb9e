"""What both teams agreed a good lead is, and how far they agree (figures §1): `marts.lead_quality`, `marts.lead_agreement`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from nisba.agreements import LeadQuality
from tests.oracle.labels import is_among
from tests.oracle.levels.leads import Row, segments_of
from tests.oracle.levels.passes import EXITS, Pass, in_order
from tests.oracle.levels.world import NONE, World, ratio
from tests.oracle.settled import Event, moment

__all__ = ["ANSWERS", "lead_agreement", "lead_quality", "rule_of", "version_of"]

ANSWERS = ("qualified_accepted", "qualified_rejected", "unqualified_accepted", "unqualified_rejected", "unanswered")


def version_of(versions: Iterable[Any], day: dt.date) -> Any:
    """Return the version of a rule that holds on a day: the latest `valid_from` until then, of equal ones the later in the file."""
    found, since = None, dt.date.min
    for version in versions:
        begins = version.valid_from or dt.date.min
        if since <= begins <= day:
            found, since = version, begins
    return found


def rule_of(world: World, one: Pass) -> LeadQuality | None:
    """Return the rule that judges a pass; none where its MQL is only inferred, or before all rules."""
    if not one.has("mql") or one.stages["mql"].is_inferred:
        return None
    rule: LeadQuality | None = version_of(world.config.lead_quality, world.day(one.stages["mql"].entered_at))
    return rule


def lead_quality(world: World, passes: Iterable[Pass]) -> list[Row]:
    """Return one row per pass whose MQL a rule judges."""
    judged = [(one, rule_of(world, one)) for one in passes]
    return [_row(world, one, rule) for one, rule in judged if rule is not None]


def _row(world: World, one: Pass, rule: LeadQuality) -> Row:
    mql_at = one.stages["mql"].entered_at
    failed = _failed(one, rule)
    return {
        "lead_id": one.lead_id,
        "pass_no": one.pass_no,
        "mql_at": moment(mql_at),
        "mql_on": world.day(mql_at),
        "rule_id": rule.id,
        "is_qualified": not failed,
        "failed": failed,
        "answer": "accepted" if one.has("sal") else one.exit.get("stage") if one.exit is not None else "none",
        "channel": one.channel,
        "segment": one.segment,
    }


def _failed(one: Pass, rule: LeadQuality) -> list[str]:
    """Return what a pass fails, in the order of the contract."""
    mql_at = one.stages["mql"].entered_at
    judged = next(event for event in in_order(one.events) if event.get("stage") == "mql" and event.time == mql_at)
    failed = [] if _is_scored(judged, rule) else ["score"]
    failed += [name for name in rule.required if _said(judged, name) in (None, "")]
    if rule.segments is not None and not is_among(one.segment or NONE, rule.segments, "segment"):
        failed.append("segment")
    if rule.channels is not None and not is_among(one.channel, rule.channels, "channel"):
        failed.append("channel")
    return failed


def _is_scored(event: Event, rule: LeadQuality) -> bool:
    """Tell whether the score is high enough; a JSON number is what it is written as, 0.7 no less than seven tenths."""
    score = event.get("score")
    return rule.min_score is None or (score is not None and Fraction(repr(score)) >= Fraction(rule.min_score))


def _said(event: Event, name: str) -> Any:
    """Return a field of an event, or one of its attributes."""
    kind, _, attribute = name.partition(".")
    return (event.get("attributes") or {}).get(attribute) if kind == "attributes" and attribute else event.get(name)


def lead_agreement(world: World, passes: Iterable[Pass]) -> list[Row]:
    """Return one row per period, rule and segment: how the answers go with the rule."""
    counts: dict[tuple[str, ...], Row] = {}
    for one in passes:
        for row in lead_quality(world, [one]):
            answer = _answer(row)
            for period in world.periods(one.stages["mql"].entered_at):
                for segment in segments_of(one.segment, one.channel, one.owner):
                    counts.setdefault((*period, row["rule_id"], *segment), dict.fromkeys(ANSWERS, 0))[answer] += 1
    names = ("period_kind", "period", "rule_id", "segment_kind", "segment")
    return [{**dict(zip(names, key, strict=True)), **count, "agreement_pct": _agreement(count)} for key, count in counts.items()]


def _answer(row: Row) -> str:
    if row["answer"] == "none":
        return "unanswered"
    answer = "rejected" if row["answer"] in EXITS else row["answer"]
    return f"{'qualified' if row['is_qualified'] else 'unqualified'}_{answer}"


def _agreement(count: Row) -> Fraction | None:
    return ratio(100 * (count["qualified_accepted"] + count["unqualified_rejected"]), sum(count[name] for name in ANSWERS[:4]))
