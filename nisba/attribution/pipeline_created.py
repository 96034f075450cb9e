"""Pipeline created: who made each deal an opportunity, as it was worth then (semantics: "Figures").

It is never withdrawn. A deal counts with the first amount that says something, at the rate of the day of its opening, split by every
model over the touches until it was opened, as if it had closed then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS, WEIGHT
from nisba.attribution.columns import Ints, combine, decimals, dictionary, encode, instants_array, runs
from nisba.attribution.credits import Columns, Ledgers, Rows, split_entries
from nisba.attribution.dates import local_days
from nisba.attribution.entries import KINDS, Entries, Totals, converted
from nisba.attribution.facts import MONEY
from nisba.attribution.journeys import Journeys
from nisba.attribution.milestones import POSITIONS, positions
from nisba.attribution.models import Model
from nisba.attribution.shards import Shard
from nisba.attribution.spells import Amounts
from nisba.config import Config
from nisba.money import milli_per_minor

__all__ = ["pipeline_rows", "until_opened"]

_UNATTRIBUTED = "unattributed"


def pipeline_rows(journeys: Mapping[str, Journeys], models: Sequence[Model], config: Config) -> Any:
    """Return the rows of `pipeline_credit`: `journeys` are those of a shard by name, whole; `models` are those to split by."""
    shard = next(iter(journeys.values())).shard
    created_on = local_days(shard.opened_at_us, config.reporting.time_zone)
    firsts = _first_amounts(shard, created_on, config)
    shorter = {id(found): until_opened(found) for found in journeys.values()}  # of names that share one
    rows = {name: Rows(shorter[id(found)], firsts.entries.deal) for name, found in journeys.items()}
    found = [(place, *part) for place, model in enumerate(models) for part in split_entries(rows[model.journey], model, firsts)]
    lines = _Lines.of(found)
    return _table(shard, lines, firsts, [model.id for model in models], created_on, config.reporting.currency)


def until_opened(journeys: Journeys) -> Journeys:
    """Return the journeys as if each deal had closed when it was opened: a lead that was created later is not known then."""
    shard = journeys.shard
    lengths = journeys.milestones[:, 2] + 1  # up to OC, the last touch at or before the opening
    known = journeys.lead_created & (journeys.lead_created_at_us <= shard.opened_at_us)
    return Journeys(shard, lengths, journeys.touch[runs(journeys.starts, lengths)], journeys.lead_created_at_us, known)


def _first_amounts(shard: Shard, created_on: Ints, config: Config) -> Ledgers:
    """Return one entry for each deal that ever had an amount of its own, by deal, converted at the rate of its day."""
    amounts = Amounts.own(shard)
    state = _first_states(shard.state_deal, amounts)
    deal, currency, amount = shard.state_deal[state], amounts.currency[state], amounts.amount[state]
    kind = np.full(len(state), KINDS.index("pending"), dtype=np.int64)
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
class _Lines:
    """What touches did for deals, one row each."""

    model: Ints
    """Place of the model."""
    ordinal: Ints
    """0 for nobody."""
    touch: Ints
    """Row of the shard's touches; -1 for nobody."""
    position: Ints
    """Place in POSITIONS; -1 for nobody."""
    credit: Columns

    @classmethod
    def of(cls, found: Sequence[tuple[int, Rows, Columns]]) -> _Lines:
        """Join the rows of all models."""
        held: dict[int, Ints] = {}
        parts = []
        for place, rows, columns in found:
            journeys = rows.journeys
            position = held.setdefault(id(journeys), np.append(positions(journeys.milestones, journeys.lengths), -1))
            row = columns.row
            parts.append((np.full(len(row), place), rows.ordinal[row], rows.touch[row], position[rows.step[row]]))
        nothing = np.zeros(0, dtype=np.int64)
        model, ordinal, touch, position = (np.concatenate([nothing, *(part[place] for part in parts)]) for place in range(4))
        return cls(model, ordinal, touch, position, Columns.joined([columns for *_, columns in found]))


def _table(shard: Shard, lines: _Lines, firsts: Ledgers, models: list[str], created_on: Ints, reporting: str) -> Any:
    entries, credit, nobody = firsts.entries, lines.credit, lines.touch < 0
    deal, currency, known = entries.deal[credit.entry], entries.currency[credit.entry], firsts.totals.known[credit.entry]
    columns = {
        "model": dictionary(lines.model, pa.array(models, pa.string())),
        "deal_id": dictionary(deal, combine(shard.deal["deal_id"])),
        "ordinal": pa.array(lines.ordinal.astype(np.int32), mask=nobody),
        "touch_source": _of_touch(shard, "source", lines.touch),
        "touch_id": dictionary(lines.touch, combine(shard.touch["event_id"])),
        "campaign_id": _of_touch(shard, "campaign_id", lines.touch),
        "channel": _channels(shard, lines.touch),
        "team": _of_touch(shard, "team", lines.touch),
        "touched_at": instants_array(np.append(shard.touched_at_us, 0)[lines.touch], ~nobody),
        "position": dictionary(lines.position, pa.array(POSITIONS)),
        "weight": decimals(credit.weight, WEIGHT),
        "created_on": pa.array(created_on[deal].astype(np.int32)).view(pa.date32()),
        "amount": decimals(credit.revenue * entries.amounts.milli[currency], MONEY),
        "currency": dictionary(currency, pa.array(entries.amounts.currencies, pa.string())),
        "amount_reporting": decimals(credit.revenue_reporting * milli_per_minor(reporting), MONEY, known),
    }
    return pa.table({name: columns[name] for name in BOOK_SCHEMAS["pipeline_credit"].names})


def _of_touch(shard: Shard, name: str, touch: Ints) -> Any:
    """Return a column of touches for each line; null for nobody."""
    codes, values = encode(shard.touch[name])
    return dictionary(np.append(codes, -1)[touch], values)


def _channels(shard: Shard, touch: Ints) -> Any:
    """Return the channel of each line's touch; `unattributed` for nobody."""
    codes, values = encode(shard.touch["channel"])
    names = pa.concat_arrays([values, pa.array([_UNATTRIBUTED], pa.string())])
    return dictionary(np.append(codes, len(values))[touch], names)
