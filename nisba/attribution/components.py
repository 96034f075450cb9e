"""Connected components of links: who is one person, one device, one account."""

from __future__ import annotations

import numpy as np

from nisba.attribution.columns import Ints

__all__ = ["smallest_of_component"]


def smallest_of_component(count: int, left: Ints, right: Ints) -> Ints:
    """Return, for each of `count` nodes, the smallest node of its component; links lie between nodes of `left` and `right`.

    >>> smallest_of_component(5, np.array([4, 3]), np.array([3, 1])).tolist()
    [0, 1, 2, 1, 1]
    """
    number = np.arange(count)
    if not len(left):
        return number
    from scipy.sparse import coo_array  # the import takes longer than most shards
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    components, label = connected_components(graph.tocsr(), directed=False)
    smallest = np.empty(components, dtype=np.int64)
    smallest[label[::-1]] = number[::-1]  # of repeated labels the last assignment stays: the smallest node
    return np.asarray(smallest[label], dtype=np.int64)
