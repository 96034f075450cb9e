"""Run the suites on a DuckDB file with Great Expectations. Slow to import: only the process of its own does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from expectations.suites import SUITES, Expected, Suite

__all__ = ["validate"]

SHOWN_ROWS = 20


@event.listens_for(Engine, "after_cursor_execute")
def _buffer_rows(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
    """Fetch DuckDB's rows at once: Great Expectations reads them after it has closed the connection."""
    if conn.dialect.name == "duckdb" and not executemany and cursor.description:
        strategy = FullyBufferedCursorFetchStrategy(cursor, cursor.description, initial_buffer=cursor.fetchall())
        context.cursor_fetch_strategy = strategy


def validate(path: Path, suites: Sequence[Suite] = SUITES) -> list[dict[str, Any]]:
    """Return one result per expectation: table, name, severity, reason, success, breaking rows and their number."""
    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_sql("snapshot", connection_string=f"duckdb:///{path}?access_mode=read_only")
    return [found for suite in suites for found in _validate_table(source, suite)]


def _validate_table(source: Any, suite: Suite) -> list[dict[str, Any]]:
    schema, table = suite.table.split(".")
    asset = source.add_table_asset(suite.table, table_name=table, schema_name=schema)
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    return [_result(suite.table, expected, batch.validate(_expectation(expected), result_format="COMPLETE")) for expected in suite.expected]


def _expectation(expected: Expected) -> Any:
    core: Any = gx.expectations
    return core.UnexpectedRowsExpectation(unexpected_rows_query=expected.breaking, description=expected.reason, severity=expected.severity)


def _result(table: str, expected: Expected, found: Any) -> dict[str, Any]:
    raised = [info.get("exception_message") for info in _exceptions(found)]
    details = found.result.get("details") or {}
    return {
        "table": table,
        "name": expected.name,
        "severity": expected.severity,
        "reason": expected.reason,
        "success": bool(found.success),
        "count": found.result.get("observed_value"),
        "rows": (details.get("unexpected_rows") or [])[:SHOWN_ROWS],
        "error": "; ".join(str(message) for message in raised) or None,
    }


def _exceptions(found: Any) -> list[dict[str, Any]]:
    info = found.exception_info or {}
    nested = [part for part in info.values() if isinstance(part, dict)]
    return [part for part in (nested or [info]) if part.get("raised_exception")]
