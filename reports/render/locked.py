"""Locked runs, what changed since, and incentive statements, drawn for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reports.render import formats
from reports.render.terminal import draw_table
from reports.words import Words

if TYPE_CHECKING:
    from warehouse.locks.diff import ChangedDeal, Difference
    from warehouse.locks.explained import ExplainedLine, ExplainedStatement, StatementEntry
    from warehouse.locks.lock import Locked
    from warehouse.locks.replay import Replayed
    from warehouse.locks.runs import Summary
    from warehouse.locks.statements import Statement

__all__ = ["difference_page", "locked_run", "replayed_run", "statement_page"]

_NUMBERS = {"rows", "deals", "credit", "revenue", "amount", "changed_credits", "gained", "lost", "on_later_days"}


def _draw(title: str, words: Words, columns: Sequence[str], rows: Sequence[Sequence[Any]], caption: str | None = None) -> str:
    """Draw a table whose columns are named by their keys in the catalogue."""
    headings = [(words.named("column", name), "right" if name in _NUMBERS else "left") for name in columns]
    return draw_table(title, headings, rows, caption)


def _line(text: str) -> str:
    return formats.one_line(text) + "\n"


def locked_run(found: Locked, summary: Sequence[Summary], model: str, currency: str, words: Words) -> str:
    """Show what a lock wrote, by period, and which statements it made."""
    run = found.run
    title = words("locked.title" if run.is_first else "locked.title_again", period=run.period, run=run.run_id)
    rows = [
        [row.period, words.named("lock_kind", row.kind), formats.count(row.entries), formats.count(row.deals), _money(row, currency)]
        for row in summary
    ]
    legend = words("locked.legend", model=model, currency=currency, hash=run.content_hash)
    shown = _draw(title, words, ("period", "kind", "rows", "deals", "credit"), rows, legend)
    nothing = words("locked.nothing", period=run.period, run=run.run_id) if run.is_first else words("locked.nothing_again", run=run.run_id)
    parts = [shown] if rows else [_line(title), _line(nothing)]
    made = [(statement, statement.removeprefix(f"{run.period}/")) for statement in found.statements]
    lines = [words("locked.statement", statement=statement, period=run.period, plan=plan) for statement, plan in made]
    if run.is_first and run.period_kind != "quarter" and run.config.incentive:
        lines.append(words("locked.no_statement", period=run.period))
    return "".join([*parts, *map(_line, lines)])


def _money(row: Summary | StatementEntry, currency: str) -> str:
    return formats.money(row.revenue_reporting, currency)


def replayed_run(found: Replayed, words: Words) -> str:
    """Say that a run came out the same, or show the first rows that only one side has."""
    run = found.run
    if found.is_same:
        return _line(words("locked.replayed", run=run.run_id, rows=formats.count(found.entries), hash=found.content_hash))
    columns = ("side", "period", "kind", "model", "deal_id", "touch_id", "entry", "booked_on", "revenue_reporting")
    rows = [[row[name] for name in columns] for row in found.differences]
    headings = ("side", "period", "kind", "model", "deal", "touch_id", "entry", "booked_on", "credit")
    hashes = words("locked.hashes", locked=run.content_hash, replayed=found.content_hash)
    return _draw(words("locked.replayed_otherwise", run=run.run_id), words, headings, rows, hashes)


def difference_page(found: Difference, model: str, words: Words, limit: int | None = None) -> str:
    """Show the first `limit` deals whose credits changed, and why they did."""
    periods = ", ".join(found.periods)
    if not found.deals:
        return _line(words("difference.none", first=found.first, second=found.second, periods=periods))
    caption: str = words("difference.legend", model=model, currency=found.currency, periods=periods)
    hidden = len(found.deals) - len(found.deals[:limit])
    if hidden:
        caption += "\n" + words("difference.hidden", count=formats.count(hidden))
    title = words("difference.title", first=found.first, second=found.second)
    rows = [_changed(deal, model, found.currency, words) for deal in found.deals[:limit]]
    return _draw(title, words, ("deal", "causes", "changed_credits", "gained", "lost", "on_later_days"), rows, caption)


def _changed(deal: ChangedDeal, model: str, currency: str, words: Words) -> list[str]:
    causes = "\n".join(f"{cause}: {words.named('cause', cause)}" for cause in deal.causes)
    sums = (*deal.in_periods(model), deal.on_later_days(model))
    return [deal.deal_id, causes, formats.count(len(deal.changes)), *(formats.money(each, currency) for each in sums)]


def statement_page(found: ExplainedStatement, words: Words, limit: int | None = None) -> str:
    """Show a statement, its lines, and the first `limit` entries behind each line; of a correction those that came since the last time."""
    statement = found.statement
    title = words("statement.title", statement=statement.statement_id, run=statement.run_id, currency=statement.currency)
    amounts = [[words.named("statement_amount", name), text] for name, text in _amounts(statement)]
    parts = [_draw(title, words, ("measure_of_statement", "amount"), amounts, _rule(found, words))]
    if not found.lines:
        return "".join([*parts, _line(words("statement.no_lines"))])
    rows = [
        [line.period, words.named("line_kind", line.kind), line.payee, formats.money(line.amount, statement.currency)]
        for line in found.lines
    ]
    parts.append(_draw(words("statement.lines"), words, ("period", "kind", "payee", "amount"), rows))
    return "".join([*parts, *(_entries(line, statement.currency, words, limit) for line in found.lines)])


def _amounts(statement: Statement) -> Iterator[tuple[str, str]]:
    for name in ("base", "share_pct", "factor", "earned", "clawed_back", "carried_in", "paid", "carried_out"):
        value = getattr(statement, name)
        shown = {"share_pct": lambda part: formats.percent(part, 2), "factor": _factor}.get(name)
        yield name, shown(value) if shown else formats.money(value, statement.currency)


def _factor(factor: Decimal) -> str:
    return f"{factor.normalize():f}"


def _rule(found: ExplainedStatement, words: Words) -> str:
    plan = found.plan
    split = words.named("split_by", plan.split_by) if isinstance(plan.split_by, str) else words("statement.fixed")
    about = {"plan": plan.id, "model": plan.model, "team": plan.team, "split": split, "pool": formats.target(plan.pool_pct)}
    rule = words("statement.rule", **about)
    if plan.cap is None:
        return rule
    return f"{rule} {words('statement.capped', cap=formats.money(plan.cap, found.statement.currency))}"


def _entries(line: ExplainedLine, currency: str, words: Words, limit: int | None) -> str:
    """Draw the entries of a line: all of the period that is paid for, of an earlier one those that are new."""
    is_earned = line.kind == "earned"
    amount, kind = formats.money(line.amount, currency), words.named("line_kind", line.kind)
    title = words("statement.line", kind=kind, period=line.period, payee=line.payee, amount=amount)
    chosen = [entry for entry in line.entries if is_earned or entry.is_new]
    if not chosen:
        return _line(words("statement.no_entries", line=title))
    hidden = len(chosen) - len(chosen[:limit])
    caption = words("statement.hidden", count=formats.count(hidden)) if hidden else None
    columns = ("deal", "touch_id", "owner", "entry", "booked_on", "run", "credit")
    rows = [_entry(entry, currency, words) for entry in chosen[:limit]]
    return _draw(title if is_earned else words("statement.entries", line=title), words, columns, rows, caption)


def _entry(entry: StatementEntry, currency: str, words: Words) -> list[str]:
    kind, touch = words.named("entry", entry.entry), f"{entry.touch_source}/{entry.touch_id}"
    return [entry.deal_id, touch, entry.owner, kind, entry.booked_on.isoformat(), entry.run_id, _money(entry, currency)]
