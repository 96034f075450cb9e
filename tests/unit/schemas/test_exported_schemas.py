"""The exported JSON Schemas are those of the structs, and no change breaks producers unnoticed."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.events import EVENT_TYPES
from schemas.exported import FOLDER, breaking_changes, export_json_schemas, json_schema

HOW = (
    "A producer that kept to the exported schema would be refused. Either make the new field optional, or leave this version as it is, "
    "declare the next one (nisba.<name>.v<N+1>) in schemas/events.py, and have the decoder read the old version into the new."
)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_no_breaking_change(name: str) -> None:
    exported = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    broken = breaking_changes(exported, json_schema(EVENT_TYPES[name]))
    assert not broken, f"{name}: {'; '.join(broken)}. {HOW}"


def test_the_export_is_up_to_date(tmp_path: Path) -> None:
    fresh = {file.name: file.read_text("utf-8") for file in export_json_schemas(tmp_path)}
    kept = {file.name: file.read_text("utf-8") for file in FOLDER.glob("*.json")}
    assert kept == fresh, "write it again: python -c 'from schemas.exported import export_json_schemas as e; e()'"


def test_what_the_rules_ask_is_in_the_schemas_where_they_can_say_it() -> None:
    def fields(name: str, struct: str) -> dict[str, Any]:
        found: dict[str, Any] = json_schema(EVENT_TYPES[name])["$defs"][struct]["properties"]
        return found

    touch, spend, deal = fields("nisba.touch.v1", "Touch"), fields("nisba.spend.v1", "Spend"), fields("nisba.deal.v1", "Deal")
    assert touch["channel"]["minLength"] == deal["stage"]["minLength"] == fields("nisba.campaign.v1", "Campaign")["name"]["minLength"] == 1
    assert touch["account_id"]["anyOf"] == [{"maxLength": 256, "type": "string"}, {"type": "null"}], "an empty one is none"
    assert spend["clicks"]["anyOf"][0]["maximum"] == 999_999_999_999_999
    assert json_schema(EVENT_TYPES["nisba.deal.v1"])["$defs"]["Deal"]["required"] == ["deal_id", "stage", "status"]


def test_breaking_changes_are_found() -> None:
    old = json_schema(EVENT_TYPES["nisba.touch.v1"])
    new = copy.deepcopy(old)
    touch = new["$defs"]["Touch"]
    touch["properties"]["tone"] = {"type": "string"}
    assert breaking_changes(old, new) == []
    touch["required"].append("tone")
    del touch["properties"]["url"]
    touch["properties"]["kind"] = {"type": "integer"}
    assert breaking_changes(old, new) == [
        "Touch.tone is newly required",
        "Touch.kind was {'minLength': 1, 'type': 'string'} and is {'type': 'integer'}",
        "Touch.url is gone",
    ]
