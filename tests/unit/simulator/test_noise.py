"""What goes wrong on the way: planted in exact numbers, and refused by the decoder for the reason that was meant."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decoder import Decoded, decode_block
from schemas.records import RecordBlock
from simulator.clock import DAY
from simulator.draws import Draws
from simulator.noise import Delivery, Noise, Variant, deliver, disturb
from simulator.simulate import simulate
from tests.unit.schemas.event_samples import SAMPLES, sample

CLEAN = Noise(0, 0, 0, 0, oversized=False)
IMPOSSIBLE = ("nisba.spend.v1", "nisba.deal.v1", "nisba.identity.v1", "nisba.fx.v1", "nisba.adjustment.v1")
CONTRADICTABLE = ("nisba.touch.v1", "nisba.touch-retraction.v1", "nisba.lead-stage.v1", "nisba.deal.v1", "nisba.adjustment.v1")
TYPES = [event_type for event_type in SAMPLES if event_type != "nisba.erasure.v1"]


def delivered(size: int, noise: Noise, seed: int = 1, **options: bool) -> Delivery:
    at = np.arange(size, dtype=np.int64) * 600
    return deliver(Draws(seed, "delivery"), at, noise, **{"semantic": False, "oversized": False, **options})


def decoded(*lines: bytes) -> Decoded:
    absent = [None] * len(lines)
    return decode_block(RecordBlock("topic", 0, list(range(len(lines))), list(lines), [*absent], [*absent], [*absent]))


def line(event_type: str, **changes: Any) -> bytes:
    return msgspec.json.encode(sample(event_type, **changes))


def rows(result: Decoded) -> list[dict[str, Any]]:
    assert result.dead_letters.num_rows == 0, result.dead_letters["message"].to_pylist()
    return [row for table in result.facts.values() for row in table.to_pylist()]


@given(st.integers(0, 600), st.sampled_from([0.0, 0.1, 0.5, 2.0, 5.0]), st.integers(0, 9), st.booleans())
def test_every_event_arrives_once_as_it_is(size: int, pct: float, seed: int, semantic: bool) -> None:
    found = delivered(size, Noise(pct, pct, pct, pct), seed, semantic=semantic)
    originals = found.position[found.variant == Variant.ORIGINAL]
    assert sorted(originals.tolist()) == list(range(size))
    extras = found.position[found.variant != Variant.ORIGINAL].tolist()
    assert len(set(extras)) == len(extras), "nothing goes wrong twice with one event"


@pytest.mark.parametrize(
    ("size", "noise", "expected"),
    [
        (1_000, Noise(0, 3, 0, 0), {"REPEATED": 15, "REZONED": 15}),
        (1_000, Noise(0, 0.5, 0, 0), {"REPEATED": 3, "REZONED": 2}),
        (150, Noise(0, 0.1, 0, 0), {"REPEATED": 1}),
        (1_000, Noise(0, 0, 1.2, 0), {"CONFLICT": 12}),
        (1_000, Noise(0.7, 0, 0, 0), {"MALFORMED": 3, "SCHEMA": 2, "UNKNOWN_TYPE": 2}),
        (149, Noise(9, 9, 9, 9), {}),
        (1_000, CLEAN, {}),
    ],
    ids=["repeated", "an odd number", "one at least", "contradicted", "broken by turns", "small topics are clean", "clean"],
)
def test_planted_numbers(size: int, noise: Noise, expected: dict[str, int]) -> None:
    found = delivered(size, noise)
    assert {v.name: found.count(v) for v in Variant if v != Variant.ORIGINAL and found.count(v)} == expected
    assert found.count(*Variant) == len(found.position) == size + sum(expected.values())


def test_impossible_and_oversized_ones_only_where_they_can_be() -> None:
    found = delivered(1_000, Noise(0.8, 0, 0, 0), semantic=True, oversized=True)
    counts = [found.count(v) for v in (Variant.MALFORMED, Variant.SCHEMA, Variant.UNKNOWN_TYPE, Variant.SEMANTIC, Variant.OVERSIZED)]
    assert counts == [2, 2, 2, 2, 1]
    assert delivered(1_000, Noise(0, 0, 0, 0), oversized=True).count(Variant.OVERSIZED) == 0


def arrivals(found: Delivery, size: int) -> dict[int, int]:
    """Return the place in which each original arrives."""
    places = np.flatnonzero(found.variant == Variant.ORIGINAL)
    return dict(zip(found.position[places].tolist(), range(size), strict=True))


@given(st.integers(0, 20))
def test_what_is_repeated_comes_behind_what_it_repeats(seed: int) -> None:
    found = delivered(400, Noise(2, 3, 1, 3), seed)
    seen: set[int] = set()
    for position, variant in zip(found.position.tolist(), found.variant.tolist(), strict=True):
        assert variant == Variant.ORIGINAL or position in seen
        seen.add(position)


def test_some_come_late_by_days_and_most_within_hours() -> None:
    """Events of one instant each 600 s: places differ by how late a record is."""
    size = 20_000
    place = arrivals(delivered(size, Noise(0, 0, 0, 4.0)), size)
    behind = np.asarray([place[number] - number for number in range(size - 8_000)])
    assert (behind > 120).mean() == pytest.approx(0.04, abs=0.008)
    punctual = arrivals(delivered(size, CLEAN), size)
    assert max(punctual[number] - number for number in range(size)) <= 4 * 3600 // 600
    assert any(punctual[number] != number for number in range(size))


@pytest.mark.parametrize("event_type", TYPES)
def test_a_repetition_is_the_same_bytes(event_type: str) -> None:
    original = line(event_type)
    assert disturb(original, Variant.ORIGINAL) == disturb(original, Variant.REPEATED) == original


@pytest.mark.parametrize("event_type", TYPES)
def test_a_rezoned_record_is_a_duplicate_with_other_bytes(event_type: str) -> None:
    original = line(event_type)
    other = disturb(original, Variant.REZONED)
    assert other != original
    (first,), (second,) = rows(decoded(original)), rows(decoded(other))
    assert all(first[key] == second[key] for key in ("source", "event_id", "occurred_at", "content_hash"))
    assert msgspec.json.decode(other)["time"].endswith("Z")


@pytest.mark.parametrize("event_type", CONTRADICTABLE)
def test_a_contradiction_has_the_identity_and_another_content(event_type: str) -> None:
    original = line(event_type)
    (first,), (second,) = rows(decoded(original)), rows(decoded(disturb(original, Variant.CONFLICT)))
    assert all(first[key] == second[key] for key in ("source", "event_id", "occurred_at"))
    assert first["content_hash"] != second["content_hash"]


@pytest.mark.parametrize(
    ("variant", "error_class", "types"),
    [
        (Variant.MALFORMED, "malformed", TYPES),
        (Variant.SCHEMA, "schema", TYPES),
        (Variant.UNKNOWN_TYPE, "unknown_type", TYPES),
        (Variant.SEMANTIC, "semantic", IMPOSSIBLE),
        (Variant.OVERSIZED, "oversized", ["nisba.touch.v1"]),
    ],
    ids=lambda value: value.name if isinstance(value, Variant) else "",
)
def test_broken_records_are_refused_for_the_reason_that_was_meant(variant: Variant, error_class: str, types: list[str]) -> None:
    for event_type in types:
        for pad in ("", "x"):  # lines of even and of odd length are broken in different ways
            event = sample(event_type)
            event["id"] += pad
            result = decoded(disturb(msgspec.json.encode(event), variant))
            assert result.dead_letters["error_class"].to_pylist() == [error_class], (event_type, result.dead_letters.to_pylist())
            assert result.facts == {}


def test_an_oversized_record_is_just_too_large() -> None:
    assert 1_048_576 < len(disturb(line("nisba.touch.v1"), Variant.OVERSIZED)) < 1_060_000


@pytest.mark.parametrize("seed", [1, 2])
def test_planted_noise_is_counted_back_exactly(tmp_path: Any, seed: int) -> None:
    """Per topic, from the lines alone: repeated and contradicted identities, and records that are no events."""
    told = simulate(seed, 160, 250, tmp_path, noise=Noise(3, 2, 2, 5))
    planted = Counter[str]()
    for name, counts in told.truth["topics"].items():
        result = decoded(*(tmp_path / f"{name}.jsonl").read_bytes().splitlines())
        assert Counter(result.dead_letters["error_class"].to_pylist()) == counts["dead_letters"]
        versions: dict[tuple[str, str, str], Counter[int]] = {}
        for fact_type, table in result.facts.items():
            for row in table.select(["source", "event_id", "content_hash"]).to_pylist():
                versions.setdefault((fact_type, row["source"], row["event_id"]), Counter())[row["content_hash"]] += 1
        again = sum(sum(seen.values()) for seen in versions.values()) - sum(len(seen) for seen in versions.values())
        assert (again, sum(len(seen) > 1 for seen in versions.values())) == (counts["duplicates"], counts["conflicts"])
        assert len(versions) == sum(counts["events"].values())
        planted.update({"duplicates": again, "conflicts": counts["conflicts"], "dead letters": result.dead_letters.num_rows})
    assert min(planted.values()) > 20


def test_late_records_are_late_by_their_own_time(tmp_path: Any) -> None:
    """In order of arrival, some records are days older than what has arrived before; without noise none is, beyond a night."""
    for folder, noise, late in (("noisy", Noise(0, 0, 0, 5.0, oversized=False), True), ("clean", CLEAN, False)):
        simulate(4, 100, 200, tmp_path / folder, noise=noise)
        times = [
            dt.datetime.fromisoformat(msgspec.json.decode(each)["time"].replace("Z", "+00:00")).timestamp()
            for each in (tmp_path / folder / "marketing.touch.jsonl").read_bytes().splitlines()
        ]
        behind = np.maximum.accumulate(times) - np.asarray(times)
        assert (behind.max() > 5 * DAY) == late
        assert (behind > DAY / 2).mean() == pytest.approx(0.05 if late else 0.0, abs=0.015)
