"""The adapter that a mapping of plain CSV is: clean tables of its files, and a SELECT for each type of event over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from fnmatch import fnmatch
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.frame.folder import Adapter, adapter
from adapters.frame.names import did_you_mean, identifier, normal, quoted
from adapters.frame.places import FoundTable, Place
from adapters.frame.plain.exports import open_export
from adapters.frame.plain.mapping import FACTS, FREE, MONEY, MappedFile, fields_of, mapped_files
from adapters.frame.plain.rows import LIST, Tally, records
from adapters.frame.tables import SourceTable
from nisba.errors import SourceError
from schemas.events import BY_FACT_TYPE, Utm

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["PLAIN", "plain_adapter"]

PLAIN = "csv"
"""What the adapter is called."""

_BATCH = 20_000
_OWN = ("key", "file_ms")
_SUMMED = ("amount", "impressions", "clicks", "leads")
_NATURAL: Mapping[str, str] = {
    "spend": "concat_ws('/', campaign_id, starts_on, nullif(ends_on, starts_on))",
    "campaign": "campaign_id",
    "account": "account_id",
    "deal": "deal_id",
    "adjustment": "adjustment_id",
    "fx": "concat_ws('/', base, quote, date)",
    "identity": 'concat_ws(\'/\', "left.kind" || \':\' || "left.id", "right.kind" || \':\' || "right.id")',
    "retraction": "concat_ws('/', touch_source, touch_id)",
    "erasure": "coalesce('visitor:' || visitor_id, 'person:' || person_id)",
    "touch": "concat_ws('/', ifnull(account_id, ''), ifnull(person_id, ''), ifnull(visitor_id, ''), "
    "channel, kind, ifnull(campaign_id, ''), time)",
    "lead_stage": "concat_ws('/', lead_id, stage) || '@' || ms(time)",
}
_INSTANTS = {"opened_on": ("opened_at", "day_start"), "closed_on": ("closed_at", "day_end"), "effective_on": ("effective_at", "day_end")}


def plain_adapter(section: str, given: Mapping[str, Any]) -> Adapter:
    """Return the adapter of a section whose `file` entries map plain CSV onto events.

    Raises ConfigError for a mapping that cannot make events. Files are looked for when a place is opened.
    """
    files = mapped_files(section, given)
    tables = {_table(number): _declared(file) for number, file in enumerate(files)}
    by_type: dict[str, list[int]] = {}
    for number, file in enumerate(files):
        by_type.setdefault(file.fact_type, []).append(number)
    return Adapter(
        name=section,
        title=adapter(PLAIN).title,
        source=section,
        settings={},
        tables=tables,
        views={},
        kept=frozenset(),
        queries={fact_type: _select(fact_type, {number: files[number] for number in numbers}) for fact_type, numbers in by_type.items()},
        reports={
            "unmapped": "SELECT setting, value, rows FROM told_unmapped",
            "left_out": "SELECT reason, rows FROM told_left_out",
            "assumed": " UNION ALL ".join(["SELECT reason, rows FROM told_assumed", *_assumed(files)]),
        },
        opened=partial(_open, files),
    )


# The files of a place as clean tables.


def _table(number: int) -> str:
    return f"file_{number + 1}"


def _named(file: MappedFile) -> dict[str, str]:
    """Return the column of each field in the clean table: names of the firm's own do not reach the SQL."""
    fields = list(file.fields)
    if _has_money(file) and "currency" not in fields:
        fields.append("currency")
    return {field: f"f{position}" for position, field in enumerate(fields)}


def _has_money(file: MappedFile) -> bool:
    return any(fields_of(file.fact_type)[field].kind in MONEY for field in file.columns if not field.startswith(FREE))


def _declared(file: MappedFile) -> SourceTable:
    return SourceTable(columns={column: [] for column in (*_named(file).values(), *_OWN)}, must=True)


