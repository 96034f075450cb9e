"""Pipeline created: who made each deal an opportunity, as it was worth then (semantics: "Figures").

It is never withdrawn. A deal counts with the first amount that says something, at the rate of the day of its opening, split by every
model over the touches until it was opened, as if it had closed then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS, WEIGHT
from nisba.attribution.columns import Ints, combine, decimals, dictionary, encode, instants_array, runs
from nisba.attribution.credits import Columns, Ledgers, Rows, split_entries
from nisba.attribution.dates import local_days
from nisba.attribution.entries import PENDING, Entries, Totals, converted
from nisba.attribution.facts import MONEY
from nisba.attribution.journeys import Journeys
from nisba.attribution.milestones import POSITIONS, positions
from nisba.attribution.models import Model
from nisba.attribution.shards import Shard
from nisba.attribution.spells import Amounts, own_amounts
from nisba.config import Config
from nisba.money import milli_per_minor

__all__ = ["pipeline_rows", "until_opened"]

_UNATTRIBUTED = "unattributed"
_OF_TOUCH = {"touch_source": "source", "campaign_id": "campaign_id", "team": "team"}


def pipeline_rows(shard: Shard, journeys: Mapping[str, Journeys], models: Sequence[Model], config: Config) -> Any:
    """Return the rows of `pipeline_credit`; `journeys` are those of the models, by name, whole."""
    created_on = local_days(shard.opened_us, config.reporting.time_zone)
    firsts = _first_amounts(shard, created_on, config)
    rows = {id(found): _Rows(until_opened(found), firsts.entries.deal) for found in journeys.values()}  # names may share one
    ids = pa.array([model.id for model in models], pa.string())
    tables = []
    for place, model in enumerate(models):
        for part, columns in split_entries(rows[id(journeys[model.journey])], model, firsts):
            money = _money(columns, firsts, config.reporting.currency)
            named = {"model": dictionary(np.full(len(columns.row), place), ids), **part.taken(columns.row, created_on), **money}
            tables.append(pa.table({name: named[name] for name in BOOK_SCHEMAS["pipeline_credit"].names}))
    return pa.concat_tables(tables) if tables else BOOK_SCHEMAS["pipeline_credit"].empty_table()


def until_opened(journeys: Journeys) -> Journeys:
    """Return the journeys as if each deal had closed when it was opened: a lead that was created later is not known then."""
    shard = journeys.shard
    lengths = journeys.milestones[:, 2] + 1  # up to OC, the last touch at or before the opening
    known = journeys.lead_created & (journeys.lead_created_at_us <= shard.opened_us)
    return Journeys(shard, lengths, journeys.touch[runs(journeys.starts, lengths)], journeys.lead_created_at_us, known)


def _first_amounts(shard: Shard, created_on: Ints, config: Config) -> Ledgers:
    """Return one entry for each deal that ever had an amount of its own, by deal, converted at the rate of its day."""
    amounts = own_amounts(shard)
    state = _first_states(shard.state_deal, amounts)
    deal, currency, amount = shard.state_deal[state], amounts.currency[state], amounts.amount[state]
    kind = np.full(len(state), PENDING, dtype=np.int64)
    entries = Entries(amounts, deal, kind, kind * 0, currency, amount, state)
    reporting, known, _ = converted(shard, amounts, currency, amount, created_on[deal], config)
    return Ledgers(entries, entries.cum, Totals(reporting, reporting * 0, known, []))


def _first_states(deal: Ints, amounts: Amounts) -> Ints:
    """Return each deal's first state with an amount of its own above zero; of deals without one the first with zero."""
    above, zero = (np.flatnonzero(amounts.known & chosen) for chosen in (amounts.amount > 0, amounts.amount == 0))
    states = np.concatenate([above, zero])
    states = states[np.argsort(deal[states], kind="stable")]
    return states[np.flatnonzero(np.diff(deal[states], prepend=-1))]


@dataclass(frozen=True)
class _Rows(Rows):
    """The touches of every deal until it was opened, with the columns that no model changes."""

    def taken(self, row: Ints, created_on: Ints) -> dict[str, Any]:
        """Return the columns of some rows, ascending; of all of them as they are."""
        table = self._table if len(row) == len(self.touch) else self._table.take(pa.array(row))
        days = pa.array(created_on[self.deals[self.owner[row]]].astype(np.int32)).view(pa.date32())
        return {"created_on": days, **{name: table[name] for name in table.column_names}}

    @cached_property
    def _table(self) -> Any:
        journeys, touch, nobody = self.journeys, self.touch, self.touch < 0
        shard, held = journeys.shard, positions(journeys.milestones, journeys.lengths)
        columns = {
            "deal_id": dictionary(self.deals[self.owner], combine(shard.deal["deal_id"])),
            "ordinal": pa.array(self.ordinal.astype(np.int32), mask=nobody),
            "touch_id": dictionary(touch, combine(shard.touch["event_id"])),
            "channel": _channels(shard, touch),
            "touched_at": instants_array(np.append(shard.touched_at_us, 0)[touch], ~nobody),
            "position": dictionary(np.append(held, -1)[self.step], pa.array(POSITIONS)),
        }
        columns |= {name: _of_touch(shard, column, touch) for name, column in _OF_TOUCH.items()}
        return pa.table(columns)


def _money(columns: Columns, firsts: Ledgers, reporting: str) -> dict[str, Any]:
    entries, entry = firsts.entries, columns.entry
    currency, known = entries.currency[entry], firsts.totals.known
    return {
        "weight": decimals(columns.weight, WEIGHT),
        "amount": decimals(columns.revenue * entries.amounts.milli[currency], MONEY),
        "currency": dictionary(currency, pa.array(entries.amounts.currencies, pa.string())),
        "amount_reporting": decimals(columns.revenue_reporting * milli_per_minor(reporting), MONEY, None if known.all() else known[entry]),
    }


def _of_touch(shard: Shard, name: str, touch: Ints) -> Any:
    """Return a column of touches for each line; null for nobody."""
    codes, values = encode(shard.touch[name])
    return dictionary(np.append(codes, -1)[touch], values)


def _channels(shard: Shard, touch: Ints) -> Any:
    """Return the channel of each line's touch; `unattributed` for nobody."""
    codes, values = encode(shard.touch["channel"])
    names = pa.concat_arrays([values, pa.array([_UNATTRIBUTED], pa.string())])
    return dictionary(np.append(codes, len(values))[touch], names)
