"""`nisba demo`: the whole path once, inside one folder, with a broker and a Prefect server that live as long as the command."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import click

from nisba.cli.common import progress, say, show
from nisba.config import Config, load_config
from nisba.errors import SourceError

__all__ = ["demo"]

SETTINGS = """
# The demo's own; all of this file is written again by every run.
[kafka]
bootstrap_servers = "{address}"
[warehouse]
path = "{folder}/warehouse.duckdb"
[publish]
directory = "{folder}/published"
"""

NEXT = """
Next:
  .venv/bin/nisba explain {deal} --config {here}/nisba.toml
  .venv/bin/python -c "import duckdb; duckdb.connect('{here}/published/nisba.duckdb').sql('FROM marts.campaign_roi').show()"
  open {here}/report.html
"""

CAMPAIGNS_SHOWN = 12


@dataclass(frozen=True)
class Place:
    """Where everything of the demo lies."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / "nisba.toml"

    @property
    def events(self) -> Path:
        return self.folder / "events"

    @property
    def prefect(self) -> Path:
        return self.folder / "prefect"

    def write_settings(self, address: str) -> None:
        """Write the demo's nisba.toml: what the simulated company's teams agreed on, the broker's address, and the folders."""
        from simulator import agreements

        self.settings.write_text(agreements() + SETTINGS.format(address=address, folder=self.folder.as_posix()), "utf-8")

    def prepare(self) -> None:
        """Begin anew: an earlier demo's folder goes, another folder of somebody's does not."""
        if self.folder.exists():
            if any(self.folder.iterdir()) and not self.settings.exists():
                raise SourceError(f"{self.folder} holds something else: name another folder with --folder.")
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        self.settings.write_text("", "utf-8")


@click.command()
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), default=Path(".demo"), show_default=True, help="Replaced by each run."
)
@click.option("--accounts", type=click.IntRange(min=1), default=280, show_default=True)
@click.option("--days", type=click.IntRange(min=1), default=731, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
def demo(folder: Path, accounts: int, days: int, seed: int) -> None:
    """Run the whole path once, on an embedded broker, and show what comes out.

    Simulate → Kafka → stream → attribute → build → check → publish → report. Everything stays in one folder; nothing keeps running.

    \b
    Example:
      nisba demo
    """
    started = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    place = Place(folder.resolve())
    place.prepare()
    with ExitStack() as stack, progress("Starting a broker and a Prefect server …") as update:
        config = _play(place, stack, update, (seed, accounts, days))
    _show(config, place, time.monotonic() - started)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _play(place: Place, stack: ExitStack, update: Any, story: tuple[int, int, int]) -> Config:
    """Run the path; the slow start of the Prefect server goes on beside simulating and streaming."""
    from flows.server import prefect_server, wait_until_ready
    from pipelines.broker.embedded_broker import embedded_broker

    api_url = stack.enter_context(prefect_server(place.prefect, wait=False))
    address = stack.enter_context(embedded_broker())
    place.write_settings(address)
    config = load_config(place.settings, environment={})
    _simulate_and_send(place, config, update, story)
    _stream(config, update)
    update("Waiting for the Prefect server …")
    wait_until_ready(api_url)
    update("Prefect flow catch_up: ingest, attribute, build, check, publish, report (half a minute) …")
    _run_flow(place, api_url)
    return config


def _simulate_and_send(place: Place, config: Config, update: Any, story: tuple[int, int, int]) -> None:
    from pipelines.broker.producer import send_directory
    from pipelines.broker.topics import create_topics
    from simulator import simulate

    update(f"Simulating {story[1]:,} accounts over {story[2]:,} days …")
    summary = simulate(*story, place.events)
    say(f"Simulated {summary.records:,} records: {summary.touches:,} touches, {summary.deals:,} deals, of them {summary.won_deals:,} won.")
    topics = create_topics(config.kafka)
    update("Sending …")
    report = send_directory(place.events, config)
    say(f"Sent {report.records:,} records to {len(topics) // 2} topics; the broker refused {len(report.refused):,}.")


def _stream(config: Config, update: Any) -> None:
    from pipelines.stream import stream

    update("Streaming: reading Kafka into the warehouse …")
    started = time.monotonic()
    stream(config, until="caught_up", on_cycle=lambda cycle: update(f"Streaming: {cycle}"))
    say(f"Streamed until caught up in {time.monotonic() - started:.1f} s.")


def _run_flow(place: Place, api_url: str) -> None:
    from flows.server import child, environment

    log = place.folder / "flow.log"
    command = [sys.executable, "-m", "flows.serving", "--once", "--config", str(place.settings)]
    started = time.monotonic()
    with child(command, environment(place.prefect, api_url), log) as process:
        code = process.wait()
    if code:
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
        raise SourceError(f"the flow catch_up ended with code {code}: {' '.join(last)}; all of it is in {log}.")
    say(f"Prefect flow catch_up completed in {time.monotonic() - started:.1f} s.")


def _show(config: Config, place: Place, seconds: float) -> None:
    """Print what came out, what was checked, and what to do next."""
    from reports.render import html, terminal
    from reports.values import read_arrivals, read_checks, read_example_deal, read_report
    from reports.words import words
    from warehouse.connection import open_reader
    from warehouse.models.publication import published

    snapshot = published(config)
    assert snapshot is not None
    with open_reader(snapshot) as con:
        report, checks, deal = read_report(con), read_checks(con), read_example_deal(con)
    with open_reader(config.warehouse.path) as con:
        arrivals = read_arrivals(con)
    (place.folder / "report.html").write_text(html.report_page(report, checks, words()), "utf-8")
    show(terminal.report_tables(report, checks, words(), CAMPAIGNS_SHOWN))
    show("\n" + terminal.what_was_checked(checks, arrivals, report.currency, words()))
    here = place.folder.relative_to(Path.cwd()) if place.folder.is_relative_to(Path.cwd()) else place.folder
    show(NEXT.format(here=here, deal=deal or "DEAL"))
    say(f"\nDone in {seconds:.0f} s; nothing keeps running, everything is in {here}.")
