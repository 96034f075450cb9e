"""One row per campaign_id: what its latest event in register order says in the firm's own labels, and which campaign it counts for."""

from __future__ import annotations

import pyarrow as pa

from nisba.attribution.campaigns import counts_for
from nisba.attribution.labels import labels_of, relabelled
from nisba.attribution.preparation import LABELS
from nisba.attribution.registers import winners

__all__ = ["model"]

KEPT = ("campaign_id", "name", "channel", "campaign_type", "parent_id", "same_as", "starts_on", "ends_on", "budget", "currency", "owner")


def model(events: pa.Table, label: pa.Table) -> pa.Table:
    """Return the winning events of `ledger.current_campaign`, without what only the ledger needs; `label` is `core.label`."""
    latest, labels = winners("campaign", events), labels_of(label.to_pylist())
    made = latest.select(KEPT)
    for field in LABELS["campaign"]:
        made = made.set_column(made.column_names.index(field), field, relabelled(made[field], field, labels))
    names = counts_for(latest["campaign_id"], events)
    return made.append_column("counts_for", names).append_column("changed_at", latest["occurred_at"])
