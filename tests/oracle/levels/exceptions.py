"""What sales improvises (figures §3): `marts.sales_exception`, `marts.exception_cost`.

`detail` is prose and not made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from nisba.agreements import exception_rules
from nisba.config import Config
from nisba.money import minor_digits
from tests.oracle.entries import Deal
from tests.oracle.figures import periods
from tests.oracle.identity import contacts_of
from tests.oracle.journeys import DAY, opened
from tests.oracle.labels import folded
from tests.oracle.levels.leads import Row
from tests.oracle.levels.passes import Pass
from tests.oracle.levels.segments import Key, micros, segments_of_deal, won_revenue
from tests.oracle.levels.world import World, quantile, ratio, span, state_at
from tests.oracle.money import LARGEST, half_even, in_units, rates
from tests.oracle.settled import Event, day_of, moment, zone_of

__all__ = ["COST_KINDS", "exception_cost", "rank_of", "sales_exception"]

COST_KINDS = ("segment", "owner")
CLOSED = ("won", "lost")


class Found(NamedTuple):
    """An exception: the event that shows it, when it happened, and the money at risk (None: nobody knows)."""

    source: str
    event_id: str
    time: int
    money: Decimal | None


@dataclass(frozen=True)
class Case:
    """A deal, and what the rules ask about it."""

    world: World
    passes: list[Pass]
    deal: Deal
    row: Row
    """Of `core.deal`."""
    entries: list[Row]
    """Of `core.credit`'s entries, in order."""

    @property
    def current(self) -> Event:
        """Return the state that the deal is in now."""
        return self.deal.current

    @property
    def status(self) -> str:
        """Return whether it is open, won or lost now."""
        return str(self.current.get("status"))

    @property
    def worth(self) -> Decimal | None:
        """Return A(d): nothing where it has no amount, None where there is no rate."""
        amount: Decimal | None = self.row["amount_reporting"]
        return Decimal(0) if self.row["amount"] is None else amount

    def ranked(self) -> list[tuple[int, Event]]:
        """Return the states that have a rank, in register order."""
        stages = self.world.config.sales_process.stages
        ranks = [(rank_of(state, stages), state) for state in self.deal.states]
        return [(rank, state) for rank, state in ranks if rank is not None]

    def by(self, state: Event, time: int | None = None) -> Found:
        """Return an exception that a state shows, at its own time where no other is said; the whole deal is at risk."""
        return Found(state.source, state.id, state.time if time is None else time, self.worth)

    def of_close(self) -> Found:
        """Return an exception that the current state shows, at the close."""
        return self.by(self.current, self.current.get("closed_at"))


def rank_of(state: Event, stages: Iterable[str]) -> int | None:
    """Return how far a state is in the process: the place of an open one's stage, one more than all for a won one, else None."""
    names = [folded(name, "stage") for name in stages]
    if not names or state.get("status") == "lost":
        return None
    if state.get("status") == "won":
        return len(names) + 1
    stage = folded(state.get("stage"), "stage")
    return names.index(stage) + 1 if stage in names else None


# The rules, in the order of the contract


def _stage_skipped(case: Case, _: Any) -> Iterator[Found]:
    for (before, _), (rank, state) in pairwise(case.ranked()):
        if rank > before + 1:
            yield case.by(state)


def _stage_reverted(case: Case, _: Any) -> Iterator[Found]:
    for (before, earlier), (rank, state) in pairwise(case.ranked()):
        if rank < before and {earlier.get("status"), state.get("status")} == {"open"}:
            yield case.by(state)


def _closed_backdated(case: Case, rule: Any) -> Iterator[Found]:
    for before, state in pairwise(case.deal.states):
        begins_spell = state.get("status") in CLOSED and before.get("status") != state.get("status")
        if begins_spell and state.time - state.get("closed_at") > rule.days * DAY:
            yield case.by(state)


def _closed_before_opened(case: Case, _: Any) -> Iterator[Found]:
    if case.status in CLOSED and case.current.get("closed_at") < case.current.get("opened_at"):
        yield case.of_close()


def _by_entry(entry: Row) -> Found:
    """Return an exception that an entry is: its absolute amount is at risk."""
    amount = entry["amount_reporting"]
    return Found(entry["source"], entry["event_id"], micros(entry["booked_at"]), None if amount is None else abs(amount))


