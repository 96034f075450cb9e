"""What the CRM says about deals: every state from the opening on, and the adjustments that follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.catalogue import CURRENCIES, LOSS_REASONS, NEXT_STEPS, OWNERS, PRODUCTS, REGIONS, ROUTES, SEGMENTS, STREAMS
from simulator.clock import DAY, utc_instant
from simulator.draws import Bools, Draws, Ints
from simulator.leads import Leads
from simulator.naming import account_id, contact_id, deal_id, deal_name, money, old_account_id
from simulator.outcomes import Outcomes
from simulator.world import CURRENCY_CODES, World

__all__ = ["TWISTS", "Plot", "Row", "deal_events", "deleted_deals", "plot_deals"]

Row = tuple[int, dict[str, Any]]
"""When it happened (seconds), and the event without `specversion` and `partitionkey`."""

TWISTS: tuple[tuple[str, int], ...] = (
    ("none", 8_860),
    ("amended", 300),
    ("corrected", 220),  # the close date was wrong
    ("reopened_lost", 60),
    ("reopened_won", 70),
    ("deleted", 50),
    ("refund", 300),
    ("credit_note", 60),
    ("true_up", 80),
)
_DELETED_AFTER = 6 * DAY
_LEAD_SOURCES = {"paid_search": "website", "organic_search": "website", "content": "website", "paid_social": "social"}
_ROUTE_SOURCES = {"marketing": "website", "sales": "outbound", "partner": "partner", "customer": "customer"}


@dataclass(frozen=True)
class Plot:
    """Draws that decide how each deal's record unfolds."""

    twist: Ints
    owner: Ints
    product: Ints
    loss_reason: Ints
    discount: Ints  # per cent of the list price
    percent: Ints  # size of an amendment or a refund
    has_first_amount: Bools
    has_segment: Bools
    group: Ints  # further contacts


def deleted_deals(world: World, plot: Plot) -> Bools:
    """Say which deals are deleted before the end of the simulation."""
    meant: Bools = plot.twist == [name for name, _ in TWISTS].index("deleted")
    return meant & (world.deals.close + _DELETED_AFTER < world.end)


def plot_deals(world: World) -> Plot:
    """Draw the record keeping of all deals."""
    draws, size = Draws(world.seed, "plot"), len(world.deals)
    return Plot(
        twist=draws.pick(size, [weight for _, weight in TWISTS]),
        owner=draws.below(size, len(OWNERS)),
        product=draws.pick(size, (50, 25, 15, 10)),
        loss_reason=draws.below(size, len(LOSS_REASONS)),
        discount=draws.quantile(size, (0, 0, 5, 12, 30)),
        percent=draws.quantile(size, (5, 10, 20, 35)),
        has_first_amount=draws.chance(size, 7_000),
        has_segment=draws.chance(size, 9_700),
        group=draws.quantile(size, (0, 1, 2, 4)),
    )


def deal_events(world: World, outcomes: Outcomes, leads: Leads, plot: Plot) -> Iterator[Row]:
    """Yield the events of all deals up to the end of the simulation."""
    sources = _lead_sources(world, leads)
    for number in range(len(world.deals)):
        story = _Story(world, plot, number, won=bool(outcomes.won[number]), lead_source=sources[number])
        for at, event in story.events(decided=bool(outcomes.decided[number])):
            if at < world.end:
                yield at, event


def _lead_sources(world: World, leads: Leads) -> list[str]:
    sources = [_ROUTE_SOURCES[ROUTES[route][0]] for route in world.accounts.route[world.deals.account].tolist()]
    for deal, stream in zip(leads.deal.tolist(), leads.stream.tolist(), strict=True):
        if deal >= 0:
            channel = STREAMS[stream].channel
            sources[deal] = _LEAD_SOURCES.get(channel, channel)
    return sources


