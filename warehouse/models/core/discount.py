"""What the discounts beyond the agreed ones cost in the reporting currency."""

from __future__ import annotations

import pyarrow as pa

from nisba.attribution.facts import MONEY, TEXT
from warehouse.models.conversion import in_reporting_currency

__all__ = ["model"]


def model(discounted: pa.Table, exchange: pa.Table, setting: pa.Table, fx: pa.Table) -> pa.Table:
    """Return `deal_id, excess_reporting` (null where no rate is known, or the books could not hold it), one row per discounted deal."""
    excess = in_reporting_currency(discounted, ("currency", "excess", "rate_day"), exchange, setting, fx)
    return pa.table({"deal_id": discounted["deal_id"].cast(TEXT), "excess_reporting": pa.array(excess, MONEY)})
