"""Pipeline created: what each touch did for a deal until it was opened (semantics: "Figures").

The amount that a deal began with, split as if it had closed on the day it was opened. Never withdrawn: neither what it is worth later nor
whether it is won changes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.columns import Ints, combine, dictionary, distinct, encode
from nisba.attribution.credits import Ledgers, Rows, credit_lines
from nisba.attribution.dates import local_days
from nisba.attribution.entries import PENDING, Entries, Totals, converted
from nisba.attribution.journeys import Journeys
from nisba.attribution.milestones import POSITIONS, positions
from nisba.attribution.models import Model
from nisba.attribution.shards import Shard
from nisba.attribution.spells import own_amounts
from nisba.config import Config

__all__ = ["pipeline_rows", "until_opened"]

_TEXTS = (("touch_source", "source"), ("touch_id", "event_id"), ("campaign_id", "campaign_id"), ("channel", "channel"), ("team", "team"))
_UNATTRIBUTED = "unattributed"


def pipeline_rows(shard: Shard, journeys: Mapping[str, Journeys], models: Sequence[Model], config: Config) -> Any:
    """Return the rows of `pipeline_credit`; `journeys` are those of the models, by name."""
    ledgers = _beginnings(shard, config)
    deals = distinct(ledgers.entries.deal)
    rows = {name: Rows(until_opened(found), deals) for name, found in journeys.items()}
    places = {name: _positions(each.journeys) for name, each in rows.items()}
    days = local_days(shard.opened_us, config.reporting.time_zone)
    tables = [
        _table(rows[model.journey].journeys, places[model.journey], ledgers, days, lines)
        for model in models
        for lines in credit_lines(rows[model.journey], model, ledgers, config.reporting.currency)
    ]
    return pa.concat_tables(tables) if tables else BOOK_SCHEMAS["pipeline_credit"].empty_table()


def until_opened(journeys: Journeys) -> Journeys:
    """Return the journeys as they were when their deals were opened; a lead that was created later is not known yet."""
    opened = journeys.shard.opened_us
    deal = np.repeat(np.arange(len(journeys.lengths)), journeys.lengths)
    kept = journeys.touched_at_us <= opened[deal]
    lengths = np.bincount(deal[kept], minlength=len(journeys.lengths)).astype(np.int64)
    known = journeys.lead_created & (journeys.lead_created_at_us <= opened)
    return Journeys(journeys.shard, lengths, journeys.touch[kept], journeys.lead_created_at_us, known)


def _beginnings(shard: Shard, config: Config) -> Ledgers:
    """Return what each deal began with, as an entry of its own: the first amount above zero, else the first there is."""
    amounts = own_amounts(shard)
    rows = np.flatnonzero(amounts.known)
    order = rows[np.lexsort((rows, amounts.amount[rows] <= 0, shard.state_deal[rows]))]
    deal, first = np.unique(shard.state_deal[order], return_index=True)
    state = order[first]
    entries = Entries(amounts, deal, deal * 0 + PENDING, deal * 0, amounts.currency[state], amounts.amount[state], state)
    days = local_days(shard.opened_us, config.reporting.time_zone)[deal]
    after, known, _ = converted(shard, amounts, entries.currency, entries.amount, days, config)
    return Ledgers(entries, entries.amount, Totals(after, after * 0, known, []))


def _positions(journeys: Journeys) -> Ints:
    return positions(journeys.milestones, journeys.lengths)


def _table(journeys: Journeys, position: Ints, ledgers: Ledgers, opened_on: Ints, lines: Any) -> Any:
    """Return credits with the touches that they go to."""
    shard, entries = journeys.shard, ledgers.entries
    deal = np.asarray(combine(lines["deal_id"]).indices, dtype=np.int64)
    ordinal = np.asarray(combine(lines["ordinal"]), dtype=np.int64)
    nobody = ordinal == 0
    place = np.where(nobody, -1, journeys.starts[deal] + ordinal - 1)
    touch = np.append(journeys.touch, -1)[place]
    entry = np.searchsorted(entries.deal, deal)
    columns = {name: lines[name] for name in ("model", "deal_id", "weight")}
    columns |= {name: _of_touches(shard.touch[source], touch) for name, source in _TEXTS}
    columns["channel"] = _with_unattributed(columns["channel"], nobody)
    columns["ordinal"] = pa.array(ordinal.astype(np.int32), mask=nobody)
    columns["touched_at"] = combine(shard.touch["occurred_at"]).take(pa.array(touch, mask=nobody))
    columns["position"] = dictionary(np.append(position, -1)[place], pa.array(POSITIONS))
    columns["created_on"] = pa.array(opened_on[deal].astype(np.int32)).view(pa.date32())
    columns["currency"] = dictionary(entries.currency[entry], pa.array(entries.amounts.currencies, pa.string()))
    columns |= {"amount": lines["revenue"], "amount_reporting": lines["revenue_reporting"]}
    return pa.table({name: columns[name] for name in BOOK_SCHEMAS["pipeline_credit"].names})


def _of_touches(column: Any, touch: Ints) -> Any:
    codes, values = encode(column)
    return dictionary(np.append(codes, -1)[touch], values)


def _with_unattributed(channel: Any, nobody: Any) -> Any:
    if not nobody.any():
        return channel
    codes, values = encode(channel)
    return dictionary(np.where(nobody, len(values), codes), pa.concat_arrays([values, pa.array([_UNATTRIBUTED], pa.string())]))
