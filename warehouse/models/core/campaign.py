"""One row per campaign_id: what its latest event in register order says in the firm's own labels, and which campaign it counts for."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa

from nisba.attribution.campaigns import counts_for
from nisba.attribution.labels import relabelled
from nisba.attribution.preparation import LABELS
from nisba.attribution.registers import winners
from nisba.config import Labels

__all__ = ["model"]

KEPT = ("campaign_id", "name", "channel", "campaign_type", "parent_id", "same_as", "starts_on", "ends_on", "budget", "currency", "owner")


def model(events: pa.Table, label: pa.Table) -> pa.Table:
    """Return the winning events of `ledger.current_campaign`, without what only the ledger needs; `label` is `core.label`."""
    latest, labels = winners("campaign", events), _labels(label)
    made = latest.select(KEPT)
    for field in LABELS["campaign"]:
        made = made.set_column(made.column_names.index(field), field, relabelled(made[field], field, labels))
    names = counts_for(latest["campaign_id"], events)
    return made.append_column("counts_for", names).append_column("changed_at", latest["occurred_at"])


def _labels(label: pa.Table) -> Labels:
    """Return the maps of the configuration."""
    maps: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in label.to_pylist():
        maps[row["field"]][row["label"]] = row["name"]
    return Labels(**maps)
