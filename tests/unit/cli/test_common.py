"""What the commands share: where output goes, how values become JSON, and reading while somebody writes."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from nisba.cli import common
from nisba.config import Config, Publish, Warehouse
from nisba.errors import LeaseTaken, WarehouseError
from tests.unit.cli.conftest import AsJson, Run

# JSON


def test_json_has_money_as_text_and_instants_in_iso(capsys: pytest.CaptureFixture[str]) -> None:
    value = {
        "money": Decimal("1E+3"),
        "small": Decimal("0.000000000001"),
        "at": dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.timezone.utc),
        "on": dt.date(2026, 3, 1),
        "name": "نسبة – é",
        "none": None,
        "ratio": 0.5,
        "rows": ({"n": 1},),
    }
    common.emit(value)
    out = capsys.readouterr().out
    assert json.loads(out) == {
        "money": "1000",
        "small": "0.000000000001",
        "at": "2026-03-01T12:30:00+00:00",
        "on": "2026-03-01",
        "name": "نسبة – é",
        "none": None,
        "ratio": 0.5,
        "rows": [{"n": 1}],
    }
    assert "نسبة" in out  # readable, not escaped


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes"])
def test_what_has_no_json_form_is_an_error(value: object) -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        common.emit({"value": value})


# streams


def test_results_go_to_stdout_and_talk_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    common.show("page\n")
    common.say("talk")
    common.table("Title", [("name", "left"), ("count", "right")], [["a", 1], [None, 22]], caption="caption")
    captured = capsys.readouterr()
    assert captured.err == "talk\n"
    assert captured.out.splitlines() == [
        "page",
        "Title",
        "┏━━━━━━┳━━━━━━━┓",
        "┃ name ┃ count ┃",
        "┡━━━━━━╇━━━━━━━┩",
        "│ a    │     1 │",
        "│ –    │    22 │",
        "└──────┴───────┘",
        "caption",
    ]


def test_progress_prints_nothing_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with common.progress("Working …") as update:
        update("Still working …")
    assert capsys.readouterr().out == ""


def test_progress_shows_names_as_they_are(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A deal may be called `[/b]`, which rich would take for a closing tag."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    with common.progress("Explaining [/b] …"):
        pass
    with common.progress("Converting …") as update:
        update("Converting exports/[/red] …")
    shown = capsys.readouterr().err
    assert "Explaining [/b] …" in shown
    assert "Converting exports/[/red] …" in shown


def test_rows_are_columns_of_dictionaries() -> None:
    assert common.as_rows([{"a": 1, "b": 2}, {"b": 4, "a": 3}], ("b", "a")) == [[2, 1], [4, 3]]
    assert common.as_rows([], ("a",)) == []
    with pytest.raises(KeyError):
        common.as_rows([{"a": 1}], ("b",))


# configuration


@click.command()
@common.configured
def where(config: Config) -> None:
    """Print the warehouse of the configuration."""
    click.echo(config.warehouse.path)


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ([], "file.duckdb"),
        (["--config", "other.toml"], "other.duckdb"),
        (["--warehouse", "flag.duckdb"], "flag.duckdb"),
        (["--config", "other.toml", "--warehouse", "flag.duckdb"], "flag.duckdb"),
    ],
)
def test_flags_go_before_the_file(arguments: list[str], path: str) -> None:
    Path("nisba.toml").write_text('[warehouse]\npath = "file.duckdb"\n', "utf-8")
    Path("other.toml").write_text('[warehouse]\npath = "other.duckdb"\n', "utf-8")
    assert CliRunner().invoke(where, arguments).stdout == f"{path}\n"


def test_variables_go_before_the_file_and_flags_before_variables() -> None:
    Path("nisba.toml").write_text('[warehouse]\npath = "file.duckdb"\n', "utf-8")
    environment = {"NISBA_WAREHOUSE_PATH": "variable.duckdb"}
    assert CliRunner().invoke(where, env=environment).stdout == "variable.duckdb\n"
    assert CliRunner().invoke(where, ["--warehouse", "flag.duckdb"], env=environment).stdout == "flag.duckdb\n"


# reading while somebody writes

WRITER = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


@contextmanager
def writing(warehouse: Path) -> Iterator[None]:
    """Hold the warehouse open for writing in another process."""
    command = [sys.executable, "-c", WRITER, str(warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        yield
        writer.communicate("")


def published(warehouse: Path, number: int = 7) -> None:
    """Put a copy of the warehouse where `nisba publish` would have put a snapshot."""
    Path("published").mkdir(exist_ok=True)
    Path(f"published/nisba-{number}.duckdb").write_bytes(warehouse.read_bytes())
    Path("published/nisba.duckdb").unlink(missing_ok=True)
    Path("published/nisba.duckdb").symlink_to(f"nisba-{number}.duckdb")


def test_snapshot_is_read_while_somebody_writes(run: Run, as_json: AsJson, warehouse: Path, tmp_path: Path) -> None:
    copy = tmp_path / "warehouse.duckdb"
    copy.write_bytes(warehouse.read_bytes())
    published(warehouse)
    quiet = run("report")
    with writing(copy):
        busy = run("report")
        found = as_json("report")
    assert (busy.exit_code, busy.stdout) == (0, quiet.stdout)
    assert (quiet.stderr, busy.stderr) == ("", "The warehouse is being written; this is the published snapshot nisba-7.duckdb.\n")
    assert found["period"] == "2026"


@pytest.mark.parametrize("command", [("report",), ("explain", "d-large"), ("status",)], ids=lambda command: command[0])
def test_without_a_snapshot_the_writer_is_named(run: Run, warehouse: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(warehouse.read_bytes())
    with writing(tmp_path / "warehouse.duckdb"):
        result = run(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].endswith(" is writing; read the published snapshot instead.")


def test_a_broken_snapshot_is_said_and_not_taken_for_the_writer(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(warehouse.read_bytes())
    published(warehouse)
    Path("published/nisba-7.duckdb").write_bytes(b"not a database" * 100)
    config = Config(warehouse=Warehouse(path="warehouse.duckdb"), publish=Publish(directory="published"))
    with writing(tmp_path / "warehouse.duckdb"), pytest.raises(WarehouseError, match="cannot be opened as a warehouse") as raised:  # noqa: SIM117
        with common.read_books(config):
            pass
    assert not isinstance(raised.value, LeaseTaken)


def test_an_error_of_the_reader_is_not_answered_by_the_snapshot(warehouse: Path) -> None:
    published(warehouse)
    with pytest.raises(LeaseTaken, match="mine"), common.read_books(Config(warehouse=Warehouse(path=str(warehouse)))):
        raise LeaseTaken("mine")
