"""What the simulator writes goes through the decoder, and the truth's counts are what the decoder finds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from nisba.attribution.facts import FACT_TYPES
from schemas.decoder import Decoded, decode_block
from schemas.events import EVENT_TYPES
from schemas.keys import partition_key
from schemas.records import RecordBlock
from schemas.topics import topic_of
from simulator import Noise, Summary, simulate


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    noise = Noise(malformed_pct=2, duplicate_pct=3, conflict_pct=1)
    return simulate(11, 200, 400, tmp_path_factory.mktemp("told"), noise=noise)


@pytest.fixture(scope="module")
def decoded(told: Summary) -> dict[str, Decoded]:
    return {name: decode_block(block_of(name, lines_of(told, name))) for name in told.truth["topics"]}


def block_of(topic: str, lines: list[bytes]) -> RecordBlock:
    absent = [None] * len(lines)
    return RecordBlock(topic, 0, list(range(len(lines))), list(lines), list(absent), list(absent), list(absent))


def lines_of(summary: Summary, topic: str) -> list[bytes]:
    return (summary.directory / f"{topic}.jsonl").read_bytes().splitlines()


def test_dead_letters_are_those_of_the_truth(told: Summary, decoded: dict[str, Decoded]) -> None:
    for name, counts in told.truth["topics"].items():
        letters = decoded[name].dead_letters
        assert Counter(letters["error_class"].to_pylist()) == counts["dead_letters"], letters["message"].to_pylist()


def test_everything_else_decodes_into_the_events_of_the_truth(told: Summary, decoded: dict[str, Decoded]) -> None:
    for name, counts in told.truth["topics"].items():
        facts = decoded[name].facts
        ids = {wire: len(identities(facts[EVENT_TYPES[wire].fact_type])) for wire in counts["events"]}
        assert ids == counts["events"]
        assert sum(table.num_rows for table in facts.values()) == sum(ids.values()) + counts["duplicates"] + counts["conflicts"]


def identities(table: pa.Table) -> set[tuple[str, str]]:
    return set(zip(table["source"].to_pylist(), table["event_id"].to_pylist(), strict=True))


def test_duplicates_and_conflicts_are_those_of_the_truth(told: Summary, decoded: dict[str, Decoded]) -> None:
    """The same identity again: with the same content hash a duplicate, with another one a conflict."""
    for name, counts in told.truth["topics"].items():
        duplicates = conflicts = 0
        for table in decoded[name].facts.values():
            contents: dict[tuple[str, str], Counter[int]] = {}
            columns = (table[key].to_pylist() for key in ("source", "event_id", "content_hash"))
            for source, event_id, content in zip(*columns, strict=True):
                contents.setdefault((source, event_id), Counter())[content] += 1
            duplicates += sum(sum(seen.values()) - len(seen) for seen in contents.values())
            conflicts += sum(len(seen) - 1 for seen in contents.values())
        assert (duplicates, conflicts) == (counts["duplicates"], counts["conflicts"])


def test_every_fact_type_but_erasures_is_there(decoded: dict[str, Decoded]) -> None:
    found = {fact_type for result in decoded.values() for fact_type in result.facts}
    assert found == set(FACT_TYPES) - {"erasure"}


def test_records_carry_the_key_of_their_partition(told: Summary) -> None:
    noiseless = simulate(11, 60, 200, told.directory / "clean", noise=Noise(0, 0, 0, 0, oversized=False))
    for name in noiseless.truth["topics"]:
        for line in lines_of(noiseless, name):
            event = msgspec.json.decode(line)
            assert event["partitionkey"] == partition_key(event["type"], event["data"])
            assert topic_of(event["type"]).name == name


def test_all_teams_and_ten_channels_have_touches(decoded: dict[str, Decoded]) -> None:
    touch = decoded["marketing.touch"].facts["touch"]
    assert set(touch["team"].to_pylist()) == {"marketing", "sales", "partner", "customer"}
    assert set(touch["channel"].to_pylist()) >= {
        "paid_search",
        "paid_social",
        "email",
        "webinar",
        "event",
        "content",
        "partner",
        "direct",
        "organic_search",
        "outbound",
    }


def test_what_the_simulator_writes_is_no_directory_of_other_files(told: Summary) -> None:
    others = {file.suffix for file in Path(told.directory).iterdir() if file.is_file()}
    assert others == {".jsonl", ".json", ".toml"}
