"""Commands that show figures: report, explain, status."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
import msgspec

from nisba.cli.common import as_json, as_rows, configured, emit, money, percent, progress, read_books, say, table
from nisba.config import Config
from nisba.errors import BrokerError, ConfigError, SourceError

if TYPE_CHECKING:
    from reports.explain import Explanation
    from reports.values import Report
    from warehouse.status import Status

__all__ = ["explain", "report", "show_report", "status"]

LEFT_OUT_SHOWN = 20
CAMPAIGNS_SHOWN = 15


@click.command()
@configured
@click.option("--period", help="A month, quarter or year: 2026-03, 2026-Q1, 2026. [default: the latest year with revenue]")
@click.option("--model", help="A model's id. [default: the default model]")
@click.option("--all", "all_campaigns", is_flag=True, help="Every campaign, not only the first ones.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this .html or .md file instead.")
@as_json
def report(config: Config, period: str | None, model: str | None, all_campaigns: bool, output: Path | None, as_json: bool) -> None:
    """Show campaign ROI and marketing's share of the revenue.

    \b
    Example:
      nisba report --period 2026-Q1 --model linear
      nisba report --output report.html
    """
    from reports.values import read_checks, read_report

    if output is not None and output.suffix not in (".html", ".md"):
        raise ConfigError(f"--output {output}: expected a file that ends in .html or .md.")
    with read_books(config) as con:
        found, checks = read_report(con, period=period, model=model), read_checks(con)
    if output is not None:
        from reports.pages import html, markdown

        output.write_text((html if output.suffix == ".html" else markdown)(found, checks), "utf-8")
        click.echo(f"Wrote {output}.")
    elif as_json:
        emit({**asdict(found), "checks": asdict(checks)})
    else:
        show_report(found, None if all_campaigns else CAMPAIGNS_SHOWN)


def show_report(found: Report, limit: int | None = None) -> None:
    """Print the two tables of a report."""
    columns = [("campaign", "left"), ("channel", "left"), *((name, "right") for name in ("cost", "revenue", "ROI", "realized ROI", "won"))]
    shown = found.campaigns[:limit]
    rows = [
        [
            row["campaign_name"],
            row["channel"],
            money(row["cost"]),
            money(row["revenue"]),
            _ratio(row["roi"]) or (row["roi_reason"] or "").replace("_", " "),
            _ratio(row["realized_roi"]),
            row["won_deals"],
        ]
        for row in shown
    ]
    hidden = len(found.campaigns) - len(shown)
    caption = f"{found.model}: {found.rule}" + (f"\n{hidden} more campaigns: --all shows them" if hidden else "")
    table(f"Campaign ROI {found.period}, {found.currency}", columns, rows, caption=caption)
    _show_share(found)


def _show_share(found: Report) -> None:
    from reports.values import MEASURES

    share = found.share
    if not share:
        say(f"No deal was won in {found.period}: there is no share to show.")
        return
    rows = [
        [
            words,
            money(share[name]),
            percent(share[f"{name}_pct"]),
            f"{float(share[f'{name}_deals']):,.4g}",
            percent(share[f"{name}_deals_pct"]),
        ]
        for name, words in MEASURES.items()
    ]
    columns = [
        ("marketing-driven revenue", "left"),
        ("revenue", "right"),
        ("share", "right"),
        ("deals", "right"),
        ("share of deals", "right"),
    ]
    gap = share["gap_to_target"]
    verdict = "" if gap is None else f"; attributed is {abs(gap):.1f} points {'above' if gap >= 0 else 'below'} it"
    won = f"won {money(share['won_revenue'])} {found.currency} in {share['won_deals']:,} deals"
    table(f"Marketing's share {found.period}: {won}", columns, rows, caption=f"target {found.target_pct:g} %{verdict}")


def _ratio(number: Any) -> str | None:
    return None if number is None else f"{100 * float(number):+,.0f} %"


@click.command()
@click.argument("deal_id", metavar="DEAL")
@configured
@click.option("--model", help="A model's id. [default: the default model]")
@click.option("--all", "all_rows", is_flag=True, help="Every touch that was left out, not only the first ones.")
@as_json
def explain(deal_id: str, config: Config, model: str | None, all_rows: bool, as_json: bool) -> None:
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
    _show_deal(found)
    _show_journey(found)
    _show_entries(found)
    _show_left_out(found, None if all_rows else LEFT_OUT_SHOWN)


def _show_deal(found: Explanation) -> None:
    deal = found.deal
    amount = "no amount" if deal["amount"] is None else f"{money(deal['amount'])} {deal['currency']}"
    dates = [f"{word} {_at(deal[name], found.time_zone)}" for word, name in _DATES if deal[name]]
    click.echo(f"Deal {deal['deal_id']} of {deal['account_id']}: {deal['status']}, {amount}; {', '.join(dates)}.")
    click.echo(f"Model {found.model}: {found.rule}. Times are {found.time_zone}.\n")


_DATES = (("lead created", "lead_created_at"), ("opened", "opened_at"), ("closed", "closed_at"))


def _show_journey(found: Explanation) -> None:
    if not found.touches:
        click.echo("No eligible touch: the whole deal is unattributed.\n")
        return
    columns = [("#", "right"), ("touched", "left"), ("holds", "left"), ("channel · kind · team", "left"), ("campaign", "left")]
    columns += [("share", "right"), ("credit", "right"), ("event", "left")]
    rows = [
        [
            row["ordinal"],
            _at(row["touched_at"], found.time_zone),
            row["position"] or None,
            " · ".join(filter(None, (row["channel"], row["kind"], row["team"]))),
            row["campaign_id"],
            percent(100 * float(row["share"]), 2) if row["share"] is not None else None,
            money(row["credit"]),
            _event(row["touch_source"], row["touch_id"], row),
        ]
        for row in found.touches
    ]
    caption = "FT first touch, LC lead creation, OC opportunity creation, CW last touch before the close; no share: no credit"
    table("Journey", columns, rows, caption=caption)


def _show_entries(found: Explanation) -> None:
    columns = [("#", "right"), ("entry", "left"), ("booked", "left"), ("amount", "right"), ("", "left")]
    columns += [(f"in {found.reporting_currency}", "right"), ("event", "left")]
    rows = [
        [
            row["entry_no"],
            row["entry"],
            row["booked_on"],
            money(row["amount"]),
            row["currency"],
            money(row["amount_reporting"]) or "held",
            _event(row["source"], row["event_id"], row),
        ]
        for row in found.entries
    ]
    table("Entries", columns, rows, caption="credits per touch and entry: --json")
    for row in found.held:
        say(f"Held: {row['kind']} {row['id']}: {row['detail'] or row['reason']}.")


def _show_left_out(found: Explanation, limit: int | None) -> None:
    if found.left_out is None:
        say("What was left out is known to the warehouse only; this is a published snapshot.")
        return
    if not found.left_out:
        click.echo("No touch of the account was left out.")
        return
    shown = found.left_out[:limit]
    hidden = len(found.left_out) - len(shown)
    rows = [
        [
            _at(row["touched_at"], found.time_zone),
            " · ".join(filter(None, (row["channel"], row["kind"], row["team"]))),
            row["detail"],
            _event(row["touch_source"], row["touch_id"], {}),
        ]
        for row in shown
    ]
    caption = f"{hidden:,} more: --all shows them" if hidden else None
    columns = [("touched", "left"), ("channel · kind · team", "left"), ("why", "left"), ("event", "left")]
    table("Left out", columns, rows, caption=caption)


def _event(source: str | None, event_id: str | None, row: dict[str, Any]) -> str | None:
    """Return an event's id and where it was read: `web t-17 @ marketing.touch/3/1042`."""
    if event_id is None:
        return None
    place = f" @ {row['topic']}/{row['kafka_partition']}/{row['kafka_offset']}" if row.get("topic") else ""
    return f"{source} {event_id}{place}"


