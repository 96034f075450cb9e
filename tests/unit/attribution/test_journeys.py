"""Which touches make a deal's journey, in shards made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.facts import INSTANT
from nisba.attribution.journeys import Journeys, build_journeys, journey_rows
from nisba.attribution.milestones import POSITIONS, positions
from nisba.attribution.models import JourneySpec
from nisba.attribution.shards import Shard
from tests.strategies import examples

NONE: frozenset[str] = frozenset()
KEY = ("campaign_id", "channel", "kind")
SPEC = JourneySpec("account", frozenset({"impression"}), NONE, NONE, frozenset({"marketing", "sales"}), 100, "opened_at", 10, KEY)
DEAL = {"account": 0, "status": "won", "opened": 100, "closed": 200, "contacts": [], "primary": None}


def instants(*values: int | None) -> Any:
    return pa.array(values, pa.int64()).cast(INSTANT)


def column(rows: list[dict[str, Any]], name: str, default: Any, data_type: Any) -> Any:
    return pa.array([row.get(name, default) for row in rows], data_type)


def shard(touches: list[dict[str, Any]], *deals: dict[str, Any]) -> Shard:
    """Return a shard of deals and touches; touches are given in order of their account and time."""
    full = [{**DEAL, **deal} for deal in deals or ({},)]
    deal = {
        "deal_id": pa.array([f"d{number}" for number in range(len(full))]),
        "account": column(full, "account", 0, pa.int64()),
        "contacts": column(full, "contacts", [], pa.list_(pa.int64())),
        "primary_contact": column(full, "primary", None, pa.int64()),
        "lead_created_at": instants(*(None for _ in full)),
    }
    state = {
        "deal": pa.array(range(len(full)), pa.int64()),
        "status": column(full, "status", "won", pa.string()),
        "opened_at": instants(*(row["opened"] for row in full)),
        "closed_at": instants(*(row["closed"] for row in full)),
        "occurred_at": instants(*(row["opened"] for row in full)),
    }
    touch = {
        "account": column(touches, "account", 0, pa.int64()),
        "source": pa.array(["web"] * len(touches), pa.string()),
        "event_id": pa.array([f"t{number}" for number in range(len(touches))], pa.string()),
        "occurred_at": instants(*(row["at"] for row in touches)),
    }
    texts = {"kind": "click", "team": "marketing", "campaign_id": "c", "channel": "paid", "actor": None, "referrer_host": None}
    touch |= {name: column(touches, name, default, pa.string()) for name, default in texts.items()}
    creation = pa.table({"account": pa.array([], pa.int64()), "occurred_at": instants()})
    nothing = pa.table({})
    return Shard(pa.table(deal), pa.table(state), pa.table(touch), creation, nothing, nothing)


def journeys(found: Journeys) -> list[list[int]]:
    """Return the rows of each deal's touches."""
    return [found.touch[start : start + length].tolist() for start, length in zip(found.starts, found.lengths, strict=True)]


def at(*times: int, **more: Any) -> list[dict[str, Any]]:
    return [{"at": time, **more} for time in times]


def test_both_ends_of_the_window_belong_to_it() -> None:
    assert journeys(build_journeys(shard(at(-1, 0, 100, 200, 201)), SPEC)) == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("anchor", "status", "inside"),
    [("opened_at", "won", [1, 2, 3]), ("closed_at", "won", [2, 3]), ("closed_at", "lost", [2, 3]), ("closed_at", "open", [1, 2, 3, 4])],
)
def test_the_anchor_and_what_is_open(anchor: str, status: str, inside: list[int]) -> None:
    """An open deal has no close: the window is unbounded, and an anchor at the close falls back to the opening."""
    found = build_journeys(shard(at(-1, 0, 100, 200, 300), {"status": status}), replace(SPEC, anchor=anchor))
    assert journeys(found) == [inside]