def _open(files: Sequence[MappedFile], connection: DuckDBPyConnection, where: str, folder: Path) -> Place:
    """Read the files beneath a place into clean tables in `folder`.

    Raises SourceError for a file, a column or a format that is missing or wrong.
    """
    base = Path(where).expanduser().resolve()
    if not base.exists():
        raise SourceError(f"{where}: no such file or folder; name what holds the exports.")
    tally, tables, stamps = Tally(), dict[str, FoundTable](), list[int]()
    for number, mapped in enumerate(files):
        found = _files_of(mapped, base, len(files))
        stamps += [path.stat().st_mtime_ns for path in found]
        relation = _written(folder / f"{_table(number)}.parquet", mapped, found, tally)
        tables[normal(_table(number))] = FoundTable(mapped.path, relation)
    if not stamps:
        raise SourceError(f"{where} is none of the files of the mapping: {', '.join(mapped.path for mapped in files)}.")
    _tell(connection, tally)
    modified = datetime.fromtimestamp(max(stamps) / 10**9, timezone.utc)
    return Place(where, tables, modified)


def _files_of(mapped: MappedFile, base: Path, entries: int) -> list[Path]:
    if base.is_file():
        return [base] if entries == 1 or fnmatch(base.name, Path(mapped.path).name) else []
    found = (
        [base / mapped.path]
        if (base / mapped.path).is_file()
        else sorted(path for path in base.glob(mapped.path.lstrip("/")) if path.is_file())
    )
    if not found:
        there = sorted(path.name for path in base.iterdir() if path.is_file())
        shown = ", ".join(there[:20]) or "nothing"
        raise SourceError(
            f"{base} has no file {mapped.path}{did_you_mean(mapped.path, there)}; there is: {shown}: mend path in {mapped.where}."
        )
    return found


def _written(target: Path, mapped: MappedFile, files: Sequence[Path], tally: Tally) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    named = {**_named(mapped), **{name: name for name in _OWN}}
    schema = pa.schema([(column, pa.string()) for column in named.values()])
    with pq.ParquetWriter(target, schema) as writer:
        for file in files:
            rows = _rows(mapped, file, tally)
            while batch := list(islice(rows, _BATCH)):
                columns = {column: [row.get(field) for row in batch] for field, column in named.items()}
                writer.write_table(pa.table(columns, schema))
    return f"read_parquet({quoted(str(target))})"


