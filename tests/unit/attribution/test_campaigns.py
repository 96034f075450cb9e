"""Which campaign an id counts for: names followed to the end, circles, and the latest word of each id."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.campaigns import circles, counted_for, counts_for
from tests.unit.attribution.fact_rows import NOON, STEP, fact_rows


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({}, {}),
        ({"utm": "1001"}, {"utm": "1001"}),
        ({"x": "y", "y": "z"}, {"x": "z", "y": "z"}),
        ({"p": "p"}, {"p": "p"}),
        ({"q": "p", "p": "q"}, {"p": "p", "q": "p"}),
        ({"a": "q", "q": "p", "p": "q"}, {"a": "p", "p": "p", "q": "p"}),
        ({"b": "a", "c": "b", "a": "c", "z": "c"}, {"a": "a", "b": "a", "c": "a", "z": "a"}),
        ({"\U0001f600": "\uffee", "\uffee": "\U0001f600"}, {"\U0001f600": "\uffee", "\uffee": "\uffee"}),
        ({"x": "a", "y": "x", "a": "end"}, {"x": "end", "y": "end", "a": "end"}),
    ],
    ids=["nothing", "name", "chain", "itself", "circle", "chain_into_circle", "circle_of_three", "bytes", "tree"],
)
def test_names_are_followed_to_the_end(names: dict[str, str], found: dict[str, str]) -> None:
    assert counted_for(names) == found


def test_a_chain_of_a_hundred_thousand_names_is_walked_once() -> None:
    names = {str(number): str(number + 1) for number in range(100_000)}
    assert set(counted_for(names).values()) == {"100000"}


@pytest.mark.parametrize(
    ("parents", "found"),
    [
        ({}, {}),
        ({"a": "b", "b": "c"}, {}),
        ({"p": "p"}, {"p": "p"}),
        ({"a": "q", "q": "p", "p": "q", "z": "a"}, {"p": "p", "q": "p"}),
        ({"b": "a", "c": "b", "a": "c", "y": "x", "x": "y"}, {"a": "a", "b": "a", "c": "a", "x": "x", "y": "x"}),
        ({"\U0001f600": "\uffee", "\uffee": "\U0001f600"}, {"\U0001f600": "\uffee", "\uffee": "\uffee"}),
    ],
    ids=["nothing", "chain", "itself", "what_leads_to_a_circle_is_not_on_it", "two_circles", "bytes"],
)
def test_circles_are_named_by_their_smallest_id(parents: dict[str, str], found: dict[str, str]) -> None:
    assert circles(parents) == found


def test_a_chain_of_a_hundred_thousand_parents_is_walked_once() -> None:
    parents = {str(number): str(number + 1) for number in range(100_000)} | {"100000": "99999"}
    assert circles(parents) == {"100000": "100000", "99999": "100000"}


IDS = st.sampled_from("abcdef")


@given(st.dictionaries(IDS, IDS))
def test_whoever_comes_back_to_itself_is_on_a_circle(parents: dict[str, str]) -> None:
    found = circles(parents)
    for start in parents:
        walked, at = set(), start
        while at in parents and at not in walked:
            walked.add(at)
            at = parents[at]
        assert (start in found) == (at == start)
        if start in found:
            assert found[start] == min(walked)


@given(st.dictionaries(IDS, IDS))
def test_every_name_is_where_following_it_ends(names: dict[str, str]) -> None:
    """After as many steps as there are names one is at the end, or in the circle."""
    for start, end in counted_for(names).items():
        at = start
        for _ in names:
            at = names.get(at, at)
        circle = {at}
        while names.get(at, at) not in circle:
            at = names[at]
            circle.add(at)
        assert end == min(circle)


def test_the_winning_event_of_an_id_decides() -> None:
    """Another name first, a campaign of its own later; one that no event describes may be named all the same."""
    later = {"campaign_id": "b", "same_as": None, "occurred_at": NOON + STEP}
    events = fact_rows("campaign", {"campaign_id": "b", "same_as": "a"}, later, {"campaign_id": "c", "same_as": "nobody"})
    ids = pa.array(["b", "c", None, "b", "unknown"])
    assert counts_for(ids, events).to_pylist() == ["b", "nobody", None, "b", "unknown"]


def test_nothing_is_named() -> None:
    assert counts_for(pa.array([], pa.string()), fact_rows("campaign")).to_pylist() == []