def test_kinds_and_teams() -> None:
    touches: list[dict[str, Any]] = [
        {"at": 100},
        {"at": 120, "kind": "impression"},
        {"at": 140, "team": "partner"},
        {"at": 160, "team": "sales"},
    ]
    assert journeys(build_journeys(shard(touches), SPEC)) == [[0, 3]]
    assert journeys(build_journeys(shard(touches), replace(SPEC, excluded_kinds=frozenset(), teams=frozenset({"partner"})))) == [[2]]
    assert journeys(build_journeys(shard(touches), replace(SPEC, teams=frozenset()))) == [[]]


def test_channels_and_referrers() -> None:
    touches: list[dict[str, Any]] = [
        {"at": 100, "channel": "Chat Bot"},
        {"at": 110, "referrer_host": "www.paypal.com"},
        {"at": 120, "referrer_host": "notpaypal.com"},
        {"at": 130, "referrer_host": "paypal.com"},
        {"at": 140, "channel": "chat"},
    ]
    assert journeys(build_journeys(shard(touches), SPEC)) == [[0, 1, 2, 3, 4]]
    assert journeys(build_journeys(shard(touches), replace(SPEC, excluded_channels=frozenset({"chat bot"})))) == [[1, 2, 3, 4]]
    assert journeys(build_journeys(shard(touches), replace(SPEC, excluded_referrers=frozenset({"paypal.com"})))) == [[0, 2, 4]]


@pytest.mark.parametrize(("status", "closed", "inside"), [("won", 80, [1, 2]), ("lost", 80, [1, 2]), ("open", 80, [2, 3, 4])])
def test_a_deal_that_closed_before_it_was_opened(status: str, closed: int, inside: list[int]) -> None:
    """What an import says was opened later counts as opened at its close; the close of an open deal is only expected."""
    touches = at(-21, -20, 80, 100, 200)
    found = build_journeys(shard(touches, {"status": status, "closed": closed}), SPEC)
    assert journeys(found) == [inside]
    assert POSITIONS[positions(found.milestones, found.lengths)[1]] == ("LC+OC+CW" if status != "open" else "LC+OC")


def test_accounts_keep_to_themselves_and_deals_share_a_touch() -> None:
    touches = [*at(100, 200), *at(50, 150, account=1)]
    deals = [{"account": 1}, {"account": 0, "closed": 150}, {"account": 1, "opened": 190}]
    assert journeys(build_journeys(shard(touches, *deals), SPEC)) == [[2, 3], [0], [3]]


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        ((100, 109), [0]),
        ((100, 110), [0, 1]),  # the gap itself is not less than the gap
        ((100, 109, 118, 127), [0]),  # each less than the gap after the one before it
        ((100, 109, 119), [0, 2]),
        ((100, 100), [0]),
    ],
)
def test_touches_close_together_count_as_one(times: tuple[int, ...], kept: list[int]) -> None:
    assert journeys(build_journeys(shard(at(*times, actor="p")), SPEC)) == [kept]
    assert journeys(build_journeys(shard(at(*times)), SPEC)) == [list(range(len(times)))], "nobody's touches never collapse"
    assert journeys(build_journeys(shard(at(*times, actor="p")), replace(SPEC, session_gap_us=0))) == [list(range(len(times)))]


@pytest.mark.parametrize(
    ("collapse_by", "kept"),
    [(("campaign_id",), [0, 2]), (("channel",), [0, 1]), (("kind",), [0]), ((), [0]), (("campaign_id", "channel"), [0, 1, 2])],
)
def test_what_touches_must_have_in_common(collapse_by: tuple[str, ...], kept: list[int]) -> None:
    """Without a campaign, too, is in common."""
    touches = [
        {"at": 100, "actor": "p", "campaign_id": None},
        {"at": 103, "actor": "p", "campaign_id": None, "channel": "email"},
        {"at": 106, "actor": "p"},
        {"at": 107, "actor": "p", "campaign_id": None},
    ]
    assert journeys(build_journeys(shard(touches), replace(SPEC, collapse_by=collapse_by))) == [kept]


@pytest.mark.parametrize("name", ["actor", "campaign_id", "channel", "kind"])
def test_another_key_does_not_collapse_nor_break_the_chain(name: str) -> None:
    touches = [{"at": 100, "actor": "p"}, {"at": 105, "actor": "p", name: "other"}, {"at": 109, "actor": "p"}]
    assert journeys(build_journeys(shard(touches), SPEC)) == [[0, 1]]


