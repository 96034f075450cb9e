"""From the ledger to committed books: all of attribution, Beam and DuckDB included, beside what the machine can insert at all.

1M touches, 111k won deals, all built-in models: read back, resolve, cut shards, attribute, write parts, replace, check, commit.
"""

from __future__ import annotations

import tempfile

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.timing import fastest, show
from benchmarks.workload import company
from nisba.attribution import fold
from nisba.attribution.books import Books
from nisba.config import load_config
from pipelines.attribute import AttributeReport, attribute
from warehouse.connection import open_writer
from warehouse.loader import land
from warehouse.query import relations

__all__ = ["main", "with_provenance"]


def main() -> None:
    """Print rows a second: those of credits, and of pipeline created where it is made."""
    facts = company(1_000_000, 111_000, 40_000)
    with tempfile.TemporaryDirectory(prefix="nisba-bench-") as folder:
        config = load_config(None, {}, {"warehouse.path": f"{folder}/warehouse.duckdb"})
        with open_writer(config.warehouse.path) as con:
            landed = {name: with_provenance(table) for name, table in facts.tables().items() if len(table)}
            land(con, facts=landed, dead_letters=None, offsets=[])

            def everything() -> AttributeReport:
                con.execute("DELETE FROM core.setting")
                return attribute(con, config)

            seconds, report = fastest(everything)
        books = fold(facts, config)
        bare, _ = fastest(lambda: _insert(f"{folder}/bare.duckdb", books), rounds=2)
    assert report.credits == books.credit_line.num_rows
    credits, both = report.credits, report.credits + books.pipeline_credit.num_rows
    rows = [
        [name, f"{s:.2f}", f"{written / s:,.0f}", f"{written / s / (credits / bare):.2f}"]
        for name, s, written in (
            ("DuckDB inserts finished credits, and nothing else", bare, credits),
            ("ledger → committed books, pipeline created too", seconds, both),
        )
    ]
    show(f"Full attribution: {report.credits:,} credit rows", ["", "s", "rows/s", "× bare insert"], rows)


def _insert(path: str, books: Books) -> None:
    with duckdb.connect(path) as con, relations(con, made=books.credit_line):
        con.execute("CREATE OR REPLACE TABLE credit_line AS FROM made")


def with_provenance(table: pa.Table) -> pa.Table:
    """Add the columns that a decoder would: every row another content, from one partition."""
    size = len(table)
    zeros, numbers = pa.array(np.zeros(size, dtype=np.int32)), np.arange(size)
    columns = {
        "content_hash": pa.array(numbers.astype(np.uint64)),
        "topic": pa.array(["benchmark"] * size),
        "kafka_partition": zeros,
        "kafka_offset": pa.array(numbers),
        "identity_hash": pa.array(numbers.astype(np.uint64)),
    }
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


if __name__ == "__main__":
    main()
