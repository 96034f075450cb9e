"""Who is who: links, persons, visitor groups, accounts and claims (semantics: "Identity").

Nodes are numbered persons first, then leads, visitors and accounts, each kind in byte order of its ids, accounts that deals have for
themselves after all others: the smallest number of a connected component is its canonical node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.columns import Bools, Ints, Vocabulary, bisect, combine, distinct, instants, text, total_order
from nisba.attribution.components import smallest_of_component
from nisba.attribution.memberships import FOR_EVER, Memberships, Relation, Windows
from nisba.attribution.preparation import DEAL_ACCOUNT

__all__ = ["Claims", "Identity", "Nodes", "TouchNodes", "resolve_identity"]

_KINDS = ("person", "lead", "visitor", "account")


@dataclass(frozen=True)
class Nodes:
    """Every node that exists, numbered over all kinds."""

    vocabularies: Mapping[str, Vocabulary]
    first: Mapping[str, int]
    """First number of each kind."""
    count: int

    @classmethod
    def of(cls, named: Mapping[str, list[Any]]) -> Nodes:
        """Number the nodes named by some text columns per kind."""
        vocabularies = {kind: Vocabulary.of(*named[kind]) for kind in _KINDS}
        vocabularies["account"] = _deals_last(vocabularies["account"])
        sizes = [len(vocabularies[kind]) for kind in _KINDS]
        first = dict(zip(_KINDS, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
        return cls(vocabularies, first, sum(sizes))

    def numbers(self, kind: str, column: Any) -> Ints:
        """Return the number of each row's node; -1 for null."""
        codes = self.vocabularies[kind].codes(column)
        return np.where(codes < 0, -1, codes + self.first[kind])

    def pairs(self, left: Ints, right: Ints) -> Ints:
        """Return one number per unordered pair of nodes; -1 where one is missing."""
        low, high = np.minimum(left, right), np.maximum(left, right)
        return np.where(low < 0, -1, low * self.count + high)

    @cached_property
    def ids(self) -> Any:
        """The id of every node, without its kind."""
        return pa.concat_arrays([self.vocabularies[kind].values for kind in _KINDS])

    def kinds(self, numbers: Ints) -> Ints:
        """Return the place of each node's kind in (person, lead, visitor, account)."""
        return np.searchsorted(np.array([self.first[kind] for kind in _KINDS[1:]]), numbers, side="right")


def _deals_last(accounts: Vocabulary) -> Vocabulary:
    """Put the accounts that deals have for themselves after all others."""
    of_deals = pc.starts_with(accounts.values, DEAL_ACCOUNT)
    return Vocabulary(pa.concat_arrays([accounts.values.filter(pc.invert(of_deals)), accounts.values.filter(of_deals)]))


@dataclass(frozen=True)
class Claims:
    """Claims of persons on visitor groups, in the order (group, time, source, id, type)."""

    offsets: Ints
    """The claims of group g are `offsets[g]:offsets[g + 1]`; groups are numbered by their canonical visitor."""
    claimed_at_us: Ints
    person: Ints

    def person_at(self, group: Ints, at_us: Ints) -> Ints:
        """Return the person of the latest claim at or before each instant, else of the earliest after it, else -1."""
        person = np.full(len(group), -1, dtype=np.int64)
        rows = np.flatnonzero(group >= 0)
        low, high = self.offsets[group[rows]], self.offsets[group[rows] + 1]
        claimed = low < high
        rows, low, high = rows[claimed], low[claimed], high[claimed]
        place = bisect(self.claimed_at_us, low, high, at_us[rows], right=True)
        person[rows] = self.person[np.maximum(place - 1, low)]
        return person

    def latest(self, group: Ints) -> Ints:
        """Return the person of each group's last claim, else -1."""
        return self.person_at(group, np.full(len(group), np.iinfo(np.int64).max))


@dataclass(frozen=True)
class TouchNodes:
    """The nodes that touches name; numbers of `Nodes`, -1 where a touch names none."""

    account: Ints
    person: Ints
    visitor: Ints


