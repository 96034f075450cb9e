"""Every command: help with an example, quick; errors in one sentence, with the code that says whose they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from nisba import cli as command_line
from nisba.cli import COMMANDS, cli
from nisba.cli.template import TEMPLATE
from nisba.config import load_config
from tests.unit.cli.conftest import AsJson, Run

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"nisba {name}" in result.output.split("Example:")[1]


@pytest.mark.parametrize("name", ["list", "show", "replay"])
def test_every_command_of_dead_letters_has_help_with_an_example(run: Run, name: str) -> None:
    assert f"nisba dead-letters {name}" in run("dead-letters", name, "--help").output.split("Example:")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_list_of_commands_says_what_each_does(run: Run, name: str) -> None:
    assert f"{name} {COMMANDS[name][1]}" in " ".join(run("--help").output.split())
    assert COMMANDS[name][1].endswith(".")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("dead-letters",)])
def test_options_have_help_and_no_option_means_two_things(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    flags = [flag for option in options for flag in option.opts]
    assert len(flags) == len(set(flags))
    assert all(option.help or option.show_default for option in options)


@pytest.mark.parametrize(
    "name",
    ["report", "explain", "status", "attribute", "verify", "check", "publish", "topics", "send", "backfill", "lock", "diff", "statement"],
)
def test_commands_that_print_tables_have_json_and_a_configuration(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert {"as_json", "config_file", "warehouse"} <= {parameter.name for parameter in command.params}


SLOW = ["apache_beam", "prefect", "great_expectations", "duckdb", "pyarrow", "rich", "jinja2", "iso4217"]


@pytest.mark.parametrize(("arguments", "slow"), [(["--help"], SLOW), (["report", "--help"], [*SLOW[:6], "jinja2"])])
def test_help_imports_nothing_that_is_slow(arguments: list[str], slow: list[str]) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from nisba.cli import cli;"
        f"assert 'Show' in CliRunner().invoke(cli, {arguments}).output;"
        f"print([name for name in {slow} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("report", "--output", "report.pdf"), 2, "expected a file that ends in .html or .md"),
        (("report", "--config", "absent.toml"), 2, "absent.toml: cannot be read"),
        (("report", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("explain", "d-1", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("status", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("dead-letters", "list", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("dead-letters", "replay", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("attribute", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("verify", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("check", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("publish", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("lock", "2026-Q1", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("lock", "--replay", "2026-Q1-1", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("diff", "2026-Q1-1", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("statement", "2026-Q1", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("dead-letters", "list", "--class", "schemas"), 2, "there is no class 'schemas'; there are: malformed, schema, unknown_type"),
        (("dead-letters", "replay", "--class", "schemas"), 2, "there is no class 'schemas'; there are: malformed, schema, unknown_type"),
        (("backfill", "absent", "--warehouse", "absent.duckdb"), 1, "absent: no such folder"),
    ],
)
def test_errors_are_one_sentence(run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, sentence in result.stderr, result.stdout) == (code, True, ""), result.output
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("reporting = [", "is not TOML"),
        ('[reporting]\ncurency = "USD"', "curency"),
        ('[reporting]\ncurrency = "XXX"', "reporting: currency 'XXX' has no minor unit"),
        ('[reporting]\ntime_zone = "Mars/Olympus"', "unknown time zone 'Mars/Olympus': expected a name such as 'Asia/Riyadh'"),
        ('[attribution]\nanchor = "opened"', "`$.attribution.anchor`; docs/configuration.md has every key and its values"),
        ('[attribution]\nmodels = ["lineal"]', "attribution.models: unknown model 'lineal'"),
        ('[[model]]\nid = "mine"\nrest = 99', "shares add up to 99, expected 100"),
        ("[kafka]\ntimeout_seconds = 0", "kafka.timeout_seconds"),
        ('[labels.channel]\n"web" = " (None)"', "labels.channel: 'web' becomes ' (None)': a channel needs a name"),
        ('[labels.stage]\n"Closed" = " "', "labels.stage: 'Closed' becomes ' ': a stage needs a name"),
        ('[attribution]\nexcluded_referrers = ["https://paypal.com/"]', "'https://paypal.com/' is no host"),
        ('[[model]]\nid = "mine"\nrest = 100\nexcluded_referrers = [""]', "'' is no host: expected one such as 'paypal.com'"),
        ('[attribution]\ncollapse_by = ["actor"]', "attribution.collapse_by"),
    ],
)
@pytest.mark.parametrize("command", [("report",), ("explain", "d-1"), ("status",)], ids=lambda command: command[0])
def test_broken_configuration_is_2_and_names_the_key(run: Run, command: tuple[str, ...], settings: str, sentence: str) -> None:
    Path("nisba.toml").write_text(settings, "utf-8")
    result = run(*command)
    assert (result.exit_code, sentence in result.stderr) == (2, True), result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [("report", "--bogus"), ("bogus",), ("explain",), ("report", "--output", "."), ("status", "too", "many"), ("demo", "--accounts", "0")],
)
def test_wrong_usage_is_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("sources", "--output", "file/sources.yml"), "file"),
        (("simulate", "file/events", "--accounts", "1", "--days", "1"), "file"),
        (("init", "file"), "file"),
        (("attribute", "--warehouse", "file/books/warehouse.duckdb"), "file"),
    ],
)
def test_place_that_cannot_be_written_is_named(run: Run, arguments: tuple[str, ...], place: str) -> None:
    Path("file").write_text("", "utf-8")
    result = run(*arguments)
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    assert place in result.output.splitlines()[-1]


def test_debug_shows_the_traceback(warehouse: Path) -> None:
    result = CliRunner().invoke(cli, ["--debug", "report", "--warehouse", str(warehouse), "--period", "2031"])
    assert type(result.exception).__name__ == "NotFound"


def test_usage_errors_and_codes_reach_the_shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, code in ((["bogus"], 2), (["report", "--warehouse", "absent.duckdb"], 1), (["--version"], 0)):
        monkeypatch.setattr(sys, "argv", ["nisba", *arguments])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        assert ended.value.code == code
    assert "No such command 'bogus'" in capsys.readouterr().err


def test_closed_pipe_is_no_error(warehouse: Path) -> None:
    nisba = f"{sys.executable} -m nisba report --json --warehouse {warehouse}"
    done = subprocess.run(
        ["bash", "-c", f"{nisba} | head -c 1 && echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == ("{0\n", "")


def test_dead_letters_by_class_and_one(run: Run, as_json: AsJson, warehouse: Path) -> None:
    listed = as_json("dead-letters", "list", "--warehouse", warehouse, "--class", "malformed")
    assert [row["kafka_offset"] for row in listed] == [7]
    shown = as_json("dead-letters", "show", "crm.deal/3/8", "--warehouse", warehouse)
    assert (shown["error_class"], shown["value"]) == ("schema", '{"broken')
    absent = run("dead-letters", "show", "crm.deal/3/6", "--warehouse", warehouse)
    assert (absent.exit_code, "no dead letter at crm.deal/3/6" in absent.stderr) == (1, True)


def test_init_writes_what_can_be_read(run: Run, tmp_path: Path) -> None:
    assert run("init", tmp_path / "books").exit_code == 0
    assert load_config(tmp_path / "books" / "nisba.toml", environment={}).reporting.currency == "USD"
    assert (tmp_path / "books" / "warehouse.duckdb").exists()
    again = run("init", tmp_path / "books")
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)


def test_example_configuration_is_the_template() -> None:
    assert (ROOT / "nisba.example.toml").read_text("utf-8") == TEMPLATE


def test_simulate_tells_what_it_wrote(as_json: AsJson, tmp_path: Path) -> None:
    counts = as_json("simulate", tmp_path, "--accounts", "5", "--days", "60")
    lines = sum(len(file.read_bytes().splitlines()) for file in tmp_path.glob("*.jsonl"))
    assert counts["records"] == lines > 0
    assert json.dumps(counts).count("deals") == 2


def test_output_makes_its_folder(run: Run, tmp_path: Path) -> None:
    assert run("sources", "--output", "models/sources.yml").exit_code == 0
    assert "nisba_marts" in (tmp_path / "models" / "sources.yml").read_text("utf-8")


@pytest.mark.parametrize("arguments", [("sources",), ("report",)], ids=lambda arguments: arguments[0])
def test_output_that_cannot_be_written_is_one_sentence(run: Run, warehouse: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    options = ("--warehouse", warehouse) if arguments == ("report",) else ()
    result = run(*arguments, *options, "--output", "file/page.md")
    assert result.exit_code == 2
    assert re.fullmatch(r"Error: --output file/page\.md: cannot be written \(.+\); name another file\.\n", result.stderr)
