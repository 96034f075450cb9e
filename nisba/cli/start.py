"""Commands to begin with: init, simulate, serve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nisba.cli.common import as_json, configured, emit, progress, say, table
from nisba.config import Config, load_config
from nisba.errors import ConfigError, SourceError

__all__ = ["init", "serve", "simulate"]


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--force", is_flag=True, help="Replace an existing nisba.toml.")
def init(directory: Path, force: bool) -> None:
    """Write a nisba.toml to begin with, and an empty warehouse, into DIRECTORY (default: here).

    \b
    Example:
      nisba init books
    """
    from nisba.cli.template import TEMPLATE
    from warehouse.connection import open_writer

    file = directory / "nisba.toml"
    if file.exists() and not force:
        raise ConfigError(f"{file} exists already; `nisba init --force` replaces it.")
    directory.mkdir(parents=True, exist_ok=True)
    file.write_text(TEMPLATE, "utf-8")
    warehouse = directory / load_config(file).warehouse.path
    with open_writer(warehouse):
        pass
    click.echo(f"Wrote {file} and the empty warehouse {warehouse}.")
    say("Next: put your currency and lead sources into it, then `nisba backfill EVENTS_DIR` or `nisba topics --create`.")


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="The same seed gives the same bytes.")
@click.option("--accounts", type=click.IntRange(min=1), default=500, show_default=True, help="How many companies could buy.")
@click.option("--days", type=click.IntRange(min=1), default=540, show_default=True, help="How long the story is.")
@as_json
def simulate(out: Path, seed: int, accounts: int, days: int, as_json: bool) -> None:
    """Write the events of a company that does not exist into OUT, and the truth about them beside.

    \b
    Example:
      nisba simulate --seed 7 --accounts 500 --days 540 events
    """
    from simulator import simulate as write_story

    with progress(f"Simulating {accounts:,} accounts over {days:,} days …"):
        summary = write_story(seed, accounts, days, out)
    counts = {name: getattr(summary, name) for name in ("records", "touches", "deals", "won_deals", "dead_letters")}
    if as_json:
        emit({"directory": str(summary.directory), **counts})
        return
    table(
        f"Events in {out}", [("", "left"), ("count", "right")], [[name.replace("_", " "), f"{count:,}"] for name, count in counts.items()]
    )
    say(f"Next: `nisba backfill {out}`, or `nisba send {out}` into Kafka.")


@click.command()
@configured
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the Prefect server on 127.0.0.1. [default: a free one]")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), default=Path(".nisba/prefect"), show_default=True)
@click.option("--cron", default=None, help="Schedule of the daily flow. [default: that of prefect.yaml]")
@click.pass_context
def serve(ctx: click.Context, config: Config, port: int, home: Path, cron: str | None) -> None:
    """Run the scheduled flows on a local Prefect server, until Ctrl-C.

    \b
    Example:
      nisba serve --port 4200
    """
    from flows.server import prefect_server, serving

    with progress("Starting the Prefect server …") as update, prefect_server(home, port=port) as api_url:
        update("Serving the flows …")
        click.echo(f"Prefect: {api_url.removesuffix('/api')}   flows: catch_up (on demand), daily (scheduled). Ctrl-C ends both.")
        code = serving(api_url, home, config_file(ctx), config, cron)
    if code:
        raise SourceError(f"the flows ended with code {code}: their log is in {home / 'flows.log'}.")


def config_file(ctx: click.Context) -> str | None:
    """Return the configuration file of the command line, as an absolute path: the flows run elsewhere."""
    named: Any = ctx.params.get("config_file")
    found = Path(named) if named else Path("nisba.toml")
    return str(found.resolve()) if found.exists() else None
