"""Passes of leads (figures §1): how the events of a lead fall into passes, which stages a pass entered when, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.oracle.costs import named_campaigns
from tests.oracle.entries import Deal
from tests.oracle.journeys import DAY, opened
from tests.oracle.labels import is_among, mapped
from tests.oracle.levels.world import NONE, World
from tests.oracle.settled import Event

__all__ = ["EXITS", "RANKS", "STAGES", "Entered", "Pass", "in_order", "latest", "leads_of", "passes"]

STAGES = ("inquiry", "mql", "sal", "sql", "opportunity", "customer")
RANKS = {stage: rank for rank, stage in enumerate(STAGES, start=1)}
EXITS = ("rejected", "recycled")


class Entered(NamedTuple):
    """When a pass entered a stage, in microseconds, and whether nothing of that stage says so."""

    entered_at: int
    is_inferred: bool


@dataclass(frozen=True)
class Pass:
    """One pass of a lead; one without any of the six stages has no `stages`, and no rows anywhere."""

    lead_id: str
    pass_no: int
    events: list[Event]
    """In order (time, source, id)."""
    named: list[str]
    """Ids of the known deals that its events name, in that order."""
    deals: list[Deal]
    """The deals that belong to it: those of the named that no later pass of the lead names."""
    stages: dict[str, Entered]
    """From the lowest that is present to the highest."""
    is_preexisting: bool
    exit: Event | None
    person_id: str
    account_id: str | None
    segment: str | None
    owner: str | None
    team: str | None
    channel: str
    campaign_id: str

    @property
    def starts_at(self) -> int:
        """Return `e`: the time of its earliest event of any stage."""
        return self.events[0].time

    @property
    def highest(self) -> str | None:
        """Return how far it came."""
        return max(self.stages, key=RANKS.__getitem__, default=None)

    @property
    def deal_id(self) -> str | None:
        """Return the known deal that its events name last."""
        return self.named[-1] if self.named else None

    def has(self, stage: str) -> bool:
        """Tell whether it has a stage, inferred or not."""
        return stage in self.stages

    def names(self, deal_id: str) -> bool:
        """Tell whether one of its events names a deal, whatever later passes name."""
        return deal_id in self.named


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return events in the order of time, source, id."""
    return sorted(events, key=lambda event: (event.time, event.source, event.id))


def latest(events: Iterable[Event], what: Callable[[Event], Any]) -> Any:
    """Return what the latest event that has it says; None where none does."""
    said = [what(event) for event in in_order(events)]
    return next((value for value in reversed(said) if value is not None), None)


def leads_of(world: World) -> dict[str, list[Event]]:
    """Return the stage events of every lead, in order."""
    leads: dict[str, list[Event]] = {}
    for event in in_order(world.settled.of("lead-stage")):
        leads.setdefault(event.get("lead_id"), []).append(event)
    return leads


def passes(world: World) -> list[Pass]:
    """Return the passes of all leads, those without a stage too."""
    touches = _touches_by_person(world)
    return [
        _pass(world, lead_id, number, parts, touches)
        for lead_id, events in leads_of(world).items()
        for parts in [_parts(events)]
        for number in range(1, len(parts) + 1)
    ]


def _parts(events: list[Event]) -> list[list[Event]]:
    """Cut the events of a lead into passes: an inquiry or MQL strictly later than an exit of the same pass begins the next."""
    parts: list[list[Event]] = [[]]
    for event in events:
        has_left = any(before.get("stage") in EXITS and before.time < event.time for before in parts[-1])
        if event.get("stage") in ("inquiry", "mql") and has_left:
            parts.append([])
        parts[-1].append(event)
    return parts


def _named(world: World, events: Iterable[Event]) -> list[str]:
    """Return the known deals that events name, the last one last, each as often as it is named."""
    named = [event.get("deal_id") for event in events]
    return [deal_id for deal_id in named if deal_id in world.deals]


def _touches_by_person(world: World) -> dict[str | None, list[Event]]:
    """Return the touches that may have brought a lead, in order, by their person."""
    found: dict[str | None, list[Event]] = {}
    for touch in in_order(touch for touch in world.settled.of("touch") if _counts(world, touch)):
        found.setdefault(_person_of(world, touch), []).append(touch)
    return found


