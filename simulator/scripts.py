"""Deals as they are written down: every state of each, and which rules of the house each breaks on its way.

A script is the truth about the record, planted on purpose. `simulator/deals.py` writes it as events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from simulator.agreements import MAX_DISCOUNT, PUSHES, QUARTER_END_DAYS, REFUND_DAYS
from simulator.catalogue import CURRENCIES, LOSS_REASONS, NEXT_STEPS, OWNERS, PRODUCTS, REGIONS, ROUTES, SEGMENTS, STREAMS
from simulator.clock import DAY, to_date
from simulator.draws import Bools
from simulator.history import Contracts
from simulator.leads import Leads
from simulator.naming import account_id, contact_id, contract_id, deal_id, deal_name, money, old_account_id
from simulator.outcomes import Outcomes
from simulator.plots import COURSES, DELETED_AFTER, TWISTS, Plot
from simulator.world import CURRENCY_CODES, World

__all__ = ["Adjustment", "Script", "State", "contract_scripts", "deal_scripts", "deal_types"]

_LEAD_SOURCES = {"paid_search": "website", "organic_search": "website", "content": "website", "paid_social": "social", "sales": "outbound"}
_ROUTE_SOURCES = {"marketing": "website", "sales": "outbound", "partner": "partner", "customer": "customer"}
_RARELY = 40 * DAY


@dataclass(frozen=True)
class State:
    """The full record of a deal after a change."""

    at: int  # seconds
    stage: str
    status: str
    closed: int | None  # seconds; of an open deal: the expected close
    said: dict[str, Any]  # what else the record says


@dataclass(frozen=True)
class Adjustment:
    """What was paid back or paid more after a deal was won."""

    at: int  # seconds
    effective: int
    amount: str
    currency: str
    reason: str


@dataclass(frozen=True)
class Script:
    """What the CRM says about one deal before the end of the simulation; no states: nothing yet."""

    id: str
    account: int
    offset: int  # minutes east of UTC
    opened: int  # seconds, as the CRM says
    states: tuple[State, ...]
    adjustment: Adjustment | None
    broken: tuple[tuple[str, int], ...]  # rule of exceptions, when

    @property
    def is_deleted(self) -> bool:
        """Say whether the deal is in no figure."""
        return bool(self.states and self.states[-1].said.get("deleted"))


def deal_types(world: World, outcomes: Outcomes, deleted: Bools) -> list[str]:
    """Say what each deal is: new, until its account has bought; then an expansion, or a renewal of a customer's contract."""
    deals, types = world.deals, []
    bought: dict[int, int] = {}  # account: its first close
    customer = world.accounts.customer[deals.account].tolist()
    for number, account in enumerate(deals.account.tolist()):
        if customer[number]:
            types.append("renewal" if deals.renewal[number] else "expansion")
        else:
            types.append("expansion" if bought.get(account, int(deals.opened[number]) + 1) <= deals.opened[number] else "new")
        if outcomes.won[number] and not deleted[number]:
            bought[account] = min(bought.get(account, int(deals.close[number])), int(deals.close[number]))
    return types


def deal_scripts(world: World, outcomes: Outcomes, leads: Leads, plot: Plot, types: list[str]) -> list[Script]:
    """Write the script of every deal."""
    sources = _lead_sources(world, leads)
    with_lead = set(leads.deal.tolist())
    return [
        _Writer(world, outcomes, plot, number, types[number], sources[number], has_lead=number in with_lead).script()
        for number in range(len(world.deals))
    ]


def contract_scripts(world: World, contracts: Contracts) -> list[Script]:
    """Write the scripts of what was won before the story: one state each."""
    scripts = []
    for row in range(len(contracts)):
        account, closed, opened = (int(column[row]) for column in (contracts.account, contracts.closed, contracts.opened))
        product, contact = PRODUCTS[int(contracts.product[row])], contact_id(int(contracts.contact[row]))
        said: dict[str, Any] = {
            "name": deal_name(account, product, "new"),
            "account_id": account_id(account),
            "deal_type": "new",
            "owner": OWNERS[int(contracts.owner[row])],
            "region": REGIONS[int(world.accounts.region[account])].name,
            "segment": SEGMENTS[int(world.accounts.segment[account])].name,
            "product": product,
            "lead_source": "outbound",
            "contact_ids": [contact],
            "primary_contact_id": contact,
            "amount": money(int(contracts.dollars[row]) * 100, 2),
            "currency": "USD",
        }
        state = State(closed + 3_600, "closed_won", "won", closed, said)
        scripts.append(Script(contract_id(account), account, int(world.accounts.offset[account]), opened, (state,), None, ()))
    return scripts


