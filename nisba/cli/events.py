"""Commands that move events: topics, send, stream, backfill, dead-letters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from nisba.cli.common import as_json, as_rows, configured, emit, progress, read_books, say, table
from nisba.cli.pulling import SINCE, converted
from nisba.config import Config
from nisba.errors import CheckFailed, ConfigError, SourceError

if TYPE_CHECKING:
    from pipelines.broker.replay import ReplayReport

__all__ = ["backfill", "dead_letters", "send", "stream", "topics"]

WHERE = click.argument("where", required=False)
ADAPTER = click.option("--adapter", metavar="NAME", help="WHERE holds another system's tables: an adapter, its section or its folder.")


@click.command()
@configured
@click.option("--create", is_flag=True, help="Create what is missing; nothing is ever removed.")
@click.option("--replication", type=int, default=-1, help="Replication factor of new topics. [default: the broker's]")
@as_json
def topics(config: Config, create: bool, replication: int, as_json: bool) -> None:
    """Show the Kafka topics beside what is wanted; exit 1 where they differ.

    \b
    Example:
      nisba topics --create
    """
    from pipelines.broker.topics import create_topics, topic_states

    with progress(f"Asking Kafka at {config.kafka.bootstrap_servers} …"):
        states = create_topics(config.kafka, replication=replication) if create else topic_states(config.kafka)
    if as_json:
        emit([asdict(state) for state in states])
    else:
        rows = [[s.name, s.partitions, s.wanted_partitions, "; ".join(s.differences) or "ok"] for s in states]
        table("Topics", [("topic", "left"), ("partitions", "right"), ("wanted", "right"), ("state", "left")], rows)
    wrong = sum(bool(state.differences) for state in states)
    if wrong:
        raise CheckFailed(f"{wrong} of {len(states)} topics are not as wanted: `nisba topics --create` makes the missing ones.")


@click.command()
@WHERE
@configured
@ADAPTER
@SINCE
@as_json
def send(where: str | None, config: Config, adapter: str | None, since: dt.datetime | None, as_json: bool) -> None:
    """Send a directory of events to Kafka, each line as it is; or what an adapter makes of another system's tables.

    \b
    Example:
      nisba send events
      nisba send --adapter olist ~/olist
    """
    from pipelines.broker.producer import send_directory

    if since is not None and adapter is None:
        raise ConfigError("--since needs --adapter: a directory of events is sent as it is.")
    with _events_of(config, where, adapter, since) as directory, progress("Sending …") as update:
        report = send_directory(directory, config, on_progress=lambda count: update(f"Sending … {count:,} records"))
    if as_json:
        emit({"sent": dict(report.sent), "refused": report.refused, "seconds": round(report.seconds, 3)})
    else:
        rows = [[topic, f"{count:,}"] for topic, count in sorted(report.sent.items())]
        table(f"Sent in {report.seconds:.1f} s", [("topic", "left"), ("records", "right")], rows)
    if report.refused:
        raise CheckFailed(f"Kafka refused {len(report.refused):,} records, the first: {report.refused[0]}; all others are sent.")


@click.command()
@configured
@click.option("--until-caught-up", is_flag=True, help="End when there is nothing left to read.")
@click.option("--skip-lost", is_flag=True, help="Go on behind records that Kafka no longer has.")
def stream(config: Config, until_caught_up: bool, skip_lost: bool) -> None:
    """Read Kafka into the warehouse, exactly once, and keep the books up to date.

    Ctrl-C ends it after the cycle that is running, a second one at once.

    \b
    Example:
      nisba stream --until-caught-up
    """
    with progress(f"Reading Kafka at {config.kafka.bootstrap_servers} …"):
        from pipelines.stream import stop_on_signals
        from pipelines.stream import stream as run

        until: Literal["caught_up", "forever"] = "caught_up" if until_caught_up else "forever"
        with stop_on_signals() as stop:
            run(config, until=until, on_cycle=lambda cycle: say(str(cycle)), skip_lost=skip_lost, stop=stop)


@click.command()
@WHERE
@configured
@ADAPTER
@as_json
def backfill(where: str | None, config: Config, adapter: str | None, as_json: bool) -> None:
    """Read a directory of events (*.jsonl[.gz|.zst], *.parquet), or another system's tables, and build all of core.* and marts.*.

    Reading it again lands nothing twice. Records that are no events become dead letters; they are counted at the end.

    \b
    Example:
      nisba backfill events --config nisba.toml --warehouse warehouse.duckdb
      nisba backfill --adapter olist ~/olist --warehouse olist.duckdb
    """
    from pipelines.file_source import event_files

    if adapter is None:
        event_files(_named(where))  # before Beam is imported: a wrong folder is said at once
    with _events_of(config, where, adapter) as directory:
        counts = _backfill(directory, config)
    if as_json:
        emit({"warehouse": config.warehouse.path, **counts})
        return
    rows = [[name.replace("_", " "), f"{count:,}"] for name, count in counts.items()]
    table(f"Backfilled into {config.warehouse.path}", [("", "left"), ("count", "right")], rows)
    if counts["dead_letters"]:
        say(f"{counts['dead_letters']:,} records are no events: `nisba dead-letters list` says why.")


def _backfill(directory: Path, config: Config) -> dict[str, int]:
    with progress("Opening the warehouse …") as update:
        from pipelines.backfill import backfill as run
        from pipelines.catch_up import progress_text

        done = run(directory, config, on_step=lambda step, read: update(progress_text(step, read)))
    return {
        **{name: getattr(done.read, name) for name in ("records", "facts", "duplicates", "conflicts", "dead_letters")},
        "deals": done.attributed.deals,
        "credits": done.attributed.credits,
    }


@contextmanager
def _events_of(config: Config, where: str | None, adapter: str | None, since: dt.datetime | None = None) -> Iterator[Path]:
    """Yield a directory of events: the one named, or what an adapter makes of it."""
    if adapter is None:
        yield _named(where)
        return
    with converted(config, adapter, where, since) as directory:
        yield directory


def _named(where: str | None) -> Path:
    if where is None:
        raise ConfigError("name a directory of events, or an adapter whose section of the configuration has a `from`.")
    return Path(where)


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show and replay records that could not become events.

    \b
    Example:
      nisba dead-letters list --class schema
      nisba dead-letters show crm.deal/3/1042
      nisba dead-letters replay --class unknown_type
    """