def _amount_changed_after_close(case: Case, _: Any) -> Iterator[Found]:
    yield from (_by_entry(entry) for entry in case.entries if entry["entry"] == "amendment")


def _reopened(case: Case, _: Any) -> Iterator[Found]:
    states = {(state.source, state.id): state for state in case.deal.states}
    for entry in case.entries:
        if entry["entry"] == "reversal" and states[entry["source"], entry["event_id"]].get("status") != "won":
            yield _by_entry(entry)


def _discount(case: Case, rule: Any) -> Iterator[Found]:
    asked, amount = case.current.get("list_amount"), case.row["amount"]
    if case.status != "won" or not asked or amount is None or case.row["currency"] != case.current.get("currency"):
        return
    least = Fraction(asked) * (100 - Fraction(rule.max_pct)) / 100
    if Fraction(amount) < least:
        given_away = _converted(case, least - Fraction(amount))
        yield case.of_close()._replace(money=given_away)


def _converted(case: Case, amount: Fraction) -> Decimal | None:
    """Return an amount of a won deal at the rate of its current run, half even; None where there is none."""
    world, into = case.world, case.world.config.reporting.currency
    begun = [entry["booked_on"] for entry in case.entries if entry["entry"] in ("booking", "rebooking")][-1]
    rate = rates(world.settled, world.config)(case.row["currency"], into, begun)
    if rate is None:
        return None
    minor_units = half_even(amount * rate * 10 ** minor_digits(into))
    return None if minor_units >= LARGEST * 10 ** minor_digits(into) else in_units(minor_units, into)


def _refund(case: Case, rule: Any) -> Iterator[Found]:
    bookings = [micros(entry["booked_at"]) for entry in case.entries if entry["entry"] in ("booking", "rebooking")]
    for entry in case.entries:
        if entry["entry"] == "adjustment" and entry["amount"] < 0:
            effective = micros(entry["booked_at"])
            booked = max((time for time in bookings if time <= effective), default=None)
            if booked is not None and effective - booked <= rule.days * DAY:
                yield _by_entry(entry)


def _no_contact(case: Case, _: Any) -> Iterator[Found]:
    if case.status == "won" and not contacts_of(case.current):
        yield case.of_close()


def _no_loss_reason(case: Case, _: Any) -> Iterator[Found]:
    if case.status == "lost" and case.current.get("loss_reason") is None:
        yield case.of_close()


def _pushed(case: Case, rule: Any) -> Iterator[Found]:
    expecting = [state for state in case.deal.states if state.get("status") == "open" and state.get("closed_at") is not None]
    later = [state for before, state in pairwise(expecting) if state.get("closed_at") > before.get("closed_at")]
    if len(later) >= rule.times:
        yield case.by(later[rule.times - 1])


def _quarter_end(case: Case, rule: Any) -> Iterator[Found]:
    config = case.world.config
    day = day_of(opened(case.current), zone_of(config))
    last = span(*periods(day, config)[1], config)[1]
    if case.status == "lost" and (last - day).days < rule.days:
        yield case.of_close()


def _stale(case: Case, rule: Any) -> Iterator[Found]:
    now, usual = case.world.as_of, _usual_cycle(case, rule.min_won)
    state = None if now is None else state_at(case.deal, now)
    if now is None or usual is None or state is None or state.get("status") != "open":
        return
    touches = [micros(touch["touched_at"]) for touch in case.world.books["journey_touch"] if _is_of_default_journey(touch, case.deal)]
    latest = max([state.time, *(time for time in touches if time <= now)])
    if now - latest > Fraction(rule.factor) * usual:
        yield case.by(state, now)


def _is_of_default_journey(touch: Row, deal: Deal) -> bool:
    return bool(touch["journey"] == "default" and touch["deal_id"] == deal.id)


def _usual_cycle(case: Case, min_won: int) -> Fraction | None:
    """Return C in microseconds: of the won deals of the deal's segment where there are enough, else of all, else None."""
    won = [deal for deal in case.world.books["deal"] if deal["status"] == "won"]
    for like in ([deal for deal in won if deal["segment"] == case.row["segment"]], won):
        if len(like) >= min_won:
            states = [case.world.deals[deal["deal_id"]].current for deal in like]
            return quantile([state.get("closed_at") - opened(state) for state in states], "0.5")
    return None


