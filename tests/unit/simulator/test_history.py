"""Contracts of long ago: one for each customer, won before the run-up."""

from __future__ import annotations

import numpy as np

from simulator.clock import FIRST_SECONDS
from simulator.history import OLDEST
from tests.unit.simulator.stories import Story


def test_every_customer_has_one_from_before_the_story(story: Story) -> None:
    contracts, world = story.contracts, story.world
    assert contracts.account.tolist() == np.flatnonzero(world.accounts.customer).tolist()
    assert len(contracts) > 50
    assert (contracts.opened < contracts.closed).all()
    assert (contracts.closed < FIRST_SECONDS).all()
    assert (contracts.opened > FIRST_SECONDS - OLDEST).all()
    assert (world.people.account[contracts.contact] == contracts.account).all()
    assert (contracts.dollars % 50 == 0).all()
    assert (contracts.dollars > 1_000).all()


def test_they_break_no_rule(story: Story) -> None:
    old = [script for script in story.scripts if script.id.startswith("C-")]
    assert len(old) == len(story.contracts)
    assert not any(script.broken for script in old)
    assert {(state.status, state.said["deal_type"]) for script in old for state in script.states} == {("won", "new")}
