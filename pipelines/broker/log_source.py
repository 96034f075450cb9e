"""Kafka as a source: what is between the committed offsets and the ends, read in blocks.

The warehouse says where to go on, never the broker's group. Reading ends by position, never by counting: transaction
markers take offsets too. Nothing in a record can stop its partition: what cannot be read becomes a dead letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import msgspec
import pyarrow as pa
from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from nisba.config import Kafka
from nisba.errors import BrokerError, SourceError
from pipelines.broker.client import EMBEDDED_CLUSTER, answered, client_settings, connected, quiet_log, unreachable
from pipelines.broker.corrupt_batches import corrupt_dead_letters, end_of_batch
from pipelines.broker.retry import Deadline
from pipelines.broker.topics import topic_names
from pipelines.sources import BLOCK_RECORDS, Block, Committed, Span
from schemas.records import Headers, RecordBlock

__all__ = ["LogSource", "plan_spans", "slices"]

Partition = tuple[str, int]

CONSUMER_SETTINGS = {
    "enable.auto.commit": False,
    "auto.offset.reset": "error",  # offsets that are gone are a sentence to a person, never a silent jump
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
    "check.crcs": True,
    "fetch.queue.backoff.ms": 10,  # the default of a second stalls large reads
    "fetch.wait.max.ms": 50,
    "queued.max.messages.kbytes": 131_072,
}
POLL_RECORDS = 1_000
POLL_SECONDS = 0.01
"""The client waits this long for a full poll, so the last records of every cycle do too."""

_consumers: dict[bytes, Consumer] = {}
"""One connected consumer per process and broker, kept between cycles: connecting takes longer than a cycle. A cache and
nothing else: each `read` assigns its own spans, and a worker that has none yet makes one."""

_admins: dict[bytes, AdminClient] = {}


@dataclass(frozen=True)
class LogSource:
    """The topics of the contract on a Kafka broker."""

    kafka: Kafka
    skip_lost: bool = False
    """Go on where the broker's log begins when committed offsets are gone."""

    def rounds(self, committed: Committed, limit: int) -> Iterator[list[Span]]:
        """Plan `[committed, end)` of all partitions as it is now, in rounds of at most `limit` records."""
        return slices(self.plan(committed), limit)

    def plan(self, committed: Committed) -> list[Span]:
        """Return what is waiting, by partition. Raises BrokerError, or SourceError where records are gone."""
        topics = topic_names(self.kafka)
        admin, metadata = _metadata(self.kafka)
        missing = [topic for topic in topics if topic not in metadata.topics]
        if missing:
            raise SourceError(
                f"Kafka at {self.kafka.bootstrap_servers} has no topic {', '.join(missing)}: `nisba topics --create` makes them"
            )
        partitions = [(topic, partition) for topic in topics for partition in sorted(metadata.topics[topic].partitions)]
        starts = self._offsets(admin, partitions, OffsetSpec.earliest())
        ends = self._offsets(admin, partitions, OffsetSpec.latest())
        embedded = metadata.cluster_id == EMBEDDED_CLUSTER
        return plan_spans(starts, ends, committed, understated=embedded, skip_lost=self.skip_lost)

    def _offsets(self, admin: AdminClient, partitions: list[Partition], spec: OffsetSpec) -> dict[Partition, int]:
        wanted = {TopicPartition(*partition): spec for partition in partitions}
        limit = float(self.kafka.timeout_seconds)

        def ask() -> dict[Partition, int]:
            futures = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=limit)
            found = {(key.topic, key.partition): future.result().offset for key, future in futures.items()}
            if any(offset < 0 for offset in found.values()):  # said without an error while a partition has no leader
                raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))
            return found

        return answered(self.kafka, ask)

    def read(self, spans: list[Span]) -> Iterator[Block]:
        """Read spans in blocks; a block holds records of one partition. Raises BrokerError, SourceError."""
        reading = _Reading(self.kafka, {(span.topic, span.partition): _Progress(span) for span in spans})
        try:
            yield from reading.blocks()
            _consumer(self.kafka).unassign()
        except BaseException:
            _forget(self.kafka)
            raise

    def acknowledge(self, committed: Committed) -> None:
        """Commit to the group, so that outside tools can show the lag."""
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in committed.items()]
        try:
            _consumer(self.kafka).commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            quiet_log().info("offsets not committed to group %s: %s", self.kafka.group, error)


