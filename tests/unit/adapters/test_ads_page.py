"""What the page of ad platforms shows is run: its sections, its commands, from an empty folder to a report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters import adapter
from tests.unit.adapters.test_ad_reporting import REPORT
from tests.unit.adapters.test_ads import GOOGLE, place
from tests.unit.cli.test_page_commands import commands_of, ran

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "sources-ads.md").read_text("utf-8")


def test_every_command_of_the_page_over_the_sections_that_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place(
        tmp_path / "exports" / "ads", {name.replace("google_ads_campaign_stats", "gads_emea_stats"): text for name, text in GOOGLE.items()}
    )
    report = REPORT.replace(",google_ads,1,", ",google_ads,2121450128,")
    place(tmp_path / "exports" / "unified", {"ad_reporting__campaign_report.csv": report})
    (tmp_path / "nisba.toml").write_text("\n".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)), "utf-8")
    done = {command[0] + command[-1]: ran(command) for command in commands_of(PAGE)}
    assert {name: one.exit_code for name, one in done.items()} == dict.fromkeys(done, 0), [one.output for one in done.values()]
    assert "google_ads_campaign_stats" in done["adaptersexports/ads"].output


def test_the_table_of_the_page_names_the_tables_that_are_read() -> None:
    declared = adapter("ads").tables
    named = {name for table in declared.values() for name in table.names}
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|", PAGE, re.MULTILINE)
    assert len(rows) == 11
    assert {platform for platform, *_ in rows} <= set(adapter("ads").views)
    shown = [name for _, fivetran, airbyte in rows for name in re.findall(r"`(\w+)`", fivetran + airbyte)]
    assert set(shown) <= named
