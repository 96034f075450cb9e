"""Journeys (semantics: "Journeys"), for all deals of a shard at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from nisba.attribution.columns import Bools, Ints, bisect, dictionary, integers, runs
from nisba.attribution.dates import local_days
from nisba.attribution.labels import folded
from nisba.attribution.milestones import POSITIONS, last_allowed, lead_creation, milestone_places, positions
from nisba.attribution.models import JourneySpec
from nisba.attribution.referrers import is_below
from nisba.attribution.shards import Shard, list_column

__all__ = ["Journeys", "build_journeys", "journey_rows", "window"]

_UNBOUNDED = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Journeys:
    """The journeys of a shard's deals, of one specification; touches of deal d are rows `starts[d]:starts[d] + lengths[d]`."""

    shard: Shard
    lengths: Ints
    touch: Ints
    """Row of each journey touch in the shard's touches; by deal, in journey order."""
    lead_created_at_us: Ints
    lead_created: Bools
    """Whether lead creation is known."""

    @cached_property
    def starts(self) -> Ints:
        """First row of each deal's journey."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def touched_at_us(self) -> Ints:
        """Time of each journey touch."""
        return self.shard.touched_at_us[self.touch]

    @cached_property
    def milestones(self) -> Ints:
        """Places of FT, LC, OC and CW in each journey: `milestone_places`."""
        return milestone_places(self.touched_at_us, self.lengths, self.shard.opened_us, self.lead_created_at_us, self.lead_created)

    def last_outside(self, channels: frozenset[str]) -> Ints:
        """Return the place of each journey's last touch whose channel is none of these (folded); of its last touch where all are."""
        codes, values = self.shard.touch_codes("channel")
        return last_allowed(np.array([folded(value) not in channels for value in values] or [True])[codes[self.touch]], self.lengths)


def build_journeys(shard: Shard, spec: JourneySpec) -> Journeys:
    """Collect the eligible touches of every deal, collapsed, in order."""
    rows = _allowed(shard, spec)
    account = integers(shard.touch["account"])[0][rows]
    at_us = shard.touched_at_us[rows]
    bounds = np.searchsorted(account, np.arange(shard.accounts + 1))
    earliest, close = window(shard, spec)
    low, high = bounds[shard.account], bounds[shard.account + 1]
    low, high = bisect(at_us, low, high, earliest, right=False), bisect(at_us, low, high, close, right=True)
    counts = np.maximum(high - low, 0)
    place, deal = runs(low, counts), np.repeat(np.arange(shard.deals), counts)
    keep = _leader(shard, rows, account, at_us, spec)[place] < low[deal]
    if spec.mapping != "account":
        keep &= _is_contact(shard, deal, rows[place], spec.mapping)
    place, deal = place[keep], deal[keep]
    created_at, created = lead_creation(shard, earliest, close)
    return Journeys(shard, np.bincount(deal, minlength=shard.deals).astype(np.int64), rows[place], created_at, created)


def window(shard: Shard, spec: JourneySpec) -> tuple[Ints, Ints]:
    """Return each deal's first instant of the lookback and its close; both belong to the window."""
    closed_at, _ = shard.closed_at_us
    is_open, closed_at = shard.is_open[shard.current], closed_at[shard.current]
    anchor = np.where(is_open, shard.opened_us, closed_at) if spec.anchor == "closed_at" else shard.opened_us
    return anchor - spec.lookback_us, np.where(is_open, _UNBOUNDED, closed_at)


def _allowed(shard: Shard, spec: JourneySpec) -> Ints:
    """Return the rows of touches whose kind, channel, referrer and team are allowed."""
    teams, team_names = shard.touch_codes("team")
    allowed = np.array([name in spec.teams for name in team_names] or [True])[teams]
    for name, excluded in (("kind", spec.excluded_kinds), ("channel", spec.excluded_channels)):
        if excluded:
            codes, labels = shard.touch_codes(name)
            allowed &= np.array([folded(label) not in excluded for label in labels] or [True])[codes]
    if spec.excluded_referrers:
        codes, hosts = shard.touch_codes("referrer_host")
        allowed &= np.append(~is_below(hosts, spec.excluded_referrers), True)[codes]
    return np.flatnonzero(allowed)


def _leader(shard: Shard, rows: Ints, account: Ints, at_us: Ints, spec: JourneySpec) -> Ints:
    """Return for each touch the place of the one before it of its key, if less than the gap before it; else -1.

    Where that place is inside a deal's window, the touch counts as one with it and is left out. Only touches with a
    neighbour of their account inside the gap are looked at.
    """
    leader = np.full(len(rows), -1, dtype=np.int64)
    near = np.zeros(len(rows), dtype=bool)
    near[1:] = (account[1:] == account[:-1]) & (at_us[1:] - at_us[:-1] < spec.session_gap_us)
    near[:-1] |= near[1:]
    actor = shard.touch_codes("actor")[0]
    places = np.flatnonzero(near)
    places = places[actor[rows[places]] >= 0]
    if not len(places):
        return leader
    keys = [account[places]] + [shard.touch_codes(name)[0][rows[places]] for name in ("actor", *spec.collapse_by)]
    order = np.lexsort(tuple(reversed(keys)))  # stable: inside a key the order stays
    same = np.ones(len(order) - 1, dtype=bool)
    for key in keys:
        same &= key[order[1:]] == key[order[:-1]]
    before, after = places[order[:-1]], places[order[1:]]
    same &= at_us[after] - at_us[before] < spec.session_gap_us
    leader[after[same]] = before[same]
    return leader


def _is_contact(shard: Shard, deal: Ints, row: Ints, mapping: str) -> Bools:
    """Tell which touches are by a contact of their deal; an actor is a person where a touch has one."""
    actor = shard.touch_codes("actor")[0][row]
    width = int(max(actor.max(initial=0), 0)) + 1
    if mapping == "contacts":
        deals, contacts = list_column(shard.deal["contacts"])
    else:
        contacts, known = integers(shard.deal["primary_contact"])
        deals, contacts = np.flatnonzero(known), contacts[known]
    inside = (contacts >= 0) & (contacts < width)
    wanted = deals[inside] * width + contacts[inside]
    return (actor >= 0) & np.isin(deal * width + actor, wanted)


def journey_rows(name: str, journeys: Journeys, time_zone: str) -> Any:
    """Return the rows of `journey_touch` of one journey name."""
    shard, touch, lengths = journeys.shard, journeys.touch, journeys.lengths
    rows = pa.array(touch)
    columns = {
        "journey": dictionary(np.zeros(len(touch), dtype=np.int8), pa.array([name])),
        "deal_id": dictionary(np.repeat(np.arange(shard.deals), lengths), shard.deal["deal_id"].combine_chunks()),
        "ordinal": pa.array(runs(lengths * 0 + 1, lengths).astype(np.int32)),
        "journey_length": pa.array(np.repeat(lengths, lengths).astype(np.int32)),
        "touch_source": shard.touch["source"].combine_chunks().take(rows),
        "touch_id": shard.touch["event_id"].combine_chunks().take(rows),
        "touched_at": shard.touch["occurred_at"].combine_chunks().take(rows),
        "touched_on": pa.array(local_days(journeys.touched_at_us, time_zone).astype(np.int32)).view(pa.date32()),
        "position": dictionary(positions(journeys.milestones, lengths), pa.array(POSITIONS)),
    }
    columns |= {column: shard.touch[column].combine_chunks().take(rows) for column in ("campaign_id", "channel", "kind", "team", "actor")}
    return pa.table(columns)
