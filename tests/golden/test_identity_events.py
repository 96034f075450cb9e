"""7,474 real ad events with a device and, half of the time, a user: who is who, by the product and by a few lines of plain Python.

No device has two users and 615 users have several devices; so the rule of shared devices is tried on groups of devices (semantics §2).
"""

from __future__ import annotations

import csv
import datetime as dt
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from nisba.attribution import fold
from nisba.config import Attribution, Config
from tests.oracle import Rows
from tests.oracle.compare import rows_of
from tests.strategies import Event, event, facts_of

EVERYTHING = Attribution(models=("linear",), default_model="linear", excluded_kinds=(), session_gap_minutes=0)
DEFAULT = Attribution(models=("linear",), default_model="linear")


@dataclass(frozen=True, order=True)
class Sighting:
    """A row of the file; ordered as touches are, by (time, id)."""

    time: str
    id: str
    device: str
    user: str
    channel: str
    action: str


@pytest.fixture(scope="module")
def sightings(sample_data: Path) -> list[Sighting]:
    with (sample_data / "identity_events" / "event.csv").open(newline="", encoding="utf-8") as file:
        rows = [Sighting(f"{row[0].replace(' ', 'T')}Z", "/".join((row[1], *row[3:], row[0])), *row[1:]) for row in csv.reader(file)]
    return sorted(rows)


@pytest.fixture(scope="module")
def owners(sightings: list[Sighting]) -> dict[str, str]:
    """The user of every device that has one."""
    return {sighting.device: sighting.user for sighting in sightings if sighting.user}


def touch(sighting: Sighting) -> Event:
    data = {"visitor_id": sighting.device, "person_id": sighting.user or None, "channel": sighting.channel, "kind": sighting.action}
    return event("touch", "ads", sighting.id, sighting.time, data | {"team": "marketing"})


def link(left: tuple[str, str], right: tuple[str, str], time: str) -> Event:
    ends = [{"kind": kind, "id": id_} for kind, id_ in (left, right)]
    return event("identity", "crm", f"{left[1]}={right[1]}", time, {"op": "link", "left": ends[0], "right": ends[1]})


def accounts_of(kind: str, ids: Sequence[str]) -> list[Event]:
    """Give each person or device an account of its own, with an open deal to see the touches by."""
    day = "2015-04-04T00:00:00Z"
    links = [link((kind, id_), ("account", f"{kind} {id_}"), day) for id_ in ids]
    data = {"stage": "new", "status": "open", "opened_at": day}
    return [*links, *(event("deal", "crm", id_, day, data | {"deal_id": id_, "account_id": f"{kind} {id_}"}) for id_ in ids)]


def books(events: list[Event], attribution: Attribution) -> Rows:
    return rows_of(fold(facts_of(events), Config(attribution=attribution)).tables())


@pytest.fixture(scope="module")
def events(sightings: list[Sighting], owners: dict[str, str]) -> list[Event]:
    """Touches, and an account for each user and for each device that never had one."""
    strangers = sorted({sighting.device for sighting in sightings} - owners.keys())
    return [*map(touch, sightings), *accounts_of("person", sorted(set(owners.values()))), *accounts_of("visitor", strangers)]


@pytest.fixture(scope="module")
def rows(events: list[Event]) -> Rows:
    return books(events, EVERYTHING)


def test_counts_of_the_file(sightings: list[Sighting], owners: dict[str, str]) -> None:
    pairs = {(sighting.device, sighting.user) for sighting in sightings if sighting.user}
    devices_of = Counter(user for _, user in pairs)
    assert (len(sightings), sum(not sighting.user for sighting in sightings)) == (7474, 3668)
    assert (len({sighting.device for sighting in sightings}), len(owners), len(set(owners.values()))) == (3714, 2493, 1615)
    assert (len(pairs), sum(count > 1 for count in devices_of.values())) == (2493, 615)


