"""What the page of web analytics shows is run: its section, its commands."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from adapters import adapters
from tests.unit.adapters.test_web import PAGES
from tests.unit.cli.test_page_commands import commands_of, ran

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "sources-web.md").read_text("utf-8")


def test_every_command_of_the_page_over_the_section_that_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exports" / "segment").mkdir(parents=True)
    row = "1,v,,2026-03-01T10:00:00Z,2026-03-01T23:00:00Z,https://acme.example/?utm_source=partner&utm_medium=banner&utm_campaign=spring,,Mozilla/5.0"
    (tmp_path / "exports" / "segment" / "pages.csv").write_text(f"{PAGES}\n{row}\n", "utf-8")
    (tmp_path / "campaigns.csv").write_text("source,campaign,content,campaign_id\npartner,spring,,c-partner\n", "utf-8")
    (section,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "nisba.toml").write_text(section, "utf-8")
    done = [ran(command) for command in commands_of(PAGE)]
    assert [one.exit_code for one in done] == [0, 0], [one.output for one in done]
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as con:
        assert con.execute("SELECT channel, campaign_id FROM core.touch").fetchall() == [("partner", "c-partner")]


def test_the_adapters_of_the_page_are_there() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert named == {"segment", "snowplow", "ga4"}
    assert named <= set(adapters())
