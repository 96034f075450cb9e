"""Checks beside a table: `<name>.checks.sql`, the laws of money that no property of a single column can say.

Each check begins with a header of three comments and is a SELECT of the rows that break it, so that a failure names its rows:

    -- check: credits_add_up
    -- reason: Revenue neither disappears nor is invented.
    -- severity: critical
    SELECT …
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

from nisba.errors import WarehouseError
from warehouse.models.declarations import Table

__all__ = ["Check", "Severity", "checks_of", "named_check", "read_checks"]

Severity = Literal["critical", "warning"]
SEVERITIES = ("critical", "warning")
_HEADER = ("check", "reason", "severity")


@dataclass(frozen=True)
class Check:
    """A law: `select` returns the rows that break it. A critical one stops publishing."""

    name: str
    reason: str
    severity: Severity
    select: str


@cache
def checks_of(table: Table) -> tuple[Check, ...]:
    """Return the checks that lie beside a table: none where there is no such file."""
    file = table.file.with_name(f"{table.file.stem}.checks.sql")
    return read_checks(file) if file.exists() else ()


def named_check(table: Table, name: str) -> Check:
    """Return one check of a table; WarehouseError when it has none of that name."""
    for check in checks_of(table):
        if check.name == name:
            return check
    raise WarehouseError(f"{table.name} has no check {name}: look into {table.file.stem}.checks.sql.")


def read_checks(file: Path) -> tuple[Check, ...]:
    """Read a file of checks; WarehouseError names the file and what is wrong with it."""
    before, *blocks = f"\n{file.read_text('utf-8')}".split("\n-- check:")
    if before.strip():
        raise WarehouseError(f"{file}: it begins with something else than `-- check: name`.")
    checks = tuple(_parsed(f"-- check:{block}", file) for block in blocks)
    names = [check.name for check in checks]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise WarehouseError(f"{file}: two checks are named {name}.")
    return checks


def _parsed(block: str, file: Path) -> Check:
    lines = block.splitlines()
    found = [line.removeprefix("-- ").partition(": ") for line in lines[: len(_HEADER)]]
    if [key for key, _, _ in found] != list(_HEADER):
        wanted = ", ".join(f"-- {key}: …" for key in _HEADER)
        raise WarehouseError(f"{file}: a check begins with {wanted}, not with {' / '.join(lines[:3])!r}.")
    name, reason, severity = (value.strip() for _, _, value in found)
    select = "\n".join(lines[len(_HEADER) :]).strip().removesuffix(";")
    if severity not in SEVERITIES:
        raise WarehouseError(f"{file}: {name} has the severity {severity!r}; there are {' and '.join(SEVERITIES)}.")
    if not reason.endswith(".") or not select:
        raise WarehouseError(f"{file}: {name} has no {'SELECT' if reason.endswith('.') else 'reason that is a sentence'}.")
    return Check(name, reason, cast(Severity, severity), select)
