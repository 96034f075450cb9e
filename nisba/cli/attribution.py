"""Commands that make and prove the books: attribute, verify."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nisba.cli.common import as_json, configured, emit, progress, say, table
from nisba.config import Config
from nisba.errors import CheckFailed

if TYPE_CHECKING:
    from warehouse.recompute.verification import Verification

__all__ = ["attribute", "verify"]


@click.command()
@configured
@click.option("--all", "everything", is_flag=True, help="Recompute everything, dirty or not.")
@as_json
def attribute(config: Config, everything: bool, as_json: bool) -> None:
    """Recompute the books of whatever is dirty, and build the marts.

    A changed configuration makes everything dirty, and so does a version of nisba with other rules.

    \b
    Example:
      nisba attribute
      nisba attribute --all
    """
    with progress("Opening the warehouse …") as update:
        from pipelines.catch_up import catch_up, progress_text
        from warehouse.connection import need_warehouse, open_writer

        need_warehouse(config.warehouse.path)
        with open_writer(config.warehouse.path) as con:
            done = catch_up(con, None, config, everything=everything, on_step=lambda step, read: update(progress_text(step, read)))
    report = done.attributed
    if as_json:
        emit(asdict(report))
        return
    what = f"everything, {report.accounts:,} accounts" if report.everything else f"{report.accounts:,} accounts"
    click.echo(f"Attributed {what}: {report.deals:,} deals, {report.credits:,} credits; the marts are built.")


@click.command()
@configured
@click.option("--fast", is_flag=True, help="Only the deals of a sample of accounts.")
@as_json
def verify(config: Config, fast: bool, as_json: bool) -> None:
    """Recompute everything from the ledger and compare it with the books, their settings and the marts.

    Exit 1 where rows differ, with the first of them and the command that puts them right.

    \b
    Example:
      nisba verify --fast
    """
    from warehouse.connection import need_warehouse, open_writer

    need_warehouse(config.warehouse.path)
    with progress("Recomputing …") as update:
        from warehouse.recompute.verification import verify as run

        with open_writer(config.warehouse.path) as con:
            update("Recomputing from the ledger and comparing …")
            found = run(con, config, fast=fast)
    if as_json:
        emit(asdict(found))
    else:
        _show_verification(found)
    if found.differing:
        raise CheckFailed(f"{found.differing:,} rows differ from what the ledger says: `{found.mended_by}` after a look at them.")


def _show_verification(found: Verification) -> None:
    rows = [[name, f"{count:,}"] for name, count in found.rows.items()]
    verdict = "no difference" if not found.differing else f"{found.differing:,} rows differ"
    table(f"Verified: {verdict}", [("table", "left"), ("rows recomputed", "right")], rows)
    for difference in found.differences:
        say(f"{difference.side} in {difference.table}: {', '.join(f'{name}={value}' for name, value in difference.row.items())}")
