"""Attribute: from the ledger to the books, for whatever is dirty.

scope → facts → identity → ShardByAccount → AttributeShards → parts and manifest → one transaction that replaces the books of those
accounts. The result depends on the facts alone, so a run that fails is simply run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import msgspec
import pyarrow as pa

from nisba.attribution import left_out, prepare, resolve
from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.costs import cost_daily
from nisba.attribution.facts import Facts
from nisba.config import Config
from pipelines import parts
from pipelines.runner import Runner
from pipelines.shards import ShardTask
from pipelines.transforms import AttributeShards, ShardByAccount, WriteManifest
from warehouse import loader
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope, plan_scope

if TYPE_CHECKING:
    import duckdb

__all__ = ["AttributeReport", "attribute", "attribute_graph"]

TOUCHES_PER_SHARD = 250_000
"""Large enough for columns to pay, small enough for memory; no figure depends on it."""


@dataclass
class AttributeReport:
    """What was attributed anew; `everything` is a full recompute."""

    everything: bool = False
    accounts: int = 0
    deals: int = 0
    credits: int = 0


def attribute_graph(tasks: beam.PCollection[ShardTask]) -> Any:
    """Wire shard tasks → shards → books → parts → manifest."""
    return (
        tasks
        | "ShardByAccount" >> beam.ParDo(ShardByAccount()).with_output_types(tuple[int, bytes])
        | "GatherShards" >> beam.GroupByKey()
        | "AttributeShards" >> beam.ParDo(AttributeShards()).with_output_types(tuple[str, bytes])
        | "CollectParts" >> beam.GroupByKey()
        | "WriteManifest" >> beam.ParDo(WriteManifest())
    )


def attribute(con: duckdb.DuckDBPyConnection, config: Config, *, everything: bool = False) -> AttributeReport:
    """Recompute the books of whatever is dirty, or all of them, in one transaction; return what was replaced.

    A changed configuration, and another edition of the rules, make everything dirty. Raises CheckFailed when credits do not add up;
    nothing is written then.
    """
    loader.settle_by_these_rules(con)
    scope = Scope(everything=True, why=("asked",)) if everything else plan_scope(con, config)
    if scope is None:
        return AttributeReport()
    folder = parts.new_run_folder(config.warehouse.path)
    try:
        books = _books(read_facts(con, scope), config, folder, Runner.from_environment())
        counts = loader.replace_books(con, scope=scope, books=books, config=config)
    finally:
        parts.remove_run_folder(folder)
    return AttributeReport(scope.everything, counts.accounts, counts.deals, counts.credits)


def _books(facts: Facts, config: Config, folder: Path, runner: Runner) -> dict[str, pa.Table | list[Path]]:
    """Return the books of some facts: small tables as they are, the others as parts."""
    beyond, facts = left_out(facts), prepare(facts, config)
    resolution = resolve(facts, config)
    settings = msgspec.json.encode(config)
    shards = max(1, len(facts.touch) // TOUCHES_PER_SHARD)
    tasks = [ShardTask(str(folder), settings, number, payload) for number, payload in resolution.shards(shards)]
    runner.run(attribute_graph, tasks)
    entries = parts.read_manifest(folder) if tasks else []
    made: dict[str, pa.Table | list[Path]] = dict(parts.merged_parts(folder, entries))
    costs, held = cost_daily(facts, config)
    held_deals = loader.rows(made["held"]) if "held" in made else held.slice(0, 0)
    whole = {"identity": resolution.identity, "account": resolution.account, "cost_daily": costs}
    return {**made, **whole, "held": _together(held_deals, held, beyond)}


def _together(*held: pa.Table) -> pa.Table:
    schema = BOOK_SCHEMAS["held"]
    return pa.concat_tables([table.select(schema.names).cast(schema) for table in held])