def _known_class(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is not None:
        from schemas.refusals import ERROR_CLASSES

        if name not in ERROR_CLASSES:
            raise ConfigError(f"--class: there is no class {name!r}; there are: {', '.join(ERROR_CLASSES)}.")
    return name


CLASS = click.option(
    "--class",
    "error_class",
    metavar="CLASS",
    callback=_known_class,
    help="Only malformed, schema, unknown_type, oversized, corrupt or semantic.",
)
TOPIC = click.option("--topic", help="Only of this topic, or file.")


@dead_letters.command("list")
@configured
@CLASS
@TOPIC
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@as_json
def list_dead_letters(config: Config, error_class: str | None, topic: str | None, limit: int, as_json: bool) -> None:
    """List dead letters, the latest first.

    \b
    Example:
      nisba dead-letters list --class schema --json
    """
    from warehouse.dead_letters import count_dead_letters, find_dead_letters, place_of

    with read_books(config) as con:
        found = find_dead_letters(con, error_class=error_class, topic=topic, limit=limit)
        total = count_dead_letters(con, error_class=error_class, topic=topic)
    if as_json:
        emit([{name: row[name] for name in row if name not in ("key", "value", "headers")} for row in found])
        return
    columns = [("record", "left"), ("class", "left"), ("attempt", "right"), ("message", "left")]
    shown = [{**row, "record": place_of(row)} for row in found]
    caption = None if total <= limit else f"{limit:,} of {total:,}: --limit shows more"
    table("Dead letters", columns, as_rows(shown, ("record", "error_class", "attempt", "message")), caption=caption)


@dead_letters.command("show")
@click.argument("record")
@configured
@as_json
def show_dead_letter(record: str, config: Config, as_json: bool) -> None:
    """Show one dead letter, named as `list` does: TOPIC/PARTITION/OFFSET.

    \b
    Example:
      nisba dead-letters show crm.deal/3/1042
    """
    from warehouse.dead_letters import read_dead_letter

    with read_books(config) as con:
        found = read_dead_letter(con, record)
    found |= {name: _shown(found[name]) for name in ("key", "value")}
    if as_json:
        emit(found)
        return
    table(record, [("", "left"), ("", "left")], list(found.items()))


@dead_letters.command("replay")
@configured
@CLASS
@TOPIC
def replay_dead_letters(config: Config, error_class: str | None, topic: str | None) -> None:
    """Send dead letters to their topic and partition again, as they were: each once, after 3 attempts they stay parked.

    \b
    Example:
      nisba dead-letters replay --class unknown_type
    """
    with progress("Replaying dead letters …"):
        report = _replay(config, error_class, topic)
    click.echo(f"Replayed {len(report.sent):,}; {report.parked:,} stay parked.")
    if report.from_files:
        click.echo(f"{report.from_files:,} came from files, which have no topic to go back to: mend the files and backfill them again.")
    if report.refused:
        raise SourceError(f"Kafka refused {len(report.refused):,} of them, the first: {report.refused[0]}.")


def _replay(config: Config, error_class: str | None, topic: str | None) -> ReplayReport:
    """Send, then mark what was acknowledged; a process killed in between sends some twice, and identities tell."""
    from pipelines.broker.replay import replay
    from warehouse.connection import need_warehouse, open_writer
    from warehouse.dead_letters import mark_replayed, replayable_dead_letters

    need_warehouse(config.warehouse.path)
    with open_writer(config.warehouse.path) as con:
        report = replay(replayable_dead_letters(con, error_class=error_class, topic=topic), config)
        mark_replayed(con, report.sent, dt.datetime.now(dt.timezone.utc))
    return report


def _shown(content: Any) -> str | None:
    """Return bytes as text for people; the first 4,000 characters."""
    return None if content is None else bytes(content).decode("utf-8", "backslashreplace")[:4000]
