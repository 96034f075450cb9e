"""One row per campaign_id: what its latest event in register order says."""

from __future__ import annotations

import pyarrow as pa

from nisba.attribution.registers import winners

__all__ = ["model"]


def model(events: pa.Table) -> pa.Table:
    """Return the winning events of `ledger.current_campaign`, without what only the ledger needs."""
    latest = winners("campaign", events)
    kept = ("campaign_id", "name", "channel", "campaign_type", "parent_id", "starts_on", "ends_on", "budget", "currency", "owner")
    return latest.select(kept).append_column("changed_at", latest["occurred_at"])
