"""Who is who (semantics §2): nodes, links, persons, visitor groups, claims, accounts and memberships, actors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.oracle.settled import Event, Settled, register_order

__all__ = ["Claim", "Identity", "Node", "current_states", "resolve"]

Node = tuple[str, str]  # kind, id
Pair = frozenset[Node]
Window = tuple[int | None, int | None]  # since, until: it holds at since <= t < until

PERSON_KINDS = ("person", "lead")


@dataclass(frozen=True, order=True)
class Claim:
    """A person's claim on a visitor group; the order is (time, source, id, type) of the claiming event."""

    time: int
    source: str
    id: str
    type: str
    person: str


class Components:
    """Connected components, by painting: slow and plain."""

    def __init__(self, nodes: Iterable[Node], pairs: Iterable[Pair]) -> None:
        self.of = {node: {node} for node in nodes}
        for pair in pairs:
            left, right = pair
            merged = self.of[left] | self.of[right]
            for node in merged:
                self.of[node] = merged


def current_states(settled: Settled) -> dict[str, Event]:
    """Return the current state of every deal that is not deleted (§3)."""
    current = settled.register("deal", lambda state: state.get("deal_id"))
    return {deal_id: state for deal_id, state in current.items() if not state.get("deleted")}


def contacts_of(state: Event) -> list[str]:
    """Return the ids of a deal's contacts, the primary one included."""
    primary = state.get("primary_contact_id")
    return [*(state.get("contact_ids") or []), *([primary] if primary is not None else [])]


def _implied_links(settled: Settled) -> dict[Pair, list[Event]]:
    """Return the pairs that touches, lead stages and current deals imply, each with the events that imply it."""
    implied: dict[Pair, list[Event]] = {}

    def imply(event: Event, left: tuple[str, str | None], right: tuple[str, str | None]) -> None:
        pair = frozenset((kind, id_) for kind, id_ in (left, right) if id_ is not None)
        if len(pair) == 2:
            implied.setdefault(pair, []).append(event)

    for touch in settled.of("touch"):
        imply(touch, ("visitor", touch.get("visitor_id")), ("person", touch.get("person_id")))
        imply(touch, ("person", touch.get("person_id")), ("account", touch.get("account_id")))
    for stage in settled.of("lead-stage"):
        imply(stage, ("person", stage.get("person_id")), ("account", stage.get("account_id")))
        imply(stage, ("lead", stage.get("lead_id")), ("person", stage.get("person_id")))
        imply(stage, ("lead", stage.get("lead_id")), ("account", stage.get("account_id")))
    for state in current_states(settled).values():
        for contact in contacts_of(state):
            imply(state, ("person", contact), ("account", state.get("account_id")))
    return implied


def _said_links(settled: Settled) -> dict[Pair, Event]:
    """Return the winning `identity` event of every pair that has one."""
    winners: dict[Pair, Event] = {}
    for event in settled.of("identity"):
        pair = frozenset(ends(event))
        if pair not in winners or register_order(event) > register_order(winners[pair]):
            winners[pair] = event
    return winners


def ends(event: Event) -> tuple[Node, Node]:
    """Return the two nodes of an `identity` event."""
    left, right = event.get("left"), event.get("right")
    return (left["kind"], left["id"]), (right["kind"], right["id"])


def _nodes(settled: Settled) -> set[Node]:
    """Return every node that an event names: not retracted touches, not states that are past, not deleted deals."""
    named: list[tuple[str, str | None]] = []
    for touch in settled.of("touch"):
        named += [("visitor", touch.get("visitor_id")), ("person", touch.get("person_id")), ("account", touch.get("account_id"))]
    for stage in settled.of("lead-stage"):
        named += [("lead", stage.get("lead_id")), ("person", stage.get("person_id")), ("account", stage.get("account_id"))]
    for event in settled.of("identity"):
        named += ends(event)
    named += [("account", event.get("account_id")) for event in settled.of("account")]
    for state in current_states(settled).values():
        named += [("account", state.get("account_id")), *(("person", contact) for contact in contacts_of(state))]
    return {(kind, id_) for kind, id_ in named if id_ is not None}


