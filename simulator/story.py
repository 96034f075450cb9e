"""The whole story of an invented company, in the order in which one thing leads to another."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.business_hours import BusinessHours
from simulator.draws import Bools
from simulator.history import Contracts, first_contracts
from simulator.lead_paths import Step, lead_paths
from simulator.leads import Leads, build_leads, entry_touches
from simulator.outcomes import Outcomes, decide
from simulator.plots import Plot, deleted_deals, plot_deals
from simulator.scripts import Script, contract_scripts, deal_scripts, deal_types
from simulator.touches import Touches, build_touches
from simulator.world import World, build_world

__all__ = ["Story", "tell"]


@dataclass(frozen=True)
class Story:
    """Everything that happened, before it is written as events."""

    world: World
    leads: Leads
    touches: Touches
    outcomes: Outcomes
    paths: list[list[Step]]
    scripts: list[Script]
    plot: Plot
    contracts: Contracts
    deleted: Bools
    hours: BusinessHours


def tell(seed: int, accounts: int, days: int) -> Story:
    """Play the story: first who could buy, then what they saw, then what came of it, then who wrote down what."""
    world = build_world(seed, accounts, days)
    hours, contracts, plot = BusinessHours(world.end), first_contracts(world), plot_deals(world)
    leads = build_leads(world, hours)
    touches = build_touches(world, entry_touches(world, leads), contracts)
    outcomes = decide(world, touches)
    deleted = deleted_deals(world, plot)
    scripts = deal_scripts(world, outcomes, leads, plot, deal_types(world, outcomes, deleted))
    paths = lead_paths(world, outcomes, leads, hours)
    all_scripts = [*contract_scripts(world, contracts), *scripts]
    return Story(world, leads, touches, outcomes, paths, all_scripts, plot, contracts, deleted, hours)
