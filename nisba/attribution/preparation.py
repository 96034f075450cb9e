"""Facts as the books read them: the firm's own labels, instants for dates, accounts for deals that name none.

The ledger keeps what came; everything below the core's entrance reads what `prepare` makes of it, and no rule is applied twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.bounds import admitted
from nisba.attribution.columns import combine, days, dictionary, encode, instants_array, text
from nisba.attribution.dates import ends_of_days
from nisba.attribution.facts import Facts
from nisba.attribution.labels import is_no_campaign, relabelled
from nisba.config import Config

__all__ = ["DEAL_ACCOUNT", "LABELS", "prepare"]

DEAL_ACCOUNT = "deal:"
"""A deal without an account belongs to an account of its own: this, and its id."""

LABELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "touch": ("channel", "kind"),
        "campaign": ("channel", "campaign_type"),
        "account": ("segment", "region"),
        "deal": ("stage", "deal_type", "segment", "region", "product", "lead_source", "loss_reason", "next_step"),
    }
)
"""The fields of each type that are labels."""

_DATED: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {"deal": (("opened_at", "opened_on"), ("closed_at", "closed_on")), "adjustment": (("effective_at", "effective_on"),)}
)
"""Instants for which a date may stand."""


def prepare(facts: Facts, config: Config) -> Facts:
    """Return the facts as the books read them: the same tables and columns; each may be prepared once only.

    What is out of the bounds of events now is left out (`bounds.left_out` says which money is held so).
    """
    tables = {fact_type: admitted(fact_type, table) for fact_type, table in facts.tables().items()}
    for fact_type, names in LABELS.items():
        for name in names:
            tables[fact_type] = _with(tables[fact_type], name, relabelled(tables[fact_type][name], name, config.labels))
    for fact_type, pairs in _DATED.items():
        for instant, date in pairs:
            tables[fact_type] = _with(tables[fact_type], instant, _dated(tables[fact_type], instant, date, config.reporting.time_zone))
    tables["touch"] = _with(tables["touch"], "campaign_id", _campaigns(tables["touch"]["campaign_id"]))
    tables["deal"] = _with(tables["deal"], "account_id", _accounts(tables["deal"]))
    return replace(facts, **tables)


def _with(table: Any, name: str, column: Any) -> Any:
    return table.set_column(table.column_names.index(name), name, column)


def _dated(table: Any, instant: str, date: str, time_zone: str) -> Any:
    """Return an instant column in which the last microsecond of the day stands where only the day is known."""
    at, on = combine(table[instant]), combine(table[date])
    known = np.asarray(on.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    if not known.any():
        return table[instant]
    ends = np.zeros(len(on), dtype=np.int64)
    ends[known] = ends_of_days(days(on.drop_null()), time_zone)
    return pc.coalesce(at, instants_array(ends, known))


def _campaigns(column: Any) -> Any:
    """Return the campaigns of touches, null where the id stands for none."""
    codes, values = encode(column)
    kept = [None if is_no_campaign(campaign_id) else campaign_id for campaign_id in values.to_pylist()]
    return column if None not in kept else dictionary(codes, pa.array(kept, pa.string())).cast(pa.string())


def _accounts(deal: Any) -> Any:
    """Return the account of each deal state: of its own where it names none."""
    return pc.coalesce(text(deal["account_id"]), pc.binary_join_element_wise(DEAL_ACCOUNT, text(deal["deal_id"]), ""))
