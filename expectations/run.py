"""Check a candidate snapshot in a process of its own: Great Expectations takes seconds to import and holds the file open."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nisba.errors import CheckFailed

__all__ = ["CheckReport", "check"]


@dataclass(frozen=True)
class CheckReport:
    """What was checked: one dict per expectation, as `expectations.validation.validate` returns them."""

    results: tuple[dict[str, Any], ...]

    @property
    def warnings(self) -> tuple[dict[str, Any], ...]:
        """Failed expectations that do not stop publishing."""
        return tuple(row for row in self.results if not row["success"] and row["severity"] == "warning")

    @property
    def failures(self) -> tuple[dict[str, Any], ...]:
        """Failed critical expectations."""
        return tuple(row for row in self.results if not row["success"] and row["severity"] == "critical")


def check(path: Path, *, timeout_seconds: float = 300.0) -> CheckReport:
    """Check the file; CheckFailed names the rows that break a critical expectation, or says why nothing could be checked."""
    command = [sys.executable, "-m", "expectations", str(path), "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    except subprocess.TimeoutExpired:
        raise CheckFailed(f"{path}: the checks took longer than {timeout_seconds:g} s; nothing was published.") from None
    report = CheckReport(tuple(_parsed(done, path)))
    if report.failures:
        raise CheckFailed("nothing was published: " + "; ".join(map(_sentence, report.failures)))
    return report


def _parsed(done: subprocess.CompletedProcess[str], path: Path) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        tail = done.stderr.strip()[-500:]
        raise CheckFailed(f"{path}: the checks ended with code {done.returncode} and no result: {tail}") from None
    return found


def _sentence(row: dict[str, Any]) -> str:
    what = row["error"] or f"{row['count']} rows, such as {row['rows'][:3]}"
    return f"{row['table']} {row['name']}: {what}"
