"""The oracle of levels 3 to 5: figures as slow, exact, plain Python, written from its text alone.

It stands on the oracle of semantics.md, and shares nothing with the tables but the configuration. Quotients are fractions until they are
compared. §1: passes, leads, funnel, quality, business, sla.
"""

from __future__ import annotations

from collections.abc import Sequence

from nisba.config import Config
from tests.oracle import Rows
from tests.oracle.levels.funnel import funnel
from tests.oracle.levels.leads import lead, lead_stage
from tests.oracle.levels.passes import passes
from tests.oracle.levels.quality import lead_agreement, lead_quality
from tests.oracle.levels.sla import lead_sla, lead_sla_summary
from tests.oracle.levels.world import World, world
from tests.strategies import Event

__all__ = ["figures", "figures_of"]

LEADS = {
    "core.lead": lead,
    "core.lead_stage": lead_stage,
    "marts.funnel": funnel,
    "marts.lead_quality": lead_quality,
    "marts.lead_agreement": lead_agreement,
    "marts.lead_sla": lead_sla,
    "marts.lead_sla_summary": lead_sla_summary,
}
"""The tables of §1."""


def figures(events: Sequence[Event], config: Config) -> Rows:
    """Return the rows of every table of §1, by name, with the columns of the contract."""
    return figures_of(world(events, config))


def figures_of(one: World) -> Rows:
    """Return the same of a world."""
    of = passes(one)
    return {name: make(one, of) for name, make in LEADS.items()}
