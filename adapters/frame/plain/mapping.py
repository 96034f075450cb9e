"""What nisba.toml says of files that a person exports: `[[adapters.<section>.file]]`, one for each kind of event that a file holds.

    [adapters.ads]
    adapter = "csv"
    from = "exports"

    [[adapters.ads.file]]
    path = "ads-*.csv"                                   # beneath `from`
    type = "spend"                                       # spend, campaign, touch, deal, lead_stage, account, fx, adjustment, identity, …
    columns = { campaign_id = "Campaign", starts_on = "Day", amount = "Amount spent (EUR)" }
    constants = { currency = "EUR" }                     # fields that are the same in every row
    dates = "%d.%m.%Y"                                   # or a list; ISO 8601 where it is left out
    decimal = ","

A field of a field is written with a dot: `utm.source`, `left.id`, `attributes.region`.
"""

from __future__ import annotations

import codecs
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

import msgspec

from adapters.frame.names import did_you_mean
from adapters.frame.plain import values
from nisba.errors import ConfigError
from schemas.events import BY_FACT_TYPE, Data

__all__ = ["EITHER", "FACTS", "FREE", "MONEY", "NO_MAPPING", "MappedFile", "fields_of", "mapped_files", "settings_of"]

NO_MAPPING = "it maps no file: `nisba adapters check csv FILE` proposes what to write into [[adapters.<section>.file]]."

MONEY = ("amount", "cost")
"""Kinds of fields that are in a currency."""
FREE = "attributes."
"""Fields that are whatever the firm calls them."""
FACTS = ("touch", "lead_stage")
"""Types that say what happened once: everything else is a state, which a later export may say anew."""
EITHER: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "touch": (("time",), ("account_id", "person_id", "visitor_id")),
    "lead_stage": (("time",),),
    "deal": (("opened_on", "opened_at"),),
    "adjustment": (("effective_on", "effective_at"),),
    "erasure": (("person_id", "visitor_id"),),
}
"""Fields of a type of which a mapping has to name one, beside those that the events require."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    path: str
    type: str
    columns: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    values: dict[str, dict[str, str]] = {}
    prefixes: dict[str, str] = {}
    key: list[str] = []
    dates: str | list[str] = []
    decimal: str | None = None
    skip_total: bool = True
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True)
class MappedFile:
    """An entry, checked: `columns` and `constants` by field (`utm.source`), `values` by field and what the file says, in lower case."""

    where: str
    path: str
    fact_type: str
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    prefixes: Mapping[str, str]
    key: tuple[str, ...]
    dates: tuple[str, ...]
    decimal: str | None
    skip_total: bool
    encoding: str | None
    delimiter: str | None

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields that the file gives, those of columns first."""
        return (*self.columns, *(field for field in self.constants if field not in self.columns))


@dataclass(frozen=True)
class Field:
    """A field of an event: its kind (of `schemas.kinds`, or `choice`, `truth`), what a choice may be, whether an event needs it."""

    kind: str
    choices: tuple[str, ...] = ()
    is_required: bool = False


@cache
def fields_of(fact_type: str) -> Mapping[str, Field]:
    """Return the fields that a mapping may name, with `time`; those inside another with a dot.

    A revision is made of `time`, or of when the file changed, and is nobody's to name.

    >>> fields_of("identity")["left.kind"].choices
    ('visitor', 'person', 'lead', 'account')
    """
    return {**dict(_fields(BY_FACT_TYPE[fact_type].struct, "")), "time": Field("instant")}


def _fields(struct: type[Data], prefix: str) -> Iterator[tuple[str, Field]]:
    hints = typing.get_type_hints(struct, include_extras=True)
    for one in msgspec.structs.fields(struct):
        (hint,) = [option for option in _options(hints[one.name]) if option is not type(None)]
        inner = hint if isinstance(hint, type) and issubclass(hint, Data) else None
        if inner is not None:
            yield from _fields(inner, f"{prefix}{one.name}.")
        elif get_origin(hint) is not dict and one.name != "revision":
            yield prefix + one.name, _field(hint, one.required)


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) not in (None, Literal, dict, typing.Annotated) else (hint,)


