"""Campaigns of several names, and campaigns of campaigns: which one each id counts for, and which one it is a part of.

Journeys and credits keep the id as written; costs and figures are those of the campaign that it stands for (semantics: "Figures",
`same_as`). Figures of a parent add up those of its children (figures: "Deals", `marts.campaign_tree`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from nisba.attribution.columns import Ints, dictionary, encode, text
from nisba.attribution.facts import TEXT
from nisba.attribution.registers import winners

__all__ = ["circles", "counted_for", "counts_for"]


def counts_for(ids: Any, campaign: Any) -> Any:
    """Return, for a text column of campaign ids, the campaign that each counts for: itself where no event says otherwise.

    `campaign` has the columns of `ledger_schema("campaign")`: of each campaign its winning event counts.
    """
    latest = winners("campaign", campaign)
    pairs = zip(text(latest["campaign_id"]).to_pylist(), text(latest["same_as"]).to_pylist(), strict=True)
    standing = counted_for({campaign_id: same_as for campaign_id, same_as in pairs if same_as is not None})
    codes, distinct = encode(ids)
    return _decoded(codes, [standing.get(campaign_id, campaign_id) for campaign_id in distinct.to_pylist()])


def _decoded(codes: Ints, values: list[str | None]) -> Any:
    return text(dictionary(codes, pa.array(values, TEXT)))


def counted_for(names: Mapping[str, str]) -> dict[str, str]:
    """Follow names to the end: each id that is another name, and the campaign that it stands for.

    Ids that name each other stand for the smallest of them, and so does whatever leads to them.

    >>> counted_for({"x": "y", "y": "z", "q": "p", "p": "q", "a": "q"})
    {'x': 'z', 'y': 'z', 'q': 'p', 'p': 'p', 'a': 'p'}
    """
    found: dict[str, str] = {}
    for start in names:
        path: dict[str, int] = {}
        at = start
        while at in names and at not in found and at not in path:
            path[at] = len(path)
            at = names[at]
        end = min(list(path)[path[at] :]) if at in path else found.get(at, at)
        found.update(dict.fromkeys(path, end))
    return found


def circles(parents: Mapping[str, str]) -> dict[str, str]:
    """Return, for each id that comes back to itself from parent to parent, the smallest id of that circle.

    >>> circles({"b": "c", "c": "b", "a": "b", "d": "d"})
    {'b': 'b', 'c': 'b', 'd': 'd'}
    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    for start in parents:
        path: dict[str, int] = {}
        at = start
        while at in parents and at not in seen:
            seen.add(at)
            path[at] = len(path)
            at = parents[at]
        circle = list(path)[path[at] :] if at in path else []
        found.update(dict.fromkeys(circle, min(circle, default="")))
    return found
