"""Why a touch of a deal's account is not in the deal's journey (semantics: "Journeys")."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from nisba.attribution.columns import integers
from nisba.attribution.journeys import Journeys, build_journeys, window
from nisba.attribution.labels import folded
from nisba.attribution.models import JourneySpec
from nisba.attribution.referrers import is_below
from nisba.attribution.shards import Shard

__all__ = ["LeftOut", "left_out"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class LeftOut:
    """A touch that earns nothing from the deal: `reason` is a word for machines, `detail` the same for people."""

    touch_source: str
    touch_id: str
    touched_at: datetime
    channel: str | None
    kind: str | None
    team: str | None
    campaign_id: str | None
    reason: str
    detail: str


def left_out(shard: Shard, deal_id: str, spec: JourneySpec, retracted: Collection[tuple[str, str]] = ()) -> list[LeftOut]:
    """Return the touches of the deal's account outside its journey, in order, each with the first reason that applies.

    Reasons: retracted, excluded_kind, excluded_channel, excluded_referrer, team, outside_lookback, after_close, collapsed, not_a_contact.
    A shard knows no retracted touches; to have them named, make one without their retractions and give them as (source, id) in
    `retracted`.
    """
    deals = shard.deal["deal_id"].to_pylist()
    if deal_id not in deals:
        return []
    deal, journeys = deals.index(deal_id), build_journeys(shard, spec)
    first = journeys.starts[deal]
    inside = set(journeys.touch[first : first + journeys.lengths[deal]].tolist())
    rows = np.flatnonzero(integers(shard.touch["account"])[0] == shard.account[deal])
    touches = zip(rows.tolist(), shard.touch.take(rows).to_pylist(), strict=True)
    return [
        _left_out(journeys, spec, deal, row, touch, retracted)
        for row, touch in touches
        if row not in inside or (touch["source"], touch["event_id"]) in retracted
    ]


def _left_out(
    journeys: Journeys, spec: JourneySpec, deal: int, row: int, touch: dict[str, Any], retracted: Collection[tuple[str, str]]
) -> LeftOut:
    reason, detail = _reason(journeys, spec, deal, row, touch, retracted)
    return LeftOut(
        touch["source"],
        touch["event_id"],
        touch["occurred_at"],
        touch["channel"],
        touch["kind"],
        touch["team"],
        touch["campaign_id"],
        reason,
        detail,
    )


def _reason(
    journeys: Journeys, spec: JourneySpec, deal: int, row: int, touch: dict[str, Any], retracted: Collection[tuple[str, str]]
) -> tuple[str, str]:
    earliest, close = (int(bound[deal]) for bound in window(journeys.shard, spec))
    at_us = int(journeys.shard.touched_at_us[row])
    if (touch["source"], touch["event_id"]) in retracted:
        return "retracted", "its source took it back"
    if (excluded := _excluded(spec, touch)) is not None:
        return excluded
    if touch["team"] not in spec.teams:
        return "team", f"team {touch['team']} earns no credit"
    if at_us < earliest:
        return "outside_lookback", f"before {_day(earliest)}, where the lookback begins"
    if at_us > close:
        return "after_close", f"after the close of {_day(close)}"
    if earlier := _counted_with(journeys, spec, deal, row):
        return "collapsed", f"counts as one with {earlier}"
    return "not_a_contact", f"not by a contact of the deal (mapping {spec.mapping})"


def _excluded(spec: JourneySpec, touch: dict[str, Any]) -> tuple[str, str] | None:
    for name, labels in (("kind", spec.excluded_kinds), ("channel", spec.excluded_channels)):
        if folded(touch[name]) in labels:
            return f"excluded_{name}", f"{name} {touch[name]} is excluded"
    host = touch.get("referrer_host")
    if is_below([host], spec.excluded_referrers)[0]:
        return "excluded_referrer", f"referrer {host} is excluded"
    return None


def _counted_with(journeys: Journeys, spec: JourneySpec, deal: int, row: int) -> str | None:
    """Return the journey's latest touch of the same key up to this one: what it was collapsed into; None for none."""
    shard, first = journeys.shard, journeys.starts[deal]
    codes = [shard.touch_codes(name)[0] for name in ("actor", *spec.collapse_by)]
    if codes[0][row] < 0:
        return None
    for other in reversed(journeys.touch[first : first + journeys.lengths[deal]].tolist()):
        if other < row and all(code[other] == code[row] for code in codes):
            return str(shard.touch["event_id"][other])
    return None


def _day(instant_us: int) -> str:
    return f"{_EPOCH + timedelta(microseconds=instant_us):%Y-%m-%d %H:%M} UTC"
