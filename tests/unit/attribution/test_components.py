"""Connected components, beside a loop that joins sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.components import smallest_of_component


def smallest(count: int, *links: tuple[int, int]) -> list[int]:
    left, right = (np.array([link[end] for link in links], dtype=np.int64) for end in (0, 1))
    found: list[int] = smallest_of_component(count, left, right).tolist()
    return found


def joined(count: int, links: list[tuple[int, int]]) -> list[int]:
    """What it should be: sets that are joined link by link."""
    component = [{node} for node in range(count)]
    for left, right in links:
        both = component[left] | component[right]
        for node in both:
            component[node] = both
    return [min(one) for one in component]


@pytest.mark.parametrize(
    ("count", "links", "expected"),
    [
        (0, [], []),
        (3, [], [0, 1, 2]),
        (3, [(2, 2)], [0, 1, 2]),
        (3, [(2, 1), (1, 2), (2, 1)], [0, 1, 1]),
        (4, [(3, 1), (2, 3)], [0, 1, 1, 1]),
        (5, [(0, 4), (1, 3), (4, 1)], [0, 0, 2, 0, 0]),
    ],
    ids=["no node", "no link", "a link to itself", "a link three times", "through a larger node", "two components that are joined"],
)
def test_the_smallest_of_small_components(count: int, links: list[tuple[int, int]], expected: list[int]) -> None:
    assert smallest(count, *links) == expected


def test_a_link_256_times_is_a_link() -> None:
    """Counts of links are small integers inside, which come to nothing again at 256."""
    assert smallest(3, *[(2, 1)] * 256) == [0, 1, 1]


def test_a_chain_is_one_component_in_either_direction() -> None:
    upwards = [(node, node + 1) for node in range(10_000)]
    assert set(smallest(10_001, *upwards)) == {0} == set(smallest(10_001, *[(right, left) for left, right in upwards]))


@given(st.data(), st.integers(1, 12))
def test_any_links(data: st.DataObject, count: int) -> None:
    nodes = st.integers(0, count - 1)
    links = data.draw(st.lists(st.tuples(nodes, nodes), max_size=15))
    assert smallest(count, *links) == joined(count, links)
