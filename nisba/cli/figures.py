"""Commands that show figures: report, explain, status."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from nisba.cli.common import as_json, configured, emit, in_language, progress, read_books, show, write_page
from nisba.config import Config
from nisba.errors import BrokerError, ConfigError, SourceError
from reports.words import Words, words

if TYPE_CHECKING:
    from reports.values import Checks, Report
    from warehouse.status import Status

__all__ = ["explain", "report", "status"]

LEFT_OUT_SHOWN = 20
CAMPAIGNS_SHOWN = 15
PAGES = (".html", ".md")


@click.command()
@configured
@click.option("--period", help="A month, quarter or year: 2026-03, 2026-Q1, 2026. [default: the latest year with revenue]")
@click.option("--model", help="A model's id. [default: the default model]")
@click.option("--all", "all_campaigns", is_flag=True, help="Every campaign and piece of advice, not only the first ones.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this .html or .md file instead.")
@in_language
@as_json
def report(
    config: Config, period: str | None, model: str | None, all_campaigns: bool, output: Path | None, words: Words, as_json: bool
) -> None:
    """Show campaign ROI, marketing's share of the revenue, and where there is most to gain.

    \b
    Example:
      nisba report --period 2026-Q1 --model linear
      nisba report --output report.html --lang ar
    """
    from reports.values import read_checks, read_report

    if output is not None and output.suffix not in PAGES:
        raise ConfigError(f"--output {output}: expected a file that ends in .html or .md.")
    with read_books(config) as con:
        found, checks = read_report(con, period=period, model=model), read_checks(con)
    if output is not None:
        from reports.render import html, markdown

        page = (html if output.suffix == ".html" else markdown).report_page(found, checks, words)
        write_page(output, page)
        click.echo(f"Wrote {output}.")
    elif as_json:
        emit(_as_json(found, checks, words))
    else:
        from reports.render.terminal import report_tables

        show(report_tables(found, checks, words, None if all_campaigns else CAMPAIGNS_SHOWN))


def _as_json(found: Report, checks: Checks, words: Words) -> dict[str, Any]:
    """Return a report as it is, each piece of advice with its sentence."""
    from reports.render.sentences import advice

    said = [{**asdict(piece), "sentence": sentence} for piece, sentence in zip(found.advice, advice(found, words), strict=True)]
    return {**asdict(found), "advice": said, "checks": asdict(checks)}


@click.command()
@click.argument("deal_id", metavar="DEAL")
@configured
@click.option("--model", help="A model's id. [default: the default model]")
@click.option("--all", "all_rows", is_flag=True, help="Every touch that was left out, not only the first ones.")
@in_language
@as_json
def explain(deal_id: str, config: Config, model: str | None, all_rows: bool, words: Words, as_json: bool) -> None:
    """Explain every cent of DEAL: journey, milestones, rule and shares, entries, events, and what was left out and why.

    \b
    Example:
      nisba explain D-1042 --model linear
    """
    with progress(f"Explaining {deal_id} …"), read_books(config) as con:
        from reports.explain import explain as run

        found = run(con, config, deal_id, model)
    if as_json:
        emit(asdict(found))
        return
    from reports.render.terminal import explained_deal

    show(explained_deal(found, words, None if all_rows else LEFT_OUT_SHOWN))


@click.command()
@configured
@as_json
def status(config: Config, as_json: bool) -> None:
    """Show lag, dead letters, dirty accounts, held money, what to look at, the last cycles and the last snapshot.

    \b
    Example:
      nisba status --json
    """
    from warehouse.status import read_status

    with read_books(config) as con:
        found = read_status(con, config)
    with progress(f"Asking Kafka at {config.kafka.bootstrap_servers} …"):
        lag, note = _lag(config, found)
    if as_json:
        offsets = [{"topic": t, "partition": p, "next_offset": o} for (t, p), o in sorted((found.offsets or {}).items())]
        emit({**asdict(found), "offsets": offsets, "lag": lag, "broker": note or "ok"})
        return
    from reports.render.terminal import lag_lines, status_tables

    show(status_tables(found, words()) + lag_lines(lag, note, words()))


def _lag(config: Config, found: Status) -> tuple[dict[str, int] | None, str | None]:
    """Return the records that wait, by topic, and what to know about it; None and why, where the broker does not tell."""
    if not found.offsets:
        return None, words()("status.nothing_read")
    from pipelines.broker.log_source import LogSource

    quick = msgspec.structs.replace(config.kafka, timeout_seconds=min(3, config.kafka.timeout_seconds))
    try:
        spans = LogSource(quick, skip_lost=True).plan(found.offsets)
    except (BrokerError, SourceError) as error:
        return None, str(error)
    lag = dict.fromkeys(sorted({topic for topic, _ in found.offsets}), 0)
    for span in spans:
        lag[span.topic] = lag.get(span.topic, 0) + span.end - span.start
    return lag, words()("status.ends_understated") if any(span.reads_on for span in spans) else None
