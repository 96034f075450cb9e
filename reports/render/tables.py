"""The tables of reports as cells of text, before a medium draws them. Names stay as they are: each medium escapes what it must."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reports.render import formats
from reports.values import Campaign, Measure, Report, measures
from reports.words import Words
from warehouse.data_issues import DataIssue

if TYPE_CHECKING:
    from reports.explain import Explanation  # imports the attribution core, which a report does not need

__all__ = [
    "Table",
    "campaign_table",
    "cycle_table",
    "data_issue_table",
    "dead_letter_table",
    "entry_table",
    "held_table",
    "journey_table",
    "lag_table",
    "left_out_table",
    "share_table",
]


RIPE_PCT = 60
"""From how much of its return on a period is judged by it."""


@dataclass(frozen=True)
class Table:
    """Headings, and rows of as many cells of text."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int]
    """Positions of the columns that hold numbers: they stand to the right."""
    faint: frozenset[tuple[int, int]] = frozenset()
    """Cells, by row and column, that are not to be relied upon yet: they are grey."""


def _table(words: Words, columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> Table:
    """Make a table; columns are named by their keys in the catalogue."""
    headings = tuple(words.named("column", name) for name in columns)
    return Table(headings, tuple(tuple(map(words.shown, row)) for row in rows), frozenset(columns.index(name) for name in numbers))


def campaign_table(report: Report, words: Words, limit: int | None = None, *, is_narrow: bool = False) -> Table:
    """Return the campaigns of a report, or the first `limit` of them; a narrow table has shorter headings.

    Realized figures that are too young to judge are faint.
    """
    realized, matured, won = ("realized", "ripe", "won") if is_narrow else ("realized_roi", "matured", "won_deals")
    numbers = ("cost", "revenue", "roi", realized, matured, won)
    columns = ("campaign", "channel", *numbers)
    shown = report.campaigns[:limit]
    table = _table(words, columns, [_campaign(row, report.currency, words) for row in shown], numbers)
    young = {place for place, row in enumerate(shown) if row.matured_pct is not None and row.matured_pct < RIPE_PCT}
    return replace(table, faint=frozenset((place, columns.index(name)) for place in young for name in (realized, matured)))


def _campaign(row: Campaign, currency: str, words: Words) -> list[str]:
    reason = words.named("roi_reason", row.roi_reason) if row.roi_reason else formats.NOTHING
    return [
        row.campaign_name,
        row.channel or formats.NOTHING,
        formats.money(row.cost, currency),
        formats.money(row.revenue, currency),
        reason if row.roi is None else formats.ratio(row.roi),
        formats.ratio(row.realized_roi),
        formats.percent(row.matured_pct, 0),
        formats.count(row.won_deals),
    ]


def share_table(report: Report, words: Words) -> Table:
    """Return the six measures of marketing-driven revenue; no rows where nothing was closed."""
    numbers = ("revenue", "share", "deals", "share_of_deals")
    return _table(words, ("measure", *numbers), [_measure(row, report.currency, words) for row in measures(report.share)], numbers)


def _measure(row: Measure, currency: str, words: Words) -> list[str]:
    return [
        words.named("measure", row.name),
        formats.money(row.revenue, currency),
        formats.percent(row.revenue_pct),
        formats.deals(row.deals),
        formats.percent(row.deals_pct),
    ]


def journey_table(found: Explanation, words: Words) -> Table:
    """Return the touches of a deal's journey with what each earned."""
    columns = ("number", "touched", "holds", "touch", "campaign", "share", "credit", "event")
    currency = _currency(found)
    rows = [
        [
            formats.count(row["ordinal"]),
            formats.at(row["touched_at"], found.time_zone),
            row["position"] or formats.NOTHING,
            _touch(row),
            row["campaign_id"] or formats.NOTHING,
            formats.NOTHING if row["share"] is None else formats.percent(100 * float(row["share"]), 2),
            formats.NOTHING if row["credit"] is None else formats.money(row["credit"], currency),
            _event(row["touch_source"], row["touch_id"], row),
        ]
        for row in found.touches
    ]
    return _table(words, columns, rows, ("number", "share", "credit"))


def _currency(found: Explanation) -> str:
    """Return the currency of the credits: the deal's, or that of its entries when it has no amount any more."""
    named: list[str | None] = [found.deal["currency"], *(row["currency"] for row in found.entries)]
    return next(filter(None, named), found.reporting_currency)


def entry_table(found: Explanation, words: Words) -> Table:
    """Return the dated entries of a deal in both currencies."""
    columns = ("number", "entry", "booked", "amount", "nothing")
    table = _table(words, (*columns, "event"), (), ("number", "amount"))
    inside = words("column.in_currency", currency=found.reporting_currency)
    headings = (*table.headings[:-1], inside, table.headings[-1])
    rows = tuple(tuple(map(words.shown, _entry(row, found, words))) for row in found.entries)
    return Table(headings, rows, table.numbers | {len(columns)})


def _entry(row: Mapping[str, Any], found: Explanation, words: Words) -> tuple[str, ...]:
    reporting = row["amount_reporting"]
    return (
        formats.count(row["entry_no"]),
        words.named("entry", row["entry"]),
        formats.day(row["booked_on"]),
        formats.money(row["amount"], row["currency"]),
        row["currency"],
        words("entries.held") if reporting is None else formats.money(reporting, found.reporting_currency),
        _event(row["source"], row["event_id"], row),
    )


def left_out_table(found: Explanation, words: Words, limit: int | None = None) -> Table:
    """Return the touches of the account that earn nothing from the deal and why, or the first `limit` of them."""
    rows = [
        [formats.at(row["touched_at"], found.time_zone), _touch(row), row["detail"], _event(row["touch_source"], row["touch_id"], {})]
        for row in (found.left_out or [])[:limit]
    ]
    return _table(words, ("touched", "touch", "why", "event"), rows)


def _touch(row: Mapping[str, Any]) -> str:
    return " · ".join(filter(None, (row["channel"], row["kind"], row["team"])))


def _event(source: str | None, event_id: str | None, row: Mapping[str, Any]) -> str:
    """Return an event's id and where it was read: `web t-17 @ marketing.touch/3/1042`."""
    if event_id is None:
        return formats.NOTHING
    place = f" @ {row['topic']}/{row['kafka_partition']}/{row['kafka_offset']}" if row.get("topic") else ""
    return f"{source} {event_id}{place}"


def dead_letter_table(rows: Sequence[Mapping[str, Any]], words: Words) -> Table:
    """Return the dead letters by class."""
    cells = [(row["error_class"], formats.count(row["records"]), formats.second(row["latest"])) for row in rows]
    return _table(words, ("error_class", "records", "latest"), cells)


def data_issue_table(issues: Iterable[DataIssue], words: Words) -> Table:
    """Return the findings in the data by kind."""
    rows = [[words.named("data_issue_kind", issue.kind), formats.count(issue.findings), issue.first] for issue in issues]
    return _table(words, ("finding", "found", "first"), rows, ("found",))


def held_table(rows: Sequence[Mapping[str, Any]], words: Words) -> Table:
    """Return what is held, by kind and reason."""
    return _table(words, ("kind", "reason", "rows"), [(row["kind"], row["reason"], formats.count(row["rows"])) for row in rows])


_CYCLE_COUNTS = ("records", "facts", "duplicates", "dead_letters", "deals", "credits")


def cycle_table(rows: Sequence[Mapping[str, Any]], words: Words) -> Table:
    """Return the last cycles, the latest first; a cycle counts only what is its own."""
    columns = ("cycle_no", "kind", "started_at", "seconds", *_CYCLE_COUNTS)
    cells = [
        [
            str(row["cycle_no"]),
            row["kind"],
            formats.second(row["started_at"]),
            f"{row['seconds']:.2f}",
            # without commas: ten columns must fit the width of a page
            *(formats.NOTHING if row[name] is None else str(row[name]) for name in _CYCLE_COUNTS),
        ]
        for row in rows
    ]
    return _table(words, columns, cells, columns)


def lag_table(lag: Mapping[str, int], words: Words) -> Table:
    """Return how many records wait, by topic."""
    return _table(
        words, ("topic", "records_waiting"), [(topic, formats.count(waiting)) for topic, waiting in lag.items()], ("records_waiting",)
    )