class _Story:
    """One deal, told by its states: each is the full record after a change."""

    def __init__(self, world: World, plot: Plot, number: int, *, won: bool, lead_source: str) -> None:
        deals = world.deals
        self.number, self.plot, self.won = number, plot, won
        self.account = int(deals.account[number])
        self.offset = int(world.accounts.offset[self.account])
        self.opened, self.close = int(deals.opened[number]), int(deals.close[number])
        self.currency = CURRENCY_CODES[int(deals.currency[number])]
        self.digits: int = CURRENCIES[self.currency][1]
        self.minor: int = int(deals.amount[number]) * 10**self.digits
        self.twist = TWISTS[int(plot.twist[number])][0]
        self.merged = bool(world.accounts.merged[self.account])
        self.revision = 0
        self.record = self._first_record(world, lead_source)

    def _first_record(self, world: World, lead_source: str) -> dict[str, Any]:
        number, plot = self.number, self.plot
        nth = int(world.deals.nth[number])
        product = PRODUCTS[int(plot.product[number])]
        deal_type = "new" if nth == 0 else ("renewal" if (number + nth) % 5 < 2 else "expansion")
        record: dict[str, Any] = {
            "deal_id": deal_id(number),
            "account_id": old_account_id(self.account) if self.merged and number % 2 else account_id(self.account),
            "opened_at": utc_instant(self.opened, self.offset),
            "name": deal_name(self.account, product, deal_type),
            "deal_type": deal_type,
            "owner": OWNERS[int(plot.owner[number])],
            "region": REGIONS[int(world.accounts.region[self.account])].name,
            "product": product,
            "lead_source": lead_source,
        }
        if plot.has_segment[number]:
            record["segment"] = SEGMENTS[int(world.accounts.segment[self.account])].name
        return {**record, **self._contacts(world)}

    def _contacts(self, world: World) -> dict[str, Any]:
        people, primary = world.people, int(world.deals.contact[self.number])
        first, count = int(people.first[self.account]), int(people.count[self.account])
        others = [first + (primary - first + step) % count for step in range(1, min(int(self.plot.group[self.number]), count - 1) + 1)]
        return {"contact_ids": [contact_id(person) for person in [primary, *others]], "primary_contact_id": contact_id(primary)}

    def events(self, *, decided: bool) -> Iterator[Row]:
        """Yield every state in order of time, then the adjustments."""
        span = self.close - self.opened
        rough = {"amount": self._money(self.minor), "currency": self.currency} if self.plot.has_first_amount[self.number] else {}
        yield self._state(self.opened, "discovery", "open", **rough, next_step=NEXT_STEPS[self.number % 3])
        yield self._state(self.opened + span * 3 // 10, "proposal", "open", **self._offer(), next_step=NEXT_STEPS[3])
        if span > 20 * DAY:
            yield self._state(self.opened + span * 7 // 10, "negotiation", "open", next_step=NEXT_STEPS[4])
        if not decided:
            return
        yield self._closing(self.close + 60 + self.number % 7_000, self.close, won=self.won)
        yield from self._afterwards()

    def _offer(self) -> dict[str, str]:
        listed = self.minor * 100 // (100 - int(self.plot.discount[self.number]))
        return {"amount": self._money(self.minor), "currency": self.currency, "list_amount": self._money(listed)}

    def _closing(self, at: int, close: int, *, won: bool, **changes: str) -> Row:
        stage, status = ("closed_won", "won") if won else ("closed_lost", "lost")
        self.record.pop("next_step", None)
        if not won:
            changes["loss_reason"] = LOSS_REASONS[int(self.plot.loss_reason[self.number])]
        return self._state(at, stage, status, closed_at=utc_instant(close, self.offset), **changes)

    def _afterwards(self) -> Iterator[Row]:
        if self.twist == "deleted":
            yield self._state(self.close + _DELETED_AFTER, self.record["stage"], self.record["status"], deleted=True)
        elif self.twist == "corrected":
            yield self._closing(self.close + 9 * DAY, max(self.close - 4 * DAY, self.opened), won=self.won)
        elif self.won and self.twist == "amended":
            yield self._closing(self.close + 20 * DAY, self.close, won=True, amount=self._money(self._part(100 + self._signed())))
        elif self.won and self.twist.startswith("reopened"):
            yield from self._reopened()
        elif self.won and self.twist in ("refund", "credit_note", "true_up"):
            yield self._adjustment()

    def _reopened(self) -> Iterator[Row]:
        self.record.pop("closed_at")
        yield self._state(self.close + 25 * DAY, "negotiation", "open", next_step=NEXT_STEPS[4])
        again = self.close + 48 * DAY
        won = self.twist == "reopened_won"
        yield self._closing(again + 3600, again, won=won, amount=self._money(self._part(90 if won else 100)))

    def _adjustment(self) -> Row:
        effective = self.close + 40 * DAY
        percent = {"refund": -int(self.plot.percent[self.number]), "credit_note": -100, "true_up": 7}[self.twist]
        data = {
            "adjustment_id": f"adj-{self.number:05d}",
            "deal_id": deal_id(self.number),
            "amount": self._money(self._part(percent)),
            "currency": self.currency,
            "effective_at": utc_instant(effective, self.offset),
            "reason": self.twist,
        }
        time = utc_instant(effective + DAY // 2, 60)
        return effective + DAY // 2, {
            "id": f"adj-{self.number:05d}",
            "source": "billing",
            "type": "nisba.adjustment.v1",
            "time": time,
            "data": data,
        }

    def _state(self, at: int, stage: str, status: str, **changes: Any) -> Row:
        self.record |= changes
        self.record |= {"stage": stage, "status": status}
        event = {
            "id": f"{deal_id(self.number)}/{self.revision}",
            "source": "crm",
            "type": "nisba.deal.v1",
            "time": utc_instant(at, self.offset),
            "data": {**self.record, "revision": self.revision},
        }
        self.revision += 1
        return at, event

    def _signed(self) -> int:
        percent = int(self.plot.percent[self.number])
        return percent if self.number % 3 else -percent

    def _part(self, percent: int) -> int:
        """Return a percentage of the amount, towards zero, in minor units."""
        size = self.minor * abs(percent) // 100
        return size if percent > 0 else -size

    def _money(self, minor: int) -> str:
        return money(minor, self.digits)
