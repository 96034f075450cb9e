"""Fields that no type knows: ignored, and counted by type and name, whatever their neighbours are."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decoder import decode_block
from schemas.encoding import table_records
from schemas.unknown import UNKNOWN_FIELD_SCHEMA
from tests.strategies import examples
from tests.unit.schemas.event_samples import SAMPLES, block, decoded, sample

TOUCH, DEAL, IDENTITY = "nisba.touch.v1", "nisba.deal.v1", "nisba.identity.v1"


def counted(*events: Any, exactly: bool = False, **options: Any) -> dict[tuple[str, str], int]:
    found = decode_block(block(*events, **options), exactly=exactly).unknown_fields
    assert found.schema == UNKNOWN_FIELD_SCHEMA
    return {(row["event_type"], row["field"]): row["records"] for row in found.to_pylist()}


def test_events_whose_fields_are_all_known_count_nothing() -> None:
    extended = sample(TOUCH) | {"partitionkey": "acme", "traceparent": "00-1", "subject": "x"}
    assert counted(*map(sample, SAMPLES), extended) == {}
    assert counted() == {}


def test_each_field_is_counted_once_an_event_by_its_type() -> None:
    events = [
        sample(TOUCH),
        sample(TOUCH, gclid="x", owner=None),
        sample(TOUCH, gclid={"a": 1}, utm={"source": "s", "id": "7"}),
        sample(DEAL, owner="z", gclid=[]),
        sample(IDENTITY, left={"kind": "visitor", "id": "v", "name": "n"}),
        sample(TOUCH),
    ]
    expected = {
        (TOUCH, "gclid"): 2,
        (TOUCH, "owner"): 1,
        (TOUCH, "utm.id"): 1,
        (DEAL, "gclid"): 1,
        (IDENTITY, "left.name"): 1,
    }
    assert counted(*events) == counted(*events, exactly=True) == expected
    facts = decoded(*events).facts
    assert {name: table.num_rows for name, table in facts.items()} == {"touch": 4, "deal": 1, "identity": 1}
    assert facts["touch"]["utm_source"].to_pylist() == ["google", "google", "s", "google"]


def test_a_dotted_name_is_a_field_of_its_own() -> None:
    flat = json.dumps(sample(TOUCH)).encode().replace(b'"channel"', b'"utm.source": "x", "channel"', 1)
    assert counted(flat) == {(TOUCH, "utm.source"): 1}


def test_what_a_type_does_not_know_another_may() -> None:
    assert counted(sample(TOUCH, closed_at="x"), sample(DEAL)) == {(TOUCH, "closed_at"): 1}


def test_records_that_are_refused_do_not_count() -> None:
    """They count when they are replayed and come through; so nothing counts twice."""
    bad = [sample(DEAL, zz=1, status="Won"), sample(DEAL, zz=1, closed_at=...), sample(DEAL, zz=1, amount="1.005")]
    other = [b"{", {"type": "other", "data": {"zz": 1}}, None]
    assert counted(*bad, *other) == {}
    assert counted(*bad, *other, sample(DEAL, zz=1)) == {(DEAL, "zz"): 1}


def test_events_that_are_read_again_exactly_count_as_well() -> None:
    assert counted(sample(DEAL, zz=1, amount="0048000.000000"), sample(DEAL, zz=1)) == {(DEAL, "zz"): 2}


def test_binary_mode_and_parquet_count_too() -> None:
    headers = [("ce_id", b"e-1"), ("ce_source", b"s"), ("ce_type", TOUCH.encode()), ("ce_time", b"2026-03-01T09:30:00Z")]
    headers += [("ce_specversion", b"1.0"), ("ce_extension", b"x")]
    assert counted(sample(TOUCH, zz=1)["data"], headers=[headers]) == {(TOUCH, "zz"): 1}
    rows = [{"id": "e", "source": "s", "type": TOUCH, "time": "2026-03-01T00:00:00Z", **SAMPLES[TOUCH], "zz": zz} for zz in (1, None)]
    table = pa.Table.from_pylist([row | {"attributes": None} for row in rows])
    (counts,) = decode_block(table_records(table, "f.parquet")).unknown_fields.to_pylist()
    assert counts == {"event_type": TOUCH, "field": "zz", "records": 1}


def test_a_long_name_is_cut() -> None:
    assert counted(sample(TOUCH, **{"z" * 300: 1})) == {(TOUCH, "z" * 256): 1}


@pytest.mark.parametrize("name", ["", "é", "a\x00b", "a\nb", '"', "channel ", "Channel"])
def test_any_name_can_be_counted(name: str) -> None:
    assert counted(sample(TOUCH, **{name: 1})) == {(TOUCH, name): 1}


@examples(30, of_profile=0.5)
@given(st.lists(st.dictionaries(st.sampled_from(["channel", "zz", "yy", "utm"]), st.none() | st.just({"source": "x"})), max_size=6))
def test_counts_are_those_of_one_after_the_other(changes: list[dict[str, Any]]) -> None:
    events = [sample(TOUCH, **change) for change in changes]
    alone: dict[tuple[str, str], int] = {}
    for event in events:
        for key, count in counted(event).items():
            alone[key] = alone.get(key, 0) + count
    assert counted(*events) == alone