def _rows(mapped: MappedFile, file: Path, tally: Tally) -> Iterator[dict[str, str | None]]:
    export = open_export(file, (*mapped.columns.values(), *mapped.key), mapped.encoding, mapped.delimiter)
    stamp, count = str(file.stat().st_mtime_ns // 10**6), 0
    for record in records(mapped, export, tally):
        count += 1
        yield {**record, "file_ms": stamp}
    if export.is_guessed and count:
        tally.assumed[f'rows of {file.name}, which is not UTF-8 and was read as Windows-1252 (to say so: encoding = "windows-1252")'] += (
            count
        )


def _tell(connection: DuckDBPyConnection, tally: Tally) -> None:
    """Make known to the SQL what was counted while the files were read."""
    told: dict[str, tuple[str, list[tuple[str | int, ...]]]] = {
        "left_out": ("reason", list(tally.told().items())),
        "assumed": ("reason", list(tally.assumed.items())),
        "unmapped": ("setting VARCHAR, value", [(f"values.{name}", value, rows) for (name, value), rows in tally.unmapped.items()]),
    }
    for name, (columns, rows) in told.items():
        connection.execute(f"CREATE TEMP TABLE told_{name} ({columns} VARCHAR, rows BIGINT)")
        if rows:
            connection.executemany(f"INSERT INTO told_{name} VALUES ({', '.join('?' * len(rows[0]))})", rows)


# The SELECTs over the clean tables.


def _select(fact_type: str, files: Mapping[int, MappedFile]) -> str:
    """Return the events of a type: one row an id, and an error where rows of one id differ, or entries speak of one cost."""
    union = " UNION ALL BY NAME ".join(f"({_events(number, file)})" for number, file in files.items())
    differ = quoted(f"several rows of one {fact_type} differ, such as ")
    cure = quoted(': name the columns that tell them apart in its mapping, key = ["…"]')
    twice = quoted("two entries have a cost of one campaign and day, and one would replace the other: ")
    prefix = quoted(': tell them apart, prefixes = { campaign_id = "…" }')
    is_twice = (
        "max(entry) OVER (PARTITION BY own) > min(entry) OVER (PARTITION BY own)" if fact_type == "spend" and len(files) > 1 else "false"
    )
    sentence = f"WHEN is_twice THEN {twice} || own || {prefix} ELSE {differ} || id || {cure}"
    return (
        "SELECT * EXCLUDE (own, entry, rows_of_id, is_twice) "
        f"REPLACE (if(is_twice OR rows_of_id > 1, error(CASE {sentence} END), id) AS id) "
        f"FROM (SELECT *, count(*) OVER (PARTITION BY id) AS rows_of_id, {is_twice} AS is_twice "
        f"FROM (SELECT DISTINCT * FROM ({union}))) ORDER BY id"
    )


def _events(number: int, file: MappedFile) -> str:
    """Return the events of one entry in SQL, with the columns that it gives."""
    base = "nullif(key, '')" if file.key else "NULL"
    if file.fact_type == "lead_stage" and file.key:
        base = "key || '/' || stage"
    natural = ("spend_id, " if "spend_id" in file.fields else "") + _NATURAL[file.fact_type]
    short = "if(length(own) > 200, left(own, 100) || '~' || left(sha256(own), 32), own)"
    identity = short if file.fact_type in FACTS else f"{short} || '@' || stamp"
    values = ", ".join(f"{sql} AS {field}" for field, sql in _values(file))
    rows = f"SELECT *, coalesce({base}, {natural}) AS own FROM ({_typed(number, file)})"
    return f"SELECT {identity} AS id, {_time(file)} AS time, own, {number} AS entry, {values} FROM ({rows})"


def _time(file: MappedFile) -> str:
    return "coalesce(time, of_ms(stamp))" if "time" in file.fields else "of_ms(stamp)"


def _typed(number: int, file: MappedFile) -> str:
    """Return the clean table with the names of the fields; every field that ids are made of is there."""
    named = _named(file)
    shown = {field: f"zoned({column})" if _kind(file, field) == "instant" else column for field, column in named.items()}
    absent = [field for field in _identifying(file.fact_type) if field not in named]
    stamp = f"coalesce(ms({shown['time']}), file_ms::BIGINT)" if "time" in named and file.fact_type not in FACTS else "file_ms::BIGINT"
    listed = [f"{sql} AS {identifier(field)}" for field, sql in shown.items()] + [f'NULL::VARCHAR AS "{field}"' for field in absent]
    source = f"SELECT {', '.join(listed)}, key, {stamp} AS stamp FROM {_table(number)}"
    return _added_up(source, file) if _is_added_up(file) else source


def _identifying(fact_type: str) -> tuple[str, ...]:
    return {
        "spend": ("ends_on",),
        "touch": ("account_id", "person_id", "visitor_id", "campaign_id"),
        "erasure": ("visitor_id", "person_id"),
        "adjustment": ("adjustment_id",),
    }.get(fact_type, ())


def _is_added_up(file: MappedFile) -> bool:
    return file.fact_type == "spend" and not file.key and "spend_id" not in file.fields


def _added_up(source: str, file: MappedFile) -> str:
    """Add up rows of one campaign and day: what a report parts by ad, device or place is one cost."""
    summed = [field for field in _SUMMED if field in file.fields]
    absent = [field for field in _identifying("spend") if field not in file.fields]
    others = [f'"{field}"' for field in (*_named(file), *absent) if field not in summed]
    sums = [f"sum({_number(field)})::VARCHAR AS {field}" for field in summed]
    return f"SELECT {', '.join([*others, 'key', 'stamp', *sums])} FROM ({source}) GROUP BY ALL"


def _number(field: str) -> str:
    return f"exact({field})" if field == "amount" else f"{field}::BIGINT"


def _kind(file: MappedFile, field: str) -> str:
    known = fields_of(file.fact_type)
    return known[field].kind if field in known else "text"


def _values(file: MappedFile) -> Iterator[tuple[str, str]]:
    """Yield the fields of `data` and their SQL."""
    fields = [field for field in _named(file) if field != "time"]
    yield from ((field, _value(file, field)) for field in fields if "." not in field and field not in _INSTANTS)
    for on, (at, macro) in _INSTANTS.items():
        if on in fields:
            if at in fields:
                yield on, f"CASE WHEN {at} IS NULL THEN {on} END"
            else:
                yield on, f"on_day({on})"
                yield at, f"CASE WHEN NOT is_reporting_zone() THEN {macro}({on}) END"
    yield from _structs(fields)
    struct = BY_FACT_TYPE[file.fact_type].struct.__struct_fields__
    if "revision" in struct:
        yield "revision", "stamp"
    if file.key and file.fact_type == "spend" and "spend_id" not in fields:
        yield "spend_id", "key"
    if file.key and file.fact_type == "adjustment" and "adjustment_id" not in fields:
        yield "adjustment_id", "key"


def _value(file: MappedFile, field: str) -> str:
    return {
        "integer": f"{field}::BIGINT",
        "count": f"{field}::BIGINT",
        "number": f"{field}::DOUBLE",
        "truth": f"{field}::BOOLEAN",
        "amount": f"money({field}, currency)",
        "cost": f"without_zeros(decimals(exact({field}), 6))",
        "ids": f"string_split({field}, '{LIST}')",
    }.get(_kind(file, field), field)


def _structs(fields: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name, keys in (("left", ("kind", "id")), ("right", ("kind", "id")), ("utm", Utm.__struct_fields__)):
        if any(field.startswith(f"{name}.") for field in fields):
            inner = ", ".join(f'{key} := "{name}.{key}"' if f"{name}.{key}" in fields else f"{key} := NULL::VARCHAR" for key in keys)
            yield f'"{name}"', f"struct_pack({inner})"
    own = [field for field in fields if field.startswith(FREE)]
    if own:
        pairs = ", ".join(f"{quoted(field.removeprefix(FREE))}, {identifier(field)}" for field in own)
        yield "attributes", f"nullif(json_merge_patch('{{}}', json_object({pairs}))::VARCHAR, '{{}}')::JSON"


def _assumed(files: Sequence[MappedFile]) -> Iterator[str]:
    """Yield counts of what the SELECTs do to rows: adding them up, rounding them."""
    for number, file in enumerate(files):
        named = _named(file)
        if _is_added_up(file):
            keys = ", ".join(named[field] for field in ("campaign_id", "starts_on", "ends_on", "currency") if field in named)
            yield (
                f"SELECT {quoted(f'rows of {file.path} added to another of their campaign and day')}, "
                f"(SELECT count(*) FROM {_table(number)}) - (SELECT count(*) FROM (SELECT DISTINCT {keys}, file_ms FROM {_table(number)}))"
            )
        for field in named:
            kind = _kind(file, field)
            if kind in MONEY and field in file.columns:
                digits = "6" if kind == "cost" else f"minor_digits({named['currency']})"
                part = f"length(rtrim(split_part({named[field]}, '.', 2), '0'))"
                yield (
                    f"SELECT {quoted(f'amounts of {file.path} with more decimals than the books hold, rounded half to even')}, "
                    f"count(*) FILTER ({part} > {digits}) FROM {_table(number)}"
                )
