"""JSON Schemas of the event types, for producers in other languages: exported from the structs, never written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from schemas.events import EVENT_TYPES, EventType

__all__ = ["FOLDER", "breaking_changes", "export_json_schemas", "json_schema"]

FOLDER = Path(__file__).parent / "json"


def json_schema(event_type: EventType) -> dict[str, Any]:
    """Return the JSON Schema of one event: the envelope with its `data`."""
    (data,), components = msgspec.json.schema_components([event_type.struct], ref_template="#/$defs/{name}")
    attribute = {"type": "string", "minLength": 1, "maxLength": 256}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type.name,
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": attribute,
            "source": attribute,
            "type": {"const": event_type.name},
            "time": {"type": "string", "format": "date-time"},
            "partitionkey": {"type": "string"},
            "data": data,
        },
        "required": ["specversion", "id", "source", "type", "time", "data"],
        "$defs": components,
    }


def export_json_schemas(folder: Path = FOLDER) -> list[Path]:
    """Write `<type>.json` for every event type; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for event_type in EVENT_TYPES.values():
        file = folder / f"{event_type.name}.json"
        file.write_text(json.dumps(json_schema(event_type), indent=2, ensure_ascii=False) + "\n", "utf-8")
        files.append(file)
    return files


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Say what an event that fits `old` may meet in `new`: fields gone, newly required, or of another shape.

    An added optional field breaks nothing.
    """
    found = []
    for name, then in old["$defs"].items():
        now = new["$defs"].get(name, {"properties": {}, "required": []})
        newly = set(now.get("required", [])) - set(then.get("required", []))
        found += [f"{name}.{field} is newly required" for field in sorted(newly)]
        for field, shape in then.get("properties", {}).items():
            if field not in now["properties"]:
                found.append(f"{name}.{field} is gone")
            elif now["properties"][field] != shape:
                found.append(f"{name}.{field} was {shape} and is {now['properties'][field]}")
    return found
