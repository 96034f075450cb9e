"""A firm whose questions are answered: its world, and every table that an answer reads, made when it is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.oracle.levels.adherence import crm_adherence, crm_adherence_failure
from tests.oracle.levels.campaigns import campaign_roi, channel_roi
from tests.oracle.levels.deals import cac, deal_share, marketing_shares
from tests.oracle.levels.drill import model_range, pipeline_created
from tests.oracle.levels.exceptions import exception_cost, sales_exception
from tests.oracle.levels.funnel import funnel
from tests.oracle.levels.leads import Row, lead_stage
from tests.oracle.levels.passes import Pass, passes
from tests.oracle.levels.quality import lead_agreement
from tests.oracle.levels.segments import default_model
from tests.oracle.levels.sla import lead_sla, lead_sla_summary
from tests.oracle.levels.world import World

__all__ = ["Company", "those"]


def those(rows: Iterable[Row], **where: Any) -> list[Row]:
    """Return the rows whose columns have these values; a tuple stands for any of its values."""
    return [row for row in rows if all(row[name] in (value if isinstance(value, tuple) else (value,)) for name, value in where.items())]


@dataclass(frozen=True)
class Company:
    """What its events say, in plain Python."""

    world: World

    @cached_property
    def model(self) -> str:
        """Return the model that figures show where one is shown."""
        return default_model(self.world.config)

    @cached_property
    def deals(self) -> dict[str, Row]:
        """Return the deals that are there now, by id."""
        return {deal["deal_id"]: deal for deal in self.world.books["deal"]}

    @cached_property
    def journeys(self) -> dict[str, list[Row]]:
        """Return the touches of every deal's default journey, in order."""
        found: dict[str, list[Row]] = {deal_id: [] for deal_id in self.deals}
        for touch in sorted(those(self.world.books["journey_touch"], journey="default"), key=lambda touch: touch["ordinal"]):
            found[touch["deal_id"]].append(touch)
        return found

    @cached_property
    def campaigns(self) -> dict[str, Any]:
        """Return the winning event of every campaign."""
        return self.world.settled.register("campaign", lambda event: event.get("campaign_id"))

    def campaign_name(self, campaign_id: str) -> str:
        """Return what people call a campaign."""
        event = self.campaigns.get(campaign_id)
        return campaign_id if event is None else f"{event.get('name')}"

    def deal_name(self, deal_id: str) -> str:
        """Return what people call a deal."""
        return self.deals[deal_id]["name"] or deal_id

    def account_name(self, deal_id: str) -> str:
        """Return what people call the account of a deal."""
        account_id: str = self.deals[deal_id]["account_id"]
        described = those(self.world.books["account"], account_id=account_id)
        return described[0]["name"] or account_id if described else account_id

    @cached_property
    def passes(self) -> list[Pass]:
        """Return the passes of all leads."""
        return passes(self.world)

    def closed_in(self, year: int, *statuses: str) -> list[Row]:
        """Return the deals that closed in a year and are won or lost now."""
        return [deal for deal in self.deals.values() if deal["status"] in statuses and deal["closed_on"].year == year]

    def qualified_in(self, year: int) -> list[Row]:
        """Return the MQLs of a year."""
        return [row for row in those(self.lead_stage, stage="mql") if row["entered_on"].year == year]

    def entries_between(self, first: dt.date, last: dt.date) -> list[Row]:
        """Return the final entries that are dated between two days."""
        return [entry for entry in those(self.world.books["entry"], is_final=True) if first <= entry["booked_on"] <= last]

    lead_stage = cached_property(lambda self: lead_stage(self.world, self.passes))
    lead_sla = cached_property(lambda self: lead_sla(self.world, self.passes))
    lead_sla_summary = cached_property(lambda self: lead_sla_summary(self.world, self.passes))
    lead_agreement = cached_property(lambda self: lead_agreement(self.world, self.passes))
    funnel = cached_property(lambda self: funnel(self.world, self.passes))
    campaign_roi = cached_property(lambda self: campaign_roi(self.world, self.lead_stage))
    channel_roi = cached_property(lambda self: channel_roi(self.world, self.lead_stage))
    marketing_share = cached_property(lambda self: marketing_shares(self.world))
    model_range = cached_property(lambda self: model_range(self.campaign_roi, self.channel_roi, self.marketing_share))
    deal_share = cached_property(lambda self: deal_share(self.world))
    pipeline_created = cached_property(lambda self: pipeline_created(self.world))
    sales_exception = cached_property(lambda self: sales_exception(self.world, self.passes))
    exception_cost = cached_property(lambda self: exception_cost(self.world, self.sales_exception))
    crm_adherence = cached_property(lambda self: crm_adherence(self.world, self.lead_sla, self.sales_exception))
    crm_adherence_failure = cached_property(lambda self: crm_adherence_failure(self.world, self.lead_sla, self.sales_exception))
    cac = cached_property(lambda self: cac(self.world))
