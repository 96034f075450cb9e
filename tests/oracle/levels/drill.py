"""What stands behind the figures: `marts.pipeline_created`, `marts.touch_activity`, `marts.model_range`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tests.oracle.costs import named_campaigns
from tests.oracle.figures import percent, periods
from tests.oracle.levels.campaigns import UNATTRIBUTED, campaign_of, channel_of
from tests.oracle.levels.leads import Row
from tests.oracle.levels.segments import Key, named
from tests.oracle.levels.world import World, quantile

__all__ = ["model_range", "pipeline_created", "touch_activity"]

ZERO = Decimal(0)


def pipeline_created(world: World) -> list[Row]:
    """Return what was created in each period, by campaign, channel, team and segment, and by model."""
    segments = {deal["deal_id"]: deal["segment"] for deal in world.books["deal"]}
    names = named_campaigns(world.settled)
    sums: dict[Key, tuple[Decimal, Decimal]] = {}
    for credit in world.books["pipeline_credit"]:
        dimensions = {
            "campaign": campaign_of(credit, names),
            "channel": channel_of(credit),
            "team": credit["team"] if credit["ordinal"] else UNATTRIBUTED,
            "segment": named(segments[credit["deal_id"]]),
        }
        for period in periods(credit["created_on"], world.config):
            for dimension in dimensions.items():
                key: Key = (*period, *dimension, credit["model"])
                pipeline, deals = sums.get(key, (ZERO, ZERO))
                sums[key] = pipeline + (credit["amount_reporting"] or ZERO), deals + credit["weight"]
    wholes: dict[Key, Decimal] = {}
    for key, (pipeline, _) in sums.items():
        wholes[_whole(key)] = wholes.get(_whole(key), ZERO) + pipeline
    return [_created(key, *of, wholes[_whole(key)]) for key, of in sums.items()]


def _whole(key: Key) -> Key:
    """Return what the dimensions of a kind add up to: a period, a kind and a model."""
    return (*key[:3], key[4])


def _created(key: Key, pipeline: Decimal, deals: Decimal, whole: Decimal) -> Row:
    return {
        **dict(zip(("period_kind", "period", "dimension_kind", "dimension", "model"), key, strict=True)),
        "pipeline": pipeline,
        "deals": deals,
        "share_pct": percent(pipeline, whole),
    }


def touch_activity(world: World) -> list[Row]:
    """Return how many touches there were by day, channel, campaign and kind, whether they are of a deal or not."""
    names = named_campaigns(world.settled)
    of_deals = {(row["touch_source"], row["touch_id"]) for row in world.books["journey_touch"] if row["journey"] == "default"}
    touches: Counter[tuple[Any, ...]] = Counter()
    in_journey: Counter[tuple[Any, ...]] = Counter()
    for touch in world.settled.of("touch"):
        campaign_id = touch.get("campaign_id")
        key = (world.day(touch.time), touch.get("channel"), named(names.get(campaign_id, campaign_id)), touch.get("kind"))
        touches[key] += 1
        in_journey[key] += (touch.source, touch.id) in of_deals
    columns = ("day", "channel", "campaign_id", "kind")
    return [{**dict(zip(columns, key, strict=True)), "touches": count, "in_journey": in_journey[key]} for key, count in touches.items()]


def model_range(campaign_roi: Iterable[Row], channel_roi: Iterable[Row], marketing_share: Iterable[Row]) -> list[Row]:
    """Return lowest, median and highest over the models: ROI of campaigns and channels, and marketing's share of all revenue in percent."""
    values: dict[Key, list[Any]] = {}
    for entity_kind, name, measure, rows in (
        ("campaign", "campaign_id", "roi", campaign_roi),
        ("channel", "channel", "roi", channel_roi),
        ("share", "segment_kind", "attributed_pct", [row for row in marketing_share if row["segment_kind"] == "all"]),
    ):
        for row in rows:
            if row[measure] is not None:
                values.setdefault((row["period_kind"], row["period"], entity_kind, row[name]), []).append(row[measure])
    return [_range(key, of) for key, of in values.items()]


def _range(key: Key, values: list[Any]) -> Row:
    return {
        **dict(zip(("period_kind", "period", "entity_kind", "entity"), key, strict=True)),
        "lowest": min(values),
        "median": quantile(values, "0.5"),
        "highest": max(values),
        "positive_models": sum(value > 0 for value in values),
        "models": len(values),
    }
