"""All tables of figures §2 to §5, and those that stand behind them, from events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nisba.config import Config
from tests.oracle import Rows
from tests.oracle.levels import figures_of
from tests.oracle.levels.adherence import crm_adherence, crm_adherence_failure
from tests.oracle.levels.benchmarks import advice, benchmark, measured
from tests.oracle.levels.campaigns import campaign_roi, campaign_tree, channel_roi
from tests.oracle.levels.deals import cac, deal_share, marketing_shares, velocity
from tests.oracle.levels.drill import model_range, pipeline_created, touch_activity
from tests.oracle.levels.exceptions import exception_cost, sales_exception
from tests.oracle.levels.maturation import maturation
from tests.oracle.levels.passes import passes
from tests.oracle.levels.world import World, world
from tests.strategies import Event

__all__ = ["sales_figures", "sales_figures_of"]

LeadTables = Mapping[str, Iterable[dict[str, Any]]]


def sales_figures(events: Sequence[Event], config: Config, lead_tables: LeadTables | None = None) -> Rows:
    """Return the rows of every table of §2 to §5, by name.

    `lead_tables` has `core.lead_stage`, `marts.funnel`, `marts.lead_sla` and `marts.lead_sla_summary`; None: those of the oracle itself.
    """
    return sales_figures_of(world(events, config), lead_tables)


def sales_figures_of(one: World, lead_tables: LeadTables | None = None) -> Rows:
    """Return the same of a world."""
    given = figures_of(one) if lead_tables is None else lead_tables
    leads = {name: list(rows) for name, rows in given.items()}
    stages, handed = leads["core.lead_stage"], leads["marts.lead_sla"]
    exceptions = sales_exception(one, passes(one))
    tables = {
        "marts.velocity": velocity(one),
        "marts.cac": cac(one),
        "marts.campaign_roi": campaign_roi(one, stages),
        "marts.campaign_tree": campaign_tree(one, stages),
        "marts.channel_roi": channel_roi(one, stages),
        "marts.marketing_share": marketing_shares(one),
        "marts.sales_exception": exceptions,
        "marts.exception_cost": exception_cost(one, exceptions),
        "marts.crm_adherence": crm_adherence(one, handed, exceptions),
        "marts.crm_adherence_failure": crm_adherence_failure(one, handed, exceptions),
        "marts.deal_share": deal_share(one),
        "marts.touch_activity": touch_activity(one),
        "marts.pipeline_created": pipeline_created(one),
        "marts.maturation": maturation(one),
    }
    found = measured(leads | tables, one.config)
    return tables | {
        "marts.model_range": model_range(tables["marts.campaign_roi"], tables["marts.channel_roi"], tables["marts.marketing_share"]),
        "marts.benchmark": benchmark(found, one.config),
        "marts.advice": advice(one, found, stages),
    }
