"""The command line. Each command lives in a module of its group and is imported only when it runs."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

import click

from nisba.errors import ConfigError, NisbaError

__all__ = ["cli", "main"]

# command → module of nisba.cli, and the line that `nisba --help` shows, so that help imports nothing
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Run the whole path once, on an embedded broker, and show what comes out."),
    "init": ("start", "Write a nisba.toml to begin with, and an empty warehouse."),
    "topics": ("events", "Show the Kafka topics, check them, create what is missing."),
    "simulate": ("start", "Write the events of a company that does not exist."),
    "adapters": ("pulling", "List the adapters, and look at a source with one before anything is read."),
    "pull": ("pulling", "Read the sources of the configuration, and send their events to Kafka."),
    "send": ("events", "Send a directory of events to Kafka."),
    "stream": ("events", "Read Kafka into the warehouse, exactly once, and keep the books up to date."),
    "backfill": ("events", "Read a directory of events and build all of core.* and marts.*."),
    "attribute": ("attribution", "Recompute the books of whatever is dirty, and build the marts."),
    "verify": ("attribution", "Recompute everything from the ledger and compare it with the books."),
    "explain": ("figures", "Explain every cent of a deal: journey, milestones, shares, entries."),
    "report": ("figures", "Show campaign ROI and marketing's share of the revenue."),
    "lock": ("locking", "Freeze the credits of a period that has ended, or replay a lock."),
    "diff": ("locking", "List what changed since a lock, and why."),
    "statement": ("locking", "Show what an incentive plan pays for a locked period."),
    "check": ("publication", "Check a candidate of the next snapshot against what must hold."),
    "publish": ("publication", "Check, then publish a snapshot for BI tools."),
    "sources": ("publication", "Describe the published snapshot as dbt sources."),
    "dead-letters": ("events", "List, show and replay records that could not become events."),
    "status": ("figures", "Show lag, dead letters, dirty accounts, held money and the last cycles."),
    "serve": ("start", "Run the scheduled flows on a local Prefect server."),
}


class _Lazy(click.Group):
    """A group that knows its commands by name, and imports one when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"nisba.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error of ours, or of a file that cannot be read or written, is one sentence, not a traceback."""
        try:
            return super().invoke(ctx)
        except NisbaError as error:
            if ctx.params.get("debug"):
                raise
            _fail(str(error))
            ctx.exit(2 if isinstance(error, ConfigError) else 1)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that nothing is flushed into the closed pipe
            ctx.exit(0)
        except OSError as error:
            if error.filename is None or ctx.params.get("debug"):
                raise
            _fail(f"{error.filename}: {error.strerror}.")
            ctx.exit(1)


def _fail(sentence: str) -> None:
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {sentence}", err=True)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="nisba")
@click.option("--debug", is_flag=True, hidden=True, help="Show tracebacks.")
def cli(debug: bool) -> None:
    """Tell, to the cent and with evidence, which marketing and sales work caused the revenue, and what it cost."""


def main() -> None:
    """Run the command line; the exit code is 0, 1 (a check failed, or an error), 2 (usage or configuration) or 130 (Ctrl-C)."""
    logging.basicConfig(level=logging.ERROR, format="%(message)s")  # libraries warn about what they do not find
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # what Beam logs it also raises
    interrupted = _note_interrupts()
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BaseException as error:
        if not interrupted.is_set() and not isinstance(error, click.exceptions.Abort):
            raise
        click.echo("Stopped.", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _note_interrupts() -> threading.Event:
    """Return an event that Ctrl-C sets: DuckDB, Beam and others turn the exception it raises into errors of their own."""
    interrupted = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # whoever started us may want us to go on
        signal.signal(signal.SIGINT, interrupt)
    return interrupted
