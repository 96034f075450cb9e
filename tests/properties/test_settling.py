"""Conflicts, registers and the decoder: what the product settles is what the oracle settles (semantics §1)."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given

from schemas.canonical import canonical as canonical_form
from schemas.canonical import row_to_event, settle
from schemas.decoder import decode_block
from schemas.encoding import encode_event
from schemas.topics import topic_of
from tests.oracle.settled import canonical, instant, moment
from tests.strategies import Event, block_of, event_sets, facts_of, winners


def _decoded(one: Event) -> tuple[str, dict[str, object]]:
    record = encode_event(one["type"], one["id"], one["source"], one["time"], one["data"])
    decoded = decode_block(block_of(topic_of(one["type"]).name, [record]))
    ((fact_type, table),) = decoded.facts.items()
    return fact_type, table.to_pylist()[0]


@given(event_sets())
def test_the_ledgers_winner_is_the_oracles(events: list[Event]) -> None:
    by_identity = defaultdict(list)
    for one in events:
        by_identity[one["type"], one["source"], one["id"]].append(one)
    for same in by_identity.values():
        decoded = [_decoded(one) for one in same]
        rows = [row for _, row in decoded]
        (expected,) = winners(same)
        kept = same[settle(decoded[0][0], rows)]
        assert _content(kept) == _content(expected)


@given(event_sets())
def test_canonical_forms_agree_byte_by_byte(events: list[Event]) -> None:
    for one in events:
        fact_type, row = _decoded(one)
        time, data = row_to_event(fact_type, row)
        assert (time, canonical_form(data)) == (moment(instant(one["time"])), canonical(one["type"].split(".")[1], one["data"]))


@given(event_sets())
def test_facts_hold_every_winner_once(events: list[Event]) -> None:
    tables = facts_of(events).tables()
    assert sum(table.num_rows for table in tables.values()) == len(winners(events))


def _content(one: Event) -> tuple[int, bytes]:
    return instant(one["time"]), canonical(one["type"].split(".")[1], one["data"])