def _pass(world: World, lead_id: str, number: int, parts: list[list[Event]], touches: dict[str | None, list[Event]]) -> Pass:
    events, all_events = parts[number - 1], [event for part in parts for event in part]
    named = _named(world, events)
    later = _named(world, [event for part in parts[number:] for event in part])
    deals = [world.deals[deal_id] for deal_id in dict.fromkeys(named) if deal_id not in later]
    firsts = _firsts(events, deals)
    stages = _stages(firsts)
    person = world.who.person(("lead", lead_id))
    channel, campaign_id = _came_by(world, touches.get(person, []), stages)
    return Pass(
        lead_id=lead_id,
        pass_no=number,
        events=events,
        named=named,
        deals=deals,
        stages=stages,
        is_preexisting=any(opened(deal.current) < events[0].time for deal in deals),
        exit=_exit(events, stages),
        person_id=person,
        account_id=account_of(world, events, person),
        segment=segment_of(world, all_events),
        owner=latest(all_events, lambda event: event.get("owner")),
        team=latest(all_events, lambda event: event.get("team")),
        channel=channel,
        campaign_id=campaign_id,
    )


def _firsts(events: list[Event], deals: list[Deal]) -> dict[str, int]:
    """Return the earliest time of each stage that an event or a deal is of; a deal's is never before the pass itself."""
    times = [(event.get("stage"), event.time) for event in events if event.get("stage") in RANKS]
    starts_at = events[0].time
    for deal in deals:
        times.append(("opportunity", max(opened(deal.current), starts_at)))
        if deal.is_won:
            times.append(("customer", max(deal.current.get("closed_at"), starts_at)))
    return {stage: min(time for of, time in times if of == stage) for stage, _ in times}


def _stages(firsts: dict[str, int]) -> dict[str, Entered]:
    """Return when each stage between the lowest and the highest present one was entered: never after a higher one."""
    present = [rank for stage, rank in RANKS.items() if stage in firsts]
    stages = {}
    for stage, rank in RANKS.items():
        if present and present[0] <= rank <= present[-1]:
            entered_at = min(time for of, time in firsts.items() if RANKS[of] >= rank)
            stages[stage] = Entered(entered_at, is_inferred=firsts.get(stage) != entered_at)
    return stages


def _exit(events: list[Event], stages: dict[str, Entered]) -> Event | None:
    """Return the last rejected or recycled event, unless a stage is entered after it."""
    exits = [event for event in events if event.get("stage") in EXITS]
    if not exits or any(entered.entered_at > exits[-1].time for entered in stages.values()):
        return None
    return exits[-1]


def account_of(world: World, events: Iterable[Event], person: str) -> str | None:
    """Return the canonical account of the latest event that has one, else the only one that the person ever had."""
    own = latest(events, lambda event: event.get("account_id"))
    if own is not None:
        return world.who.account(own)
    ever = world.who.accounts_of_person(person, None)
    return next(iter(ever)) if len(ever) == 1 else None


def segment_of(world: World, events: list[Event]) -> str | None:
    """Return the segment of a lead: its own, else that of the known deal that it names last."""

    def own(event: Event) -> str | None:
        return mapped((event.get("attributes") or {}).get("segment"), "segment", world.config)

    named = _named(world, events)
    said: str | None = latest(events, own)
    return world.field(world.deals[named[-1]].current, "segment") if said is None and named else said


def _came_by(world: World, touches: list[Event], stages: dict[str, Entered]) -> tuple[str, str]:
    """Return channel and campaign of the latest of a person's touches before the pass entered its first stage."""
    if not stages:
        return NONE, NONE
    until = min(entered.entered_at for entered in stages.values())
    since = until - world.config.attribution.lookback_days * DAY
    own = [touch for touch in touches if since <= touch.time <= until]
    if not own:
        return NONE, NONE
    campaign_id = own[-1].get("campaign_id")
    names = named_campaigns(world.settled)
    return own[-1].get("channel"), NONE if campaign_id is None else names.get(campaign_id, campaign_id)


def _counts(world: World, touch: Event) -> bool:
    """Tell whether neither kind nor channel of a touch is excluded."""
    attribution = world.config.attribution
    return not (
        is_among(touch.get("kind"), attribution.excluded_kinds, "kind")
        or is_among(touch.get("channel"), attribution.excluded_channels, "channel")
    )


def _person_of(world: World, touch: Event) -> str | None:
    """Return the person that `core.identity` has beside the person that a touch names, else beside its visitor."""
    if touch.get("person_id") is not None:
        return world.persons["person", touch.get("person_id")]
    return world.persons["visitor", touch.get("visitor_id")] if touch.get("visitor_id") is not None else None
