"""What the books accept and somebody should look at, in short: `ops.data_issue` by kind."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from warehouse.query import has_table, rows_as_dicts

__all__ = ["DataIssue", "read_data_issues"]


@dataclass(frozen=True)
class DataIssue:
    """A kind of findings: how many there are, and what the first of them says."""

    kind: str
    findings: int
    first: str


def read_data_issues(con: duckdb.DuckDBPyConnection) -> tuple[DataIssue, ...] | None:
    """Read the findings by kind, the most frequent first; None where they are not known: nothing was built since the upgrade."""
    if not has_table(con, "ops.data_issue"):
        return None
    by_kind = "SELECT kind, count(*) AS findings, min(sentence) AS first FROM ops.data_issue GROUP BY kind ORDER BY findings DESC, kind"
    return tuple(DataIssue(**row) for row in rows_as_dicts(con, by_kind))
