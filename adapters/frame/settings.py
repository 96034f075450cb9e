"""The settings of an adapter: what `adapter.toml` declares, what `[adapters.<name>]` of nisba.toml gives.

A scalar reaches the SQL as a variable, `getvariable('currency')`; a map as a table `map_<name>(key, value)`; a list as a table
`list_<name>(value)`; a file as a table `<name>` with the columns that the setting has; columns of the firm's own as columns
`<setting>_<key>` of the tables that may have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from adapters.frame.names import did_you_mean, normal
from nisba.agreements import check_time_zone
from nisba.config import Reporting
from nisba.errors import AmountError, ConfigError
from nisba.money import minor_digits

__all__ = ["COMMON", "OwnColumn", "Setting", "Settings", "checked_settings"]

SettingType = Literal["text", "truth", "integer", "currency", "time_zone", "list", "map", "columns", "file"]
_SHOWN: Mapping[str, str] = {
    "text": "a text",
    "truth": "true or false",
    "integer": "a whole number",
    "currency": "an ISO 4217 code such as 'EUR'",
    "time_zone": "a time zone such as 'Asia/Riyadh'",
    "list": 'a list of texts, ["…", "…"]',
    "map": 'a table of texts, { "…" = "…" }',
    "columns": 'a table of columns, { … = "Table.column" }',
    "file": "the path of a CSV file",
}

_TABLES = ("list", "map", "columns", "file")
"""Types of settings that reach the SQL as tables, or as columns of tables."""


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A setting as `adapter.toml` declares it."""

    type: SettingType
    help: str
    default: Any = None
    values: tuple[str, ...] = ()
    """What a text, or the values of a map, may be; none: anything."""
    columns: dict[str, list[str]] = {}
    """Of type `columns`: key → the tables in which the firm may name a column of its own; of type `file`: the columns it must have."""


COMMON: Mapping[str, Setting] = {
    "adapter": Setting(type="text", help="The adapter, where the section is not called as it is: a second organization."),
    "from": Setting(type="text", help="Where the tables are: a folder, a file, or a database with `#schema`."),
    "source": Setting(type="text", help="The `source` of every event: another one for each organization."),
    "time_zone": Setting(type="time_zone", help="Whose the source's dates are; default: `[reporting] time_zone`."),
    "tables": Setting(type="map", help="Table of the adapter → what it is called here."),
}
"""Settings of every adapter."""


@dataclass(frozen=True)
class OwnColumn:
    """A column of the firm's own: `name` in the adapter's SELECTs, `column` in the table `table` of the source; None: not told."""

    name: str
    table: str
    column: str | None


@dataclass(frozen=True)
class Settings:
    """The settings of one conversion, checked; by what they become in SQL."""

    variables: Mapping[str, str | int | bool | None]
    lists: Mapping[str, tuple[str, ...]]
    maps: Mapping[str, Mapping[str, str]]
    columns: tuple[OwnColumn, ...] = ()
    files: Mapping[str, tuple[Path | None, tuple[str, ...]]] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)


def checked_settings(declared: Mapping[str, Setting], given: Mapping[str, Any], reporting: Reporting, source: str, where: str) -> Settings:
    """Check what nisba.toml says against what the adapter declares, and fill in the defaults: `source`, the reporting zone.

    `where` names the section in messages: `adapters.salesforce`. Raises ConfigError with the key, and what is wrong with it.
    """
    known = {**COMMON, **declared}
    for name in given.keys() - known.keys():
        raise ConfigError(f"{where}: there is no setting {name!r}{did_you_mean(name, known)}; there are: {', '.join(sorted(known))}.")
    values = {name: _value(f"{where}.{name}", setting, given.get(name, setting.default)) for name, setting in known.items()}
    values["time_zone"] = values["time_zone"] or reporting.time_zone
    values["source"] = values["source"] or source
    variables = {name: value for name, value in values.items() if known[name].type not in _TABLES}
    return Settings(
        variables={**variables, "reporting_time_zone": reporting.time_zone, "reporting_currency": reporting.currency},
        lists={name: tuple(value) for name, value in values.items() if known[name].type == "list"},
        maps={name: value for name, value in values.items() if known[name].type == "map" and name != "tables"},
        columns=tuple(_own_columns(where, {n: s for n, s in known.items() if s.type == "columns"}, values)),
        files={name: (_file(f"{where}.{name}", values[name]), tuple(s.columns)) for name, s in known.items() if s.type == "file"},
        tables=values["tables"],
    )


def _value(key: str, setting: Setting, value: Any) -> Any:
    if value is None:
        return {"list": (), "map": {}, "columns": {}}.get(setting.type)
    if not _fits(setting, value):
        raise ConfigError(f"{key}: expected {_SHOWN[setting.type]}, found {value!r}.")
    if setting.type == "time_zone":
        check_time_zone(key, value)
    if setting.type == "currency":
        _check_currency(key, value)
    if setting.values:
        _check_values(key, setting, value)
    return value


def _fits(setting: Setting, value: Any) -> bool:
    if setting.type in ("map", "columns"):
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if setting.type == "list":
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if setting.type == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, bool if setting.type == "truth" else str)


def _file(key: str, path: str | None) -> Path | None:
    if path is not None and not Path(path).expanduser().is_file():
        raise ConfigError(f"{key}: there is no file {path}.")
    return None if path is None else Path(path).expanduser()


def _check_currency(key: str, code: str) -> None:
    try:
        minor_digits(code)
    except AmountError as error:
        raise ConfigError(f"{key}: {error}.") from None


def _check_values(key: str, setting: Setting, value: Any) -> None:
    named = value.items() if isinstance(value, dict) else ((None, item) for item in ([value] if isinstance(value, str) else value))
    for name, item in named:
        if item not in setting.values:
            which = key if name is None else f"{key}: {name!r}"
            raise ConfigError(f"{which}: {item!r} is none of {', '.join(setting.values)}{did_you_mean(item, list(setting.values))}.")


def _own_columns(where: str, declared: Mapping[str, Setting], values: Mapping[str, Any]) -> Iterator[OwnColumn]:
    """Yield each column that a setting of type `columns` allows, told or not: the SELECTs name them all."""
    for name, setting in declared.items():
        given = {key: _table_and_column(f"{where}.{name}", setting, key, text) for key, text in values[name].items()}
        for key, allowed in setting.columns.items():
            table, column = given.get(key, (None, None))
            yield from (OwnColumn(f"{name}_{key}", one, column if one == table else None) for one in allowed)


def _table_and_column(where: str, setting: Setting, key: str, text: str) -> tuple[str, str]:
    if key not in setting.columns:
        known = ", ".join(sorted(setting.columns))
        raise ConfigError(f"{where}: there is no {key!r}{did_you_mean(key, setting.columns)}; there are: {known}.")
    table, dot, column = text.partition(".")
    allowed = {normal(one): one for one in setting.columns[key]}
    if not dot or not column or normal(table) not in allowed:
        expected = " or ".join(f"'{one}.<column>'" for one in setting.columns[key])
        raise ConfigError(f"{where}.{key}: expected {expected}, found {text!r}.")
    return allowed[normal(table)], column


assert set(_SHOWN) == set(get_args(SettingType))
