"""Commands over the sources that a firm has: adapters, pull."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nisba.cli.common import as_json, configured, emit, progress, say, table
from nisba.config import Config
from nisba.errors import CheckFailed, ConfigError, Refused

if TYPE_CHECKING:
    from adapters import Conversion, Examination

__all__ = ["SINCE", "adapters", "converted", "pull"]


@click.group()
def adapters() -> None:
    """List the adapters, and look at a place with one before anything is read.

    \b
    Example:
      nisba adapters list
      nisba adapters check salesforce exports/salesforce
    """


@adapters.command("list")
@configured
@as_json
def list_adapters(config: Config, as_json: bool) -> None:
    """List the adapters there are, and the sections of the configuration that use them.

    \b
    Example:
      nisba adapters list
    """
    from adapters import adapter
    from adapters import adapters as names

    rows = [{"name": one.name, "title": one.title, "settings": sorted(one.settings)} for one in map(adapter, names())]
    sections = [
        {"section": name, "adapter": given.get("adapter", name), "from": given.get("from")} for name, given in config.adapters.items()
    ]
    if as_json:
        emit({"adapters": rows, "sections": sections})
        return
    table("Adapters", [("adapter", "left"), ("reads", "left")], [[row["name"], row["title"]] for row in rows])
    if sections:
        columns = [("section", "left"), ("adapter", "left"), ("from", "left")]
        table("Sections of the configuration", columns, [list(section.values()) for section in sections])


@adapters.command("check")
@click.argument("name")
@click.argument("where", required=False)
@configured
@as_json
def check_adapter(name: str, where: str | None, config: Config, as_json: bool) -> None:
    """Tell what an adapter finds at a place: tables, columns, values without an answer, events. Nothing is written.

    NAME is an adapter, a section of [adapters.*], or the folder of an adapter of your own; WHERE a folder, a file, or a database
    (`lake.duckdb#schema`, `postgres://host/database#schema`), by default the section's `from`. Exit 1 where values have no answer.

    \b
    Example:
      nisba adapters check salesforce exports/salesforce
    """
    from adapters import examine, pulls

    (chosen,) = pulls(config, name, where)
    with progress(f"Looking at {chosen.where} …"):
        found = examine(chosen, config)
    if as_json:
        emit(_plain(found))
    else:
        _show(found)
    if found.unmapped:
        settings = dict.fromkeys(setting for setting, _, _ in found.unmapped)
        _propose(chosen.section, settings, found)
        raise CheckFailed(
            f"{len(found.unmapped):,} values have no answer: nothing is read until [adapters.{chosen.section}] says what they are."
        )


def _plain(found: Examination) -> dict[str, Any]:
    return {
        "tables": [{"name": t.name, "found": t.found, "missing": t.missing, "unused": t.unused} for t in found.tables],
        "unread": found.unread,
        "unmapped": [{"setting": setting, "value": value, "rows": rows} for setting, value, rows in found.unmapped],
        "events": found.events,
        "left_out": found.left_out,
        "assumed": found.assumed,
        "proposed": [{"section": section, "line": line} for section, line in found.proposed],
    }


def _show(found: Examination) -> None:
    if found.tables:
        rows = [[t.name, t.found or "–", ", ".join(t.missing) or "none"] for t in found.tables]
        table("Tables", [("table", "left"), ("found as", "left"), ("columns that are not there", "left")], rows)
    if found.unread:
        say(f"Read by nobody: {', '.join(found.unread)}")
    if found.events:
        table("Events", [("type", "left"), ("events", "right")], [[name, f"{count:,}"] for name, count in found.events.items()])
    tell(found.left_out, found.assumed)
    if found.proposed:
        say("\nThe source itself suggests, for nisba.toml:")
    for section in dict.fromkeys(section for section, _ in found.proposed):
        say(f"\n[{section}]")
        for line in (line for named, line in found.proposed if named == section):
            say(line)


def _propose(section: str, settings: dict[str, None], found: Examination) -> None:
    say("\nTo say what they are, in nisba.toml:")
    for setting in settings:
        values = [(value, rows) for named, value, rows in found.unmapped if named == setting]
        say(f"[adapters.{section}.{setting}]")
        for value, rows in values:
            say(f'"{value}" = "…"  # {rows:,} rows')


def tell(left_out: Any, assumed: Any) -> None:
    """Say what an adapter left out, and what it kept under an assumption."""
    for reason, count in left_out.items():
        say(f"Left out by the adapter: {count:,} {reason}")
    for reason, count in assumed.items():
        say(f"Kept, though: {count:,} {reason}")


def _instant(_: click.Context, __: click.Parameter, text: str | None) -> dt.datetime | None:
    """Read an instant with its offset, as events have it."""
    if text is None:
        return None
    from schemas.kinds import parse_instant

    try:
        return parse_instant(text, "--since")
    except Refused:
        raise ConfigError(f"--since: expected an instant with its offset, such as 2026-03-31T00:00:00Z, found {text!r}.") from None


SINCE = click.option(
    "--since", callback=_instant, metavar="INSTANT", help="Only events of this time or later, for nightly sends that stay small."
)


@contextmanager
def converted(config: Config, name: str, where: str | None, since: dt.datetime | None = None) -> Iterator[Path]:
    """Yield a directory with the events that an adapter makes of a place; what it left out and assumed is said."""
    from adapters import convert, pulls

    (chosen,) = pulls(config, name, where)
    with tempfile.TemporaryDirectory(prefix="nisba-") as folder:
        with progress(f"Converting {chosen.where} …"):
            made: Conversion = convert(chosen, config, folder, since=since)
        tell(made.left_out, made.assumed)
        yield made.directory


@click.command()
@click.argument("sections", nargs=-1)
@configured
@SINCE
@as_json
def pull(sections: tuple[str, ...], config: Config, since: dt.datetime | None, as_json: bool) -> None:
    """Read every source of [adapters.*] that has a `from`, and send its events to Kafka; the same again changes nothing.

    SECTIONS reads only these.

    \b
    Example:
      nisba pull
      nisba pull salesforce --since 2026-03-01T00:00:00Z
    """
    from flows.pull import pull as run

    for name in sections:
        if name not in config.adapters:
            raise ConfigError(f"there is no section [adapters.{name}]; there are: {', '.join(config.adapters) or 'none'}.")
        if not config.adapters[name].get("from"):
            raise ConfigError(f"adapters.{name}: it has no `from`, which says where its tables are.")
    with progress("Pulling …") as update:
        done = run(config, sections or None, since=since, on_source=lambda name: update(f"Pulling {name} …"))
    if as_json:
        emit([{"section": one.section, "events": one.events, "left_out": one.left_out, "assumed": one.assumed} for one in done])
        return
    for one in done:
        tell(one.left_out, one.assumed)
    table("Pulled", [("section", "left"), ("events", "right")], [[one.section, f"{one.events:,}"] for one in done])
