"""Every table of figures over the finished books, beside one scan of `core.credit` joined as `marts.revenue` joins it.

1M touches, 100k deals with their histories, 200k leads, a thousand days of cost; all built-in models. With `--models` also the seconds
of each model that takes more than a twentieth of the scan.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb

from benchmarks.recompute import with_provenance
from benchmarks.timing import fastest, show
from benchmarks.workload import firm
from nisba.config import load_config
from pipelines.attribute import attribute
from warehouse.connection import open_writer
from warehouse.loader import land
from warehouse.models.build import EVERYTHING, build, create_macros, create_model, models
from warehouse.query import one_value, transaction
from warehouse.settings import refresh_settings

__all__ = ["main"]

TOUCHES, DEALS, LEADS = 1_000_000, 100_000, 200_000
REVENUE = next(model for model in models() if model.name == "marts.revenue")


def main() -> None:
    """Print the seconds of the scan, of the models of a cycle and of all of them, and their ratios."""
    with _books() as con:
        scan, _ = fastest(lambda: _scan(con), rounds=2)
        rows = [["core.credit, joined as in marts.revenue", f"{scan:.1f}", "1.0"]]
        for name, kinds in (("what a stream builds", ("cycle",)), ("everything", EVERYTHING)):
            seconds, _ = fastest(partial(build, con, kinds), rounds=2)
            rows.append([name, f"{seconds:.1f}", f"{seconds / scan:.1f}"])
        lines = one_value(con, "SELECT count(*) FROM core.credit")
        show(f"Figures: {TOUCHES:,} touches, {DEALS:,} deals, {LEADS:,} leads, {lines:,} credits", ["", "s", "× the scan"], rows)
        if "--models" in sys.argv:
            show("The slowest", ["model", "s", "× the scan"], list(_slowest(con, scan)))


@contextmanager
def _books() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="nisba-bench-") as folder:
        config = load_config(None, {}, {"warehouse.path": str(Path(folder) / "warehouse.duckdb")})
        with open_writer(config.warehouse.path) as con:
            facts = firm(TOUCHES, DEALS, LEADS, 40_000)
            land(
                con,
                facts={name: with_provenance(table) for name, table in facts.tables().items() if len(table)},
                dead_letters=None,
                offsets=[],
            )
            attribute(con, config)
            refresh_settings(con, config)
            build(con, EVERYTHING)
            yield con


def _scan(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE OR REPLACE TEMP TABLE scanned AS {REVENUE.select}")
    con.execute("DROP TABLE scanned")


def _slowest(con: duckdb.DuckDBPyConnection, scan: float) -> Iterator[list[str]]:
    seconds = {}
    with transaction(con):
        create_macros(con)
        for model in models():
            started = time.perf_counter()
            create_model(con, model)
            seconds[model.name] = time.perf_counter() - started
    for name, taken in sorted(seconds.items(), key=lambda item: -item[1]):
        if taken > scan / 20:
            yield [name, f"{taken:.1f}", f"{taken / scan:.2f}"]


if __name__ == "__main__":
    main()
