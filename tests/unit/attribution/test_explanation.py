"""Why touches are not in a journey: one touch per reason, in a shard made by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pyarrow as pa

from nisba.attribution.explanation import left_out
from nisba.attribution.facts import INSTANT
from nisba.attribution.models import default_journey
from nisba.attribution.shards import Shard
from nisba.config import Attribution, Config

CONFIG = Config(
    attribution=Attribution(
        lookback_days=10, session_gap_minutes=30, teams=("marketing",), excluded_channels=("Chat Bot",), excluded_referrers=("PayPal.com",)
    )
)
SPEC = default_journey(CONFIG)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-{text}:00+00:00")


TOUCHES = [
    ("too_early", "01-01 09:00", "click", "marketing"),
    ("first_of_its_kind", "01-20 09:00", "click", "marketing"),
    ("again_at_once", "01-20 09:10", "click", "marketing"),
    ("only_seen", "01-21 09:00", "impression", "marketing"),
    ("by_sales", "01-22 09:00", "call", "sales"),
    ("by_a_machine", "01-22 10:00", "form", "marketing"),
    ("back_from_paying", "01-22 11:00", "form", "marketing"),
    ("taken_back", "01-23 09:00", "form", "marketing"),
    ("after_the_close", "02-02 09:00", "click", "marketing"),
]


def shard(actor: str | None = "person:p-1") -> Shard:
    size = len(TOUCHES)
    touch = {
        "account": pa.array([0] * size, pa.int64()),
        "source": pa.array(["web"] * size),
        "event_id": pa.array([name for name, *_ in TOUCHES]),
        "occurred_at": pa.array([at(time) for _, time, *_ in TOUCHES], INSTANT),
        "channel": pa.array(["chat bot" if name == "by_a_machine" else "email" for name, *_ in TOUCHES]),
        "referrer_host": pa.array(["www.paypal.com" if name == "back_from_paying" else None for name, *_ in TOUCHES], pa.string()),
        "kind": pa.array([kind for *_, kind, _ in TOUCHES]),
        "team": pa.array([team for *_, team in TOUCHES]),
        "campaign_id": pa.array(["c-1"] * size),
        "actor": pa.array([actor] * size, pa.string()),
    }
    deal = {"deal_id": pa.array(["d-1"]), "account": pa.array([0], pa.int64()), "lead_created_at": pa.nulls(1, INSTANT)}
    deal |= {"contacts": pa.array([[]], pa.list_(pa.int64())), "primary_contact": pa.nulls(1, pa.int64())}
    state = {"deal": pa.array([0], pa.int64()), "status": pa.array(["won"]), "occurred_at": pa.array([at("02-01 09:00")], INSTANT)}
    state |= {"opened_at": pa.array([at("01-25 09:00")], INSTANT), "closed_at": pa.array([at("02-01 09:00")], INSTANT)}
    creation: Any = {"account": pa.array([], pa.int64()), "occurred_at": pa.array([], INSTANT)}
    nothing = pa.table({})
    return Shard(pa.table(deal), pa.table(state), pa.table(touch), pa.table(creation), nothing, nothing)


def test_every_reason() -> None:
    found = left_out(shard(), "d-1", SPEC, {("web", "taken_back")})
    # `taken_back` is in the journey of this shard, which was made as if nothing were retracted
    assert [(row.touch_id, row.reason) for row in found] == [
        ("too_early", "outside_lookback"),
        ("again_at_once", "collapsed"),
        ("only_seen", "excluded_kind"),
        ("by_sales", "team"),
        ("by_a_machine", "excluded_channel"),
        ("back_from_paying", "excluded_referrer"),
        ("taken_back", "retracted"),
        ("after_the_close", "after_close"),
    ]


def test_details_name_the_bound_and_the_touch() -> None:
    details = {row.touch_id: row.detail for row in left_out(shard(), "d-1", SPEC)}
    assert details["again_at_once"] == "counts as one with first_of_its_kind"
    assert details["too_early"] == "before 2026-01-15 09:00 UTC, where the lookback begins"
    assert details["by_a_machine"] == "channel chat bot is excluded"
    assert details["back_from_paying"] == "referrer www.paypal.com is excluded"
    assert details["after_the_close"] == "after the close of 2026-02-01 09:00 UTC"


def test_what_it_counts_as_one_with_follows_the_firms_choice() -> None:
    spec = replace(SPEC, excluded_kinds=frozenset(), session_gap_us=2 * 86_400_000_000)
    assert "only_seen" not in {row.touch_id for row in left_out(shard(), "d-1", spec)}
    details = {row.touch_id: row.detail for row in left_out(shard(), "d-1", replace(spec, collapse_by=("channel",)))}
    assert details["only_seen"] == "counts as one with first_of_its_kind"


def test_touches_of_nobody_never_collapse() -> None:
    assert "again_at_once" not in {row.touch_id for row in left_out(shard(actor=None), "d-1", SPEC)}


def test_touches_of_others_than_contacts() -> None:
    reasons = {row.touch_id: row.reason for row in left_out(shard(), "d-1", replace(SPEC, mapping="contacts"))}
    assert reasons["first_of_its_kind"] == "not_a_contact"


def test_deal_of_another_shard_has_nothing() -> None:
    assert left_out(shard(), "d-2", SPEC) == []
