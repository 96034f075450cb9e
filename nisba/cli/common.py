"""What the commands share: options, tables, progress. No logic of the product."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nisba.config import Config, load_config
from nisba.errors import ConfigError

if TYPE_CHECKING:
    import duckdb

__all__ = ["as_json", "as_rows", "configured", "emit", "in_language", "progress", "read_books", "say", "show", "table", "write_page"]


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


def in_language(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--lang`, and pass it the `words` of that language."""
    from reports.words import DEFAULT_LANGUAGE, languages, words

    @click.option(
        "--lang", type=click.Choice(languages()), default=DEFAULT_LANGUAGE, show_default=True, help="Language of words and figures."
    )
    @functools.wraps(function)
    def with_words(lang: str, **options: Any) -> Any:
        return function(words=words(lang), **options)

    return with_words


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


def show(text: str) -> None:
    """Print a page that a renderer made; it ends with a line break of its own."""
    click.echo(text, nl=False)


def table(title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]], *, caption: str | None = None) -> None:
    """Print a table; columns are (heading, justification), None is shown as a dash."""
    from reports.render.terminal import draw_table

    show(draw_table(title, columns, rows, caption))


def write_page(output: Path, page: str) -> None:
    """Write what `--output` names, and the folder where there is none; ConfigError where that cannot be."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(page, "utf-8")
    except OSError as error:
        raise ConfigError(f"--output {output}: cannot be written ({error.strerror}); name another file.") from None


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr that something goes on; yields a function that replaces the text. Texts are shown as they are, `[/b]` too."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    with console.status(Text(text)) as status:
        yield lambda text: status.update(Text(text))


@contextmanager
def read_books(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the books for reading: the warehouse, or the published snapshot while somebody writes."""
    from nisba.errors import LeaseTaken
    from warehouse.connection import open_reader
    from warehouse.models.publication import published

    with ExitStack() as stack:
        try:
            con = stack.enter_context(open_reader(config.warehouse.path))
        except LeaseTaken:
            snapshot = published(config)
            if snapshot is None:
                raise
            say(f"The warehouse is being written; this is the published snapshot {snapshot.name}.")
            con = stack.enter_context(open_reader(snapshot))
        yield con


def as_rows(found: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[Any]]:
    """Return some columns of dictionaries as rows."""
    return [[row[name] for name in names] for row in found]
