"""Commands about the published snapshot: check, publish, sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nisba.cli.common import as_json, configured, emit, progress, say, table, write_page
from nisba.config import Config

if TYPE_CHECKING:
    from expectations.run import CheckReport

__all__ = ["check", "publish", "sources"]


@click.command()
@configured
@as_json
def check(config: Config, as_json: bool) -> None:
    """Check a candidate of the next snapshot against what must hold; publishes nothing.

    \b
    Example:
      nisba check --json
    """
    with progress("Waiting for whoever publishes …") as update:
        from expectations.publish import check_next
        from warehouse.connection import need_warehouse

        need_warehouse(config.warehouse.path)
        report = check_next(config, tell=update)
    _show_checks(report, as_json)


@click.command()
@configured
@as_json
def publish(config: Config, as_json: bool) -> None:
    """Check, then publish a snapshot for BI tools; when a check fails the last good one stays.

    \b
    Example:
      nisba publish
    """
    with progress("Waiting for whoever publishes …") as update:
        from expectations.publish import publish as run
        from warehouse.connection import need_warehouse

        need_warehouse(config.warehouse.path)
        done = run(config, tell=update)
    if as_json:
        emit({"snapshot": str(done.snapshot), "checks": list(done.report.results)})
        return
    for row in done.report.warnings:
        say(f"Warning: {row['table']} {row['name']}: {row['count']} rows. {row['reason']}")
    click.echo(f"Published {done.snapshot} after {len(done.report.results)} checks.")


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write. [default: print it]")
def sources(output: Path | None) -> None:
    """Describe the published snapshot as dbt sources: tables, columns, what they mean, and tests.

    \b
    Example:
      nisba sources --output models/sources.yml
    """
    from warehouse.models.sources import sources_yml

    if output is None:
        click.echo(sources_yml(), nl=False)
        return
    write_page(output, sources_yml())
    say(f"Wrote {output}.")


def _show_checks(report: CheckReport, as_json: bool) -> None:
    if as_json:
        emit(list(report.results))
        return
    rows = [[row["table"], row["name"], "ok" if row["success"] else row["severity"], row["reason"]] for row in report.results]
    table("Checks", [("table", "left"), ("expectation", "left"), ("result", "left"), ("why", "left")], rows)
