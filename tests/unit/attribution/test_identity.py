"""Who is who, from nodes made by hand: components, memberships, claims, and what `identity` events void."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.columns import Ints
from nisba.attribution.identity import Claims, Identity, Nodes, TouchNodes, resolve_identity
from nisba.attribution.memberships import Relation
from tests.unit.attribution.fact_rows import NOON, STEP, fact_rows, micros


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def texts(*values: str | None) -> Any:
    return pa.array(values, pa.string())


def nodes_of(**named: tuple[str, ...]) -> Nodes:
    return Nodes.of({kind: [texts(*named.get(kind, ()))] for kind in ("person", "lead", "visitor", "account")})


def test_nodes_are_numbered_by_kind_then_by_bytes() -> None:
    nodes = nodes_of(person=("b", "A", "b"), lead=("b",), visitor=("\U0001f600", "\uffee"), account=("z",))
    assert (nodes.count, dict(nodes.first)) == (6, {"person": 0, "lead": 2, "visitor": 3, "account": 5})
    assert nodes.ids.to_pylist() == ["A", "b", "b", "\uffee", "\U0001f600", "z"]
    assert nodes.numbers("visitor", texts("\U0001f600", None, "unknown")).tolist() == [4, -1, -1]
    assert nodes.kinds(ints(0, 1, 2, 3, 4, 5)).tolist() == [0, 0, 1, 2, 2, 3]


def test_kinds_without_a_node_take_no_numbers() -> None:
    nodes = nodes_of(visitor=("v",), account=("a",))
    assert dict(nodes.first) == {"person": 0, "lead": 0, "visitor": 0, "account": 1}
    assert nodes.kinds(ints(0, 1)).tolist() == [2, 3]


def test_accounts_of_deals_are_numbered_after_all_others() -> None:
    nodes = nodes_of(person=("p",), account=("zeta", "deal:b", "deal", "Deal:x", "deal:A", "\U0001f600", "deal:"))
    assert nodes.ids.to_pylist() == ["p", "Deal:x", "deal", "zeta", "\U0001f600", "deal:", "deal:A", "deal:b"]
    assert nodes.numbers("account", texts("deal:b", "zeta", "deal:", "deal:c", None)).tolist() == [7, 3, 5, -1, -1]


def test_ids_of_other_kinds_keep_their_order_whatever_they_look_like() -> None:
    nodes = nodes_of(person=("deal:p", "x"), visitor=("deal:v", "x"))
    assert nodes.ids.to_pylist() == ["deal:p", "x", "deal:v", "x"]


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=6), st.data())
def test_pairs_are_unordered_and_injective(left: list[int], data: st.DataObject) -> None:
    nodes = nodes_of(person=tuple("abcde"))
    right = [data.draw(st.integers(-1, 4)) for _ in left]
    found = nodes.pairs(ints(*left), ints(*right)).tolist()
    assert found == nodes.pairs(ints(*right), ints(*left)).tolist()
    sets = [None if -1 in ends else frozenset(ends) for ends in zip(left, right, strict=True)]
    for one, number in zip(sets, found, strict=True):
        assert (number == -1) == (one is None)
        assert all((other == one) == (again == number) for other, again in zip(sets, found, strict=True))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=10), st.lists(st.integers(-1, 3), max_size=5))
def test_a_relation_is_a_set_of_pairs(pairs: list[tuple[int, int]], asked: list[int]) -> None:
    relation = Relation.of(ints(*(key for key, _ in pairs)), ints(*(value for _, value in pairs)), 4)
    rows, values = relation.expand(ints(*asked))
    expected = [(row, value) for row, key in enumerate(asked) for value in sorted({v for k, v in pairs if k == key})]
    assert list(zip(rows.tolist(), values.tolist(), strict=True)) == expected
    assert relation.counts(ints(*asked)).tolist() == [len({v for k, v in pairs if k == key}) for key in asked]


def test_a_relation_of_nothing() -> None:
    assert Relation.of(ints(), ints(), 0).counts(ints(-1, -1)).tolist() == [0, 0]


CLAIMS = Claims(ints(0, 3, 3, 4), ints(10, 20, 20, 5), ints(7, 8, 9, 6))
"""Group 0: person 7 at 10, then 8 and 9 at 20; group 1: none; group 2: person 6 at 5."""


@pytest.mark.parametrize(
    ("group", "at", "person"),
    [(0, 9, 7), (0, 10, 7), (0, 19, 7), (0, 20, 9), (0, 99, 9), (1, 20, -1), (2, 4, 6), (2, 5, 6), (-1, 20, -1)],
)
def test_the_latest_claim_until_then_else_the_earliest_after(group: int, at: int, person: int) -> None:
    assert CLAIMS.person_at(ints(group), ints(at)).tolist() == [person]


def test_later_than_all_claims() -> None:
    assert CLAIMS.latest(ints(0, 1, 2, -1)).tolist() == [9, -1, 6, -1]


def said(op: str, left: str, right: str, step: int = 0, **window: Any) -> dict[str, Any]:
    """Return an `identity` event; nodes are written `kind:id`."""
    (left_kind, left_id), (right_kind, right_id) = left.split(":", 1), right.split(":", 1)
    ends = {"left_kind": left_kind, "left_id": left_id, "right_kind": right_kind, "right_id": right_id}
    return {"op": op, "occurred_at": NOON + step * STEP, **ends, **window}


def resolved(links: list[dict[str, Any]], *touches: dict[str, Any], stages: tuple[tuple[str | None, ...], ...] = ()) -> Identity:
    """Resolve winning links, touches and stages (lead, person, account)."""
    identity, touch = fact_rows("identity", *links), fact_rows("touch", *touches)
    columns = [texts(*column) for column in zip(*stages, strict=True)] if stages else [texts()] * 3
    named: dict[str, list[Any]] = {kind: [] for kind in ("person", "lead", "visitor", "account")}
    for kind in named:
        for side in ("left", "right"):
            named[kind].append(texts(*(link[f"{side}_id"] for link in links if link[f"{side}_kind"] == kind)))
        if kind != "lead":
            named[kind].append(touch[f"{kind}_id"])
    for kind, column in zip(("lead", "person", "account"), columns, strict=True):
        named[kind].append(column)
    nodes = Nodes.of(named)
    numbers = TouchNodes(*(nodes.numbers(kind, touch[f"{kind}_id"]) for kind in ("account", "person", "visitor")))
    staged = [nodes.numbers(kind, column) for kind, column in zip(("lead", "person", "account"), columns, strict=True)]
    return resolve_identity(nodes, numbers, touch, (staged[0], staged[1], staged[2]), (ints(), ints()), identity)


def canonical(identity: Identity) -> dict[str, str]:
    number = np.arange(identity.nodes.count)
    return dict(zip(identity.written(number).to_pylist(), identity.written(identity.canonical).to_pylist(), strict=True))


def test_components_stay_within_persons_and_leads_visitors_accounts() -> None:
    links = [
        ("person:b", "lead:a"),
        ("lead:a", "lead:z"),
        ("visitor:v", "visitor:u"),
        ("account:b", "account:a"),
        ("person:b", "account:b"),
    ]
    links += [("visitor:v", "person:c"), ("visitor:v", "person:b")]
    found = canonical(resolved([said("link", *ends) for ends in links]))
    assert found == {
        "person:b": "person:b",
        "person:c": "person:c",  # visitors never join two persons
        "lead:a": "person:b",
        "lead:z": "person:b",
        "visitor:u": "visitor:u",
        "visitor:v": "visitor:u",
        "account:a": "account:a",
        "account:b": "account:a",
    }


def test_a_person_belongs_to_every_account_of_its_nodes() -> None:
    links = [said("link", "person:p", "lead:l"), said("link", "lead:l", "account:b"), said("link", "account:b", "account:a")]
    identity = resolved([*links, said("link", "person:p", "account:c"), said("unlink", "person:p", "account:d")])
    rows = {(row["kind"], row["id"], row["account_id"]) for row in identity.table().to_pylist()}
    assert rows == {
        ("person", "p", "a"),
        ("person", "p", "c"),
        ("lead", "l", "a"),
        ("lead", "l", "c"),
        ("account", "a", "a"),
        ("account", "b", "a"),
        ("account", "c", "c"),
        ("account", "d", "d"),
    }


def test_an_account_of_a_deal_gives_way_to_every_other_in_its_component() -> None:
    links = [said("link", "account:deal:d", "account:zeta"), said("link", "account:deal:d", "account:deal:c")]
    assert canonical(resolved(links)) == dict.fromkeys(("account:zeta", "account:deal:c", "account:deal:d"), "account:zeta")
    assert canonical(resolved(links[1:])) == dict.fromkeys(("account:deal:c", "account:deal:d"), "account:deal:c")


def test_the_table_lists_every_membership_there_ever_was() -> None:
    """Windows that ended, that never were for one touch, and that are of two nodes of one person."""
    links = [
        said("link", "person:p", "account:a", until=NOON),
        said("link", "lead:l", "account:b", since=NOON + STEP),
        said("link", "person:p", "lead:l"),
        said("link", "visitor:v", "person:p"),
        said("link", "visitor:v", "account:c"),
        said("link", "account:a", "account:z"),
        said("unlink", "person:p", "account:y", since=NOON),
    ]
    rows = {(row["kind"], row["id"], row["account_id"]) for row in resolved(links).table().to_pylist()}
    accounts = {("a", "a"), ("b", "b"), ("c", "c"), ("z", "a"), ("y", "y")}
    members = {(kind, node, account) for kind, node in (("person", "p"), ("lead", "l"), ("visitor", "v")) for account in "ab"}
    assert rows == members | {("account", *pair) for pair in accounts}


@pytest.mark.parametrize(
    ("step", "accounts"), [(-2, ["a"]), (-1, ["a"]), (0, []), (1, ["b"]), (2, ["b"]), (3, [])], ids=lambda value: str(value)
)
def test_a_stage_has_the_accounts_of_its_leads_person_at_its_time(step: int, accounts: list[str]) -> None:
    links = [
        said("link", "person:p", "account:a", until=NOON),
        said("link", "lead:l", "account:b", since=NOON + STEP, until=NOON + 3 * STEP),
        said("link", "person:p", "lead:l"),
    ]
    identity = resolved(links)
    lead, at = identity.nodes.numbers("lead", texts("l")), ints(micros(NOON + step * STEP))
    row, found = identity.accounts_of_stage(ints(-1), lead, at)
    assert (row.tolist(), identity.ids(found).to_pylist()) == ([0] * len(accounts), accounts)
    person = identity.of_node(lead)
    assert identity.memberships.at(person, at)[1].tolist() == found.tolist()


def test_a_touch_outside_of_all_windows_goes_by_its_visitor() -> None:
    links = [said("link", "person:p", "account:a", until=NOON), said("link", "visitor:v", "account:c")]
    times = [NOON - STEP, NOON]
    touches = [{"person_id": "p", "visitor_id": "v", "occurred_at": time} for time in times]
    identity, touch = resolved(links, *touches), fact_rows("touch", *touches)
    nodes = TouchNodes(*(identity.nodes.numbers(kind, touch[f"{kind}_id"]) for kind in ("account", "person", "visitor")))
    at_us = ints(*map(micros, times))
    rows, accounts = identity.accounts_of_touch(nodes, identity.person_of_touch(nodes, at_us), at_us)
    assert list(zip(rows.tolist(), identity.ids(accounts).to_pylist(), strict=True)) == [(0, "a"), (1, "c")]


def test_nodes_that_only_an_unlink_names_exist_alone() -> None:
    rows = resolved([said("unlink", "visitor:v", "lead:l")]).table().to_pylist()
    assert sorted((row["kind"], row["id"], row["person_id"], row["account_id"]) for row in rows) == [
        ("lead", "l", "lead:l", None),
        ("visitor", "v", None, None),
    ]


def test_stages_imply_links_unless_an_event_voids_them() -> None:
    stages = (("l", "p", "a"), ("m", None, "b"), (None, "q", None))
    found = resolved([], stages=stages)
    assert canonical(found)["lead:l"] == "person:p"
    members = {(row["id"], row["account_id"]) for row in found.table().to_pylist() if row["kind"] != "account"}
    assert members == {("p", "a"), ("l", "a"), ("m", "b"), ("q", None)}
    voided = resolved([said("unlink", "person:p", "lead:l")], stages=stages)
    assert canonical(voided)["lead:l"] == "lead:l"
    assert ("l", "a") in {(row["id"], row["account_id"]) for row in voided.table().to_pylist()}


def test_of_touches_and_link_events_each_claims_at_its_own_time() -> None:
    touches = [{"visitor_id": "v", "person_id": person, "occurred_at": NOON + step * STEP} for person, step in (("p", 0), ("q", 2))]
    identity = resolved([said("link", "person:r", "visitor:v", 1), said("unlink", "visitor:v", "person:q", 9)], *touches)
    who = identity.nodes.numbers("person", texts("p", "r"))
    group = ints(0, 0, 0)
    found = identity.claims.person_at(group, ints(*(micros(NOON + step * STEP) for step in (-1, 0, 3))))
    assert found.tolist() == [who[0], who[0], who[1]]  # q was unlinked, whatever the touch said


def test_the_accounts_of_a_touch_are_those_of_the_first_rule_that_gives_any() -> None:
    links = [said("link", "person:p", "account:b"), said("link", "visitor:v", "account:c"), said("link", "visitor:w", "visitor:v")]
    touches = [
        {"account_id": "a", "person_id": "p", "visitor_id": "v"},
        {"person_id": "p", "visitor_id": "v"},
        {"person_id": "nobody", "visitor_id": "v"},
        {"visitor_id": "w"},
        {"person_id": "nobody"},
    ]
    identity = resolved([*links, said("unlink", "person:p", "account:a"), said("unlink", "visitor:v", "person:p")], *touches)
    touch = fact_rows("touch", *touches)
    nodes = TouchNodes(*(identity.nodes.numbers(kind, touch[f"{kind}_id"]) for kind in ("account", "person", "visitor")))
    person = identity.person_of_touch(nodes, np.full(len(touches), micros(NOON)))
    rows, accounts = identity.accounts_of_touch(nodes, person, np.full(len(touches), micros(NOON)))
    assert rows.tolist() == sorted(rows.tolist())
    assert list(zip(rows.tolist(), identity.ids(accounts).to_pylist(), strict=True)) == [(0, "a"), (1, "b"), (2, "c"), (3, "c")]
    actors = identity.written(identity.actor_of_touch(nodes, person)).to_pylist()
    assert actors[:2] == ["person:p", "person:p"]
    assert (actors[2], actors[4]) == ("person:nobody", "person:nobody")


def test_the_accounts_of_a_stage() -> None:
    identity = resolved(
        [said("link", "person:p", "account:b"), said("link", "person:p", "account:c")], stages=(("l", "p", None), ("m", None, "a"))
    )
    leads, accounts = identity.nodes.numbers("lead", texts("l", "m")), identity.nodes.numbers("account", texts(None, "a"))
    rows, found = identity.accounts_of_stage(accounts, leads, np.full(2, micros(NOON)))
    assert sorted(zip(rows.tolist(), identity.ids(found).to_pylist(), strict=True)) == [(0, "b"), (0, "c"), (1, "a")]


def test_nobody_at_all() -> None:
    assert resolved([]).table().num_rows == 0