def test_everybody_is_known_once(rows: Rows, owners: dict[str, str]) -> None:
    """3,714 visitors, 1,615 persons, and an account for each of these and for the 1,221 devices without a user."""
    assert Counter(row["kind"] for row in rows["identity"]) == {"visitor": 3714, "person": 1615, "account": 1615 + 1221}
    persons = {row["id"]: row["person_id"] for row in rows["identity"] if row["kind"] == "visitor"}
    assert persons == {device: f"person:{owners[device]}" if device in owners else None for device in persons}
    assert sum(person is None for person in persons.values()) == 1221
    assert all(row["account_id"] is not None for row in rows["identity"])


def test_paths_of_users_span_their_devices(rows: Rows, sightings: list[Sighting], owners: dict[str, str]) -> None:
    """The file's own exercise: all channels of a user in order, on all devices, logged in or not."""
    expected: dict[str, list[str]] = defaultdict(list)
    for sighting in sightings:
        expected[owners.get(sighting.device, sighting.device)].append(sighting.channel)
    assert paths(rows) == expected
    assert (len(expected), sum(map(len, expected.values())), max(map(len, expected.values()))) == (2836, 7474, 16)
    found = Counter(owners[sighting.device] for sighting in sightings if sighting.device in owners and not sighting.user)
    assert (len(found), found.total()) == (973, 2060)


def paths(rows: Rows) -> dict[str, list[str]]:
    by_deal: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in rows["journey_touch"]:
        by_deal[row["deal_id"]].append((row["ordinal"], row["channel"]))
    return {deal_id: [channel for _, channel in sorted(path)] for deal_id, path in by_deal.items()}


def test_repeated_clicks_count_once(events: list[Event], sightings: list[Sighting], owners: dict[str, str]) -> None:
    """Impressions out, clicks of one actor on one channel less than thirty minutes apart as one (semantics §4)."""
    latest: dict[tuple[str, str], str] = {}
    kept = 0
    for click in (sighting for sighting in sightings if sighting.action == "click"):
        key = (owners.get(click.device, click.device), click.channel)
        kept += key not in latest or seconds_between(latest[key], click.time) >= 1800
        latest[key] = click.time
    assert len(books(events, DEFAULT)["journey_touch"]) == kept == 2430


def seconds_between(earlier: str, later: str) -> float:
    start, end = (dt.datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (earlier, later))
    return (end - start).total_seconds()


def rule_of_shared_devices(sightings: list[Sighting], group_of: Callable[[str], str]) -> dict[str, str]:
    """Return the user of every sighting: its own, else the latest of its group at or before it, else the earliest after it."""
    claims: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        if sighting.user:
            claims[group_of(sighting.device)].append(sighting)
    users = {}
    for sighting in sightings:
        of_group = claims[group_of(sighting.device)]
        place = bisect_right([claim.time for claim in of_group], sighting.time)
        users[sighting.id] = sighting.user or of_group[max(place - 1, 0)].user
    return users


def test_devices_that_many_share(sightings: list[Sighting], owners: dict[str, str]) -> None:
    """Devices whose ids begin with the same two digits, linked as if each were one tablet at a counter: 256 groups.

    Links between visitors join devices and never the persons who use them: still 1,615 persons, whose touches are told apart by time.
    """
    devices = sorted({sighting.device for sighting in sightings})
    first = {device[:2]: device for device in reversed(devices)}
    links = [link(("visitor", first[d[:2]]), ("visitor", d), "2015-01-01T00:00:00Z") for d in devices if first[d[:2]] != d]
    rows = books([*map(touch, sightings), *links, *accounts_of("person", sorted(set(owners.values())))], EVERYTHING)
    expected = rule_of_shared_devices(sightings, lambda device: device[:2])
    assert {row["touch_id"]: row["actor"] for row in rows["journey_touch"]} == {id_: f"person:{user}" for id_, user in expected.items()}
    assert (len(first), len(links), len({row["person_id"] for row in rows["identity"] if row["kind"] == "person"})) == (256, 3458, 1615)
    alone = rule_of_shared_devices([s for s in sightings if s.device in owners], lambda device: device)
    assert sum(expected[id_] != user for id_, user in alone.items()) == 1808
