"""What a data engineer looks at first: offsets, dead letters, what waits, what is held, the last cycles, the last snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from nisba.config import Config
from warehouse.data_issues import DataIssue, read_data_issues
from warehouse.loader import committed_offsets
from warehouse.models.publication import published
from warehouse.query import has_table, one_value, rows_as_dicts

__all__ = ["Status", "read_status"]

CYCLES = 5


@dataclass(frozen=True)
class Status:
    """Rows are dicts. Of a published snapshot the cycles, what is held and the data issues are known; the rest is None."""

    dead_letters: list[dict[str, Any]] | None
    """By class: count, and when the latest was landed."""
    dirty_accounts: int | None
    conflicts: int | None
    held: list[dict[str, Any]] | None
    """By kind and reason: count."""
    data_issues: tuple[DataIssue, ...] | None
    """What somebody should look at, by kind."""
    offsets: dict[tuple[str, int], int] | None
    cycles: list[dict[str, Any]]
    published: str | None


def read_status(con: duckdb.DuckDBPyConnection, config: Config) -> Status:
    """Read the state of a warehouse, or as much as a snapshot knows of it."""
    snapshot = published(config)
    cycles = rows_as_dicts(con, f"FROM ops.cycle ORDER BY cycle_no DESC LIMIT {CYCLES}")
    name = snapshot.name if snapshot else None
    held = _held(con) if has_table(con, "ops.held") else None  # snapshots of earlier versions do not know
    if not has_table(con, "ops.dead_letter"):
        return Status(None, None, None, held, read_data_issues(con), None, cycles, name)
    by_class = "SELECT error_class, count(*) AS records, max(recorded_at) AS latest FROM ops.dead_letter GROUP BY ALL ORDER BY ALL"
    return Status(
        rows_as_dicts(con, by_class),
        one_value(con, "SELECT count(DISTINCT account_id) FROM ops.dirty_account"),
        one_value(con, "SELECT count(*) FROM ops.conflict"),
        held,
        read_data_issues(con),
        committed_offsets(con),
        cycles,
        name,
    )


def _held(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    return rows_as_dicts(con, "SELECT kind, reason, count(*) AS rows FROM ops.held GROUP BY ALL ORDER BY ALL")
