"""The page of the configuration names every key, with the default that the code has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nisba.config import Config, CustomModel

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text("utf-8")
SECTIONS: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(Config) if field.name != "model"}
SAID_IN_WORDS = {"attribution.models", "attribution.default_model"}


def _rows(title: str) -> dict[str, str]:
    """Return key → default of one section's table."""
    section = PAGE.split(f"## `{title}`\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE))


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_is_there_with_its_default(name: str) -> None:
    rows = _rows(f"[{name}]")
    fields = {field.name: field for field in msgspec.structs.fields(SECTIONS[name])}
    assert list(rows) == list(fields)
    for key, shown in rows.items():
        if f"{name}.{key}" not in SAID_IN_WORDS:
            assert shown == f"`{_toml(_default(fields[key]))}`", f"{name}.{key}"


def _default(field: Any) -> Any:
    return field.default_factory() if field.default is msgspec.NODEFAULT else field.default


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return json.dumps(value) if isinstance(value, str | dict) else str(value)


def test_every_key_of_a_model_is_there() -> None:
    assert list(_rows("[[model]]")) == [field.name for field in msgspec.structs.fields(CustomModel)]