def _lead_sources(world: World, leads: Leads) -> list[str]:
    sources = [_ROUTE_SOURCES[ROUTES[route][0]] for route in world.accounts.route[world.deals.account].tolist()]
    for deal, stream in zip(leads.deal.tolist(), leads.stream.tolist(), strict=True):
        if deal >= 0:
            channel = STREAMS[stream].channel
            sources[deal] = _LEAD_SOURCES.get(channel, channel)
    return sources


class _Writer:
    """Writes one deal down, state by state, and notes each rule when it breaks it."""

    def __init__(
        self, world: World, outcomes: Outcomes, plot: Plot, number: int, deal_type: str, lead_source: str, *, has_lead: bool
    ) -> None:
        deals = world.deals
        self.world, self.plot, self.number, self.deal_type = world, plot, number, deal_type
        self.won, self.decided = bool(outcomes.won[number]), bool(outcomes.decided[number])
        self.account = int(deals.account[number])
        self.opened, self.close = int(deals.opened[number]), int(deals.close[number])
        self.currency = CURRENCY_CODES[int(deals.currency[number])]
        self.digits: int = CURRENCIES[self.currency][1]
        self.minor: int = int(deals.amount[number]) * 10**self.digits
        self.twist, self.course = TWISTS[int(plot.twist[number])][0], COURSES[int(plot.course[number])][0]
        self.forgotten, self.late_entry = bool(deals.forgotten[number]), self.has("late_entry") and self.decided and not has_lead
        self.said = self._first_record(lead_source)
        self.broken: list[tuple[str, int]] = []
        self.expected: int | None = None
        self.pushed = 0

    def has(self, habit: str) -> bool:
        return bool(getattr(self.plot, habit)[self.number])

    def script(self) -> Script:
        """Return what is told before the end of the simulation."""
        states = [state for state in self._states() if state.at < self.world.end]
        adjustment = self._adjustment() if self.won else None
        if adjustment is not None and adjustment.at >= self.world.end:
            adjustment = None
        broken = [each for each in self.broken if each[1] < self.world.end]
        opened = states[0].at if self.late_entry and states else self.opened
        if states:
            broken += self._broken_in_the_end(states[-1], opened)
        if adjustment is not None and adjustment.amount.startswith("-") and adjustment.effective - self.close <= REFUND_DAYS * DAY:
            broken.append(("refund", adjustment.effective))
        offset = int(self.world.accounts.offset[self.account])
        deleted = bool(states and states[-1].said.get("deleted"))
        told = () if deleted else tuple(broken)
        return Script(deal_id(self.number), self.account, offset, opened, tuple(states), adjustment, told)

    def _broken_in_the_end(self, last: State, opened: int) -> Iterator[tuple[str, int]]:
        """Yield the rules that speak of what a deal is now."""
        if last.closed is None or last.status == "open":
            return
        if last.closed < opened:
            yield "closed_before_opened", last.closed
        if last.status == "won":
            if self.plot.discount[self.number] > MAX_DISCOUNT:
                yield "discount", last.closed
            if "contact_ids" not in last.said:
                yield "no_contact", last.closed
            return
        if "loss_reason" not in last.said:
            yield "no_loss_reason", last.closed
        if _ends_a_quarter(min(opened, last.closed)):
            yield "quarter_end", last.closed

    def _first_record(self, lead_source: str) -> dict[str, Any]:
        number, plot, accounts = self.number, self.plot, self.world.accounts
        product = PRODUCTS[int(plot.product[number])]
        is_old = accounts.merged[self.account] and number % 2
        said: dict[str, Any] = {
            "account_id": old_account_id(self.account) if is_old else account_id(self.account),
            "name": deal_name(self.account, product, self.deal_type),
            "deal_type": self.deal_type,
            "owner": OWNERS[int(plot.owner[number])],
            "region": REGIONS[int(accounts.region[self.account])].name,
            "product": product,
            "lead_source": lead_source,
        }
        if plot.has_segment[number]:
            said["segment"] = SEGMENTS[int(accounts.segment[self.account])].name
        return said

    def _contacts(self) -> dict[str, Any]:
        people, primary = self.world.people, int(self.world.deals.contact[self.number])
        first, count = int(people.first[self.account]), int(people.count[self.account])
        others = [first + (primary - first + step) % count for step in range(1, min(int(self.plot.group[self.number]), count - 1) + 1)]
        return {"contact_ids": [contact_id(person) for person in [primary, *others]], "primary_contact_id": contact_id(primary)}

    def _states(self) -> Iterator[State]:
        """Yield every state in order of time."""
        if self.late_entry:
            yield self._written_down_late()
            return
        yield from self._open_states()
        if self.decided:
            yield self._decided()
            yield from self._afterwards()

    def _written_down_late(self) -> State:
        self._know_contacts()
        self._make_offer()
        return self._closing(self.close + int(self.plot.recorded[self.number]), self.close, won=self.won)

    def _open_states(self) -> Iterator[State]:
        points = list(self._looks())
        expected = self._expected_closes([at for at, _ in points])
        stage_before = ""
        for nth, ((at, stage), closed) in enumerate(zip(points, expected, strict=True)):
            if stage != stage_before:
                self._note_order(stage_before, stage, at)
            if nth == 0:
                self._first_look()
            if stage != "discovery":
                self._make_offer()
                self._know_contacts()
            stage_before = stage
            yield self._open(at, stage, closed, nth)

    def _first_look(self) -> None:
        if not self.has("no_amount"):
            self.said |= {"amount": self._money(self.minor), "currency": self.currency}
        if not self.has("late_contact"):
            self._know_contacts()

    def _know_contacts(self) -> None:
        if not self.has("no_contact"):
            self.said |= self._contacts()

    def _make_offer(self) -> None:
        self.said |= self._price(self.minor)

    def _price(self, minor: int) -> dict[str, str]:
        """Return an amount and the list price behind it."""
        listed = minor * 100 // (100 - int(self.plot.discount[self.number]))
        return {"amount": self._money(minor), "currency": self.currency, "list_amount": self._money(listed)}

    def _note_order(self, before: str, stage: str, at: int) -> None:
        if (before, stage) == ("discovery", "negotiation"):
            self.broken.append(("stage_skipped", at))
        if (before, stage) == ("negotiation", "proposal"):
            self.broken.append(("stage_reverted", at))

    def _looks(self) -> Iterator[tuple[int, str]]:
        """Yield when the deal comes to a stage, and when somebody looks at it between two stages."""
        if self.forgotten:
            yield from ((self.opened, "discovery"), (self.opened + 12 * DAY, "proposal"))
            return
        every = _RARELY if self.has("rare") else int(self.plot.every[self.number])
        stages = self._stages()
        for (at, stage), (until, _) in pairwise([*stages, (self.close, "")]):
            between = (until - at) // every
            yield from ((at + (until - at) * step // (between + 1), stage) for step in range(between + 1))

    def _stages(self) -> list[tuple[int, str]]:
        span = self.close - self.opened
        at = {part: self.opened + span * part // 10 for part in (0, 3, 7, 8, 9)}
        discovery, proposal, negotiation = (at[0], "discovery"), (at[3], "proposal"), (at[7], "negotiation")
        if self.course == "no_proposal":
            return [discovery, negotiation]
        if self.course == "no_negotiation":
            return [discovery, proposal]
        if self.course == "back_again":
            return [discovery, proposal, negotiation, (at[8], "proposal"), (at[9], "negotiation")]
        return [discovery, proposal, negotiation]

    def _expected_closes(self, looks: list[int]) -> list[int | None]:
        """Say when the deal should close as each look has it: put later, shortly before it passes, as often as is drawn."""
        if self.has("no_expected"):
            return [None] * len(looks)
        if self.forgotten:
            return [self.opened + 45 * DAY] * len(looks)
        if self.has("overdue"):
            return [self.opened + (self.close - self.opened) * 4 // 10] * len(looks)
        pushes = min(int(self.plot.pushes[self.number]), len(looks) - 1)
        when = [nth * len(looks) // (pushes + 1) for nth in range(1, pushes + 1)]
        expected: list[int | None] = []
        for nth in range(len(looks)):
            ahead = next((look for look in when if look > nth), None)
            expected.append(self.close + 4 * DAY if ahead is None else looks[ahead] + DAY)
        return expected

    def _open(self, at: int, stage: str, closed: int | None, nth: int) -> State:
        if closed is not None:
            if self.expected is not None and closed > self.expected:
                self.pushed += 1
                if self.pushed == PUSHES:
                    self.broken.append(("pushed", at))
            self.expected = closed
        if not self.has("no_next_step"):
            self.said["next_step"] = NEXT_STEPS[(self.number + nth) % len(NEXT_STEPS)]
        return State(at, stage, "open", closed, dict(self.said))

    def _decided(self) -> State:
        at = self.close + 60 + self.number % 7_000
        if self.has("backdated"):
            at = self.close + int(self.plot.recorded[self.number])
            self.broken.append(("closed_backdated", at))
        if self.won and self.course == "no_negotiation":
            self.broken.append(("stage_skipped", at))
        return self._closing(at, self.close, won=self.won)

    def _closing(self, at: int, close: int, *, won: bool, **changes: str) -> State:
        stage, status = ("closed_won", "won") if won else ("closed_lost", "lost")
        self.said.pop("next_step", None)
        self.said |= changes
        if not won and not self.has("no_loss_reason"):
            self.said["loss_reason"] = LOSS_REASONS[int(self.plot.loss_reason[self.number])]
        return State(at, stage, status, close, dict(self.said))

    def _afterwards(self) -> Iterator[State]:
        stage, status = ("closed_won", "won") if self.won else ("closed_lost", "lost")
        if self.twist == "deleted":
            yield State(self.close + DELETED_AFTER, stage, status, self.close, {**self.said, "deleted": True})
        elif self.twist == "corrected":
            yield self._closing(self.close + 9 * DAY, max(self.close - 4 * DAY, self.opened), won=self.won)
        elif self.won and self.twist == "amended":
            at = self.close + 20 * DAY
            self.broken.append(("amount_changed_after_close", at))
            yield self._closing(at, self.close, won=True, **self._price(self._part(100 + self._signed())))
        elif self.won and self.twist.startswith("reopened"):
            yield from self._reopened()

    def _reopened(self) -> Iterator[State]:
        at, again = self.close + 25 * DAY, self.close + 48 * DAY
        self.broken.append(("reopened", at))
        yield self._open(at, "negotiation", None if self.has("no_expected") else again + 2 * DAY, 4)
        won = self.twist == "reopened_won"
        yield self._closing(again + 3600, again, won=won, **self._price(self._part(90 if won else 100)))

    def _adjustment(self) -> Adjustment | None:
        percents = {"refund": -int(self.plot.percent[self.number]), "credit_note": -100, "true_up": 7}
        percents["late_refund"] = percents["refund"]
        if self.twist not in percents or not self.decided:
            return None
        effective = self.close + (130 if self.twist == "late_refund" else 40) * DAY
        amount = self._money(self._part(percents[self.twist]))
        return Adjustment(effective + DAY // 2, effective, amount, self.currency, self.twist.removeprefix("late_"))

    def _signed(self) -> int:
        percent = int(self.plot.percent[self.number])
        return percent if self.number % 3 else -percent

    def _part(self, percent: int) -> int:
        """Return a percentage of the amount, towards zero, in minor units."""
        size = self.minor * abs(percent) // 100
        return size if percent > 0 else -size

    def _money(self, minor: int) -> str:
        return money(minor, self.digits)


def _ends_a_quarter(at: int) -> bool:
    """Say whether an instant's UTC date is one of the last days of a quarter of the calendar year."""
    later = to_date(at + QUARTER_END_DAYS * DAY)
    day = to_date(at)
    return (day.year, (day.month - 1) // 3) != (later.year, (later.month - 1) // 3)
