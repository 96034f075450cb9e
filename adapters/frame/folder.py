"""An adapter is a folder: what it declares in `adapter.toml` and `tables.toml`, and one SELECT per fact type.

adapter.toml       its title, its settings, and `uses`: settings, macros and lists that sources of one kind share
tables.toml        the tables and columns that its SELECTs read
views/<name>.sql   relations that several SELECTs share, made in the order of `views` in adapter.toml; those
                   in `kept`, too, are made once and kept, not read anew by each SELECT
<fact type>.sql    one event per row: `id`, `time` and the fields of `data`
unmapped.sql       values that the settings have no answer for: `setting`, `value`, `rows`
left_out.sql       what becomes no event: `reason`, `rows`
assumed.sql        what was kept under an assumption: `reason`, `rows`
proposed.sql       lines for nisba.toml that the source itself suggests: `section`, `line`
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.frame.names import did_you_mean
from adapters.frame.places import Place
from adapters.frame.settings import COMMON, Setting
from adapters.frame.tables import SourceTable
from nisba.errors import SourceError
from schemas.events import BY_FACT_TYPE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["SHARED", "Adapter", "adapter", "adapters"]

_ADAPTERS = Path(__file__).parent.parent
SHARED = Path(__file__).parent / "shared"
"""One folder per kind of source: `settings.toml`, `macros/`, `lists/`."""
_DECLARATION = "adapter.toml"
REPORTS = ("unmapped", "left_out", "assumed", "proposed")


class _Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: str
    source: str = ""
    settings: dict[str, Setting] = {}
    views: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adapter:
    """An adapter, read: its settings and tables as declared, its SQL by name; `source`: of its events, where no setting says another."""

    name: str
    title: str
    source: str
    settings: Mapping[str, Setting]
    tables: Mapping[str, SourceTable]
    views: Mapping[str, str]
    queries: Mapping[str, str]
    reports: Mapping[str, str]
    kept: frozenset[str] = frozenset()
    """Views that are made once."""
    uses: tuple[str, ...] = ()
    """Of which kinds of sources its SELECTs read the shared macros and lists."""
    opened: Callable[[DuckDBPyConnection, str, Path], Place] | None = None
    """(a connection, a place, a folder for what it writes) → the place's tables, where they cannot be read as they lie."""


def adapters() -> tuple[str, ...]:
    """Return the names of the adapters that come with nisba."""
    return tuple(sorted(file.parent.name for file in _ADAPTERS.glob(f"*/{_DECLARATION}")))


def adapter(name: str) -> Adapter:
    """Return an adapter by its name, or one's own by the path of its folder (`./ours`).

    Raises SourceError, naming those there are, for an unknown one, and for a folder that declares what no adapter can have.
    """
    if "/" in name:
        folder = Path(name).expanduser()
        if not (folder / _DECLARATION).is_file():
            raise SourceError(f"{name} is no adapter: it has no {_DECLARATION}.")
        return _read(folder)
    if name not in adapters():
        raise SourceError(f"there is no adapter {name!r}{did_you_mean(name, adapters())}; there are: {', '.join(adapters())}.")
    return _read(_ADAPTERS / name)


def _read(folder: Path) -> Adapter:
    declared = _toml(folder / _DECLARATION, _Declared)
    settings = {**_shared_settings(folder, declared.uses), **declared.settings}
    for name in declared.settings.keys() & COMMON.keys():
        raise SourceError(f"{folder / _DECLARATION}: {name!r} is a setting of every adapter, and is not declared.")
    selects = {file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.sql"))}
    reports = {name: selects.pop(name) for name in REPORTS if name in selects}
    for name in selects.keys() - BY_FACT_TYPE.keys():
        known = ", ".join((*BY_FACT_TYPE, *REPORTS))
        raise SourceError(
            f"{folder / name}.sql is named after no fact type{did_you_mean(name, [*BY_FACT_TYPE, *REPORTS])}; there are: {known}."
        )
    for name in set(declared.kept) - set(declared.views):
        raise SourceError(f"{folder / _DECLARATION}: kept: there is no view {name!r}{did_you_mean(name, declared.views)}.")
    return Adapter(
        name=folder.resolve().name,
        title=declared.title,
        source=declared.source or folder.resolve().name,
        settings=settings,
        uses=declared.uses,
        tables=_toml(folder / "tables.toml", dict[str, SourceTable]),
        views={name: (folder / "views" / f"{name}.sql").read_text("utf-8") for name in declared.views},
        kept=frozenset(declared.kept),
        queries=selects,
        reports=reports,
    )


def _shared_settings(folder: Path, uses: Iterable[str]) -> dict[str, Setting]:
    """Return the settings that come with what an adapter uses; SourceError for a kind of source that there is not."""
    known = sorted(path.parent.name for path in SHARED.glob("*/settings.toml"))
    found: dict[str, Setting] = {}
    for name in uses:
        if name not in known:
            there = f"there are: {', '.join(known)}"
            raise SourceError(f"{folder / _DECLARATION}: uses: there is no {name!r}{did_you_mean(name, known)}; {there}.")
        found |= _toml(SHARED / name / "settings.toml", dict[str, Setting])
    return found


def _toml(file: Path, kind: Any) -> Any:
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), kind)
    except FileNotFoundError:
        raise SourceError(f"{file}: there is no such file.") from None
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise SourceError(f"{file}: {error}.") from None
