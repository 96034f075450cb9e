"""Which campaign each campaign is a part of, its names followed and circles cut."""

from __future__ import annotations

import pyarrow as pa

from nisba.attribution.campaigns import circles
from nisba.attribution.facts import TEXT
from nisba.attribution.labels import is_reserved

__all__ = ["model"]

SCHEMA = pa.schema([("campaign_id", TEXT), ("parent_id", TEXT), ("circle_id", TEXT)])


def model(campaign: pa.Table) -> pa.Table:
    """Return one row per campaign with a parent: `campaign_id, parent_id, circle_id`.

    A campaign that is another name has no row, and as a parent it is the one that it counts for. Of a circle the smallest id has no
    parent: null. Reserved words are no parents.
    """
    rows = campaign.select(["campaign_id", "counts_for", "parent_id"]).to_pylist()
    names = {row["campaign_id"]: row["counts_for"] for row in rows}
    parents = {own: names.get(parent, parent) for own, parent in _named(rows).items() if names[own] == own}
    circle = circles(parents)
    made = [(own, None if circle.get(own) == own else parent, circle.get(own)) for own, parent in parents.items()]
    return pa.table([pa.array(column, TEXT) for column in (zip(*made, strict=True) if made else ([], [], []))], schema=SCHEMA)


def _named(rows: list[dict[str, str | None]]) -> dict[str, str]:
    """Return the parents as events name them."""
    return {str(row["campaign_id"]): row["parent_id"] for row in rows if row["parent_id"] and not is_reserved(row["parent_id"])}
