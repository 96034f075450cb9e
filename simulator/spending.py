"""Campaigns as finance sees them: the register, what the ad platforms charge by the day, and invoices over a range."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.catalogue import CAMPAIGNS, CURRENCIES, PARENTS, Campaign
from simulator.clock import DAY, FIRST_SECONDS, START_SECONDS, to_date, utc_instant
from simulator.deals import Row
from simulator.draws import Draws
from simulator.naming import money
from simulator.touches import audience_window, campaign_window
from simulator.world import World

__all__ = ["campaign_events", "spend_events"]

_CHUNK = 91  # days of one invoice of a campaign that runs all the time
_RESTATED = 600
_CREDIT_NOTES = ("c-category-search", "c-linkedin-cfo")


def campaign_events(world: World) -> Iterator[Row]:
    """Yield the register of campaigns; a few are renamed later."""
    for number, campaign in enumerate((*PARENTS, *CAMPAIGNS)):
        at = FIRST_SECONDS - 20 * DAY + number * 3600
        yield at, _campaign(world, campaign, at, 0)
        if campaign.id in ("c-nurture", "c-report"):
            yield at + 40 * DAY, _campaign(world, campaign, at + 40 * DAY, 1)


def _campaign(world: World, campaign: Campaign, at: int, version: int) -> dict[str, Any]:
    first, last = audience_window(campaign, world.days)
    data: dict[str, Any] = {
        "campaign_id": campaign.id,
        "name": campaign.name if version or campaign.id not in ("c-nurture", "c-report") else f"{campaign.name} (draft)",
        "channel": campaign.channel,
        "campaign_type": campaign.type,
        "starts_on": _day(first),
        "ends_on": _day(last),
        "owner": campaign.owner,
    }
    if campaign.parent:
        data["parent_id"] = campaign.parent
    if campaign.cost:
        budget = _total(world, campaign) * 11 // 10 // 10_000 * 100
        data |= {"budget": money(budget * 100, 2), "currency": campaign.currency}
    return {
        "id": f"{campaign.id}/{version}",
        "source": "planning",
        "type": "nisba.campaign.v1",
        "time": utc_instant(at, 60),
        "data": data,
    }


def spend_events(world: World) -> Iterator[Row]:
    """Yield all costs up to the end of the simulation."""
    for campaign in CAMPAIGNS:
        rows = _by_day(world, campaign) if campaign.daily else _by_range(world, campaign)
        yield from ((at, event) for at, event in rows if at < world.end)


def _total(world: World, campaign: Campaign) -> int:
    """Return the cost of the whole simulation in minor units of the campaign's currency."""
    cents = campaign.cost * len(world.accounts) * world.days // 365
    return cents * CURRENCIES[campaign.currency][0] // CURRENCIES["USD"][0]


def _by_day(world: World, campaign: Campaign) -> Iterator[Row]:
    """An ad platform: reported the next morning, restated within the week now and then, credited back once."""
    draws = Draws(world.seed, f"spend/{campaign.id}")
    first, last = campaign_window(campaign, world.days)
    size = last - first + 1
    base = _total(world, campaign) // size
    swing, restated = draws.below(size, 81), draws.chance(size, _RESTATED)
    source = "google-ads" if campaign.channel == "paid_search" else "linkedin-ads"
    for number in range(size):
        amount = base * (60 + int(swing[number])) // 100
        morning = START_SECONDS + (first + number + 1) * DAY + 6 * 3600
        yield morning, _spend(campaign, source, first + number, None, amount, morning, 0)
        if restated[number]:
            later = morning + (3 + number % 4) * DAY
            yield later, _spend(campaign, source, first + number, None, amount * (92 + number % 13) // 100, later, 1)
    if campaign.id in _CREDIT_NOTES:
        day = first + size // 2
        at = START_SECONDS + (day + 12) * DAY
        yield at, _spend(campaign, f"{source}-credits", day, None, -base * 3 // 2, at, 0)


def _by_range(world: World, campaign: Campaign) -> Iterator[Row]:
    """Invoices: a fair's stand and travel, or a quarter of whatever runs all the time."""
    first, last = campaign_window(campaign, world.days)
    total = _total(world, campaign)
    if campaign.days:
        lead_time = min(first, 35)
        ranges = [(first - lead_time, last, total * 7 // 10), (first, last, total - total * 7 // 10)]
    else:
        starts = range(first, last + 1, _CHUNK)
        days = last - first + 1
        ranges = [(day, min(day + _CHUNK - 1, last), total * (min(day + _CHUNK, last + 1) - day) // days) for day in starts]
    for begins, ends, amount in ranges:
        at = START_SECONDS + begins * DAY + 10 * 3600
        yield at, _spend(campaign, "invoices", begins, ends, amount, at, 0)


def _spend(campaign: Campaign, source: str, day: int, ends: int | None, amount: int, at: int, revision: int) -> dict[str, Any]:
    data: dict[str, Any] = {"campaign_id": campaign.id, "starts_on": _day(day), "amount": money(amount, 2), "currency": campaign.currency}
    if ends is not None:
        data["ends_on"] = _day(ends)
    elif amount > 0:
        data |= {"impressions": amount * 3, "clicks": amount // 180}
    if revision:
        data["revision"] = revision
    return {
        "id": f"{campaign.id}/{_day(day)}/{'' if ends is None else _day(ends)}/{revision}",
        "source": source,
        "type": "nisba.spend.v1",
        "time": utc_instant(at),
        "data": data,
    }


def _day(offset: int) -> str:
    return to_date(START_SECONDS + offset * DAY).isoformat()
