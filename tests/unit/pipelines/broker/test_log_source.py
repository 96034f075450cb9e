"""The log source: what is planned, how a backlog is cut, how far a span has been read; from values, without a broker."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from nisba.config import Kafka
from nisba.errors import BrokerError, SourceError
from pipelines.broker import log_source
from pipelines.broker.log_source import plan_spans, slices
from pipelines.sources import Span

PLACE = ("crm.deal", 0)


def plan(start: int, end: int, committed: int | None, **options: bool) -> list[Span]:
    return plan_spans({PLACE: start}, {PLACE: end}, {} if committed is None else {PLACE: committed}, **options)


@pytest.mark.parametrize(
    ("start", "end", "committed", "expected"),
    [
        (0, 0, None, []),
        (0, 9, None, [(0, 9)]),
        (5, 9, None, [(5, 9)]),  # what was gone before anybody read is not lost
        (0, 9, 0, [(0, 9)]),
        (0, 9, 4, [(4, 9)]),
        (0, 9, 9, []),
        (9, 9, 9, []),
    ],
)
def test_what_waits_is_between_the_committed_offset_and_the_end(
    start: int, end: int, committed: int | None, expected: list[tuple[int, int]]
) -> None:
    assert [(span.start, span.end) for span in plan(start, end, committed)] == expected
    assert all(span.committed == committed and not span.reads_on for span in plan(start, end, committed))


@pytest.mark.parametrize(
    ("start", "end", "committed", "said", "goes_on"),
    [
        (6, 9, 4, r"offsets 4 to 5 \(2 records\) were deleted by retention .* `nisba stream --skip-lost`", (6, 9)),
        (9, 9, 4, r"offsets 4 to 8 \(5 records\) were deleted", (9, 9)),
        (0, 3, 9, r"ends at offset 3, but the warehouse has read up to 9: the topic was truncated or made anew", (0, 3)),
        (0, 0, 9, r"ends at offset 0, but the warehouse has read up to 9", (0, 0)),
    ],
)
def test_lost_offsets_are_named_and_skipped_on_demand(start: int, end: int, committed: int, said: str, goes_on: tuple[int, int]) -> None:
    with pytest.raises(SourceError, match=said):
        plan(start, end, committed)
    (span,) = plan(start, end, committed, skip_lost=True)
    assert ((span.start, span.end), span.committed) == (goes_on, committed)


def test_end_that_is_understated_is_no_loss() -> None:
    assert plan(0, 3, 9, understated=True) == []
    assert [span.reads_on for span in plan(0, 9, 3, understated=True)] == [True]


SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60)), max_size=6).map(
    lambda found: [Span("t", number, start, start + length, None) for number, (start, length) in enumerate(found)]
)


@given(SPANS, st.integers(1, 40))
def test_rounds_cover_every_span_once_and_in_order(spans: list[Span], limit: int) -> None:
    rounds = list(slices(spans, limit))
    for span in spans:
        pieces = [piece for round_ in rounds for piece in round_ if piece.partition == span.partition]
        assert pieces[0].start == span.start
        assert pieces[-1].end == span.end
        assert all(left.end == right.start for left, right in pairwise(pieces))
        assert [piece.committed for piece in pieces] == [span.committed, *(piece.start for piece in pieces[1:])]
    assert all(sum(piece.end - piece.start for piece in round_) <= max(limit, len(round_)) for round_ in rounds)


@given(SPANS, st.integers(1, 40))
def test_only_the_last_piece_of_a_span_reads_on(spans: list[Span], limit: int) -> None:
    reading_on = [Span(span.topic, span.partition, span.start, span.end, None, True) for span in spans]
    for round_ in slices(reading_on, limit):
        for piece in round_:
            assert piece.reads_on == (piece.end == reading_on[piece.partition].end)


def test_short_partitions_are_not_starved_by_a_long_one() -> None:
    first = next(slices([Span("t", 0, 0, 1_000), Span("t", 1, 0, 10)], 100))
    assert [(span.start, span.end) for span in first] == [(0, 90), (0, 10)]


class Said:
    """Stands where a message of the client library is, whose constructor is not ours."""

    def __init__(self, offset: int) -> None:
        self.place = offset

    def offset(self) -> int:
        return self.place

    def value(self) -> bytes:
        return b"%d" % self.place

    def key(self) -> None:
        return None

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return (0, -1) if self.place == 0 else (1, 1_700_000_000_000)


def progress(span: Span, *offsets: int) -> Any:
    made = log_source._Progress(span)
    for offset in offsets:
        made.take(Said(offset))  # type: ignore[arg-type]
    return made


def test_records_behind_the_end_are_left_for_the_next_round() -> None:
    reading = progress(Span("t", 0, 2, 5), 2, 3, 4, 5, 6)
    assert reading.is_done
    block = reading.block()
    assert (block.records.offsets, block.records.values, block.next_offset) == ([2, 3, 4], [b"2", b"3", b"4"], 5)


def test_gap_at_the_end_of_a_span_is_passed() -> None:
    reading = progress(Span("t", 0, 0, 5), 0, 1, 7)  # 2 to 6 are markers of transactions
    assert reading.is_done
    assert reading.block().next_offset == 5


def test_span_that_reads_on_takes_what_comes_and_ends_with_the_partition() -> None:
    reading = progress(Span("t", 0, 0, 2, None, True), 0, 1, 2, 3)
    assert not reading.is_done
    assert (reading.block().records.offsets, progress(Span("t", 0, 0, 2, None, True), 3).block().next_offset) == ([0, 1, 2, 3], 4)


def test_a_block_is_handed_on_once() -> None:
    reading = progress(Span("t", 0, 0, 9), 0, 1)
    assert reading.block().records.offsets == [0, 1]
    again = reading.block()
    assert (again.records.offsets, again.next_offset) == ([], 2)


def test_span_without_a_record_leads_to_where_it_started() -> None:
    assert progress(Span("t", 0, 4, 4)).block().next_offset == 4


def test_timestamp_that_the_broker_does_not_have_is_none() -> None:
    assert progress(Span("t", 0, 0, 2), 0, 1).block().records.timestamps_ms == [None, 1_700_000_000_000]


def test_lost_records_are_dead_letters_up_to_the_end_of_the_span() -> None:
    reading = progress(Span("t", 0, 0, 5), 0, 1)
    reading.lose(9, "bad CRC")
    assert reading.is_done
    block = reading.block()
    assert block.corrupt is not None
    assert (block.corrupt["kafka_offset"].to_pylist(), block.next_offset) == ([2, 3, 4], 5)
    assert reading.block().corrupt is None


def complained(code: int) -> KafkaError:
    return log_source._Reading(Kafka(), {})._complained(PLACE, KafkaError(code))


@pytest.mark.parametrize("code", [KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE])
def test_offsets_that_are_gone_while_reading_are_said(code: int) -> None:
    with pytest.raises(SourceError, match=r"crm\.deal/0: the offsets to read are no longer there"):
        complained(code)


@pytest.mark.parametrize("code", [KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError.TOPIC_AUTHORIZATION_FAILED])
def test_topic_that_may_not_be_read_is_said(code: int) -> None:
    with pytest.raises(BrokerError, match=r"crm\.deal cannot be read: .*; check that it exists and that this user may read it"):
        complained(code)


def test_trouble_of_the_connection_is_remembered_and_borne() -> None:
    assert complained(KafkaError._TRANSPORT).code() == KafkaError._TRANSPORT
