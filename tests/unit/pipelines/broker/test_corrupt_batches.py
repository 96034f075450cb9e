"""Corrupt batches: where one ends, what a message says of its place, and the dead letters of what is lost."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from pipelines.broker.corrupt_batches import READABLE, corrupt_dead_letters, first_outside, verdict
from schemas.refusals import DEAD_LETTER_SCHEMA


@given(st.integers(0, 1 << 40), st.integers(1, 100_000))
def test_the_end_of_a_batch_is_found_with_few_questions(begin: int, length: int) -> None:
    asked: list[int] = []

    def is_inside(offset: int) -> bool:
        asked.append(offset)
        return offset < begin + length

    assert first_outside(is_inside, begin) == begin + length
    assert len(asked) <= 2 * length.bit_length() + 1
    assert min(asked) > begin


class Said:
    """Stands where a message of the client library is, whose constructor is not ours."""

    def __init__(self, code: int | None, offset: int = 7) -> None:
        self.code, self.place = code, offset

    def error(self) -> KafkaError | None:
        return None if self.code is None else KafkaError(self.code)

    def offset(self) -> int:
        return self.place


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (None, None),
        (Said(None), READABLE),
        (Said(KafkaError._PARTITION_EOF), READABLE),
        (Said(KafkaError._AUTO_OFFSET_RESET), READABLE),
        (Said(KafkaError._BAD_MSG, 5), 5),
        (Said(KafkaError._BAD_MSG, 0), 0),
        (Said(KafkaError._TRANSPORT), None),
        (Said(KafkaError._ALL_BROKERS_DOWN), None),
    ],
)
def test_what_a_message_says_of_its_place(message: Any, expected: int | None) -> None:
    assert verdict(message) == expected


def test_every_lost_record_has_a_dead_letter_without_bytes() -> None:
    letters = corrupt_dead_letters("crm.deal", 3, [(5, "bad CRC"), (6, "bad CRC")])
    assert letters.schema == DEAD_LETTER_SCHEMA
    assert letters["kafka_offset"].to_pylist() == [5, 6]
    first = letters.to_pylist()[0]
    assert (first["topic"], first["kafka_partition"], first["error_class"], first["attempt"]) == ("crm.deal", 3, "corrupt", 0)
    assert first["message"] == "the broker's bytes do not match their checksum (bad CRC): send the events from this offset on again"
    assert (first["value"], first["key"], first["headers"]) == (None, None, None)


def test_nothing_lost_is_an_empty_table_of_the_same_columns() -> None:
    assert corrupt_dead_letters("crm.deal", 3, []).schema == DEAD_LETTER_SCHEMA