def plan_spans(
    starts: Mapping[Partition, int],
    ends: Mapping[Partition, int],
    committed: Committed,
    *,
    understated: bool = False,
    skip_lost: bool = False,
) -> list[Span]:
    """Plan the span of each partition with records waiting; in the order of `ends`.

    `understated` ends are those of a broker that says less than it has. Raises SourceError where committed offsets are no longer in
    the log, unless `skip_lost`: then a span, which may be empty, leads behind them.

    >>> plan_spans({("t", 0): 0, ("t", 1): 5}, {("t", 0): 9, ("t", 1): 8}, {("t", 0): 9})
    [Span(topic='t', partition=1, start=5, end=8, committed=None, reads_on=False)]
    >>> plan_spans({("t", 0): 9}, {("t", 0): 9}, {("t", 0): 4}, skip_lost=True)
    [Span(topic='t', partition=0, start=9, end=9, committed=4, reads_on=False)]
    """
    spans = []
    for (topic, partition), end in ends.items():
        first, known = starts[topic, partition], committed.get((topic, partition))
        start = first if known is None else known
        is_lost = start < first or (start > end and not understated)
        if is_lost and not skip_lost:
            raise SourceError(_lost(topic, partition, start, first, end))
        start = first if is_lost else start
        if end > start or is_lost:
            spans.append(Span(topic, partition, start, end, known, understated))
    return spans


def _lost(topic: str, partition: int, start: int, first: int, end: int) -> str:
    if start > end:
        return (
            f"{topic}/{partition} ends at offset {end}, but the warehouse has read up to {start}: the topic was truncated or made anew; "
            "`nisba stream --skip-lost` reads it from its beginning (nothing is applied twice)."
        )
    return (
        f"{topic}/{partition}: offsets {start} to {first - 1} ({first - start} records) were deleted by retention before they were read; "
        "send those events again from their source, then go on behind them with `nisba stream --skip-lost`."
    )


def slices(spans: Iterable[Span], limit: int) -> Iterator[list[Span]]:
    """Cut spans into rounds of at most `limit` records, each with a fair part of every partition.

    >>> [[(s.start, s.end) for s in round_] for round_ in slices([Span("t", 0, 0, 5), Span("t", 1, 0, 1)], 4)]
    [[(0, 3), (0, 1)], [(3, 5)]]
    """
    left = list(spans)
    while left:
        ends = _fair_ends(left, limit)
        cut = zip(left, ends, strict=True)
        yield [replace(s, end=end, reads_on=s.reads_on and end == s.end) for s, end in cut if end > s.start or end == s.end]
        left = [_rest(s, end) for s, end in zip(left, ends, strict=True) if end < s.end]


def _rest(span: Span, begin: int) -> Span:
    """Return what a round leaves of a span; one that it did not touch stays as it is."""
    return span if begin == span.start else replace(span, start=begin, committed=begin)


