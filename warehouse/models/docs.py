"""Write `docs/tables.md` from the declarations: `python -m warehouse.models.docs docs/tables.md`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from warehouse.models.build import macros
from warehouse.models.check_files import checks_of
from warehouse.models.declarations import AcceptedRange, AcceptedValues, Column, DataTest, NotNull, Relationships, Table, tables

__all__ = ["main", "page"]

_HEAD = """\
# Reference: tables

What lies in the warehouse and in the published snapshot, table by table. Both carry the same descriptions in their catalogue
(`FROM duckdb_columns()`), where BI tools find them. `make docs` writes this page from the declarations in `warehouse/models/`.

| schema | what | in the snapshot |
|---|---|---|
| `marts` | figures by period, ready for a report | yes |
| `core` | the books: deals, journeys, dated entries, credits, costs | yes, without the columns and tables that name persons |
| `locked` | closed periods: frozen credits, and what incentive plans pay for them | yes, owners and payees only where shown |
| `ops` | offsets, dead letters, conflicts, held money, cycles | {of_ops} alone |
| `ledger` | every accepted event, one table per type, columns as in [events](events.md) | no |

Money is `DECIMAL(18,3)` (sums `DECIMAL(38,3)`), instants are `TIMESTAMP WITH TIME ZONE`, days are those of the reporting time zone.
In the marts, models and kinds of period are alternatives: a sum over them counts the same revenue several times. A unit of `currency`
is that of the column `currency` in the same row.
"""
_TITLES = {"marts": "Marts", "core": "The books", "locked": "Closed periods", "ops": "Operations", "ledger": "The ledger"}
_MAKERS = {"loader": "the loader fills it", "sql": "made by SQL", "python": "made by a function"}
_REFRESHED = {"cycle": "with every cycle", "flow": "by a flow"}

_HIDDEN = {False: "", True: " Stays out of snapshots.", "owner": " Stays out of snapshots unless owners are shown."}


def page() -> str:
    """Return the text of the page."""
    of_ops = ", ".join(f"`{table.name}`" for table in tables().values() if table.schema == "ops" and table.is_published)
    parts = [_HEAD.format(of_ops=of_ops)]
    for schema, title in _TITLES.items():
        inside = [table for table in tables().values() if table.schema == schema]
        if inside:
            parts += [f"## {title}\n", *map(_section, inside)]
        if schema == "marts":
            parts.append(_macros())
    return "\n".join(parts)


def _section(table: Table) -> str:
    grain = ", ".join(f"`{name}`" for name in table.grain) or "none, rows may repeat"
    lines = [
        f"### `{table.name}` ({table.kind})\n",
        f"{table.description}\n",
        f"Grain: {grain}. {_capitalized(_MAKERS[table.made_by])}, {_REFRESHED[table.refreshed_by]}; "
        f"{'published' if table.is_published else 'not published'}.\n",
        "| column | type | unit | meaning | tests |",
        "|---|---|---|---|---|",
        *map(_row, table.columns),
        "",
    ]
    laws = [f"* `{check.name}` ({check.severity}): {check.reason}" for check in checks_of(table)]
    return "\n".join([*lines, *(["Laws:\n", *laws, ""] if laws else [])])


def _row(column: Column) -> str:
    meaning = column.description + _HIDDEN[column.meta.personal]
    cells = (f"`{column.name}`", f"`{column.data_type}`", column.meta.unit, meaning, ", ".join(map(_test, column.data_tests)))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _test(test: DataTest) -> str:
    match test:
        case NotNull():
            return "not null"
        case AcceptedValues(values=values):
            return "one of " + ", ".join(f"`{value}`" for value in values)
        case AcceptedRange(min_value=least, max_value=most):
            return " and ".join(f"{word} {value:g}" for word, value in (("at least", least), ("at most", most)) if value is not None)
        case Relationships(to=to, field=field):
            return f"in `{to}.{field}`"
    return "unique"


def _macros() -> str:
    return "\n".join(["### Macros\n", "For queries that add up rows: the ROI of a sum is not the sum of ROIs.\n", *_macro_rows(), ""])


def _macro_rows() -> Iterator[str]:
    yield from ("| macro | value |", "|---|---|")
    for statement in macros().values():
        meaning, create = statement.split("\n", 1)
        name = create.removeprefix("CREATE OR REPLACE MACRO ").split(" AS", 1)[0]
        yield f"| `{name}` | {meaning.removeprefix('-- ')} |"


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def main(arguments: list[str] | None = None) -> int:
    """Write the page into the file that is named, or print it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m warehouse.models.docs", description="Write the page about the tables.")
    parser.add_argument("file", nargs="?", type=Path, help="file to write; by default the page is printed")
    file: Path | None = parser.parse_args(arguments).file
    if file is None:
        sys.stdout.write(page())
    else:
        file.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
