"""Touches as lines of JSON, by templates: the one type of which there are millions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.catalogue import PAGES, STREAMS
from simulator.clock import DAY, iso_instants, utc_instant
from simulator.deals import Row
from simulator.draws import Draws, Ints
from simulator.naming import account_id, old_account_id, person_id, visitor_id
from simulator.touches import Touches
from simulator.world import World

__all__ = ["TouchLines", "retraction_events"]

_KINDS = max(len(stream.kinds) for stream in STREAMS)


class TouchLines:
    """Renders rows of touches; JSON of everything that repeats is made once."""

    def __init__(self, world: World, touches: Touches) -> None:
        self._world, self._touches = world, touches
        accounts, people = len(world.accounts), world.people
        persons = max(len(people.account), int(touches.person_seen.max(initial=0)) + 1)  # strangers come after the people of accounts
        visitors = max(people.visitors + 2 * accounts, int(touches.visitor_seen.max(initial=0)) + 1)
        self._accounts = _named("account_id", accounts, account_id)
        self._old_accounts = _named("account_id", accounts, old_account_id)
        self._persons = _named("person_id", persons, person_id)
        self._visitors = _named("visitor_id", visitors, visitor_id)
        self._tails = [_tail(stream, kind, page) for stream in range(len(STREAMS)) for kind in range(_KINDS) for page in range(len(PAGES))]
        self._sources = [stream.source for stream in STREAMS]

    def render(self, rows: Ints) -> list[bytes]:
        """Return one line per row number, without its line feed."""
        touches = self._touches
        stream = touches.stream[rows]
        tail = (stream * _KINDS + touches.kind[rows]) * len(PAGES) + touches.page[rows]
        times = iso_instants(touches.at[rows], self._offsets(rows), rows * 7919 % 1000, zulu=rows % 5 == 0)
        columns = zip(
            rows.tolist(),
            stream.tolist(),
            times,
            self._account_names(rows),
            touches.person_seen[rows].tolist(),
            touches.visitor_seen[rows].tolist(),
            tail.tolist(),
            strict=True,
        )
        sources, persons, visitors, tails = self._sources, self._persons, self._visitors, self._tails
        return [
            (
                f'{{"specversion":"1.0","id":"t-{row:07d}","source":"{sources[source]}","type":"nisba.touch.v1","time":"{time}",'
                f'"partitionkey":"{_key(account, visitor, person)}","data":{{{account}{persons[person]}{visitors[visitor]}{tails[end]}}}}}'
            ).encode()
            for row, source, time, account, person, visitor, end in columns
        ]

    def _offsets(self, rows: Ints) -> Ints:
        account = self._touches.account[rows]
        return np.where(account >= 0, self._world.accounts.offset[account], 0)

    def _account_names(self, rows: Ints) -> list[str]:
        """Half of the touches of a merged account name its old id."""
        numbers = self._touches.account_seen[rows]
        is_old = self._world.accounts.merged[numbers] & (rows % 2 == 0) & (numbers >= 0)
        old, new = self._old_accounts, self._accounts
        return [old[number] if old_id else new[number] for number, old_id in zip(numbers.tolist(), is_old.tolist(), strict=True)]


def _named(field: str, count: int, name: Callable[[int], str]) -> list[str]:
    """Return the JSON of a field for each number, and at -1 nothing."""
    return [*(f'"{field}":"{name(number)}",' for number in range(count)), ""]


def _key(account: str, visitor: int, person: int) -> str:
    if account:
        return account[14:-2]
    return f"visitor:{visitor_id(visitor)}" if visitor >= 0 else f"person:{person_id(person)}"


def _tail(number: int, kind_number: int, page: int) -> str:
    """Return the JSON of all that does not depend on who it was."""
    stream = STREAMS[number]
    kind = stream.kinds[min(kind_number, len(stream.kinds) - 1)][0]
    parts = [f'"channel":"{stream.channel}","kind":"{kind}","team":"{stream.team}"']
    if stream.campaign:
        parts.append(f'"campaign_id":"{stream.campaign}"')
    if stream.source == "web":
        parts.append(f'"url":"https://www.example.com{PAGES[page]}"')
        if stream.channel.startswith("paid"):
            medium = "cpc" if stream.channel == "paid_search" else "paid_social"
            parts.append(f'"utm":{{"source":"{_UTM[stream.channel]}","medium":"{medium}","campaign":"{stream.campaign}"}}')
        elif stream.channel == "organic_search":
            parts.append('"referrer":"https://www.google.com/"')
    return ",".join(parts)


_UTM = {"paid_search": "google", "paid_social": "linkedin"}


def retraction_events(world: World, touches: Touches) -> list[Row]:
    """Return the retractions of touches that turned out to be bots'."""
    draws = Draws(world.seed, "retractions")
    rows = np.flatnonzero(touches.retracted)
    found = touches.at[rows] + DAY + draws.below(len(rows), 9 * DAY)
    events = []
    for row, at, stream in zip(rows.tolist(), found.tolist(), touches.stream[rows].tolist(), strict=True):
        data = {"touch_source": STREAMS[stream].source, "touch_id": f"t-{row:07d}", "reason": "bot"}
        event = {"id": f"bot-{row:07d}", "source": "bot-filter", "type": "nisba.touch-retraction.v1", "time": utc_instant(at), "data": data}
        events.append((at, event))
    return [row for row in events if row[0] < world.end]
