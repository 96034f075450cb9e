"""An invented company's story, part by part, as the simulator plays it before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.deals import Plot, plot_deals
from simulator.leads import Leads, build_leads, entry_touches
from simulator.outcomes import Outcomes, decide
from simulator.touches import Touches, build_touches
from simulator.world import World, build_world


@dataclass(frozen=True)
class Story:
    """A company's story, part by part."""

    world: World
    leads: Leads
    touches: Touches
    outcomes: Outcomes
    plot: Plot


def story_of(seed: int, accounts: int, days: int) -> Story:
    world = build_world(seed, accounts, days)
    leads = build_leads(world)
    touches = build_touches(world, entry_touches(world, leads))
    return Story(world, leads, touches, decide(world, touches), plot_deals(world))
