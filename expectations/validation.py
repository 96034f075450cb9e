"""Run the suites on a DuckDB file with Great Expectations. Slow to import: only the process of its own does."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from expectations.suites import Expected, Suite, suites

__all__ = ["validate"]

SHOWN_ROWS = 20


@event.listens_for(Engine, "after_cursor_execute")
def _buffer_rows(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
    """Fetch DuckDB's rows at once: Great Expectations reads them after it has closed the connection."""
    if conn.dialect.name == "duckdb" and not executemany and cursor.description:
        strategy = FullyBufferedCursorFetchStrategy(cursor, cursor.description, initial_buffer=cursor.fetchall())
        context.cursor_fetch_strategy = strategy


def validate(path: Path, checked: Sequence[Suite] | None = None) -> list[dict[str, Any]]:
    """Return one result per expectation: table, name, severity, reason, success, breaking rows and their number."""
    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_sql("snapshot", connection_string=f"duckdb:///{path}?access_mode=read_only")
    with redirect_stdout(sys.stderr):  # where Great Expectations prints that a query without {batch} reads whole tables, as ours mean to
        return [found for suite in (suites() if checked is None else checked) for found in _validate_table(source, suite)]


def _validate_table(source: Any, suite: Suite) -> list[dict[str, Any]]:
    """Check one table, all its expectations in one run: Great Expectations bundles the counts that they need into one query."""
    schema, table = suite.table.split(".")
    asset = source.add_table_asset(suite.table, table_name=table, schema_name=schema)
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    wanted = gx.ExpectationSuite(name=suite.table, expectations=list(map(_expectation, suite.expected)))
    named = batch.validate(wanted, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": list(suite.key)})
    found = {one.expectation_config.meta["name"]: one for one in named.results}
    return [_result(suite.table, expected, found[expected.name]) for expected in suite.expected]


def _expectation(expected: Expected) -> Any:
    kind: Any = getattr(gx.expectations, expected.kind)
    about = {"description": expected.reason, "severity": expected.severity, "meta": {"name": expected.name}}
    return kind(**expected.arguments, **about)


def _result(table: str, expected: Expected, found: Any) -> dict[str, Any]:
    raised = [info.get("exception_message") for info in _exceptions(found)]
    rows, count = _breaking(found.result)
    return {
        "table": table,
        "name": expected.name,
        "severity": expected.severity,
        "reason": expected.reason,
        "success": bool(found.success),
        "count": count,
        "rows": rows[:SHOWN_ROWS],
        "error": "; ".join(str(message) for message in raised) or None,
    }


def _breaking(result: dict[str, Any]) -> tuple[list[Any], int | None]:
    """Return the rows that break an expectation, as a query or a native expectation tells them, and their number."""
    if "details" in result:
        return result["details"].get("unexpected_rows") or [], result.get("observed_value")
    return result.get("unexpected_index_list") or result.get("unexpected_list") or [], result.get("unexpected_count")


def _exceptions(found: Any) -> list[dict[str, Any]]:
    info = found.exception_info or {}
    nested = [part for part in info.values() if isinstance(part, dict)]
    return [part for part in (nested or [info]) if part.get("raised_exception")]
