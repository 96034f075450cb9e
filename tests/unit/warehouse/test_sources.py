"""The dbt `sources.yml` of the snapshot: read back, it says what the declarations say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from nisba.cli import cli
from warehouse.models.declarations import AcceptedRange, NotNull, Table, _TestConfig, declared
from warehouse.models.publication import published_tables
from warehouse.models.sources import _data_test, sources_yml


@pytest.fixture(scope="module")
def parsed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(sources_yml())
    return found


def _tables(parsed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{source['schema']}.{table['name']}": table for source in parsed["sources"] for table in source["tables"]}


def _column(parsed: dict[str, Any], table: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(column for column in _tables(parsed)[table]["columns"] if column["name"] == name)
    return found


def test_there_is_a_source_per_schema_over_one_database(parsed: dict[str, Any]) -> None:
    assert parsed["version"] == 2
    found = [(source["name"], source["database"], source["schema"]) for source in parsed["sources"]]
    assert found == [
        ("nisba_core", "nisba", "core"),
        ("nisba_marts", "nisba", "marts"),
        ("nisba_locked", "nisba", "locked"),
        ("nisba_ops", "nisba", "ops"),
    ]
    assert all(source["description"].endswith(".") for source in parsed["sources"])


def test_every_published_table_is_there_with_its_columns(parsed: dict[str, Any]) -> None:
    def columns(table: Table) -> list[tuple[str, str, str]]:
        return [(c.name, c.data_type, c.description) for c in table.columns if not c.is_personal]

    found = {name: [(c["name"], c["data_type"], c["description"]) for c in table["columns"]] for name, table in _tables(parsed).items()}
    assert found == {table.name: columns(table) for table in published_tables()}
    assert _tables(parsed)["marts.channel_roi"]["description"] == declared("marts.channel_roi").description


def test_nothing_personal_and_nothing_unpublished_is_there(parsed: dict[str, Any]) -> None:
    assert not {"core.identity", "core.performance", "ops.dead_letter", "ledger.touch"} & _tables(parsed).keys()
    assert "owner" not in {column["name"] for column in _tables(parsed)["core.deal"]["columns"]}


def test_grain_of_one_column_is_unique_and_of_many_a_combination(parsed: dict[str, Any]) -> None:
    assert _column(parsed, "core.deal", "deal_id")["data_tests"] == ["unique", "not_null"]
    assert "data_tests" not in _tables(parsed)["core.deal"]
    assert _tables(parsed)["core.entry"]["data_tests"] == [
        {"dbt_utils.unique_combination_of_columns": {"combination_of_columns": ["deal_id", "entry_no"]}}
    ]
    assert "unique" not in _column(parsed, "core.entry", "deal_id")["data_tests"]


def test_tests_and_units_are_written_as_dbt_reads_them(parsed: dict[str, Any]) -> None:
    assert _column(parsed, "core.deal", "status")["data_tests"] == ["not_null", {"accepted_values": {"values": ["open", "won", "lost"]}}]
    weight = _column(parsed, "core.credit_line", "weight")
    assert weight["data_tests"] == ["not_null", {"dbt_utils.accepted_range": {"min_value": 0, "max_value": 1}}]
    assert weight["meta"] == {"unit": "share"}
    assert _column(parsed, "core.credit_line", "model")["data_tests"] == [
        "not_null",
        {"relationships": {"to": "source('nisba_core', 'model')", "field": "model"}},
    ]
    assert "data_tests" not in _column(parsed, "core.deal", "region")
    assert "meta" not in _column(parsed, "core.deal", "region")


def test_severity_other_than_error_is_said() -> None:
    assert _data_test(NotNull(config=_TestConfig(severity="warn"))) == {"not_null": {"config": {"severity": "warn"}}}
    assert _data_test(AcceptedRange(max_value=2, config=_TestConfig(severity="warn"))) == {
        "dbt_utils.accepted_range": {"max_value": 2, "config": {"severity": "warn"}}
    }


def test_command_prints_or_writes_it(tmp_path: Path) -> None:
    printed = CliRunner().invoke(cli, ["sources"], prog_name="nisba")
    assert (printed.exit_code, printed.stdout) == (0, sources_yml())
    file = tmp_path / "sources.yml"
    written = CliRunner().invoke(cli, ["sources", "--output", str(file)], prog_name="nisba")
    assert (written.exit_code, written.stdout, written.stderr) == (0, "", f"Wrote {file}.\n")
    assert file.read_text("utf-8") == sources_yml()
