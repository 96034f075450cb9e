"""What the page of HubSpot shows does what it says, over a small export."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nisba.config import load_config
from tests.unit.adapters.hubspot_world import export
from tests.unit.adapters.running import examined
from tests.unit.adapters.test_hubspot import rewrite, small
from tests.unit.cli.test_page_commands import ROOT, commands_of, ran

PAGE = ROOT / "docs" / "sources-hubspot.md"


def test_from_an_export_to_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = export(small(), tmp_path / "exports" / "hubspot")
    rewrite(where / "deal.csv", lambda row: {**row, "property_product_line": "Pumps"})
    (section,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "nisba.toml").write_text(section, "utf-8")
    monkeypatch.chdir(tmp_path)
    commands = commands_of(PAGE.read_text("utf-8"))
    assert [command[0] for command in commands] == ["adapters", "backfill", "report"]
    outputs = [ran(command) for command in commands]
    assert [done.exit_code for done in outputs] == [0, 0, 0], [done.output for done in outputs]
    assert "deal_property_history" in outputs[0].output
    assert "lead statuses that lead_statuses does not name" not in outputs[1].output
    assert "1,234.50" in outputs[2].output


def test_every_setting_on_the_page_is_one(tmp_path: Path) -> None:
    """The lines that are only proposed are settings too."""
    (section,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "nisba.toml").write_text(re.sub(r"^# ", "", section, flags=re.MULTILINE), "utf-8")
    given = load_config(tmp_path / "nisba.toml", {}).adapters["hubspot"]
    given = {name: value for name, value in given.items() if name not in ("from", "fields")}
    assert {"stages", "lifecycle_stages", "deal_types", "email_opens", "currencies", "teams", "link_by_email"} <= given.keys()
    assert examined("hubspot", export(small(), tmp_path / "export"), given).unmapped == ()
