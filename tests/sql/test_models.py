"""Each model against small tables: `tests/sql/<schema>/<model>/<what the case shows>.yml`.

A case has `why`, perhaps `setting` (columns of `core.setting`) and `config` (what was agreed, as in nisba.toml), `given` (tables, with |
between the cells) and `expect`, the rows of the model. An empty cell is null, '' is the empty text. `where` narrows the rows, and
`expect`'s own columns are the ones compared. Columns that a table leaves out have the values of `DEFAULTS`, or are null. What the model
reads is built of the tables that are given; where another model is given, it is what the case says.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pytest
import yaml

from nisba.config import Config
from tests.some_models import build_models
from warehouse.migrations import migrate
from warehouse.models.build import models
from warehouse.models.declarations import Table
from warehouse.query import relations
from warehouse.settings import setting_tables

FOLDER = Path(__file__).parent
CASES = sorted(FOLDER.glob("*/*/*.yml"))
SETTING = {
    "reporting_currency": "USD",
    "time_zone": "UTC",
    "fiscal_year_start_month": 1,
    "default_model": "linear",
    "models": ["linear"],
    "target_pct": 30,
    "lead_sources": ["website"],
    "config_hash": "0000000000000000",
}
DEFAULTS: dict[str, dict[str, str]] = {
    "core.deal": {"status": "won", "account_id": "acme", "currency": "USD"},
    "core.entry": {"entry_no": "1", "entry": "booking", "is_final": "true", "currency": "USD"},
    "core.journey_touch": {"journey": "default", "ordinal": "1", "position": "", "team": "marketing", "channel": "email"},
    "core.credit_line": {"model": "linear", "journey": "default", "ordinal": "1", "entry_no": "1", "weight": "1"},
    "core.cost_daily": {"channel": "email"},
    "core.pipeline_credit": {"model": "linear", "ordinal": "1", "channel": "email", "weight": "1", "currency": "USD"},
    "core.label": {"field": "channel"},
    "core.model": {"rule": "equal shares"},
    "core.deal_history": {"state_no": "1", "status": "open", "account_id": "acme", "currency": "USD", "source": "crm"},
    "core.identity": {},
    "core.account": {},
    "ledger.lead_stage": {"source": "crm"},
    "ledger.touch": {"source": "web", "channel": "email", "kind": "click", "team": "marketing"},
    "ledger.retraction": {"source": "web"},
    "ledger.campaign": {"source": "ads"},
    "ledger.fx": {"source": "ecb"},
    "ledger.deal": {"source": "crm"},
    "ops.held": {},
}
MODELS = {model.name: model for model in models()}
AGREEMENTS = ("agreement", "lead_quality_rule", "lead_sla_rule", "business_hours", "exception_rule", "exchange")
Row = tuple[Any, ...]


def _table(text: str) -> tuple[list[str], list[list[str | None]]]:
    """Return the names and the rows of a table."""
    names, *rows = ([cell.strip() for cell in line.split("|")] for line in text.strip().splitlines())
    assert all(len(row) == len(names) for row in rows), f"a row has not {len(names)} cells: {text}"
    return names, [[{"": None, "''": ""}.get(cell, cell) for cell in row] for row in rows]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as con:
        con.execute("SET TimeZone = 'UTC'")
        migrate(con)
        yield con


def _fill(con: duckdb.DuckDBPyConnection, given: dict[str, str], setting: dict[str, Any], agreed: dict[str, Any]) -> None:
    for name in (*DEFAULTS, "core.setting"):
        con.execute(f"TRUNCATE {name}")
    _insert(con, "core.setting", list(SETTING | setting), list((SETTING | setting).values()))
    tables = setting_tables(msgspec.convert(agreed, Config, strict=False), pa.array([], pa.string()), None)
    for name in AGREEMENTS:
        con.execute(f"TRUNCATE core.{name}")
        with relations(con, made=tables[name]):
            con.execute(f"INSERT INTO core.{name} BY NAME FROM made")
    for name in given.keys() & MODELS.keys():
        _create_empty(con, MODELS[name])
    for name, text in given.items():
        names, rows = _table(text)
        defaults = {column: value for column, value in DEFAULTS.get(name, {}).items() if column not in names}
        for row in rows:
            _insert(con, name, [*names, *defaults], [*row, *defaults.values()])


def _create_empty(con: duckdb.DuckDBPyConnection, model: Table) -> None:
    assert model.kind == "table", f"{model.name} is a view: give what it reads"
    columns = ", ".join(f'"{column.name}" {column.data_type}' for column in model.columns)
    con.execute(f"CREATE OR REPLACE TABLE {model.name} ({columns})")


def _insert(con: duckdb.DuckDBPyConnection, table: str, names: list[str], values: list[Any]) -> None:
    quoted = ", ".join(f'"{name}"' for name in names)
    con.execute(f"INSERT INTO {table} ({quoted}) VALUES ({', '.join('?' * len(values))})", values)


def _typed(cell: str | None, example: Any) -> Any:
    """Read a cell as the type of what was found."""
    if cell is None or example is None or isinstance(example, str):
        return cell
    if isinstance(example, bool):
        return {"true": True, "false": False}[cell]
    if isinstance(example, float):
        return float(cell)
    return Decimal(cell) if isinstance(example, int | Decimal) else cell


def _shown(value: Any) -> Any:
    """Return a found value as a cell can say it: dates, instants and lists as text, doubles to nine decimals."""
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return value if value is None or isinstance(value, bool | int | Decimal) else str(value)


def _expected(cells: list[list[str | None]], found: list[Row]) -> list[Row]:
    examples = [next((row[column] for row in found if row[column] is not None), None) for column in range(len(cells[0]) if cells else 0)]
    return [tuple(_shown(_typed(cell, example)) for cell, example in zip(row, examples, strict=True)) for row in cells]


@pytest.mark.parametrize("case", CASES, ids=lambda path: str(path.relative_to(FOLDER).with_suffix("")))
def test_model(warehouse: duckdb.DuckDBPyConnection, case: Path) -> None:
    about = yaml.safe_load(case.read_text("utf-8"))
    assert about.keys() <= {"why", "setting", "config", "given", "where", "expect"}
    _fill(warehouse, about["given"], about.get("setting", {}), about.get("config", {}))
    model = f"{case.parent.parent.name}.{case.parent.name}"
    build_models(warehouse, [model], about["given"].keys() & MODELS.keys())
    names, cells = _table(about["expect"])
    query = f"SELECT {', '.join(names)} FROM {model} WHERE {about.get('where', 'true')}"
    found = [tuple(map(_shown, row)) for row in warehouse.execute(query).fetchall()]
    assert sorted(found, key=str) == sorted(_expected(cells, found), key=str), about["why"]


def test_every_model_that_people_read_has_cases() -> None:
    """What only other models read is seen through them, and has cases of its own where rules of its own are many."""
    here = {f"{case.parent.parent.name}.{case.parent.name}" for case in CASES}
    assert here <= MODELS.keys()
    assert {model.name for model in models() if model.is_published} <= here
