"""Which facts the deals of some accounts depend on: the closure that the warehouse reads back, in plain Python."""

from __future__ import annotations

from collections.abc import Iterable

from tests.oracle.settled import type_name_of
from tests.strategies import Event

__all__ = ["closed_accounts", "facts_about"]

Node = tuple[str, str]


def _nodes(event: Event) -> list[Node]:
    """Return every node and deal that an event names."""
    data = event["data"]
    named = [(kind, data.get(f"{kind}_id")) for kind in ("visitor", "person", "lead", "account", "deal")]
    named += [("person", id_) for id_ in [*data.get("contact_ids", []), data.get("primary_contact_id")]]
    named += [(data[side]["kind"], data[side]["id"]) for side in ("left", "right") if side in data]
    if type_name_of(event) == "deal" and not data.get("account_id"):
        named.append(("account", f"deal:{data['deal_id']}"))
    return [(kind, id_) for kind, id_ in named if id_]


class _Adjacency:
    def __init__(self, events: Iterable[Event]) -> None:
        self.near: dict[Node, set[Node]] = {}
        for event in events:
            nodes = _nodes(event)
            for node in nodes:
                self.near.setdefault(node, set()).update(nodes)

    def step(self, nodes: set[Node], *kinds: str) -> set[Node]:
        """Return the neighbours of those kinds."""
        return {other for node in nodes for other in self.near.get(node, ()) if other[0] in kinds}

    def close(self, nodes: set[Node], *kinds: str) -> set[Node]:
        """Return the nodes and everything reached over neighbours of those kinds."""
        closed: set[Node] = set()
        while nodes - closed:
            closed |= nodes
            nodes = self.step({node for node in nodes if node[0] in kinds}, *kinds)
        return closed


def closed_accounts(events: list[Event], account_id: str) -> set[Node]:
    """Return an account with all accounts it was ever linked to."""
    return _Adjacency(events).close({("account", account_id)}, "account")


def facts_about(events: list[Event], accounts: set[Node]) -> list[Event]:
    """Return the events that figures of the deals of these accounts depend on: a closed set of raw accounts."""
    near = _Adjacency(events)
    persons = near.close(near.step(accounts, "person", "lead"), "person", "lead")
    visitors = near.close(near.step(persons | accounts, "visitor"), "visitor")
    claimants = near.close(near.step(visitors, "person", "lead"), "person", "lead")
    everybody = accounts | persons | visitors | claimants
    everybody |= near.close(near.step(everybody, "account"), "account")
    deals = near.step(accounts, "deal")
    deals |= near.step(near.step(deals, "lead"), "deal") | near.step(persons, "deal")
    leads_of_deals = near.step(deals, "lead")
    wanted = everybody | deals | leads_of_deals
    touches = {(e["source"], e["id"]) for e in events if type_name_of(e) == "touch" and wanted & set(_nodes(e))}
    # a register by adjustment_id: an event that names another deal may be the one that counts
    adjustments = {e["data"]["adjustment_id"] for e in events if type_name_of(e) == "adjustment" and wanted & set(_nodes(e))}

    def is_wanted(event: Event) -> bool:
        if type_name_of(event) == "fx":
            return True
        if type_name_of(event) == "touch-retraction":
            return (event["data"]["touch_source"], event["data"]["touch_id"]) in touches
        if type_name_of(event) == "adjustment":
            return event["data"]["adjustment_id"] in adjustments
        return bool(wanted & set(_nodes(event)))

    return [event for event in events if is_wanted(event)]
