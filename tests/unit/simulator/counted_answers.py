"""Answers to handed leads, and the record that a CRM keeps, counted from facts by the words of the rules."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.unit.simulator.counted_exceptions import has_contact, reverted, skipped, spells
from tests.unit.simulator.counting import DAY, ENDS, RANKS, Deal, Event, Facts, business_time, entered, firsts, month_ends, passes

Checks = Iterator[tuple[str, bool]]


@dataclass(frozen=True)
class Row:
    """A lead that was handed over."""

    rule: str
    handed: dt.datetime
    due: dt.datetime
    answered: dt.datetime | None

    def is_breached(self, as_of: dt.datetime) -> bool:
        return as_of > self.due if self.answered is None else self.answered > self.due


def sla_rows(facts: Facts) -> list[Row]:
    """Return a row per pass that has the stage which hands over, not inferred."""
    found = []
    for one in (one for rows in facts.leads.values() for one in passes(rows)):
        first = firsts(facts, one) if any(data["stage"] in RANKS for _, data in one) else {}
        for rule in facts.config.lead_sla if first else ():
            handed = entered(first, RANKS[rule.from_stage])
            if handed is not None and first.get(RANKS[rule.from_stage]) == handed:
                due = business_time(facts.config, handed, int(rule.hours))
                found.append(Row(rule.id, handed, due, _answered(facts, one, handed, rule.from_stage, rule.to_stage)))
    return found


def _answered(facts: Facts, one: list[tuple[dt.datetime, Event]], handed: dt.datetime, source: str, target: str) -> dt.datetime | None:
    times = []
    for at, data in one:
        rank = RANKS.get(data["stage"], 0)
        if rank >= RANKS[target] and (at > handed or (at == handed and rank > RANKS[source])):
            times.append(at)
        if data["stage"] in ENDS and at >= handed:
            times.append(at)
        if (deal := facts.deals.get(data.get("deal_id", ""))) and deal.opened > handed:
            times.append(deal.opened)
    return min(times, default=None)


def passes_with(facts: Facts) -> Counter[str]:
    """Return how many passes came to each stage."""
    counts: Counter[str] = Counter()
    for one in (one for rows in facts.leads.values() for one in passes(rows)):
        first = firsts(facts, one)
        counts.update(stage for stage, rank in RANKS.items() if first and entered(first, rank) is not None)
    return counts


def adherence(facts: Facts) -> dict[str, dict[str, int]]:
    """Return per check how often it applied and failed, over the months."""
    passed, applied = Counter[str](), Counter[str]()
    first = min(state.at for deal in facts.deals.values() for state in deal.states)
    rows = sla_rows(facts)
    for begins, moment in month_ends(first, facts.as_of):
        for deal in facts.deals.values():
            for check, is_passed in _of_deal(facts, deal, begins, moment):
                applied[check] += 1
                passed[check] += is_passed
        for row in rows:
            is_answered = row.answered is not None and row.answered <= moment
            if begins <= row.handed <= moment and (is_answered or row.due <= moment):
                applied["answered_in_time"] += 1
                passed["answered_in_time"] += is_answered and not row.is_breached(moment)
    return {check: {"applicable": count, "failed": count - passed[check]} for check, count in applied.items()}


def _of_deal(facts: Facts, deal: Deal, begins: dt.datetime, moment: dt.datetime) -> Checks:
    number = deal.at(moment)
    if number < 0:
        return
    state = deal.states[number]
    if state.status == "open":
        yield "amount_present", bool(state.data.get("amount"))
        yield "contacts_linked", has_contact(state)
        yield "next_step_present", bool(state.data.get("next_step"))
        yield "updated_recently", moment - state.at <= facts.config.adherence.update_days * DAY
        yield "close_date_ahead", state.closed is not None and state.closed >= moment
        return
    spell = next(run for run in spells(deal, state.status) if any(each == number for each, _ in run))
    if spell[0][1].at < begins:
        return
    if state.status == "lost":
        yield "loss_reason_present", bool(state.data.get("loss_reason"))
    else:
        yield "won_with_contact", has_contact(state)
    yield "activity_logged", _is_logged(facts, deal)
    yield "stages_in_order", not skipped(facts, deal, moment) and not reverted(facts, deal, moment)


def _is_logged(facts: Facts, deal: Deal) -> bool:
    """Say whether sales touched the account in the journey's time; only sure touches, which name the account, are by sales."""
    touches = facts.touches[facts.group_of["account:" + deal.last.data["account_id"]]]
    closed = deal.last.closed
    until = closed if deal.last.status != "open" and closed is not None else facts.as_of
    sales = [data for at, data in touches if data["team"] == "sales" and deal.opened - 180 * DAY <= at <= until]
    assert all("account_id" in data for data in sales)
    return bool(sales)


def without_touch(facts: Facts) -> list[str]:
    """Return the deals whose account nobody ever touched, whoever that was."""
    return sorted(deal.id for deal in facts.deals.values() if not facts.touches[facts.group_of["account:" + deal.last.data["account_id"]]])
