"""The sets of events for the figures of levels 3 to 5 are what they say: the same of a seed, valid, and full of edges."""

from __future__ import annotations

import msgspec
import pytest

from nisba.agreements import check_agreements
from nisba.config import LEAD_FIELDS, Config
from tests.level_sets import level_set
from tests.oracle.levels.passes import Pass, passes
from tests.oracle.levels.sla import Handover, handovers
from tests.oracle.levels.world import World, world
from tests.strategies import facts_of

SEEDS = range(120)

Read = list[tuple[World, list[Pass], list[Handover]]]


@pytest.fixture(scope="module")
def read() -> Read:
    """Return what the sets come to."""
    worlds = [world(*level_set(seed)) for seed in SEEDS]
    return [(one, of, handovers(one, of)) for one in worlds for of in [passes(one)]]


def test_a_seed_is_a_set() -> None:
    assert level_set(7) == level_set(7)
    assert level_set(7) != level_set(8)


def test_sets_are_small() -> None:
    sizes = sorted(len(level_set(seed)[0]) for seed in SEEDS)
    assert sizes[0] > 10
    assert 25 <= sizes[len(sizes) // 2] <= 45
    assert sizes[-1] <= 80


def test_nothing_is_refused_at_the_door() -> None:
    for seed in SEEDS:
        facts = facts_of(level_set(seed)[0])
        assert facts.deal.num_rows > 0
        assert facts.lead_stage.num_rows > 0


def test_configurations_are_such_as_a_file_may_say() -> None:
    for seed in SEEDS:
        _, config = level_set(seed)
        assert msgspec.convert(msgspec.to_builtins(config), Config, strict=False) == config
        check_agreements(
            lead_quality=config.lead_quality,
            lead_sla=config.lead_sla,
            business_hours=config.business_hours,
            sales_process=config.sales_process,
            exceptions=config.exceptions,
            incentives=config.incentive,
            models=config.attribution.models,
            fields=LEAD_FIELDS,
        )


def test_what_leads_do_occurs(read: Read) -> None:
    every = [one for _, of, _ in read for one in of]
    assert len(every) > 200
    shown = {
        "second pass": lambda one: one.pass_no > 1,
        "no stage": lambda one: not one.stages,
        "inferred": lambda one: any(entered.is_inferred for entered in one.stages.values()),
        "customer": lambda one: one.has("customer"),
        "preexisting": lambda one: one.is_preexisting,
        "exit": lambda one: one.exit is not None,
        "deal of a later pass": lambda one: len(one.deals) < len(set(one.named)),
        "by a campaign": lambda one: one.campaign_id != "(none)",
        "segment": lambda one: one.segment is not None,
        "owner": lambda one: one.owner is not None,
        "account": lambda one: one.account_id is not None,
        "two events of one instant": lambda one: len({event.time for event in one.events}) < len(one.events),
    }
    counts = {name: sum(map(holds, every)) for name, holds in shown.items()}
    assert min(counts.values()) >= 5, counts


def test_answers_come_at_the_very_instant(read: Read) -> None:
    every = [(hand, one.as_of) for one, _, hands in read for hand in hands]
    late = [hand.answered_at - hand.due_at for hand, _ in every if hand.answered_at is not None]
    open_ones = [now - hand.due_at for hand, now in every if hand.answered_at is None and now is not None]
    assert {-1, 0, 1} <= set(late)
    assert {0, 1} & set(open_ones)
    assert {hand.answer for hand, _ in every} == {"accepted", "rejected", "recycled", "none"}
    assert min(sum(hand.is_breached for hand, _ in every), sum(not hand.is_breached for hand, _ in every)) > 20