def _field(hint: Any, is_required: bool) -> Field:
    if hint is bool:
        return Field("truth", (), is_required)
    if get_origin(hint) is Literal:
        return Field("choice", get_args(hint), is_required)
    kind = next(meta.extra["kind"] for meta in hint.__metadata__ if meta.extra)
    return Field(kind, (), is_required)


def mapped_files(section: str, given: Mapping[str, Any]) -> tuple[MappedFile, ...]:
    """Return the files of a section, checked; `given` is all that it says.

    Raises ConfigError that names the entry, what is wrong, and the line to add.
    """
    entries = given.get("file", ())
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"adapters.{section}: {NO_MAPPING}")
    shared = _values(f"adapters.{section}.values", given.get("values", {}))
    files = tuple(_mapped(f"[[adapters.{section}.file]] {number}", entry, shared) for number, entry in enumerate(entries, 1))
    known = {field for file in files for field in fields_of(file.fact_type)}
    for field in shared.keys() - known:
        raise ConfigError(f"adapters.{section}.values: {field!r} is no field of its files{did_you_mean(field, known) or '.'}")
    return files


def settings_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a section says beside its mapping: the settings of every adapter."""
    return {name: value for name, value in given.items() if name not in ("file", "values")}


def _mapped(where: str, entry: Any, shared: Mapping[str, Mapping[str, str]]) -> MappedFile:
    file = _converted(where, entry)
    where = f"{where} ({file.path})"
    if file.type not in BY_FACT_TYPE:
        known = ", ".join(BY_FACT_TYPE)
        raise ConfigError(f"{where}: type: there is no {file.type!r}{did_you_mean(file.type, BY_FACT_TYPE)}; there are: {known}.")
    known_fields = fields_of(file.type)
    mapped = MappedFile(
        where,
        file.path,
        file.type,
        _texts(f"{where}: columns", file.type, _flat(file.columns)),
        _texts(f"{where}: constants", file.type, _flat(file.constants)),
        _answers(shared, _values(f"{where}: values", file.values)),
        file.prefixes,
        tuple(file.key),
        (file.dates,) if isinstance(file.dates, str) else tuple(file.dates),
        file.decimal,
        file.skip_total,
        file.encoding,
        file.delimiter,
    )
    for field in (*file.values, *file.prefixes):
        if field not in known_fields:
            raise ConfigError(f"{where}: {field!r} is no field of a {file.type}{did_you_mean(field, known_fields)}.")
    _check(mapped)
    return mapped


def _converted(where: str, entry: Any) -> _File:
    if isinstance(entry, Mapping):
        known = _File.__struct_fields__
        for name in entry.keys() - set(known):
            raise ConfigError(f"{where}: there is no key {name!r}{did_you_mean(name, known)}; there are: {', '.join(known)}.")
        for name in ("path", "type"):
            if name not in entry:
                raise ConfigError(f'{where}: it has no {name}; add a line such as {name} = "{"ads.csv" if name == "path" else "spend"}".')
    try:
        return msgspec.convert(entry, _File)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}.") from None


def _flat(given: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Write a table in a table as TOML does with a dot.

    >>> _flat({"left": {"id": "Contact"}, "op": "link"})
    {'left.id': 'Contact', 'op': 'link'}
    """
    flat: dict[str, Any] = {}
    for name, value in given.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def _texts(where: str, fact_type: str, given: Mapping[str, Any]) -> dict[str, str]:
    known = fields_of(fact_type)
    for name, value in given.items():
        if name not in known and not (name.startswith(FREE) and _has_attributes(fact_type)):
            raise ConfigError(f"{where}: {name!r} is no field of a {fact_type}{did_you_mean(name, known)}; there are: {', '.join(known)}.")
        if isinstance(value, (list, float)) or value == "":
            raise ConfigError(f"{where}.{name}: expected a text, found {value!r}.")
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


def _has_attributes(fact_type: str) -> bool:
    return "attributes" in BY_FACT_TYPE[fact_type].struct.__struct_fields__


