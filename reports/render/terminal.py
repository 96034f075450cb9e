"""Reports for a terminal, drawn by rich. Every function returns text that ends with a line break; who calls it prints."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.render import formats, sentences, tables
from reports.words import Words

if TYPE_CHECKING:
    from reports.explain import Explanation
    from reports.values import Arrivals, Checks, Report
    from warehouse.status import Status

__all__ = ["draw_table", "explained_deal", "lag_lines", "report_tables", "status_tables", "what_was_checked"]

WIDTH = 120
"""Columns of a table that goes into a file or a pipe."""
ADVICE_SHOWN = 5
_DIRECTIONS = dict.fromkeys((0x061C, 0x2066, 0x2068, 0x2069))
"""Signs that turn the direction of text: terminals count a place for each of them, or know its direction themselves."""


def draw_table(
    title: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Any]],
    caption: str | None = None,
    faint: Collection[tuple[int, int]] = (),
) -> str:
    """Draw a table under its title; columns are (heading, justification), None is shown as a dash, faint cells (row, column) are dim.

    Cells are text: what looks like rich's markup or like a terminal's control sequence is shown, not obeyed.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, markup=False, emoji=False)
    drawn = Table(header_style="bold")
    for heading, justify in columns:
        drawn.add_column(_shown(heading), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for place, row in enumerate(rows):
        drawn.add_row(*(Text(_shown(cell), style="dim" if (place, at) in faint else "") for at, cell in enumerate(row)))
    with console.capture() as capture:
        console.print(_shown(title), style="bold")  # not the table's own title, which wraps at the table's width
        console.print(drawn)
        if caption:
            console.print(_shown(caption), style="italic")
    return capture.get()


def _shown(cell: Any) -> str:
    return formats.NOTHING if cell is None else "\n".join(map(_plain, str(cell).split("\n")))


def _plain(text: str) -> str:
    return formats.one_line(text).translate(_DIRECTIONS)


def _draw(title: str, table: tables.Table, caption: str | None = None) -> str:
    columns = [(heading, "right" if place in table.numbers else "left") for place, heading in enumerate(table.headings)]
    return draw_table(title, columns, table.rows, caption, table.faint)


def _line(text: str) -> str:
    return _plain(text) + "\n"


def report_tables(report: Report, checks: Checks, words: Words, limit: int | None = None) -> str:
    """Show campaign ROI, the first `limit` campaigns, marketing's share, and advice; then whatever the checks warn of."""
    hidden = len(report.campaigns) - len(report.campaigns[:limit])
    caption = "\n".join([words("campaigns.model", model=report.model, rule=report.rule), *sentences.positive(report, words)])
    if hidden:
        caption += "\n" + words("campaigns.hidden", count=formats.count(hidden))
    title = words("campaigns.title", period=sentences.period(report.period, words), currency=report.currency)
    parts = [_draw(title, tables.campaign_table(report, words, limit, is_narrow=True), caption), _share(report, words)]
    parts.append(_advice(report, words, None if limit is None else ADVICE_SHOWN))
    return "".join([*parts, *map(_line, sentences.warnings(checks, words))])


def _share(report: Report, words: Words) -> str:
    if not report.share:
        return _line(words("share.none", period=sentences.period(report.period, words)))
    won = formats.money(report.share["won_revenue"], report.currency)
    counted = formats.count(report.share["won_deals"])
    title = words("share.title", period=sentences.period(report.period, words), revenue=won, currency=report.currency, deals=counted)
    return _draw(title, tables.share_table(report, words), sentences.share_against_target(report, words))


def _advice(report: Report, words: Words, limit: int | None) -> str:
    said = sentences.advice(report, words)
    if not said:
        return ""
    lines = [words("advice.line", rank=formats.count(rank), sentence=text) for rank, text in enumerate(said[:limit], start=1)]
    pieces = [_wrapped(line, "   ") for line in lines]
    hidden = len(said) - len(pieces)
    more = [_line(words("advice.hidden", count=formats.count(hidden)))] if hidden else []
    return "".join([_line(words("advice.heading")), *pieces, *more, *map(_wrapped, sentences.about_advice(report, words))])


def _wrapped(text: str, indent: str = "") -> str:
    whole = _plain(text).replace(" %", "\u00a0%")  # a number and its sign stay on one line
    lines = textwrap.fill(whole, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\u00a0%", " %") + "\n"


def what_was_checked(checks: Checks, arrivals: Arrivals, currency: str, words: Words) -> str:
    """Show what the demo proves, indented under a heading."""
    lines = [f"  {line}" for line in sentences.arrived(checks, arrivals, currency, words)]
    return "".join(map(_line, [words("demo.checked"), *lines]))


def explained_deal(found: Explanation, words: Words, limit: int | None = None) -> str:
    """Show a deal, its journey, its entries, and the first `limit` touches that were left out."""
    parts = [_deal(found, words), _journey(found, words), _entries(found, words), _left_out(found, words, limit)]
    return "".join(parts)


def _deal(found: Explanation, words: Words) -> str:
    deal = found.deal
    amount = words("deal.no_amount") if deal["amount"] is None else _money(deal, words)
    dates = words.listed(words(key, at=formats.at(deal[name], found.time_zone)) for key, name in _DATES if deal[name])
    status = words.named("deal_status", deal["status"])
    summary = words(
        "deal.summary",
        deal=_named(deal, "deal_id", "name"),
        account=_named(deal, "account_id", "account_name"),
        status=status,
        amount=amount,
        dates=dates,
    )
    return _line(summary) + _line(words("deal.model", model=found.model, rule=found.rule, time_zone=found.time_zone)) + "\n"


def _money(deal: Mapping[str, Any], words: Words) -> str:
    return words("deal.amount", amount=formats.money(deal["amount"], deal["currency"]), currency=deal["currency"])


def _named(deal: Mapping[str, Any], key: str, name: str) -> str:
    return formats.with_name(deal[key], deal[name])


_DATES = (("deal.lead_created", "lead_created_at"), ("deal.opened", "opened_at"), ("deal.closed", "closed_at"))


def _journey(found: Explanation, words: Words) -> str:
    if not found.touches:
        return _line(words("journey.none")) + "\n"
    return _draw(words("journey.title"), tables.journey_table(found, words), words("journey.legend"))


def _entries(found: Explanation, words: Words) -> str:
    drawn = _draw(words("entries.title"), tables.entry_table(found, words), words("entries.legend"))
    held = [words("entries.held_row", kind=row["kind"], id=row["id"], reason=row["detail"] or row["reason"]) for row in found.held]
    return drawn + "".join(map(_line, held))


def _left_out(found: Explanation, words: Words, limit: int | None) -> str:
    if found.left_out is None:
        return _line(words("left_out.unknown"))
    if not found.left_out:
        return _line(words("left_out.none"))
    hidden = len(found.left_out) - len(found.left_out[:limit])
    caption = words("left_out.hidden", count=formats.count(hidden)) if hidden else None
    return _draw(words("left_out.title"), tables.left_out_table(found, words, limit), caption)


def status_tables(found: Status, words: Words) -> str:
    """Show the state of a warehouse, or as much as a snapshot knows of it."""
    parts = [_line(words("status.published", snapshot=found.published or words("status.nothing_published")))]
    if found.dirty_accounts is not None:
        waiting = {"accounts": formats.count(found.dirty_accounts), "conflicts": formats.count(found.conflicts)}
        parts.append(_line(words("status.waiting", **waiting)))
    if found.dead_letters is not None:
        parts.append(
            _drawn_or(words("status.dead_letters"), tables.dead_letter_table(found.dead_letters, words), words("status.no_dead_letters"))
        )
    if found.held is not None:
        parts.append(_drawn_or(words("status.held"), tables.held_table(found.held, words), words("status.no_held")))
    if found.data_issues is not None:
        issues = tables.data_issue_table(found.data_issues, words)
        parts.append(_drawn_or(words("status.data_issues"), issues, words("status.no_data_issues")))
    return "".join([*parts, _draw(words("status.cycles"), tables.cycle_table(found.cycles, words))])


def _drawn_or(title: str, table: tables.Table, without: str) -> str:
    return _draw(title, table) if table.rows else _line(without)


def lag_lines(lag: Mapping[str, int] | None, note: str | None, words: Words) -> str:
    """Show how many records wait; `note` says why that is unknown, or what to know about it."""
    if lag is None:
        return _line(words("status.lag_unknown", why=note or formats.NOTHING))
    return _draw(words("status.lag"), tables.lag_table(lag, words), note)
