"""The exported JSON Schemas are those of the structs, and no change breaks producers unnoticed."""

from __future__ import annotations

import copy
import json
from pathlib import Path

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
        "Touch.kind was {'type': 'string'} and is {'type': 'integer'}",
        "Touch.url is gone",
    ]
