"""The examples of docs/events.md are good events, one of each type, and its table of classes is complete."""

from __future__ import annotations

import json
import re

import pytest

from schemas.events import EVENT_TYPES
from schemas.refusals import ERROR_CLASSES
from tests.conftest import ROOT
from tests.unit.schemas.event_samples import fact

PAGE = (ROOT / "docs" / "events.md").read_text("utf-8")
EXAMPLES = {example["type"]: example for example in map(json.loads, re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))}


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_the_example_is_a_fact(name: str) -> None:
    assert fact(EXAMPLES[name])["event_id"] == EXAMPLES[name]["id"]


def test_every_field_and_class_is_named() -> None:
    fields = {field for kind in EVENT_TYPES.values() for field in kind.struct.__struct_fields__}
    assert [field for field in sorted(fields) if not re.search(rf"[`*\"]{field}[`*\"]", PAGE)] == []
    assert [name for name in ERROR_CLASSES if f"| `{name}` |" not in PAGE] == []
