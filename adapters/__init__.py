"""Adapters: other systems' tables as nisba's events, one SELECT per event type, no code.

An adapter is a folder beside `frame/`, or one of the firm's own. What it declares and how its SELECTs see the source's tables is told in
`adapters.frame.folder` and docs/adapters.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.frame.conversion import Conversion, counts_of, unmapped_values, write_events
from adapters.frame.folder import Adapter, adapter, adapters
from adapters.frame.names import did_you_mean
from adapters.frame.plain import NO_MAPPING, PLAIN, plain_adapter, proposed_mapping, settings_of
from adapters.frame.session import Session, reading
from adapters.frame.settings import checked_settings
from adapters.frame.tables import MatchedTable, unread
from nisba.config import Config
from nisba.errors import ConfigError, SourceError

__all__ = ["Adapter", "Conversion", "Examination", "Pull", "adapter", "adapters", "convert", "examine", "pulls"]


@dataclass(frozen=True)
class Examination:
    """What a place is to an adapter, before anything is written.

    Tables found and missing, those nobody reads, (setting, value, rows) without an answer, events per fact type, rows left out and kept
    under an assumption per reason, and lines for nisba.toml that the source suggests, by section.
    """

    tables: tuple[MatchedTable, ...]
    unread: tuple[str, ...]
    unmapped: tuple[tuple[str, str, int], ...]
    events: Mapping[str, int]
    left_out: Mapping[str, int]
    assumed: Mapping[str, int]
    proposed: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Pull:
    """An adapter over a place, with the settings of its section: one of `[adapters.*]`, or the defaults."""

    section: str
    adapter: Adapter
    where: str
    given: Mapping[str, Any]


def pulls(config: Config, name: str | None = None, where: str | None = None) -> tuple[Pull, ...]:
    """Return what there is to read: the section, adapter or folder called `name` over `where`, or every section that has a `from`.

    Raises ConfigError for a section that names no place, SourceError for an unknown adapter.
    """
    if name is None:
        return tuple(_pull(config, section, None) for section, given in config.adapters.items() if given.get("from"))
    return (_pull(config, name, where),)


def _pull(config: Config, name: str, where: str | None) -> Pull:
    section = next((one for one, given in config.adapters.items() if "/" in name and given.get("adapter") == name), name)
    given = config.adapters.get(section, {})
    kind = given.get("adapter", name)
    if name not in config.adapters and "/" not in name and name not in adapters():
        known = (*adapters(), *config.adapters)
        raise SourceError(f"there is no adapter {name!r}{did_you_mean(name, known)}; there are: {', '.join(dict.fromkeys(known))}.")
    place = where or given.get("from")
    if not place:
        raise ConfigError(f"adapters.{name}: it does not say where the tables are; name a place, or give the section a `from`.")
    if kind == PLAIN and "file" in given:
        return Pull(section, plain_adapter(section, given), str(place), settings_of(given))
    return Pull(section, adapter(kind), str(place), given)


def convert(pull: Pull, config: Config, out_dir: str | Path, *, since: datetime | None = None) -> Conversion:
    """Write the events of a place as `<topic>.jsonl` files into `out_dir`, replacing files of these names.

    `since` leaves out events of an earlier `time`: what was sent before need not be sent again.
    Raises SourceError for a table or a column that is missing, for values without an answer in the settings, and for a row that is no
    event; ConfigError for settings that are wrong. Then nothing is written.
    """
    if pull.adapter.name == PLAIN and not pull.adapter.queries:
        raise ConfigError(f"adapters.{pull.section}: {NO_MAPPING}")
    with _session(pull, config) as session:
        _refuse_unmapped(pull, unmapped_values(session))
        left_out, assumed = counts_of(session, "left_out"), counts_of(session, "assumed")
        return Conversion(Path(out_dir), write_events(session, Path(out_dir), since), left_out, assumed)


def examine(pull: Pull, config: Config) -> Examination:
    """Tell what `convert` would find; write nothing. Raises as `convert` does, but for values without an answer: they are told.

    Plain CSV without a mapping is looked at for one: lines are proposed, and that is all.
    """
    if pull.adapter.name == PLAIN and not pull.adapter.queries:
        return Examination((), (), (), {}, {}, {}, proposed_mapping(pull.where))
    with _session(pull, config) as session:
        unmapped = tuple(unmapped_values(session))
        selects = {} if unmapped else pull.adapter.queries
        return Examination(
            tables=session.tables,
            unread=tuple(unread(session.place, session.tables)),
            unmapped=unmapped,
            events={name: session.rows(name, f"SELECT count(id) FROM ({select})")[0][0] for name, select in selects.items()},
            left_out=counts_of(session, "left_out"),
            assumed=counts_of(session, "assumed"),
            proposed=tuple(session.rows("proposed", pull.adapter.reports["proposed"])) if "proposed" in pull.adapter.reports else (),
        )


def _session(pull: Pull, config: Config) -> AbstractContextManager[Session]:
    chosen = pull.adapter
    settings = checked_settings(chosen.settings, pull.given, config.reporting, chosen.source, f"adapters.{pull.section}")
    return reading(chosen, pull.where, settings)


def _refuse_unmapped(pull: Pull, found: list[tuple[str, str, int]]) -> None:
    if not found:
        return
    named = "; ".join(f"{setting}: {value!r} ({rows:,} rows)" for setting, value, rows in found[:10])
    setting, value, _ = found[0]
    raise SourceError(
        f"adapter {pull.section}: values without an answer: {named}{' …' if len(found) > 10 else ''}. "
        f'Add a line for each to [adapters.{pull.section}], such as {setting} = {{ "{value}" = "…" }}; `nisba adapters check` shows all.'
    )
