"""What the page of Salesforce shows does what it says, over a small export."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.adapters.test_salesforce import CAMPAIGN, MEMBER, OPPORTUNITY, campaign, deal, written
from tests.unit.cli.test_page_commands import ROOT, commands_of, ran

PAGE = ROOT / "docs" / "sources-salesforce.md"


def test_from_an_export_to_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deals = "\n".join((f"{OPPORTUNITY},Product__c", f"{deal(1, flags='true,true', closes='2026-02-20')},CRM"))
    tables = {
        "Opportunity": deals,
        "Account": "Id,Name,Industry,SystemModstamp\nA1,Acme,Steel,2026-01-01T00:00:00Z",
        "Contact": "Id,AccountId,CreatedDate,SystemModstamp\nC1,A1,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z",
        "Lead": "Id,MQL_Date__c,CreatedDate,SystemModstamp\nL1,2026-01-05,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z",
        "Campaign": f"{CAMPAIGN}\n{campaign('K1', 'Webinar', '2026-01-04,2026-01-04', '', '40')}",
        "CampaignMember": f"{MEMBER}\nM1,false,K1,,C1,A1,true,2026-01-04,2026-01-06T00:00:00Z",
    }
    written(tmp_path / "exports" / "salesforce", tables)
    (section,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "nisba.toml").write_text(section, "utf-8")
    monkeypatch.chdir(tmp_path)
    commands = commands_of(PAGE.read_text("utf-8"))
    assert [command[0] for command in commands[:3]] == ["adapters", "backfill", "report"]
    outputs = [ran(command) for command in commands[:3]]
    assert [done.exit_code for done in outputs] == [0, 0, 0], [done.output for done in outputs]
    assert "opportunity" in outputs[0].output
    assert "K1 name" in outputs[2].output
