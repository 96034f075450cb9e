"""A case through the product, in this process: configuration, landing, attribution."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from nisba.config import Config, load_config
from pipelines.attribute import attribute
from pipelines.file_source import DirectorySource
from pipelines.ingest import ingest
from tests.cases.case_files import Case
from warehouse.query import transaction

KEPT = {"ops.migration"}


def emptied(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return the warehouse without a row of the case before."""
    with transaction(con):
        for name in tables(con, "ledger", "core", "ops", "locked"):
            if name not in KEPT:
                con.execute(f"DELETE FROM {name}")
    return con


def tables(con: duckdb.DuckDBPyConnection, *schemas: str) -> list[str]:
    """Return the names of all tables of some schemas."""
    found = con.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' ORDER BY 1"
    ).fetchall()
    return [name for (name,) in found if name.split(".")[0] in schemas]


def config_of(case: Case, folder: Path) -> Config:
    """Return the configuration of a case; keys that are unknown are errors, as everywhere."""
    file = folder / "nisba.toml"
    file.write_text("\n".join(f"{section} = {as_toml(said)}" for section, said in case.config.items()), "utf-8")
    return load_config(file, {}, {"warehouse.path": str(folder / "warehouse.duckdb")})


def as_toml(value: Any) -> str:
    """Return a value as TOML writes it inside a line.

    >>> as_toml({"id": "a", "tiers": [{"from_pct": 20}], "enabled": False})
    '{"id" = "a", "tiers" = [{"from_pct" = 20}], "enabled" = false}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def landed(con: duckdb.DuckDBPyConnection, records: Sequence[bytes], config: Config, folder: Path) -> None:
    """Send records as one file, and attribute."""
    folder.mkdir()
    (folder / "events.jsonl").write_bytes(b"\n".join(records))
    ingest(con, DirectorySource(str(folder)), config)
    attribute(con, config)
