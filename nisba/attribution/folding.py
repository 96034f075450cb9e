"""The fold: shards to books, and all facts to all books."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS, DEFAULT_JOURNEY, Books
from nisba.attribution.bounds import left_out
from nisba.attribution.columns import combine, decimals, distinct, instants, instants_array, numbered
from nisba.attribution.costs import cost_daily
from nisba.attribution.credits import Ledgers, Rows, credit_lines
from nisba.attribution.dates import local_days
from nisba.attribution.entries import (
    Entries,
    current_amounts,
    entry_rows,
    held_deals,
    make_entries,
    reporting_amounts,
    reporting_totals,
)
from nisba.attribution.facts import MONEY, Facts
from nisba.attribution.held import unknown_deals
from nisba.attribution.journeys import Journeys, build_journeys, journey_rows
from nisba.attribution.models import journey_specs, selected_models
from nisba.attribution.pipeline_created import pipeline_rows
from nisba.attribution.preparation import prepare
from nisba.attribution.resolution import resolve
from nisba.attribution.shards import Shard, unpack
from nisba.config import Config
from nisba.money import milli_per_minor

__all__ = ["attribute_shard", "fold"]

Tables = dict[str, Any]


def fold(facts: Facts, config: Config) -> Books:
    """Return the books of a set of facts in which conflicts are settled: a pure function of both arguments."""
    beyond, facts = left_out(facts), prepare(facts, config)
    resolution = resolve(facts, config)
    made = [attribute_shard(payload, config) for _, payload in resolution.shards(1)]
    books = {name: _joined(name, [tables[name] for tables in made if name in tables]) for name in BOOK_SCHEMAS}
    costs, held_spends = cost_daily(facts, config)
    unknown = unknown_deals(facts.adjustment, books["deal"]["deal_id"])
    held = _joined("held", [books["held"], unknown, held_spends, beyond])
    return Books(**{**books, "identity": resolution.identity, "account": resolution.account, "cost_daily": costs, "held": held})


def _joined(name: str, tables: list[Any]) -> Any:
    return pa.concat_tables(tables) if tables else BOOK_SCHEMAS[name].empty_table()


def attribute_shard(payload: Any, config: Config) -> Tables:
    """Return the books of a shard's deals: `deal`, `deal_history`, `journey_touch`, `entry`, `credit_line`, `pipeline_credit`, `held`."""
    shard, zone = unpack(payload), config.reporting.time_zone
    specs = journey_specs(config)
    built = {spec: build_journeys(shard, spec) for spec in set(specs.values())}  # models that agree share the work
    journeys = {name: built[spec] for name, spec in specs.items()}
    entries, held_adjustments = make_entries(shard, config)
    totals = reporting_totals(shard, entries, config)
    return {
        "deal": _deal_rows(shard, entries, journeys[DEFAULT_JOURNEY], config),
        "deal_history": _history_rows(shard),
        "journey_touch": pa.concat_tables([journey_rows(name, found, zone) for name, found in journeys.items()]),
        "entry": entry_rows(shard, entries, totals, config),
        "pipeline_credit": pipeline_rows(shard, journeys, selected_models(config), config),
        "credit_line": _credit_rows(journeys, Ledgers(entries, entries.cum, totals), config),
        "held": pa.concat_tables([held_deals(shard, entries, totals), held_adjustments]),
    }


def _credit_rows(journeys: dict[str, Journeys], ledgers: Ledgers, config: Config) -> Any:
    """Return the credits of every model, each over its own journey."""
    deals = distinct(ledgers.entries.deal)
    rows = {name: Rows(found, deals) for name, found in journeys.items()}
    reporting = config.reporting.currency
    tables = [table for model in selected_models(config) for table in credit_lines(rows[model.journey], model, ledgers, reporting)]
    return _joined("credit_line", tables)


_CURRENT: tuple[str, ...] = (
    *("name", "status", "stage", "opened_at", "closed_at", "revision", "deal_type", "owner"),
    *("product", "lead_source", "list_amount", "loss_reason", "next_step"),
)
"""Columns of the current state that are shown as they are."""


def _deal_rows(shard: Shard, entries: Entries, journeys: Journeys, config: Config) -> Any:
    """Return the rows of `deal`: current states, dated and converted."""
    current = shard.state.take(pa.array(shard.current))
    columns = {name: combine(current[name]) for name in _CURRENT}
    columns |= {name: combine(shard.deal[name]) for name in ("deal_id", "account_id", "segment", "region")}
    columns["changed_at"] = combine(current["occurred_at"])
    columns["lead_created_at"] = instants_array(np.where(journeys.lead_created, journeys.lead_created_at_us, 0), journeys.lead_created)
    for name in ("opened", "closed"):
        columns[f"{name}_on"] = _local_dates(current[f"{name}_at"], config.reporting.time_zone)
    columns["amount"], columns["currency"] = current_amounts(shard, entries)
    amounts, known = reporting_amounts(shard, entries, instants(current["closed_at"])[0], config)
    columns["amount_reporting"] = decimals(amounts * milli_per_minor(config.reporting.currency), MONEY, known)
    return pa.table({name: columns[name] for name in BOOK_SCHEMAS["deal"].names})


def _local_dates(column: Any, time_zone: str) -> Any:
    at_us, has = instants(column)
    days = np.zeros(len(at_us), dtype=np.int32)
    days[has] = local_days(at_us[has], time_zone)
    return pa.array(days, mask=~has).view(pa.date32())


def _history_rows(shard: Shard) -> Any:
    """Return the rows of `deal_history`: all states, numbered in register order."""
    deal = shard.state_deal
    names = BOOK_SCHEMAS["deal_history"].names
    columns = {name: combine(shard.state[name]) for name in names if name in shard.state.column_names}
    columns["deal_id"] = combine(shard.deal["deal_id"]).take(pa.array(deal))
    columns["state_no"] = pa.array(numbered(deal).astype(np.int32))
    columns["changed_at"] = combine(shard.state["occurred_at"])
    return pa.table({name: columns[name] for name in names})