def _fair_ends(spans: list[Span], limit: int) -> list[int]:
    """Fill the short spans first; what they leave over goes to the longer ones."""
    ends = {}
    for rank, index in enumerate(sorted(range(len(spans)), key=lambda i: spans[i].end - spans[i].start)):
        share = max(1, limit // (len(spans) - rank)) if limit > 0 else 0
        take = min(spans[index].end - spans[index].start, share)
        ends[index] = spans[index].start + take
        limit -= take
    return [ends[index] for index in range(len(spans))]


@dataclass
class _Progress:
    """How far one span has been read, and the records not yet handed on."""

    span: Span
    offsets: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    corrupt: list[tuple[int, str]] = field(default_factory=list)
    position: int = -1

    def take(self, message: Message) -> None:
        """Take a record; those beyond the span's end are left for the next round."""
        offset = _offset(message)
        if offset < self.span.end or self.span.reads_on:
            self.messages.append(message)
            self.offsets.append(offset)
        self.reach(offset + 1)

    def lose(self, end: int, reason: str) -> None:
        """Take what is before `end` as lost: each record is a dead letter."""
        until = end if self.span.reads_on else min(end, self.span.end)
        self.corrupt += [(offset, reason) for offset in range(self.next_offset, until)]
        self.reach(until)

    def reach(self, offset: int) -> None:
        self.position = max(self.position, offset)

    @property
    def next_offset(self) -> int:
        return max(self.position, self.span.start)

    @property
    def is_done(self) -> bool:
        """Reached its end; a span that reads on ends at the end of the partition instead."""
        return self.position >= self.span.end and not self.span.reads_on

    def block(self) -> Block:
        """Hand on the records taken so far."""
        next_offset = max(self.span.start, self.position if self.span.reads_on else min(self.position, self.span.end))
        block = Block(_records(self.span, self.offsets, self.messages), next_offset, self._dead_letters())
        self.offsets, self.messages, self.corrupt = [], [], []
        return block

    def _dead_letters(self) -> pa.Table | None:
        return corrupt_dead_letters(self.span.topic, self.span.partition, self.corrupt) if self.corrupt else None


def _records(span: Span, offsets: list[int], messages: list[Message]) -> RecordBlock:
    """Turn messages into columns; a timestamp that the broker does not have is None."""
    stamps = [message.timestamp() for message in messages]
    return RecordBlock(
        span.topic,
        span.partition,
        offsets,
        [message.value() for message in messages],
        [message.key() for message in messages],
        [cast("Headers | None", message.headers()) for message in messages],
        [stamp if kind else None for kind, stamp in stamps],
    )


@dataclass
class _Reading:
    """One pass over some spans: polls until each of them has ended."""

    kafka: Kafka
    waiting: dict[Partition, _Progress]

    def blocks(self) -> Iterator[Block]:
        """Yield full blocks as they fill up, and the rest of each span when it ends."""
        consumer = self._assigned()
        quiet, complaint = Deadline(self.kafka.timeout_seconds), None
        while self.waiting:
            broken: dict[Partition, Message] = {}
            for message in consumer.consume(POLL_RECORDS, POLL_SECONDS):
                error, partition = message.error(), _partition(message)
                if partition in broken:
                    continue  # what the client says behind a broken batch is not to be trusted
                if error is None or error.code() == KafkaError._PARTITION_EOF:
                    quiet.move_on()
                    yield from self._advance(partition, message, ended=error is not None)
                elif error.code() == KafkaError._BAD_MSG and partition in self.waiting:
                    broken[partition] = message
                else:
                    complaint = self._complained(partition, error)
            if broken:
                yield from self._pass(broken)
                consumer = self._assigned()
                quiet.move_on()
            if quiet.has_passed:
                raise unreachable(self.kafka, complaint or f"nothing was received for {self.kafka.timeout_seconds} s")

    def _assigned(self) -> Consumer:
        """Return a consumer that reads every span from where it is."""
        places = ((partition, progress.next_offset) for partition, progress in self.waiting.items())
        consumer = _consumer(self.kafka)
        consumer.assign([TopicPartition(*partition, offset) for partition, offset in places])
        return consumer

    def _pass(self, broken: Mapping[Partition, Message]) -> Iterator[Block]:
        """Pass broken batches, and part with the consumer that would stay before them for ever."""
        _forget(self.kafka)
        for partition, message in broken.items():
            progress, error = self.waiting[partition], message.error()
            end = end_of_batch(self.kafka, _consumer_settings(self.kafka), *partition, _offset(message))
            progress.lose(end, error.str() if error is not None else "")
            if progress.is_done:
                yield from self._end(partition)

    def _advance(self, partition: Partition, message: Message, *, ended: bool) -> Iterator[Block]:
        progress = self.waiting.get(partition)
        if progress is None:
            return
        if ended:
            progress.reach(_offset(message))
        else:
            progress.take(message)
        if ended or progress.is_done:
            yield from self._end(partition)
        elif len(progress.messages) >= BLOCK_RECORDS:
            yield progress.block()

    def _end(self, partition: Partition) -> Iterator[Block]:
        yield self.waiting.pop(partition).block()

    def _complained(self, partition: Partition, error: KafkaError) -> KafkaError:
        """Judge an error event: of a partition, or of the connection (which mends itself or times out)."""
        topic, number = partition
        if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            raise SourceError(f"{topic}/{number}: the offsets to read are no longer there ({error.str()}); start again to see which.")
        if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError.TOPIC_AUTHORIZATION_FAILED):
            raise BrokerError(f"{topic} cannot be read: {error.str()}; check that it exists and that this user may read it.")
        return error


def _partition(message: Message) -> Partition:
    """Return the partition that a message or an event is about; an event of the connection is about none."""
    return message.topic() or "", -1 if (partition := message.partition()) is None else partition


def _offset(message: Message) -> int:
    """Return the offset of a message, or of an event about one partition: both have it, whatever the types say."""
    offset = message.offset()
    assert offset is not None
    return offset


def _key(kafka: Kafka) -> bytes:
    return msgspec.json.encode(kafka)


def _metadata(kafka: Kafka) -> tuple[AdminClient, Any]:
    """Return admin client and metadata, over a connection that is kept."""
    key = _key(kafka)
    if key in _admins:
        try:
            return _admins[key], _admins[key].list_topics(timeout=kafka.timeout_seconds)
        except KafkaException:
            del _admins[key]
    _admins[key], metadata = connected(kafka)
    return _admins[key], metadata


def _consumer(kafka: Kafka) -> Consumer:
    key = _key(kafka)
    if key not in _consumers:
        _consumers[key] = Consumer(_consumer_settings(kafka), logger=quiet_log())
    return _consumers[key]


def _consumer_settings(kafka: Kafka) -> dict[str, Any]:
    return {**client_settings(kafka), **CONSUMER_SETTINGS, "group.id": kafka.group}


def _forget(kafka: Kafka) -> None:
    """Close a consumer whose state is unknown; the next read connects anew."""
    consumer = _consumers.pop(_key(kafka), None)
    if consumer is not None:
        consumer.close()