def _values(where: str, given: Any) -> dict[str, dict[str, str]]:
    if not isinstance(given, Mapping) or not all(isinstance(one, Mapping) for one in given.values()):
        raise ConfigError(f'{where}: expected a table of each field, such as {{ status = {{ "Closed won" = "won" }} }}, found {given!r}.')
    return {field: {str(key).strip().lower(): str(value) for key, value in one.items()} for field, one in given.items()}


def _answers(shared: Mapping[str, Mapping[str, str]], own: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return what words mean in a file: as it says itself, else as its section does."""
    return {field: {**shared.get(field, {}), **own.get(field, {})} for field in (*shared, *own)}


def _check(mapped: MappedFile) -> None:
    """Refuse a mapping that cannot make an event, and formats that are none."""
    fields = fields_of(mapped.fact_type)
    here = set(mapped.fields) | _made_of_key(mapped)
    needed = [(name,) for name, field in fields.items() if field.is_required and name != "currency"]
    for group in (*needed, *EITHER.get(mapped.fact_type, ())):
        if not here & set(group):
            line = f'columns = {{ {group[0]} = "…" }}' + (
                "" if fields[group[0]].kind in ("date", "instant") else f' or constants = {{ {group[0]} = "…" }}'
            )
            raise ConfigError(f"{mapped.where}: a {mapped.fact_type} needs {' or '.join(group)}; add {line}.")
    for field in mapped.constants:
        if field in mapped.columns:
            raise ConfigError(f"{mapped.where}: {field} is a column and a constant; keep one of them.")
        _check_choice(mapped, field, mapped.constants[field])
        _check_constant(mapped, field, mapped.constants[field])
    for field, pairs in mapped.values.items():
        for value in pairs.values() if field in fields else ():
            _check_choice(mapped, field, value)
    for one in mapped.dates:
        if "%" not in one:
            raise ConfigError(f'{mapped.where}: dates: {one!r} is no format; write one such as dates = "%d.%m.%Y".')
    if mapped.decimal not in (None, ".", ","):
        raise ConfigError(f'{mapped.where}: decimal: expected "." or ",", found {mapped.decimal!r}.')
    if mapped.encoding is not None:
        _check_encoding(mapped.where, mapped.encoding)
    if mapped.delimiter is not None and len(mapped.delimiter) != 1:
        raise ConfigError(f'{mapped.where}: delimiter: expected one character, such as delimiter = ";", found {mapped.delimiter!r}.')


def _made_of_key(mapped: MappedFile) -> set[str]:
    """Return the fields that the key columns stand for where no column is named for them."""
    return {"adjustment_id"} if mapped.key else set()


def _check_choice(mapped: MappedFile, field: str, value: str) -> None:
    choices = fields_of(mapped.fact_type)[field].choices if field in fields_of(mapped.fact_type) else ()
    if choices and value not in choices:
        raise ConfigError(f"{mapped.where}: {field}: {value!r} is none of {', '.join(choices)}{did_you_mean(value, choices)}.")


def _check_constant(mapped: MappedFile, field: str, value: str) -> None:
    kind = fields_of(mapped.fact_type)[field].kind if field in fields_of(mapped.fact_type) else "text"
    plain: dict[str, Callable[..., str | None]] = {
        "date": values.date,
        "instant": values.instant,
        "currency": values.currency,
        "integer": values.whole,
        "count": values.whole,
    }
    plain |= dict.fromkeys((*MONEY, "rate", "number"), values.number)
    if kind in plain and plain[kind](value) != value:
        shown = {"date": "2026-03-01", "instant": "2026-03-01", "currency": "EUR"}.get(kind, "12")
        raise ConfigError(f'{mapped.where}: constants.{field}: expected one such as "{shown}", found {value!r}.')
    if kind in MONEY and "currency" not in mapped.fields:
        raise ConfigError(f'{mapped.where}: {field} has no currency; add constants = {{ currency = "…" }}.')


def _check_encoding(where: str, name: str) -> None:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ConfigError(
            f'{where}: there is no encoding {name!r}; write one such as encoding = "utf-8", "windows-1252" or "utf-16".'
        ) from None
