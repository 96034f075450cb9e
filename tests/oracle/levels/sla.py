"""How soon leads are answered (figures §1): `marts.lead_sla`, `marts.lead_sla_summary`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from nisba.agreements import LeadSla
from tests.oracle.journeys import opened
from tests.oracle.levels.business import HOUR, business_time, due_at
from tests.oracle.levels.leads import Row, segments_of
from tests.oracle.levels.passes import EXITS, RANKS, Pass, in_order, latest
from tests.oracle.levels.quality import version_of
from tests.oracle.levels.world import World, quantile, ratio
from tests.oracle.settled import moment

__all__ = ["Handover", "handovers", "lead_sla", "lead_sla_summary"]


@dataclass(frozen=True)
class Handover:
    """A pass that one team hands over to the other, and what came of it; instants in microseconds."""

    of: Pass
    rule: LeadSla
    handed_at: int
    due_at: int
    answer: str
    answered_at: int | None
    business_hours: Fraction
    is_breached: bool
    is_decided: bool
    owner: str | None
    team: str | None


def handovers(world: World, passes: Iterable[Pass]) -> list[Handover]:
    """Return what was handed over, pass by pass, for each pair of stages that has a rule on that day."""
    pairs = list(dict.fromkeys((rule.from_stage, rule.to_stage) for rule in world.config.lead_sla))
    found = []
    for one in passes:
        for pair in pairs:
            if one.has(pair[0]) and not one.stages[pair[0]].is_inferred:
                versions = [rule for rule in world.config.lead_sla if (rule.from_stage, rule.to_stage) == pair]
                rule = version_of(versions, world.day(one.stages[pair[0]].entered_at))
                found += [_handover(world, one, rule)] if rule is not None else []
    return found


def _handover(world: World, one: Pass, rule: LeadSla) -> Handover:
    now = world.as_of
    assert now is not None, "a lead has events"
    handed_at = one.stages[rule.from_stage].entered_at
    due = due_at(handed_at, Fraction(rule.hours), world.config)
    answered_at, _, _, answer = min(_answers(one, rule, handed_at), default=(None, 0, 0, "none"))
    until = now if answered_at is None else answered_at
    known = [event for event in one.events if event.time <= handed_at]
    return Handover(
        of=one,
        rule=rule,
        handed_at=handed_at,
        due_at=due,
        answer=answer,
        answered_at=answered_at,
        business_hours=Fraction(business_time(handed_at, until, world.config), HOUR),
        is_breached=until > due,
        is_decided=answered_at is not None or due < now,
        owner=latest(known, lambda event: event.get("owner")),
        team=latest(known, lambda event: event.get("team")),
    )


def _answers(one: Pass, rule: LeadSla, handed_at: int) -> Iterator[tuple[int, int, int, str]]:
    """Yield everything that answers: (time, accepted before exits, place among the events, answer)."""
    for place, event in enumerate(in_order(one.events)):
        stage = event.get("stage")
        if stage in EXITS and event.time >= handed_at:
            yield event.time, 1, place, stage
        elif stage in RANKS and RANKS[stage] >= RANKS[rule.to_stage] and event.time >= handed_at:
            yield event.time, 0, place, "accepted"  # its stage is above the one that handed over: at that very time it is an answer
    if RANKS[rule.to_stage] <= RANKS["opportunity"]:
        for deal in one.deals:
            if opened(deal.current) > handed_at:
                yield opened(deal.current), 0, 0, "accepted"


def lead_sla(world: World, passes: Iterable[Pass]) -> list[Row]:
    """Return one row per handover."""
    return [_row(hand) for hand in handovers(world, passes)]


def _row(hand: Handover) -> Row:
    return {
        "lead_id": hand.of.lead_id,
        "pass_no": hand.of.pass_no,
        "rule_id": hand.rule.id,
        "from_stage": hand.rule.from_stage,
        "to_stage": hand.rule.to_stage,
        "handed_at": moment(hand.handed_at),
        "due_at": moment(hand.due_at),
        "answer": hand.answer,
        "answered_at": None if hand.answered_at is None else moment(hand.answered_at),
        "business_hours": hand.business_hours,
        "is_breached": hand.is_breached,
        "channel": hand.of.channel,
        "segment": hand.of.segment,
        "owner": hand.owner,
        "team": hand.team,
    }


def lead_sla_summary(world: World, passes: Iterable[Pass]) -> list[Row]:
    """Return one row per period of the handover, rule and segment."""
    groups: dict[tuple[str, ...], list[Handover]] = {}
    for hand in handovers(world, passes):
        for period in world.periods(hand.handed_at):
            for segment in segments_of(hand.of.segment, hand.of.channel, hand.owner):
                groups.setdefault((*period, hand.rule.id, *segment), []).append(hand)
    return [_summary(key, hands) for key, hands in groups.items()]


def _summary(key: tuple[str, ...], hands: list[Handover]) -> Row:
    hours = [hand.business_hours for hand in hands if hand.answered_at is not None]
    breached, decided = sum(hand.is_breached for hand in hands), sum(hand.is_decided for hand in hands)
    return {
        **dict(zip(("period_kind", "period", "rule_id", "segment_kind", "segment"), key, strict=True)),
        "handed": len(hands),
        "answered": len(hours),
        "breached": breached,
        "decided": decided,
        "breach_pct": ratio(100 * breached, decided),
        "median_hours": quantile(hours, "0.5"),
        "p90_hours": quantile(hours, "0.9"),
    }
