"""The answer to a question as a page shows it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb

__all__ = ["markdown_table"]


def markdown_table(con: duckdb.DuckDBPyConnection, sql: str, most: int | None = None) -> str:
    """Return the rows of a query as a table of Markdown: the first ones alone, and how many more there are, where `most` says so."""
    cursor = con.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    rows = cursor.fetchall()
    assert rows, sql
    shown = [[_cell(value) for value in row] for row in rows[:most]]
    left = len(rows) - len(shown)
    more = f"\n… and {left} more row{'s' * (left > 1)}.\n" if left else ""
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (names, ["---"] * len(names), *shown)) + more


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}" if isinstance(value, Decimal) else str(value).replace("|", "\\|")
