"""How well the CRM is kept (figures §4): `marts.crm_adherence`, `marts.crm_adherence_failure`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from nisba.config import Config
from tests.oracle.entries import Deal
from tests.oracle.identity import contacts_of
from tests.oracle.journeys import DAY
from tests.oracle.levels.leads import Row
from tests.oracle.levels.segments import Key, micros, named, periods_between
from tests.oracle.levels.world import World, begins_at, ends_at, ratio, state_at
from tests.oracle.settled import Event, register_order

__all__ = ["crm_adherence", "crm_adherence_failure"]

STAGE_RULES = ("stage_skipped", "stage_reverted")


@dataclass(frozen=True)
class Asked:
    """A check of one record, a deal or a lead that was handed over, and whether it passed."""

    check: str
    is_passed: bool
    segment: str | None
    owner: str | None
    deal_id: str | None = None
    lead_id: str | None = None
    pass_no: int | None = None
    rule_id: str | None = None


@dataclass(frozen=True)
class Moment:
    """A period, and the instant T at which its records are looked at."""

    world: World
    period: tuple[str, str]
    begins_at: int
    until: int
    """T, in microseconds."""


@dataclass(frozen=True)
class Seen:
    """A deal as it was at T."""

    at: Moment
    deal: Deal
    state: Event
    has_broken_stages: bool

    @property
    def has_contact(self) -> bool:
        """Tell whether the state names anybody."""
        return bool(contacts_of(self.state))

    @property
    def has_sales_touch(self) -> bool:
        """Tell whether sales did anything with the deal until the close that the state says."""
        return any(
            touch["deal_id"] == self.deal.id
            and touch["journey"] == "default"
            and touch["team"] == "sales"
            and micros(touch["touched_at"]) <= self.state.get("closed_at")
            for touch in self.at.world.books["journey_touch"]
        )

    @property
    def closed_in_period(self) -> bool:
        """Tell whether it was won or lost, in a spell that began in the period."""
        if self.state.get("status") not in ("won", "lost"):
            return False
        until = sorted((state for state in self.deal.states if state.time <= self.at.until), key=register_order)
        spells = [list(spell) for _, spell in groupby(until, key=lambda state: state.get("status"))]
        return spells[-1][0].time >= self.at.begins_at


Check = Callable[[Seen], bool]

OF_OPEN: dict[str, Check] = {
    "amount_present": lambda seen: seen.state.get("amount") is not None,
    "contacts_linked": lambda seen: seen.has_contact,
    "next_step_present": lambda seen: seen.state.get("next_step") is not None,
    "updated_recently": lambda seen: seen.at.until - seen.state.time <= seen.at.world.config.adherence.update_days * DAY,
    "close_date_ahead": lambda seen: seen.state.get("closed_at") is not None and seen.state.get("closed_at") >= seen.at.until,
}
OF_LOST: dict[str, Check] = {"loss_reason_present": lambda seen: seen.state.get("loss_reason") is not None}
OF_WON: dict[str, Check] = {"won_with_contact": lambda seen: seen.has_contact}
OF_CLOSED: dict[str, Check] = {
    "activity_logged": lambda seen: seen.has_sales_touch,
    "stages_in_order": lambda seen: not seen.has_broken_stages,
}


def crm_adherence(world: World, lead_sla: Iterable[Row], exceptions: Iterable[Row]) -> list[Row]:
    """Return one row per period, segment and check (and `all` of them) that was asked of any record."""
    groups: dict[Key, list[bool]] = {}
    for period, one in _asked(world, list(lead_sla), list(exceptions)):
        for segment in (("all", "all"), ("segment", named(one.segment)), ("owner", named(one.owner))):
            for check in (one.check, "all"):
                groups.setdefault((*period, *segment, check), []).append(one.is_passed)
    return [_row(key, answers) for key, answers in groups.items()]


def _row(key: Key, answers: list[bool]) -> Row:
    return {
        **dict(zip(("period_kind", "period", "segment_kind", "segment", "check"), key, strict=True)),
        "passed": sum(answers),
        "applicable": len(answers),
        "score": ratio(100 * sum(answers), len(answers)),
    }


def crm_adherence_failure(world: World, lead_sla: Iterable[Row], exceptions: Iterable[Row]) -> list[Row]:
    """Return the records that failed, by period and check."""
    return [
        {
            "period_kind": period[0],
            "period": period[1],
            "check": one.check,
            "deal_id": one.deal_id,
            "lead_id": one.lead_id,
            "pass_no": one.pass_no,
            "rule_id": one.rule_id,
            "segment": one.segment,
            "owner": one.owner,
        }
        for period, one in _asked(world, list(lead_sla), list(exceptions))
        if not one.is_passed
    ]


def _asked(world: World, lead_sla: list[Row], exceptions: list[Row]) -> Iterator[tuple[tuple[str, str], Asked]]:
    """Yield everything that the configured checks ask, period by period."""
    for moment in _moments(world, lead_sla):
        for one in (*_of_deals(moment, exceptions), *_of_leads(moment, lead_sla)):
            if one.check in world.config.adherence.checks:
                yield moment.period, one


def _moments(world: World, lead_sla: list[Row]) -> list[Moment]:
    """Return every period from the first record on that begins at `as_of` or before."""
    times = [state.time for deal in world.deals.values() for state in deal.states] + [micros(row["handed_at"]) for row in lead_sla]
    now, config = world.as_of, world.config
    if now is None or not times:
        return []
    found = periods_between(world.day(min(times)), world.day(now), config)
    return [Moment(world, period, begins_at(*period, config), min(ends_at(*period, config), now)) for period in found]


def _of_deals(moment: Moment, exceptions: list[Row]) -> Iterator[Asked]:
    for deal in moment.world.deals.values():
        state = state_at(deal, moment.until)
        if state is not None:
            seen = Seen(moment, deal, state, _has_broken_stages(moment, deal, exceptions))
            for check, holds in _checks(seen, moment.world.config).items():
                yield Asked(check, holds(seen), moment.world.field(state, "segment"), state.get("owner"), deal_id=deal.id)


def _has_broken_stages(moment: Moment, deal: Deal, exceptions: list[Row]) -> bool:
    return any(
        one["deal_id"] == deal.id and one["rule"] in STAGE_RULES and micros(one["occurred_at"]) <= moment.until for one in exceptions
    )


def _checks(seen: Seen, config: Config) -> dict[str, Check]:
    """Return what is asked of a deal, as it was at T."""
    if seen.state.get("status") == "open":
        return OF_OPEN
    if not seen.closed_in_period:
        return {}
    asked = (OF_WON if seen.state.get("status") == "won" else OF_LOST) | OF_CLOSED
    return asked if config.sales_process.stages else {check: holds for check, holds in asked.items() if check != "stages_in_order"}


def _of_leads(moment: Moment, lead_sla: list[Row]) -> Iterator[Asked]:
    last = ends_at(*moment.period, moment.world.config)
    for row in lead_sla:
        due = micros(row["due_at"])
        answered = None if row["answered_at"] is None else micros(row["answered_at"])
        is_decided = due <= moment.until or (answered is not None and answered <= moment.until)
        if moment.begins_at <= micros(row["handed_at"]) <= last and is_decided:
            yield Asked(
                "answered_in_time",
                answered is not None and answered <= due,
                row["segment"],
                row["owner"],
                lead_id=row["lead_id"],
                pass_no=row["pass_no"],
                rule_id=row["rule_id"],
            )