@dataclass(frozen=True)
class Identity:
    """Canonical nodes and what they belong to. All numbers are those of `nodes`."""

    nodes: Nodes
    canonical: Ints
    """Per node the canonical node of its person, visitor group or account."""
    memberships: Memberships
    """From canonical persons (person or lead nodes) to canonical accounts."""
    group_accounts: Relation
    """By canonical visitor, counted from the first visitor, to canonical accounts."""
    claims: Claims

    def of_node(self, numbers: Ints) -> Ints:
        """Return the canonical node of each node; -1 stays -1."""
        return np.where(numbers < 0, -1, self.canonical[numbers]) if len(self.canonical) else numbers

    def person_of_touch(self, touch: TouchNodes, at_us: Ints) -> Ints:
        """Return the canonical person of each touch, -1 for nobody (the rule of the shared device)."""
        person = self.of_node(touch.person)
        anonymous = np.flatnonzero((touch.person < 0) & (touch.visitor >= 0))
        person[anonymous] = self.claims.person_at(self._group(touch.visitor[anonymous]), at_us[anonymous])
        return person

    def actor_of_touch(self, touch: TouchNodes, person: Ints) -> Ints:
        """Return the person of a touch, else its visitor group, else -1."""
        return np.where(person < 0, self.of_node(touch.visitor), person)

    def accounts_of_touch(self, touch: TouchNodes, person: Ints, at_us: Ints | None) -> tuple[Ints, Ints]:
        """Return (touch row, canonical account), rows ascending: the first rule that gives any account at the touch's time.

        `at_us` None asks for every account that there ever was.
        """
        own = np.flatnonzero(touch.account >= 0)
        others = np.flatnonzero(touch.account < 0)
        row_p, account_p = self.memberships.at(person[others], None if at_us is None else at_us[others])
        through_group = others[np.bincount(row_p, minlength=len(others)) == 0]
        row_g, account_g = self.group_accounts.expand(self._group(touch.visitor[through_group]))
        rows = np.concatenate([own, others[row_p], through_group[row_g]])
        accounts = np.concatenate([self.of_node(touch.account[own]), account_p, account_g])
        order = np.argsort(rows, kind="stable") if len(others) else slice(None)
        return rows[order], accounts[order]

    def accounts_of_stage(self, account: Ints, lead: Ints, at_us: Ints) -> tuple[Ints, Ints]:
        """Return (lead stage row, canonical account): its own account, else all of its lead's person at the stage's time."""
        own, others = np.flatnonzero(account >= 0), np.flatnonzero(account < 0)
        row, through_lead = self.memberships.at(self.of_node(lead[others]), at_us[others])
        return np.concatenate([own, others[row]]), np.concatenate([self.of_node(account[own]), through_lead])

    def written(self, numbers: Ints) -> Any:
        """Return nodes with their kind, as actors and canonical persons are written: `person:p-1`, `visitor:v-3`; -1 is null."""
        kinds = pa.array(_KINDS).take(pa.array(self.nodes.kinds(numbers)))
        return pc.binary_join_element_wise(kinds, self.ids(numbers), ":")

    def ids(self, numbers: Ints) -> Any:
        """Return the bare ids of nodes; -1 is null."""
        return self.nodes.ids.take(pa.array(numbers, mask=numbers < 0))

    def table(self) -> Any:
        """Return `core.identity`: one row per node and account that it ever belonged to, account null where there is none."""
        nodes, size = self.nodes, self.nodes.count
        number = np.arange(size)
        kind = nodes.kinds(number)
        person = np.where(kind <= 1, self.canonical, -1)
        visitor = np.flatnonzero(kind == 2)
        person[visitor] = self.claims.latest(self._group(visitor))
        alone = np.full(size, -1, dtype=np.int64)
        own = np.where(kind == 3, number, -1)
        row, account = self.accounts_of_touch(TouchNodes(own, alone, np.where(kind == 2, number, -1)), person, None)
        has_account = np.zeros(size, dtype=bool)
        has_account[row] = True
        without = np.flatnonzero(~has_account)
        row, account = np.concatenate([row, without]), np.concatenate([account, np.full(len(without), -1)])
        return self._rows(row, kind, person, account)

    def _rows(self, row: Ints, kind: Ints, person: Ints, account: Ints) -> Any:
        kinds = pa.DictionaryArray.from_arrays(pa.array(kind[row].astype(np.int8)), pa.array(_KINDS))
        columns = [kinds, self.ids(row), self.written(person[row]), self.ids(account)]
        return pa.table(columns, names=BOOK_SCHEMAS["identity"].names)

    def _group(self, visitor: Ints) -> Ints:
        return np.where(visitor < 0, -1, self.of_node(visitor) - self.nodes.first["visitor"])


@dataclass(frozen=True)
class _Said:
    """What `identity` events say about pairs of nodes: one row per pair, a register."""

    pair: Ints
    linked: Bools
    low: Ints
    """The smaller node of the pair: a person or lead before a visitor, all of them before an account."""
    high: Ints
    windows: Windows

    @classmethod
    def of(cls, nodes: Nodes, identity: Any) -> _Said:
        left, right = _ends(nodes, identity, "left"), _ends(nodes, identity, "right")
        linked = np.asarray(pc.equal(text(identity["op"]), "link").to_numpy(zero_copy_only=False), dtype=bool)
        return cls(nodes.pairs(left, right), linked, np.minimum(left, right), np.maximum(left, right), Windows.of(identity))

    def about(self, pairs: Ints) -> tuple[Bools, Windows]:
        """Return which pairs an event is about, and the window of each; of the others one without bounds."""
        order = np.argsort(self.pair)
        place = np.searchsorted(self.pair, pairs, sorter=order)
        row = np.append(order, -1)[place]
        known = np.append(self.pair, -2)[row] == pairs
        since = np.where(known, np.append(self.windows.since_us, 0)[row], FOR_EVER[0])
        until = np.where(known, np.append(self.windows.until_us, 0)[row], FOR_EVER[1])
        return known, Windows(since, until)