def _at(instant: datetime | None, time_zone: str) -> str | None:
    return None if instant is None else f"{instant.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}"


@click.command()
@configured
@as_json
def status(config: Config, as_json: bool) -> None:
    """Show lag, dead letters, dirty accounts, held money, the last cycles and the last snapshot.

    \b
    Example:
      nisba status --json
    """
    from warehouse.status import read_status

    with read_books(config) as con:
        found = read_status(con, config)
    with progress(f"Asking Kafka at {config.kafka.bootstrap_servers} …"):
        lag, trouble = _lag(config, found)
    if as_json:
        offsets = [{"topic": t, "partition": p, "next_offset": o} for (t, p), o in sorted((found.offsets or {}).items())]
        emit({**asdict(found), "offsets": offsets, "lag": lag, "broker": trouble or "ok"})
        return
    _show_status(found)
    _show_lag(lag, trouble)


def _lag(config: Config, found: Status) -> tuple[dict[str, int] | None, str | None]:
    """Return the records that wait, by topic; None and why, where the broker does not tell."""
    if not found.offsets:
        return None, "nothing was read from Kafka yet"
    from pipelines.broker.log_source import LogSource

    quick = msgspec.structs.replace(config.kafka, timeout_seconds=min(3, config.kafka.timeout_seconds))
    try:
        spans = LogSource(quick, skip_lost=True).plan(found.offsets)
    except (BrokerError, SourceError) as error:
        return None, str(error)
    lag = dict.fromkeys(sorted({topic for topic, _ in found.offsets}), 0)
    for span in spans:
        lag[span.topic] = lag.get(span.topic, 0) + span.end - span.start
    return lag, "the embedded broker understates its ends: at least so many wait" if any(span.reads_on for span in spans) else None


def _show_lag(lag: dict[str, int] | None, trouble: str | None) -> None:
    if lag is None:
        click.echo(f"Lag: unknown; {trouble}")
        return
    table(
        "Lag",
        [("topic", "left"), ("records waiting", "right")],
        [[topic, f"{waiting:,}"] for topic, waiting in lag.items()],
        caption=trouble,
    )


def _show_status(found: Status) -> None:
    click.echo(f"Published: {found.published or 'nothing yet'}")
    if found.dirty_accounts is not None:
        click.echo(f"Dirty accounts: {found.dirty_accounts:,}   conflicts settled: {found.conflicts:,}")
    for title, names, rows in (
        ("Dead letters", ("error_class", "records", "latest"), found.dead_letters),
        ("Held", ("kind", "reason", "rows"), found.held),
    ):
        if rows:
            table(title, [(name.replace("_", " "), "left") for name in names], as_rows([_short(row) for row in rows], names))
        elif rows is not None:
            click.echo(f"{title}: none")
    counts = ("cycle_no", "kind", "started_at", "seconds", "records", "facts", "duplicates", "dead_letters", "deals", "credits")
    cycles = [_short({**row, "seconds": f"{row['seconds']:.2f}"}) for row in found.cycles]
    table("Last cycles", [(name.replace("_", " "), "right") for name in counts], as_rows(cycles, counts))


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value for name, value in row.items()}