def _bypassed_lead(case: Case, _: Any) -> Iterator[Found]:
    naming = [one for one in case.passes if one.names(case.deal.id)]
    began = opened(case.current)
    if naming and not any(_was_sql(one, began) for one in naming):
        yield case.by(case.current, began)


def _was_sql(one: Pass, until: int) -> bool:
    return one.has("sql") and not one.stages["sql"].is_inferred and one.stages["sql"].entered_at <= until


RULES: dict[str, Callable[[Case, Any], Iterator[Found]]] = {
    "stage_skipped": _stage_skipped,
    "stage_reverted": _stage_reverted,
    "closed_backdated": _closed_backdated,
    "closed_before_opened": _closed_before_opened,
    "amount_changed_after_close": _amount_changed_after_close,
    "reopened": _reopened,
    "discount": _discount,
    "refund": _refund,
    "no_contact": _no_contact,
    "no_loss_reason": _no_loss_reason,
    "pushed": _pushed,
    "quarter_end": _quarter_end,
    "stale": _stale,
    "bypassed_lead": _bypassed_lead,
}


def sales_exception(world: World, passes: list[Pass]) -> list[Row]:
    """Return one row per exception."""
    cases = [_case(world, passes, row) for row in world.books["deal"]]
    rows = [
        _row(case, name, rule.version, found)
        for name, rule in exception_rules(world.config.exceptions)
        if rule.enabled
        for case in cases
        for found in RULES[name](case, rule)
    ]
    return [row for row in rows if _is_recent(row, world.config)]


def _is_recent(row: Row, config: Config) -> bool:
    since = config.exceptions.since
    return since is None or row["occurred_on"] >= since


def _case(world: World, passes: list[Pass], row: Row) -> Case:
    own = [entry for entry in world.books["entry"] if entry["deal_id"] == row["deal_id"]]
    return Case(world, passes, world.deals[row["deal_id"]], row, sorted(own, key=lambda entry: entry["entry_no"]))


def _row(case: Case, rule: str, version: str, found: Found) -> Row:
    return {
        "exception_id": f"{rule}:{case.deal.id}:{found.event_id}",
        "rule": rule,
        "rule_version": version,
        "deal_id": case.deal.id,
        "owner": case.row["owner"],
        "segment": case.row["segment"],
        "occurred_at": moment(found.time),
        "occurred_on": case.world.day(found.time),
        "money_at_risk": found.money,
        "source": found.source,
        "event_id": found.event_id,
    }


# What they cost


def exception_cost(world: World, exceptions: Iterable[Row]) -> list[Row]:
    """Return one row per period in which exceptions happened, segment, and rule or `all` of them."""
    revenue = won_revenue(world, COST_KINDS)
    groups: dict[Key, list[Row]] = {}
    for one in exceptions:
        for period in periods(one["occurred_on"], world.config):
            for segment in segments_of_deal(one, COST_KINDS):
                for rule in (one["rule"], "all"):
                    groups.setdefault((*period, *segment, rule), []).append(one)
    return [_cost_row(key, found, revenue.get(key[:4], Decimal(0))) for key, found in groups.items()]


def _cost_row(key: Key, found: list[Row], revenue: Decimal) -> Row:
    deal_ids = {one["deal_id"] for one in found}
    at_risk = _largest_of_deals(found) if key[-1] == "all" else [one["money_at_risk"] or Decimal(0) for one in found]
    money = sum(at_risk, Decimal(0))
    return {
        **dict(zip(("period_kind", "period", "segment_kind", "segment", "rule"), key, strict=True)),
        "exceptions": len(found),
        "deals": len(deal_ids),
        "money_at_risk": money,
        "share_of_revenue": ratio(money, revenue) if revenue > 0 else None,
    }


def _largest_of_deals(found: list[Row]) -> list[Decimal]:
    """Return the largest known money at risk of each deal."""
    largest: dict[str, Decimal] = {}
    for one in found:
        largest[one["deal_id"]] = max(largest.get(one["deal_id"], Decimal(0)), one["money_at_risk"] or Decimal(0))
    return list(largest.values())
