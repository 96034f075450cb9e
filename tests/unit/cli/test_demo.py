"""The demo's own parts: its folder, its settings, and what it shows at the end. The whole path runs in the integration tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nisba.cli import demo
from nisba.cli.demo import Place
from nisba.config import load_config
from nisba.errors import SourceError
from tests.unit.cli.conftest import Run


def test_folder_of_an_earlier_demo_is_begun_anew(tmp_path: Path) -> None:
    place = Place(tmp_path / "demo" / "deep")
    place.prepare()
    (place.folder / "warehouse.duckdb").write_text("old", "utf-8")
    place.prepare()
    assert [file.name for file in place.folder.iterdir()] == ["nisba.toml"]


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    Place(tmp_path / "demo").prepare()
    assert (tmp_path / "demo" / "nisba.toml").read_text("utf-8") == ""


def test_folder_of_something_else_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("dear", "utf-8")
    result = run("demo", "--folder", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {tmp_path} holds something else: name another folder with --folder.\n"
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_settings_are_a_configuration(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write_settings("127.0.0.1:9999")
    config = load_config(place.settings, environment={})
    assert config.kafka.bootstrap_servers == "127.0.0.1:9999"
    assert Path(config.warehouse.path) == tmp_path / "warehouse.duckdb"
    assert config.sales_process.stages == ("discovery", "proposal", "negotiation"), "what the company's teams agreed on"
    assert Path(config.publish.directory) == tmp_path / "published"
    assert {place.settings.parent, place.events.parent, place.prefect.parent} == {tmp_path}


@pytest.fixture
def finished(tmp_path: Path, warehouse: Path) -> Place:
    """A demo that has run: a warehouse, and its snapshot."""
    place = Place(tmp_path / "demo")
    place.prepare()
    place.write_settings("127.0.0.1:9999")
    (place.folder / "published").mkdir()
    for file in ("warehouse.duckdb", "published/nisba-1.duckdb"):
        (place.folder / file).write_bytes(warehouse.read_bytes())
    (place.folder / "published" / "nisba.duckdb").symlink_to("nisba-1.duckdb")
    return place


def test_end_shows_figures_proof_and_what_to_do_next(finished: Place, capsys: pytest.CaptureFixture[str]) -> None:
    demo._show(load_config(finished.settings, environment={}), finished, 19.6)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "Campaign ROI 2026, USD"
    assert "target 30 %; attributed is 26.0 points above it" in lines
    assert lines[lines.index("Checked:") - 1 :] == [
        "",
        "Checked:",
        "  Σ credits = revenue: 4 entries of 4 deals, 2 models, 920.00 USD booked",
        "  duplicates: 7 counted and never applied twice; 3 conflicts settled by content",
        "  dead letters: 3 kept with their bytes (1 malformed, 2 schema)",
        "",
        "Next:",
        "  .venv/bin/nisba explain d-large --config demo/nisba.toml",
        "  .venv/bin/python -c \"import duckdb; duckdb.connect('demo/published/nisba.duckdb').sql('FROM marts.campaign_roi').show()\"",
        "  open demo/report.html",
    ]
    assert captured.err == "\nDone in 20 s; nothing keeps running, everything is in demo.\n"
    assert "4 entries of 4 deals, 2 models: the credits add up to them." in (finished.folder / "report.html").read_text("utf-8")


def test_commands_that_it_recommends_run(run: Run, finished: Place) -> None:
    assert run("explain", "d-large", "--config", "demo/nisba.toml").exit_code == 0
    assert run("report", "--config", "demo/nisba.toml").stdout.startswith("Campaign ROI 2026, USD\n")


def test_folder_elsewhere_is_named_whole(finished: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (finished.folder.parent / "elsewhere").mkdir()
    monkeypatch.chdir(finished.folder.parent / "elsewhere")
    demo._show(load_config(finished.settings, environment={}), finished, 1.0)
    captured = capsys.readouterr()
    assert captured.err == f"\nDone in 1 s; nothing keeps running, everything is in {finished.folder}.\n"
    assert f"  open {finished.folder}/report.html" in captured.out.splitlines()


def test_flow_that_fails_says_its_last_line_and_where_the_rest_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path)
    place.prefect.mkdir()
    monkeypatch.setattr(sys, "executable", _failing(tmp_path))
    with pytest.raises(SourceError, match=r"^the flow catch_up ended with code 3: it broke here; all of it is in .*flow\.log\.$"):
        demo._run_flow(place, "http://127.0.0.1:1/api")


def _failing(folder: Path) -> str:
    """Return a program that prints two lines and fails, whatever it is asked."""
    program = folder / "python"
    program.write_text("#!/bin/sh\necho first line\necho it broke here\nexit 3\n", "utf-8")
    program.chmod(0o755)
    return str(program)
