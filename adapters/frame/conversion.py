"""Turn the rows of an adapter's SELECTs into files of events: DuckDB writes them, in the order that the SELECT gives."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.frame.names import did_you_mean, identifier, quoted
from adapters.frame.session import Session
from nisba.errors import SourceError
from schemas.events import BY_FACT_TYPE, Data, EventType
from schemas.kinds import fields_of_kind
from schemas.topics import topic_of

__all__ = ["Conversion", "counts_of", "unmapped_values", "write_events"]

ENVELOPE = ("id", "time")
_OFFSET = r"(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_EXACT = ("amount", "cost", "rate")
"""Kinds of fields that are never made of a DOUBLE."""


@dataclass(frozen=True)
class Conversion:
    """What a conversion wrote: events per fact type; rows left out, and rows kept under an assumption, per reason."""

    directory: Path
    events: Mapping[str, int]
    left_out: Mapping[str, int]
    assumed: Mapping[str, int]


def write_events(session: Session, directory: Path, since: datetime | None = None) -> dict[str, int]:
    """Write each fact type to the file of its topic, `<topic>.jsonl`; nothing is left or replaced when one of them fails.

    `since` leaves out events of an earlier `time`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    counts = {}
    with _replacing(directory) as work:
        for fact_type, select in session.adapter.queries.items():
            part = work / fact_type
            counts[fact_type] = _copy(session, fact_type, select if since is None else _later(select, since), part)
            _append(part, work / f"{topic_of(BY_FACT_TYPE[fact_type].name).name}.jsonl")
    return counts


@contextmanager
def _replacing(directory: Path) -> Iterator[Path]:
    """Yield a folder whose files move into the directory at the end, where nothing failed."""
    with TemporaryDirectory(prefix=".nisba-", dir=directory) as folder:
        yield Path(folder)
        for file in Path(folder).iterdir():
            file.replace(directory / file.name)


def _append(part: Path, whole: Path) -> None:
    """Move a file to the end of another; the first part is the whole, and is not copied."""
    if not whole.exists():
        part.rename(whole)
        return
    with whole.open("ab") as end, part.open("rb") as rows:
        shutil.copyfileobj(rows, end, 1 << 20)
    part.unlink()


def _copy(session: Session, fact_type: str, select: str, file: Path) -> int:
    with session.explained(fact_type):
        columns = {name: kind for name, kind, *_ in session.connection.execute(f"DESCRIBE {select}").fetchall()}
        event = event_sql(f"adapter {session.adapter.name}, {fact_type}.sql", BY_FACT_TYPE[fact_type], columns)
        copied = session.connection.execute(f"COPY (SELECT {event} FROM ({select})) TO {quoted(str(file))} (FORMAT json)").fetchone()
    return int(copied[0]) if copied else 0


def _later(select: str, since: datetime) -> str:
    """Return the SELECT of the rows whose time is not before an instant.

    DuckDB pushes a WHERE into views, and judges their columns there again and again.
    """
    is_late = f"time IS NULL OR time::TIMESTAMPTZ >= '{since.isoformat()}'::TIMESTAMPTZ"
    return f"SELECT * EXCLUDE (is_late) FROM (SELECT *, unnest(CASE WHEN {is_late} THEN [true] END) AS is_late FROM ({select}))"


def event_sql(where: str, event_type: EventType, columns: Mapping[str, str]) -> str:
    """Return the columns of an event in SQL, made of the columns of a SELECT (name → type in DuckDB).

    A row without an id or a time, or with a time that has no offset, is an error of the query. Raises SourceError for columns that no
    field of the event is, for a float where money or a rate belongs, and for a time without a zone.
    """
    _check_columns(where, event_type.struct, columns)
    if not (event_type.own_id or event_type.fact_type == "identity" or columns.keys() & {name for name, _ in EventType.ACTORS}):
        raise SourceError(f"{where}: it yields none of {', '.join(name for name, _ in EventType.ACTORS)}: nobody it could belong to.")
    data = ", ".join(f"{identifier(name)} := {_value(name, kind)}" for name, kind in columns.items() if name not in ENVELOPE)
    return ", ".join(
        (
            "'1.0' AS specversion",
            f"coalesce(nullif(id, ''), error({quoted(f'{where}: a row has no id.')})) AS id",
            "getvariable('source') AS source",
            f"'{event_type.name}' AS type",
            f"{_dated(where)} AS time",
            f"{_key(event_type, columns)} AS partitionkey",
            f"json_merge_patch('{{}}', to_json(struct_pack({data}))) AS data",
        )
    )


def _check_columns(where: str, struct: type[Data], columns: Mapping[str, str]) -> None:
    fields = struct.__struct_fields__
    exact = {name for kind in _EXACT for name in fields_of_kind(struct, kind)}
    for name in ENVELOPE:
        if name not in columns:
            raise SourceError(f"{where}: it yields no {name}.")
    for name, kind in columns.items():
        if name not in fields and name not in ENVELOPE:
            raise SourceError(f"{where}: {name} is no field of the event{did_you_mean(name, fields)}; there are: {', '.join(fields)}.")
        if kind in ("DOUBLE", "FLOAT") and name in exact:
            raise SourceError(f"{where}: {name} is a {kind}, which is not exact: cast it to a DECIMAL, or use money().")
        if kind.startswith("TIMESTAMP") and "WITH TIME ZONE" not in kind:
            raise SourceError(f"{where}: {name} is a time without an offset: write it with instant().")


def _value(name: str, kind: str) -> str:
    """Return the SQL of a value as JSON holds it: decimals and dates as text, instants with their offset."""
    column = identifier(name)
    if kind.startswith("TIMESTAMP"):
        return f"strftime({column} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
    if kind.startswith("STRUCT"):
        return f"CASE WHEN json_merge_patch('{{}}', to_json({column}))::VARCHAR <> '{{}}' THEN {column} END"
    return f"{column}::VARCHAR" if kind.startswith("DECIMAL") or kind == "DATE" else column


def _dated(where: str) -> str:
    none, naive = quoted(f"{where}: a row has no time."), quoted(f"{where}: a time has no offset; write it with instant(): ")
    has_none = f"NOT suffix(time, 'Z') AND NOT regexp_matches(time, '{_OFFSET}')"
    return f"CASE WHEN time IS NULL THEN error({none}) WHEN {has_none} THEN error({naive} || time) ELSE time END"


def _key(event_type: EventType, columns: Mapping[str, str]) -> str:
    """Return the SQL of a record's key: what `schemas.keys.partition_key` says of an event."""
    if event_type.fact_type == "identity":
        return 'least("left".kind || \':\' || "left".id, "right".kind || \':\' || "right".id)'
    actors = [f"'{prefix}' || nullif({name}, '')" for name, prefix in EventType.ACTORS if name in columns]
    own = " || '/' || ".join(f"{name}::VARCHAR" for name in event_type.own_id)
    return f"coalesce({', '.join((*actors, *([own] if own else [])))})"


def counts_of(session: Session, report: str) -> dict[str, int]:
    """Return the counts of a report, by reason; the largest first, those of none left out."""
    select = session.adapter.reports.get(report)
    rows = session.rows(report, select) if select else []
    return dict(sorted(((reason, int(count)) for reason, count in rows if count), key=lambda row: (-row[1], row[0])))


def unmapped_values(session: Session) -> list[tuple[str, str, int]]:
    """Return (setting, value, rows) of values of the source that the settings have no answer for."""
    select = session.adapter.reports.get("unmapped")
    return sorted((str(setting), str(value), int(rows)) for setting, value, rows in (session.rows("unmapped", select) if select else []))
