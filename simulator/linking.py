"""Identity events: logins, shared browsers, merged accounts, leads that turn out to be known persons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from simulator.clock import DAY, FIRST_SECONDS, RUN_UP, utc_instant
from simulator.deals import Row
from simulator.draws import Bools, Draws
from simulator.leads import Leads
from simulator.naming import account_id, contact_id, has_contact_twin, lead_id, old_account_id, person_id, visitor_id
from simulator.world import World

__all__ = ["identity_events"]

_LOGIN, _SAME_DEVICE, _WRONG, _REVERSE_IP = 2_500, 2_000, 200, 800


def identity_events(world: World, leads: Leads, told: Bools) -> Iterator[Row]:
    """Yield every link and the few that are taken back, up to the end of the simulation; `told` are the leads that the CRM has."""
    rows = [*_people(world), *_devices(world), *_accounts(world), *_leads(leads, told)]
    for number, (at, op, left, right) in enumerate(rows):
        if at < world.end:
            yield at, _event(number, at, op, left, right)


_Link = tuple[int, str, tuple[str, str], tuple[str, str]]


def _people(world: World) -> Iterator[_Link]:
    """Join what the CRM calls a person with what the website calls it."""
    for number in range(len(world.people.account)):
        if has_contact_twin(number):
            at = FIRST_SECONDS + (number * 7 % (world.days + RUN_UP)) * DAY + 3 * 3600
            yield at, "link", ("person", person_id(number)), ("person", contact_id(number))


def _devices(world: World) -> Iterator[_Link]:
    """Logins on a browser, a few of them somebody else's by mistake; devices that belong together."""
    draws, people = Draws(world.seed, "devices"), world.people
    size = len(people.account)
    login, wrong, same = draws.chance(size, _LOGIN), draws.chance(size, _WRONG), draws.chance(size, _SAME_DEVICE)
    day = draws.below(size, world.days + RUN_UP)
    for number in np.flatnonzero(login | same).tolist():
        at = FIRST_SECONDS + int(day[number]) * DAY + 9 * 3600 + number % 25_000
        browser = ("visitor", visitor_id(int(people.visitor[number])))
        other = ("visitor", visitor_id(int(people.second_visitor[number])))
        if login[number]:
            yield at, "link", browser, ("person", person_id(number))
            if wrong[number]:
                yield at + 2 * DAY, "unlink", ("person", person_id(number)), browser
        if same[number] and other != browser:
            yield at + 60, "link", browser, other


def _accounts(world: World) -> Iterator[_Link]:
    """Merge accounts that were in the CRM twice; name the company behind some strangers' browsers."""
    draws, size = Draws(world.seed, "merges"), len(world.accounts)
    day, known = draws.below(size, world.days + RUN_UP), draws.chance(size, _REVERSE_IP)
    for number in range(size):
        at = FIRST_SECONDS + int(day[number]) * DAY + 2 * 3600
        if world.accounts.merged[number]:
            yield at, "link", ("account", old_account_id(number)), ("account", account_id(number))
        if known[number]:
            yield at + 5, "link", ("visitor", visitor_id(world.people.visitors + 2 * number)), ("account", account_id(number))


def _leads(leads: Leads, told: Bools) -> Iterator[_Link]:
    for number in np.flatnonzero((leads.conversion == 1) & told).tolist():
        at = int(leads.inquiry[number]) + 4 * DAY
        yield at, "link", ("lead", lead_id(number)), ("person", person_id(int(leads.person[number])))


def _event(number: int, at: int, op: str, left: tuple[str, str], right: tuple[str, str]) -> dict[str, Any]:
    sides = {"left": {"kind": left[0], "id": left[1]}, "right": {"kind": right[0], "id": right[1]}}
    return {
        "id": f"link-{number:06d}",
        "source": "cdp",
        "type": "nisba.identity.v1",
        "time": utc_instant(at),
        "data": {"op": op, **sides},
    }