def test_the_gap_itself_is_not_less_though_others_stand_between() -> None:
    touches: list[dict[str, Any]] = [
        {"at": 100, "actor": "p"},
        {"at": 105, "actor": "q"},
        {"at": 110, "actor": "p"},
        {"at": 114, "actor": "q"},
    ]
    assert journeys(build_journeys(shard(touches), SPEC)) == [[0, 1, 2]]


def test_a_chain_that_began_before_the_window_counts_from_its_first_touch_inside() -> None:
    assert journeys(build_journeys(shard(at(-5, 4, 13, actor="p")), SPEC)) == [[1]]


def test_of_the_contacts_alone() -> None:
    """Contacts are actors by number: those of the shard's touches, in order; -1 has no touch."""
    touches: list[dict[str, Any]] = [{"at": 100, "actor": "p"}, {"at": 120, "actor": "q"}, {"at": 140}]
    deals: list[dict[str, Any]] = [
        {"contacts": [1, -1], "primary": 0},
        {"contacts": [], "primary": None},
        {"contacts": [0, 1], "primary": -1},
    ]
    made = shard(touches, *deals)
    assert journeys(build_journeys(made, replace(SPEC, mapping="contacts"))) == [[1], [], [0, 1]]
    assert journeys(build_journeys(made, replace(SPEC, mapping="primary_contact"))) == [[0], [], []]


def test_the_last_touch_that_is_not_direct() -> None:
    touches = [{"at": time, "channel": channel} for time, channel in ((100, "paid"), (120, "Direct"), (140, "direct"))]
    direct = frozenset({"direct"})
    assert build_journeys(shard(touches), SPEC).last_outside(direct).tolist() == [0]
    assert build_journeys(shard(touches), SPEC).last_outside(frozenset({"paid"})).tolist() == [2]
    assert build_journeys(shard(touches), SPEC).last_outside(NONE).tolist() == [2]
    assert build_journeys(shard(at(100, 120, channel="direct")), SPEC).last_outside(direct).tolist() == [1]
    assert build_journeys(shard([]), SPEC).last_outside(direct).tolist() == [-1]


def test_rows_of_the_books() -> None:
    touches: list[dict[str, Any]] = [{"at": 100, "actor": "p"}, {"at": 150, "campaign_id": None}]
    rows = journey_rows("own", build_journeys(shard(touches, {}, {"account": 1}), SPEC), "UTC").to_pylist()
    assert [(row["journey"], row["deal_id"], row["touch_id"], row["ordinal"], row["journey_length"], row["position"]) for row in rows] == [
        ("own", "d0", "t0", 1, 2, "FT+LC+OC"),
        ("own", "d0", "t1", 2, 2, "CW"),
    ]
    assert [(row["actor"], row["campaign_id"]) for row in rows] == [("p", "c"), (None, None)]


TOUCHES = st.lists(st.tuples(st.integers(0, 30), st.sampled_from([None, "p", "q"]), st.sampled_from(["c", "d"])), max_size=10)


@examples(25, of_profile=0.5)
@given(TOUCHES.map(lambda touches: sorted(touches, key=lambda touch: touch[0])), st.integers(0, 12))
def test_a_chain_is_found_one_by_one_too(touches: list[tuple[int, str | None, str]], gap: int) -> None:
    """The definition, read aloud: less than the gap after the one before of its key, collapsed or not."""
    before: dict[tuple[str, str], int] = {}
    kept = []
    for row, (time, actor, campaign) in enumerate(touches):
        if actor is None or (actor, campaign) not in before or time - before[actor, campaign] >= gap:
            kept.append(row)
        if actor is not None:
            before[actor, campaign] = time
    rows = [{"at": time + 100, "actor": actor, "campaign_id": campaign} for time, actor, campaign in touches]
    assert journeys(build_journeys(shard(rows), replace(SPEC, session_gap_us=gap))) == [kept]
