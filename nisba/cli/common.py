"""What the commands share: options, tables, progress. No logic of the product."""

from __future__ import annotations

import datetime as dt
import functools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from nisba.config import Config, load_config

if TYPE_CHECKING:
    import duckdb

__all__ = ["as_json", "configured", "emit", "money", "percent", "progress", "read_books", "say", "table"]


def configured(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--config` and `--warehouse`, and pass it the `config` that they make."""

    @click.option("--config", "config_file", type=click.Path(dir_okay=False), help="Configuration file. [default: nisba.toml, if there]")
    @click.option("--warehouse", type=click.Path(dir_okay=False), help="Warehouse file. [default: that of the configuration]")
    @functools.wraps(function)
    def with_config(config_file: str | None, warehouse: str | None, **options: Any) -> Any:
        return function(config=load_config(config_file, overrides={"warehouse.path": warehouse}), **options)

    return with_config


def as_json(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(function)


def emit(value: Any) -> None:
    """Print a value as JSON; money as strings, instants in ISO 8601."""
    click.echo(json.dumps(value, default=_plain, indent=2, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def say(text: str = "") -> None:
    """Print a line of a command's talk, on stderr: stdout is for results."""
    click.echo(text, err=True)


def table(title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]], *, caption: str | None = None) -> None:
    """Print a table; columns are (header, justification), None is shown as a dash."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    drawn = Table(header_style="bold")
    for header, justify in columns:
        drawn.add_column(header, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        drawn.add_row(*("–" if cell is None else str(cell) for cell in row))
    console.print(title, style="bold")  # not the table's own title, which wraps at the table's width
    console.print(drawn)
    if caption:
        console.print(caption, style="italic")


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr that something goes on; yields a function that replaces the text."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status(text) as status:
        yield status.update


@contextmanager
def read_books(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the books for reading: the warehouse, or the published snapshot while somebody writes."""
    from nisba.errors import LeaseTaken
    from warehouse.connection import open_reader
    from warehouse.models.publication import published

    try:
        with open_reader(config.warehouse.path) as con:
            yield con
            return
    except LeaseTaken:
        snapshot = published(config)
        if snapshot is None:
            raise
        say(f"The warehouse is being written; this is the published snapshot {snapshot.name}.")
    with open_reader(snapshot) as con:
        yield con


def money(amount: Decimal | None) -> str | None:
    """Return an amount for people: thousands separated, two decimals."""
    return None if amount is None else f"{amount:,.2f}"


def percent(part: float | None, digits: int = 1) -> str | None:
    """Return a percentage for people."""
    return None if part is None else f"{part:,.{digits}f} %"


def as_rows(found: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[Any]]:
    """Return some columns of dictionaries as rows."""
    return [[row[name] for name in names] for row in found]
