"""The page of the configuration names every key, with the default that the code has."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from adapters.frame.settings import COMMON
from nisba.agreements import Rule
from nisba.config import Config, Multiplier, load_config

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text("utf-8")
FIELDS = msgspec.structs.fields(Config)
SECTIONS: dict[str, Any] = {field.name: field.type for field in FIELDS if isinstance(field.default, msgspec.Struct)}
LISTED: dict[str, Any] = {field.name: get_args(field.type)[0] for field in FIELDS if isinstance(field.default, tuple)}
SAID_IN_WORDS = {"attribution.models", "attribution.default_model"}


def _rows(title: str) -> dict[str, str]:
    """Return key → default of one section's table."""
    section = PAGE.split(f"## `{title}`\n", 1)[1].split("\n## ", 1)[0]
    return {key: shown.strip() for key, shown in re.findall(r"^\| `(\w+)` \|(.*?)\|", section, re.MULTILINE)}


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_is_there_with_its_default(name: str) -> None:
    rows = _rows(f"[{name}]")
    fields = {field.name: field for field in msgspec.structs.fields(SECTIONS[name])}
    assert list(rows) == list(fields)
    for key, shown in rows.items():
        if f"{name}.{key}" not in SAID_IN_WORDS:
            default = _default(fields[key])
            assert shown == ("" if default is None else f"`{_toml(default)}`"), f"{name}.{key}"


def _default(field: Any) -> Any:
    return field.default_factory() if field.default is msgspec.NODEFAULT else field.default


def _toml(value: Any) -> str:
    if isinstance(value, Rule):
        sizes = {key: one for key, one in msgspec.structs.asdict(value).items() if key not in ("enabled", "version")}
        return f"{{ {', '.join(f'{key} = {one}' for key, one in sizes.items())} }}" if sizes else "{}"
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return json.dumps(value) if isinstance(value, str | dict) else str(value)


@pytest.mark.parametrize("name", LISTED)
def test_every_key_of_a_table_in_a_list_is_there(name: str) -> None:
    assert list(_rows(f"[[{name}]]")) == [field.name for field in msgspec.structs.fields(LISTED[name])]


def test_the_keys_of_every_adapter_are_there() -> None:
    assert list(_rows("[adapters.<name>]")) == list(COMMON)


CHOICES = [
    (f"{name}.{field.name}", field.type)
    for name, section in SECTIONS.items()
    for field in msgspec.structs.fields(section)
    if get_origin(field.type) is Literal
]


@pytest.mark.parametrize(("key", "choice"), CHOICES, ids=[key for key, _ in CHOICES])
def test_every_choice_is_named(key: str, choice: Any) -> None:
    section, name = key.split(".")
    (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE.split(f"## `[{section}]`\n", 1)[1].split("\n## ", 1)[0], re.MULTILINE)
    assert [value for value in get_args(choice) if f'"{value}"' not in row] == []


EXAMPLES = [
    ("reporting", "fixed_rates", '{ "EUR/USD" = "1.10" }', {"EUR/USD": Decimal("1.10")}),
    ("reporting", "time_zone", '"Asia/Riyadh"', "Asia/Riyadh"),
    ("kafka", "topics", '{ "crm.deal" = "acme.crm.deal" }', {"crm.deal": "acme.crm.deal"}),
]


@pytest.mark.parametrize(("section", "key", "value", "expected"), EXAMPLES, ids=[key for _, key, _, _ in EXAMPLES])
def test_examples_mean_what_the_page_says(tmp_path: Path, section: str, key: str, value: str, expected: Any) -> None:
    assert value.strip("{} ") in PAGE
    (tmp_path / "nisba.toml").write_text(f"[{section}]\n{key} = {value}\n", "utf-8")
    assert getattr(getattr(load_config(tmp_path / "nisba.toml", {}), section), key) == expected


def test_multipliers_are_written_as_on_the_page(tmp_path: Path) -> None:
    example = '[{ channel = "event", factor = 1.5 }]'
    assert f"`{example}`" in PAGE
    (tmp_path / "nisba.toml").write_text(f'[[model]]\nid = "mine"\nrest = 100\nmultipliers = {example}\n', "utf-8")
    (model,) = load_config(tmp_path / "nisba.toml", {}).model
    assert model.multipliers == (Multiplier(channel="event", factor=Decimal("1.5")),)


def test_variables_go_before_the_file_and_flags_before_both(tmp_path: Path) -> None:
    (tmp_path / "nisba.toml").write_text('[reporting]\ncurrency = "GBP"\n[warehouse]\npath = "file"\n', "utf-8")
    (variable,) = set(re.findall(r"`(NISBA_REPORTING_CURRENCY=\w+)`", PAGE))
    environment = dict(
        [variable.split("="), ("NISBA_WAREHOUSE_PATH", "variable"), ("NISBA_ATTRIBUTION_TEAMS", "sales, marketing"), ("NISBA_X", "?")]
    )
    config = load_config(tmp_path / "nisba.toml", environment, {"warehouse.path": "flag"})
    assert (config.reporting.currency, config.warehouse.path, config.attribution.teams) == ("EUR", "flag", ("sales", "marketing"))
