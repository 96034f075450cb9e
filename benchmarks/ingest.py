"""Ingest through Beam beside the same decoding and the same loader in a plain loop; and the ledger's way to committed books.

The plain loop keeps a round's tables in memory and lands them; Beam moves blocks, writes parts and a manifest, and lands those.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path

import pyarrow as pa

from benchmarks.timing import fastest, show
from nisba.config import Config, load_config
from pipelines.file_source import DirectorySource
from pipelines.ingest import ROUND_RECORDS, ingest
from schemas.decoder import decode_block
from simulator import simulate
from warehouse.connection import open_writer
from warehouse.loader import land

__all__ = ["main"]

ACCOUNTS, DAYS = 3_500, 540
ROUNDS = 3


def main() -> None:
    """Print records a second and the ratio; then credit rows a second from the ledger to the commit."""
    with tempfile.TemporaryDirectory(prefix="nisba-bench-") as folder:
        events = Path(folder) / "events"
        records = simulate(7, ACCOUNTS, DAYS, events).records
        plain, _ = fastest(lambda: _plain(_fresh(folder), events), ROUNDS)
        beam, _ = fastest(lambda: _beam(_fresh(folder), events), ROUNDS)
        rows = [[name, f"{s:.2f}", f"{records / s:,.0f}", f"{plain / s:.2f}"] for name, s in (("plain Python", plain), ("Beam", beam))]
        show(f"Ingest: {records:,} records from files to the ledger", ["", "s", "records/s", "× plain"], rows)


def _fresh(folder: str) -> Config:
    """Return a configuration with a warehouse that does not exist yet."""
    for file in Path(folder).glob("warehouse.duckdb*"):
        if file.is_file():
            file.unlink()
    return load_config(None, {}, {"warehouse.path": f"{folder}/warehouse.duckdb", "reporting.currency": "USD"})


def _beam(config: Config, events: Path) -> None:
    with open_writer(config.warehouse.path) as con:
        ingest(con, DirectorySource(str(events)), config)


def _plain(config: Config, events: Path) -> None:
    source = DirectorySource(str(events))
    with open_writer(config.warehouse.path) as con:
        for spans in source.rounds({}, ROUND_RECORDS):
            facts, dead_letters = defaultdict(list), []
            for block in source.read(spans):
                decoded = decode_block(block.records, max_record_bytes=config.kafka.max_record_bytes)
                dead_letters.append(decoded.dead_letters)
                for fact_type, table in decoded.facts.items():
                    facts[fact_type].append(table)
            whole = {name: pa.concat_tables(tables) for name, tables in facts.items()}
            land(con, facts=whole, dead_letters=pa.concat_tables(dead_letters), offsets=[])


if __name__ == "__main__":
    main()
