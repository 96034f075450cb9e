"""Improvised exceptions counted from facts, one function per rule, by the words of the rule."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise

from tests.unit.simulator.counting import DAY, Deal, Facts, State, entered, firsts, instant, passes

Found = Iterator[str]


def exceptions(facts: Facts) -> dict[str, list[str]]:
    """Return the deals of every rule, once per exception, sorted."""
    return {rule: sorted(each for deal in facts.deals.values() for each in find(facts, deal)) for rule, find in RULES.items()}


def _rank(facts: Facts, state: State) -> int | None:
    stages = facts.config.sales_process.stages
    if state.status == "won":
        return len(stages) + 1
    return stages.index(state.data["stage"]) + 1 if state.status == "open" and state.data["stage"] in stages else None


def ranked(facts: Facts, deal: Deal, until: dt.datetime | None = None) -> list[tuple[State, int]]:
    rows = [(state, _rank(facts, state)) for state in deal.states if until is None or state.at <= until]
    return [(state, rank) for state, rank in rows if rank is not None]


def skipped(facts: Facts, deal: Deal, until: dt.datetime | None = None) -> int:
    return sum(rank > before + 1 for (_, before), (_, rank) in pairwise(ranked(facts, deal, until)))


def reverted(facts: Facts, deal: Deal, until: dt.datetime | None = None) -> int:
    rows = pairwise(ranked(facts, deal, until))
    return sum(rank < before and state.status == earlier.status == "open" for (earlier, before), (state, rank) in rows)


def spells(deal: Deal, status: str) -> Iterator[list[tuple[int, State]]]:
    """Yield the maximal runs of states with one status."""
    run: list[tuple[int, State]] = []
    for number, state in enumerate(deal.states):
        if state.status == status:
            run.append((number, state))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _backdated(facts: Facts, deal: Deal) -> Found:
    days = facts.config.exceptions.closed_backdated.days
    for spell in (*spells(deal, "won"), *spells(deal, "lost")):
        number, state = spell[0]
        assert state.closed is not None
        if number and state.at - state.closed > days * DAY:
            yield deal.id


def _before_opened(facts: Facts, deal: Deal) -> Found:
    closed = deal.last.closed
    if deal.last.status != "open" and closed is not None and closed < instant(deal.last.data["opened_at"]):
        yield deal.id


def _amended(facts: Facts, deal: Deal) -> Found:
    for spell in spells(deal, "won"):
        for (_, before), (_, after) in pairwise(spell):
            assert before.data["currency"] == after.data["currency"]
            if Decimal(before.data["amount"]) != Decimal(after.data["amount"]):
                yield deal.id


def _reopened(facts: Facts, deal: Deal) -> Found:
    yield from (deal.id for before, after in pairwise(deal.states) if before.status == "won" != after.status)


def _discount(facts: Facts, deal: Deal) -> Found:
    data = deal.last.data
    if deal.last.status == "won" and "list_amount" in data:
        least = Decimal(data["list_amount"]) * (100 - facts.config.exceptions.discount.max_pct) / 100
        if Decimal(data["amount"]) < least:
            yield deal.id


def _refunds(facts: Facts, deal: Deal) -> Found:
    if deal.last.status != "won":
        return
    booked = [closed for spell in spells(deal, "won") if (closed := spell[-1][1].closed) is not None]
    total = Decimal(deal.last.data["amount"])
    mine = [each for each in facts.adjustments if each["deal_id"] == deal.id]
    for each in sorted(mine, key=lambda each: (instant(each["effective_at"]), each["adjustment_id"])):
        at, after = instant(each["effective_at"]), total + Decimal(each["amount"])
        latest = max((closed for closed in booked if closed <= at), default=None)
        is_soon = latest is not None and at - latest <= facts.config.exceptions.refund.days * DAY
        if is_soon and max(after, Decimal(0)) < max(total, Decimal(0)):
            yield deal.id
        total = after


def has_contact(state: State) -> bool:
    return bool(state.data.get("contact_ids") or state.data.get("primary_contact_id"))


def _no_contact(facts: Facts, deal: Deal) -> Found:
    if deal.last.status == "won" and not has_contact(deal.last):
        yield deal.id


def _no_loss_reason(facts: Facts, deal: Deal) -> Found:
    if deal.last.status == "lost" and not deal.last.data.get("loss_reason"):
        yield deal.id


def _pushed(facts: Facts, deal: Deal) -> Found:
    expected = [state.closed for state in deal.states if state.status == "open" and state.closed is not None]
    if sum(after > before for before, after in pairwise(expected)) >= facts.config.exceptions.pushed.times:
        yield deal.id


def _quarter_end(facts: Facts, deal: Deal) -> Found:
    day = deal.opened.date()
    month = (day.month - 1) // 3 * 3 + 4  # the one after the quarter
    ends = dt.date(day.year + month // 13, (month - 1) % 12 + 1, 1)
    if deal.last.status == "lost" and ends - day <= facts.config.exceptions.quarter_end.days * DAY:
        yield deal.id


def _segment(facts: Facts, deal: Deal) -> str:
    return str(deal.last.data.get("segment") or facts.segment_of[_group(facts, deal)])


def _group(facts: Facts, deal: Deal) -> str:
    return facts.group_of["account:" + deal.last.data["account_id"]]


def _cycles(facts: Facts) -> dict[str, list[float]]:
    cycles: dict[str, list[float]] = defaultdict(list)
    for deal in facts.deals.values():
        if deal.last.status == "won" and deal.last.closed is not None:
            cycles[_segment(facts, deal)].append((deal.last.closed - deal.opened) / DAY)
    return cycles


def _stale(facts: Facts, deal: Deal) -> Found:
    if deal.last.status != "open":
        return
    rule, cycles = facts.config.exceptions.stale, _cycles(facts)
    mine, everybody = cycles[_segment(facts, deal)], [cycle for part in cycles.values() for cycle in part]
    known = mine if len(mine) >= rule.min_won else everybody
    if len(known) < rule.min_won:
        return
    limit = facts.as_of - float(rule.factor) * statistics.median(known) * DAY
    touched = [at for at, _ in facts.touches[_group(facts, deal)] if deal.opened - 180 * DAY <= at <= facts.as_of]
    if deal.last.at < limit:
        assert touched, "it is not said what an open deal is that nobody ever touched"
        if max(touched) < limit:
            yield deal.id


def _bypassed(facts: Facts, deal: Deal) -> Found:
    naming = [
        firsts(facts, one)
        for rows in facts.leads.values()
        if any(data.get("deal_id") == deal.id for _, data in rows)
        for one in passes(rows)
        if any(data.get("deal_id") == deal.id for _, data in one)
    ]

    def is_worked(first: dict[int, dt.datetime]) -> bool:
        at = entered(first, 4)
        return at is not None and first.get(4) == at and at <= deal.opened

    if naming and not any(is_worked(first) for first in naming):
        yield deal.id


RULES: dict[str, Callable[[Facts, Deal], Iterator[str]]] = {
    "stage_skipped": lambda facts, deal: iter([deal.id] * skipped(facts, deal)),
    "stage_reverted": lambda facts, deal: iter([deal.id] * reverted(facts, deal)),
    "closed_backdated": _backdated,
    "closed_before_opened": _before_opened,
    "amount_changed_after_close": _amended,
    "reopened": _reopened,
    "discount": _discount,
    "refund": _refunds,
    "no_contact": _no_contact,
    "no_loss_reason": _no_loss_reason,
    "pushed": _pushed,
    "quarter_end": _quarter_end,
    "stale": _stale,
    "bypassed_lead": _bypassed,
}
