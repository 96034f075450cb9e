"""The two ways of the decoder, over events bent in every field: the same refused, in the same words, and the same facts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decoder import Decoded, decode_block
from schemas.events import EVENT_TYPES
from tests.unit.schemas.event_samples import SAMPLES, block, sample

AMOUNTS: tuple[str, ...] = ("0", "-0.00", "-0.01", "00", "1.0", "1.005", "1.0005", "999999999999.99", "1000000000000", "1e3", "")
AMOUNTS += ("999999999999.999999", "0.0000001", "0.000000000001", "0.0000000000009", "999999999999999.99", "1000000000000000")
INSTANTS: tuple[str, ...] = ("2026-03-01T09:30:00Z", "2026-03-01t09:30:00.1234567z", "2026-02-30T00:00:00Z", "2026-03-01T09:30:00")
INSTANTS += ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00", "0000-01-01T00:00:00Z")
INSTANTS += ("2026-03-01T09:30:00+0300", "2026-03-01t09:30:00.25-03", "2026-03-01T09:30:60Z", "1969-12-31T23:59:59.999999Z")
INSTANTS += ("1970-01-01T00:00:00Z", "2199-12-31T23:59:59.999999Z", "2200-01-01T00:00:00Z")
DATES = ("2026-03-01", "2026-02-28", "2026-02-30", "2026-3-1", "0001-01-01", "0000-01-01", "1969-12-31", "2199-12-31", "2200-01-01")
WORDS: tuple[str, ...] = ("", "a", "all", "won", "open", "lost", "USD", "JPY", "XAU", "usd", "é" * 256, "x" * 257)
WORDS += (" LinkedIn  Ads", "\u00a0", "Cafe\u0301", "(None)", " ALL ", "(not set)", "unattributed", "link", "unlink")
VALUES: list[Any] = [
    ...,
    None,
    0,
    -1,
    10**15 - 1,
    10**15,
    2**63,
    10**30,
    -(2**63) - 1,
    True,
    1.0,
    1.5,
    [],
    ["p", ""],
    ["p"],
    {},
    {"source": None},
    {"kind": "lead", "id": ""},
]
VALUES += [{"kind": kind, "id": "v-81"} for kind in ("visitor", "person", "account")]
VALUES += [{"source": "", "gclid": 1}, {"a": [1.0, 1e2, 0.1]}]


@st.composite
def bent(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an event with up to four fields, known or given, replaced."""
    event_type = draw(st.sampled_from(sorted(SAMPLES)))
    fields = sorted({*EVENT_TYPES[event_type].struct.__struct_fields__, *SAMPLES[event_type], "unheard_of"})
    values = st.sampled_from([*AMOUNTS, *INSTANTS, *DATES, *WORDS, *VALUES])
    event = sample(event_type, **draw(st.dictionaries(st.sampled_from(fields), values, max_size=4)))
    return event | draw(st.dictionaries(st.sampled_from(["time", "id", "source"]), st.sampled_from([*INSTANTS, *WORDS]), max_size=1))


def outcome(decoded: Decoded) -> tuple[list[Any], dict[str, list[Any]], list[Any]]:
    """Return the dead letters and the facts, in the order of the block, and the fields that nobody knows."""
    letters = decoded.dead_letters.select(["kafka_offset", "error_class", "message", "value"]).to_pylist()
    facts = {name: table.sort_by("kafka_offset").to_pylist() for name, table in decoded.facts.items()}
    return letters, facts, decoded.unknown_fields.to_pylist()


@given(st.lists(bent(), min_size=1, max_size=3))
def test_both_ways_refuse_the_same_and_make_the_same_facts(events: list[dict[str, Any]]) -> None:
    values = [json.dumps(event).encode() for event in events]
    assert outcome(decode_block(block(*values))) == outcome(decode_block(block(*values), exactly=True))


@pytest.mark.parametrize("event_type", SAMPLES)
def test_every_value_in_every_field(event_type: str) -> None:
    """One field at a time, all of them in one block."""
    fields = EVENT_TYPES[event_type].struct.__struct_fields__
    events = [sample(event_type, **{field: value}) for field in fields for value in (*AMOUNTS, *INSTANTS, *DATES, *WORDS, *VALUES)]
    quick, exact = (decode_block(block(*events), exactly=exactly) for exactly in (False, True))
    assert outcome(quick) == outcome(exact)
    assert quick.dead_letters.num_rows > 0
    assert sum(table.num_rows for table in quick.facts.values()) > 0
