"""What campaigns were planned to cost, in the reporting currency: a plan has the rate of the day on which it begins."""

from __future__ import annotations

import pyarrow as pa

from nisba.attribution.facts import MONEY, TEXT
from warehouse.models.conversion import in_reporting_currency

__all__ = ["model"]


def model(campaign: pa.Table, exchange: pa.Table, setting: pa.Table, fx: pa.Table) -> pa.Table:
    """Return `campaign_id, budget_reporting` of every campaign; null without a budget, a first day or a rate of that day."""
    budget = in_reporting_currency(campaign, ("currency", "budget", "starts_on"), exchange, setting, fx)
    return pa.table({"campaign_id": campaign["campaign_id"].cast(TEXT), "budget_reporting": pa.array(budget, MONEY)})