def _kinds(pair: Pair) -> tuple[str, ...]:
    return tuple(sorted(kind for kind, _ in pair))


def _window(event: Event) -> Window | None:
    """Return when the membership of a link held; None where it has no time."""
    window = (event.get("since"), event.get("until"))
    return None if window == (None, None) else window


def _holds(window: Window, time: int | None) -> bool:
    """Tell whether a window holds at an instant; at None it does if it ever did."""
    since, until = window
    return time is None or ((since is None or since <= time) and (until is None or time < until))


def first_account(account_ids: Iterable[str]) -> str:
    """Return the canonical one of linked accounts: the smallest id, those that begin with `deal:` after all others."""
    return min(account_ids, key=lambda id_: (id_.startswith("deal:"), id_))


def person_name(component: set[Node]) -> str:
    """Return the canonical id of a person: `person:` ids before `lead:` ids, then by id."""
    kind, id_ = min(component, key=lambda node: (PERSON_KINDS.index(node[0]), node[1]))
    return f"{kind}:{id_}"


class Identity:
    """Answers about persons, visitor groups and accounts."""

    def __init__(self, settled: Settled) -> None:
        implied, said = _implied_links(settled), _said_links(settled)
        self.nodes = _nodes(settled)
        self.said = said
        self.links = {pair for pair in implied if pair not in said} | {pair for pair, e in said.items() if e.get("op") == "link"}
        self.persons = self._components(PERSON_KINDS)
        self.groups = self._components(("visitor",))
        self.accounts = self._components(("account",))
        self.claims = self._claims(implied, said)
        self._account_links = self._linked_accounts()
        self._of_group: dict[str, list[Claim]] = {}
        self._of_touch: dict[Event, set[str]] = {}

    def _linked_accounts(self) -> dict[Node, list[tuple[str, Pair]]]:
        """Return the links between each node that is no account and an account, with the canonical account."""
        links: dict[Node, list[tuple[str, Pair]]] = {}
        for pair in self.links:
            account = [node for node in pair if node[0] == "account"]
            for node in pair if len(account) == 1 else ():
                if node != account[0]:
                    links.setdefault(node, []).append((self.account(account[0][1]), pair))
        return links

    def _components(self, kinds: tuple[str, ...]) -> dict[Node, set[Node]]:
        nodes = [node for node in self.nodes if node[0] in kinds]
        return Components(nodes, [pair for pair in self.links if all(kind in kinds for kind, _ in pair)]).of

    def _claims(self, implied: dict[Pair, list[Event]], said: dict[Pair, Event]) -> list[tuple[Node, Claim]]:
        """Return every claim with the visitor it is about."""
        claims = []
        for pair in self.links:
            if _kinds(pair) not in (("person", "visitor"), ("lead", "visitor")):
                continue
            (visitor,) = (node for node in pair if node[0] == "visitor")
            (person,) = (node for node in pair if node[0] != "visitor")
            events = [*implied.get(pair, []), *([said[pair]] if pair in said else [])]
            claims += [(visitor, Claim(event.time, event.source, event.id, event.type, self.person(person))) for event in events]
        return claims

    def person(self, node: Node) -> str:
        """Return the canonical id of the person that a person or lead node belongs to."""
        return person_name(self.persons[node])

    def account(self, account_id: str) -> str:
        """Return the canonical id of an account."""
        return first_account(id_ for _, id_ in self.accounts[("account", account_id)])

    def same_accounts(self, account_id: str) -> list[str]:
        """Return all ids of an account, the canonical one first."""
        ids = [id_ for _, id_ in self.accounts[("account", account_id)]]
        return sorted(ids, key=lambda id_: (id_.startswith("deal:"), id_))

    def group_claims(self, visitor_id: str) -> list[Claim]:
        """Return the claims on the group of a visitor, in order."""
        if visitor_id not in self._of_group:
            group = self.groups[("visitor", visitor_id)]
            self._of_group[visitor_id] = sorted(claim for visitor, claim in self.claims if visitor in group)
        return self._of_group[visitor_id]

    def _links_to_accounts(self, nodes: set[Node]) -> dict[str, list[Pair]]:
        """Return the links between any of the nodes and an account, by canonical account."""
        links: dict[str, list[Pair]] = {}
        for account, pair in (link for node in nodes for link in self._account_links.get(node, ())):
            links.setdefault(account, []).append(pair)
        return links

    def _is_member(self, pairs: list[Pair], time: int | None) -> bool:
        """Tell whether the links between a person and an account make it a member at an instant (None: ever)."""
        windows = [_window(self.said[pair]) for pair in pairs if pair in self.said]
        if None in windows or not windows:
            return True
        return any(_holds(window, time) for window in windows if window is not None)

    def accounts_of_person(self, person: str | None, time: int | None) -> set[str]:
        """Return the accounts of a person, by its canonical id, at an instant; at None every one there ever was."""
        if person is None:
            return set()
        kind, id_ = person.split(":", 1)
        links = self._links_to_accounts(self.persons[(kind, id_)])
        return {account for account, pairs in links.items() if self._is_member(pairs, time)}

    def accounts_of_group(self, visitor_id: str | None) -> set[str]:
        """Return the accounts linked to the group of a visitor."""
        return set() if visitor_id is None else set(self._links_to_accounts(self.groups[("visitor", visitor_id)]))

    def person_of_touch(self, touch: Event) -> str | None:
        """Return the person of a touch: the one it names, else the shared device rule."""
        if touch.get("person_id") is not None:
            return self.person(("person", touch.get("person_id")))
        if touch.get("visitor_id") is None:
            return None
        claims = self.group_claims(touch.get("visitor_id"))
        before = [claim for claim in claims if claim.time <= touch.time]
        after = [claim for claim in claims if claim.time > touch.time]
        if before:
            return before[-1].person
        return after[0].person if after else None

    def accounts_of_touch(self, touch: Event) -> set[str]:
        """Return the accounts of a touch: the first rule that gives any."""
        if touch not in self._of_touch:
            self._of_touch[touch] = self._accounts_of_touch(touch)
        return self._of_touch[touch]

    def _accounts_of_touch(self, touch: Event) -> set[str]:
        if touch.get("account_id") is not None:
            return {self.account(touch.get("account_id"))}
        return self.accounts_of_person(self.person_of_touch(touch), touch.time) or self.accounts_of_group(touch.get("visitor_id"))

    def accounts_of_stage(self, stage: Event) -> set[str]:
        """Return the accounts of a lead stage: its own, else those of its lead's person at its time."""
        if stage.get("account_id") is not None:
            return {self.account(stage.get("account_id"))}
        return self.accounts_of_person(self.person(("lead", stage.get("lead_id"))), stage.time)

    def actor(self, touch: Event) -> str | None:
        """Return the actor of a touch: its person, else its visitor group, else none."""
        person = self.person_of_touch(touch)
        if person is not None or touch.get("visitor_id") is None:
            return person
        return "visitor:" + min(id_ for _, id_ in self.groups[("visitor", touch.get("visitor_id"))])

    def rows(self) -> list[dict[str, str | None]]:
        """Return `core.identity`: one row per node and account that it was ever a member of."""
        rows: list[dict[str, str | None]] = []
        for kind, id_ in self.nodes:
            person, accounts = self._belongs_to(kind, id_)
            rows += [{"kind": kind, "id": id_, "person_id": person, "account_id": account} for account in (*accounts,) or (None,)]
        return rows

    def _belongs_to(self, kind: str, id_: str) -> tuple[str | None, set[str]]:
        if kind == "account":
            return None, {self.account(id_)}
        if kind == "visitor":  # what a touch of it later than all claims would get
            claims = self.group_claims(id_)
            person = claims[-1].person if claims else None
            return person, self.accounts_of_person(person, None) or self.accounts_of_group(id_)
        person = self.person((kind, id_))
        return person, self.accounts_of_person(person, None)


def resolve(settled: Settled) -> Identity:
    """Resolve the identities of settled facts."""
    return Identity(settled)