def resolve_identity(
    nodes: Nodes, touch: TouchNodes, touches: Any, stages: tuple[Ints, Ints, Ints], contacts: tuple[Ints, Ints], identity: Any
) -> Identity:
    """Resolve links into persons, visitor groups, accounts and claims.

    `touches` and `identity` are tables of facts, retracted touches and overruled links left out; `touch` has the nodes of each touch;
    `stages` are (lead, person, account) of lead stages; `contacts` are (person, account) of current deals.
    """
    lead, stage_person, stage_account = stages
    said = _Said.of(nodes, identity)
    claiming = nodes.pairs(touch.person, touch.visitor)
    implied = [
        claiming,
        nodes.pairs(touch.person, touch.account),
        nodes.pairs(stage_person, stage_account),
        nodes.pairs(lead, stage_person),
        nodes.pairs(lead, stage_account),
        nodes.pairs(*contacts),
    ]
    linked = _linked(implied, said)
    left, right = linked // max(nodes.count, 1), linked % max(nodes.count, 1)
    canonical = _components(nodes, left, right)
    accounts = nodes.kinds(right) == 3
    holder = np.where(accounts, nodes.kinds(left), -1)
    people, groups = _rows_of_kinds(holder, 0, 1), _rows_of_kinds(holder, 2, 2)
    first_visitor, visitors = nodes.first["visitor"], len(nodes.vocabularies["visitor"])
    return Identity(
        nodes,
        canonical,
        Memberships.of(canonical[left[people]], canonical[right[people]], *said.about(linked[people]), first_visitor, max(nodes.count, 1)),
        Relation.of(canonical[left[groups]] - first_visitor, canonical[right[groups]], visitors),
        _claims(nodes, canonical, said, touch, claiming, touches, identity),
    )


def _rows_of_kinds(kind: Ints, low: int, high: int) -> Ints:
    """Return the rows whose kind is from `low` to `high`."""
    return np.flatnonzero((kind >= low) & (kind <= high))


def _ends(nodes: Nodes, identity: Any, side: str) -> Ints:
    kind, ids = text(identity[f"{side}_kind"]), text(identity[f"{side}_id"])
    number = np.full(len(ids), -1, dtype=np.int64)
    for name in _KINDS:
        rows = np.flatnonzero(pc.equal(kind, name).to_numpy(zero_copy_only=False))
        number[rows] = nodes.numbers(name, ids.take(pa.array(rows)))
    return number


def _linked(implied: list[Ints], said: _Said) -> Ints:
    """Return the pairs that are linked: implied ones without an event of their own, and those an event links."""
    pairs = distinct(np.concatenate([part[part >= 0] for part in implied]))
    free = pairs[~np.isin(pairs, said.pair)]
    return np.sort(np.concatenate([free, said.pair[said.linked]]))


def _components(nodes: Nodes, left: Ints, right: Ints) -> Ints:
    """Return the smallest node of each node's component over links within persons and leads, visitors, accounts."""
    family = np.array([0, 0, 1, 2])
    inside = family[nodes.kinds(left)] == family[nodes.kinds(right)]
    return smallest_of_component(nodes.count, left[inside], right[inside])


def _claims(nodes: Nodes, canonical: Ints, said: _Said, touch: TouchNodes, claiming: Ints, touches: Any, identity: Any) -> Claims:
    """Collect the claims on each visitor group: linking touches and winning link events, each at its own time."""
    void = said.pair[~said.linked]
    by_touch = np.flatnonzero((claiming >= 0) & ~np.isin(claiming, void)) if len(void) else np.flatnonzero(claiming >= 0)
    by_event = np.flatnonzero(said.linked & (nodes.kinds(said.low) <= 1) & (nodes.kinds(said.high) == 2))
    visitors = np.concatenate([touch.visitor[by_touch], said.high[by_event]])
    persons = np.concatenate([touch.person[by_touch], said.low[by_event]])
    group = canonical[visitors] - nodes.first["visitor"]
    at_us = np.concatenate([instants(touches["occurred_at"])[0][by_touch], instants(identity["occurred_at"])[0][by_event]])
    kind = np.concatenate([np.ones(len(by_touch), dtype=np.int64), np.zeros(len(by_event), dtype=np.int64)])  # identity < touch
    source, event_id = (_both(touches[name], by_touch, identity[name], by_event) for name in ("source", "event_id"))
    order = total_order([group, at_us], source, event_id, kind)
    offsets = np.searchsorted(group[order], np.arange(len(nodes.vocabularies["visitor"]) + 1))
    return Claims(offsets, at_us[order], canonical[persons[order]])


def _both(left: Any, left_rows: Ints, right: Any, right_rows: Ints) -> Any:
    return combine(pa.chunked_array([text(left).take(pa.array(left_rows)), text(right).take(pa.array(right_rows))]))
