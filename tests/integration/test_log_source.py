"""Kafka as a source: transactions, lost offsets, broken segments, and what a person reads when it does not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from nisba.cli import cli
from nisba.config import Config, Kafka
from nisba.errors import BrokerError, SourceError
from pipelines.broker.log_source import LogSource
from pipelines.broker.topics import topic_name, topic_states, wanted_topics
from pipelines.ingest import ingest
from pipelines.sources import Block, Committed, Span
from tests.kafka_node import KafkaNode, free_ports, fresh_config, kafka_node
from tests.kafka_records import Raw, config_with_topics, produce, touch, until, write_settings
from warehouse.connection import open_writer
from warehouse.loader import committed_offsets

pytestmark = pytest.mark.kafka

DEALS = "crm.deal"


@pytest.fixture
def config(kafka: str, tmp_path: Path) -> Config:
    return config_with_topics(kafka, tmp_path / "warehouse.duckdb")


def read_all(config: Config, committed: Committed) -> list[Block]:
    """Read what is between the committed offsets and the ends."""
    source = LogSource(config.kafka)
    return [block for spans in source.rounds(committed, 1_000_000) for block in source.read(spans)]


def values(blocks: list[Block]) -> list[bytes | None]:
    return [value for block in blocks for value in block.records.values]


def reached(blocks: list[Block]) -> dict[tuple[str, int], int]:
    return {(block.records.topic, block.records.partition): block.next_offset for block in blocks if block.next_offset is not None}


def in_transaction(config: Config, transactional_id: str, records: list[bytes]) -> Producer:
    """Begin a transaction and send records to partition 0 of crm.deal; the caller ends it."""
    producer = Producer({"bootstrap.servers": config.kafka.bootstrap_servers, "transactional.id": transactional_id})
    producer.init_transactions(30)
    producer.begin_transaction()
    for value in records:
        producer.produce(topic_name(config.kafka, DEALS), value, partition=0)
    assert producer.flush(30) == 0
    return producer


def test_every_record_is_read_once_with_its_offset_key_and_headers(config: Config) -> None:
    sent = [Raw(DEALS, f"{number}".encode(), f"k{number}".encode(), 3, (("n", b"%d" % number),)) for number in range(5)]
    assert produce(config, [*sent, Raw("identity", b"other", None, 1)]) == 6
    blocks = {block.records.topic: block for block in read_all(config, {})}
    deals = blocks[topic_name(config.kafka, DEALS)]
    assert deals.records.values == [b"0", b"1", b"2", b"3", b"4"]
    assert deals.records.keys == [b"k0", b"k1", b"k2", b"k3", b"k4"]
    assert deals.records.headers == [[("n", b"%d" % number)] for number in range(5)]
    assert (deals.records.partition, deals.records.offsets, deals.next_offset) == (3, [0, 1, 2, 3, 4], 5)
    assert read_all(config, reached(list(blocks.values()))) == []


def test_reading_goes_on_at_the_committed_offset(config: Config) -> None:
    produce(config, [Raw(DEALS, b"%d" % number, None, 0) for number in range(10)])
    blocks = read_all(config, {(topic_name(config.kafka, DEALS), 0): 7})
    assert values(blocks) == [b"7", b"8", b"9"]
    assert [block.records.offsets for block in blocks] == [[7, 8, 9]]


def test_aborted_transaction_is_passed_and_markers_take_offsets(config: Config) -> None:
    in_transaction(config, f"{config.kafka.group}-a", [b"aborted"] * 3).abort_transaction(30)
    in_transaction(config, f"{config.kafka.group}-b", [b"committed"] * 5).commit_transaction(30)
    blocks = read_all(config, {})
    assert values(blocks) == [b"committed"] * 5
    partition = (topic_name(config.kafka, DEALS), 0)
    assert reached(blocks) == {partition: 3 + 1 + 5 + 1}
    assert LogSource(config.kafka).plan({partition: 10}) == []


def test_span_of_nothing_but_an_aborted_transaction_is_passed(config: Config) -> None:
    in_transaction(config, f"{config.kafka.group}-a", [b"aborted"] * 3).abort_transaction(30)
    blocks = read_all(config, {})
    assert values(blocks) == []
    assert reached(blocks) == {(topic_name(config.kafka, DEALS), 0): 4}


def test_open_transaction_is_waited_for(config: Config) -> None:
    partition = (topic_name(config.kafka, DEALS), 0)
    produce(config, [Raw(DEALS, b"before", None, 0)])
    producer = in_transaction(config, f"{config.kafka.group}-a", [b"open"] * 2)
    produce(config, [Raw(DEALS, b"after", None, 0)])
    assert LogSource(config.kafka).plan({}) == [Span(*partition, start=0, end=1)]
    blocks = read_all(config, {})
    assert values(blocks) == [b"before"]
    producer.commit_transaction(30)
    assert values(read_all(config, {partition: 1})) == [b"open", b"open", b"after"]


def test_offsets_deleted_by_retention_are_named_and_skipped_on_demand(config: Config) -> None:
    name = topic_name(config.kafka, DEALS)
    produce(config, [Raw(DEALS, b"%d" % number, None, 0) for number in range(10)])
    admin = AdminClient({"bootstrap.servers": config.kafka.bootstrap_servers})
    for future in admin.delete_records([TopicPartition(name, 0, 6)]).values():
        future.result()
    with pytest.raises(SourceError, match=r"crm\.deal/0: offsets 4 to 5 \(2 records\) were deleted by retention .*--skip-lost"):
        LogSource(config.kafka).plan({(name, 0): 4})
    assert LogSource(config.kafka, skip_lost=True).plan({(name, 0): 4}) == [Span(name, 0, start=6, end=10, committed=4)]
    assert values(read_all(config, {})) == [b"6", b"7", b"8", b"9"]


def test_topic_made_anew_is_named_and_read_from_its_beginning_on_demand(config: Config) -> None:
    name = topic_name(config.kafka, DEALS)
    produce(config, [Raw(DEALS, b"new", None, 0)])
    with pytest.raises(SourceError, match=r"crm\.deal/0 ends at offset 1, but the warehouse has read up to 9"):
        LogSource(config.kafka).plan({(name, 0): 9})
    assert LogSource(config.kafka, skip_lost=True).plan({(name, 0): 9}) == [Span(name, 0, start=0, end=1, committed=9)]


def test_partition_whose_waiting_records_are_all_gone_needs_the_flag_once(config: Config, tmp_path: Path) -> None:
    name = topic_name(config.kafka, DEALS)
    produce(config, [Raw(DEALS, b"%d" % number, None, 0) for number in range(10)])
    admin = AdminClient({"bootstrap.servers": config.kafka.bootstrap_servers})
    for future in admin.delete_records([TopicPartition(name, 0, 10)]).values():
        future.result()
    with open_writer(config.warehouse.path) as con:
        con.execute("INSERT INTO ops.kafka_offset VALUES (?, 0, 4, now())", [name])
        with pytest.raises(SourceError, match=r"offsets 4 to 9 \(6 records\)"):
            ingest(con, LogSource(config.kafka), config)
        assert ingest(con, LogSource(config.kafka, skip_lost=True), config).records == 0
        assert committed_offsets(con) == {(name, 0): 10}
        assert ingest(con, LogSource(config.kafka), config).rounds == 0


def test_missing_topics_are_named(kafka: str, tmp_path: Path) -> None:
    config = fresh_config(kafka, tmp_path / "warehouse.duckdb")
    with pytest.raises(SourceError, match=r"has no topic t\w+\.marketing\.touch, .*`nisba topics --create` makes them"):
        LogSource(config.kafka).plan({})


def test_wrong_address_is_said_at_once() -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    started = time.monotonic()
    with pytest.raises(BrokerError, match=f"Kafka at {address} \\(PLAINTEXT\\) does not answer: .*; check that it runs"):
        LogSource(Kafka(bootstrap_servers=address, timeout_seconds=2)).plan({})
    assert time.monotonic() - started < 5


def test_wrong_host_name_is_said_at_once() -> None:
    started = time.monotonic()
    with pytest.raises(BrokerError, match=r"no-such-host\.invalid"):
        LogSource(Kafka(bootstrap_servers="no-such-host.invalid:9092", timeout_seconds=10)).plan({})
    assert time.monotonic() - started < 9


def test_topics_command_creates_what_is_missing_and_says_what_differs(kafka: str, tmp_path: Path) -> None:
    config = fresh_config(kafka, tmp_path / "warehouse.duckdb")
    settings = write_settings(config, tmp_path / "nisba.toml")
    before = CliRunner().invoke(cli, ["topics", "--config", str(settings)])
    assert before.exit_code == 1
    assert "18 of 18 topics are not as wanted" in before.output
    created = CliRunner().invoke(cli, ["topics", "--create", "--config", str(settings), "--json"])
    assert created.exit_code == 0, created.output
    states = {state["name"]: state for state in msgspec.json.decode(created.stdout)}
    assert set(states) == {topic.name for topic in wanted_topics(config.kafka)}
    touches = states[topic_name(config.kafka, "marketing.touch")]
    assert (touches["partitions"], touches["retention_ms"], touches["differences"]) == (12, 400 * 86_400_000, [])
    assert CliRunner().invoke(cli, ["topics", "--config", str(settings)]).exit_code == 0


def test_topics_command_adds_partitions_and_leaves_short_retention_to_people(kafka: str, tmp_path: Path) -> None:
    config = fresh_config(kafka, tmp_path / "warehouse.duckdb")
    settings = write_settings(config, tmp_path / "nisba.toml")
    name = topic_name(config.kafka, DEALS)
    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.create_topics([NewTopic(name, 2, 1, config={"retention.ms": "86400000"})]).values():
        future.result()
    until(lambda: [state.partitions for state in topic_states(config.kafka) if state.name == name] == [2])
    created = CliRunner().invoke(cli, ["topics", "--create", "--config", str(settings), "--json"])
    assert created.exit_code == 1, created.output
    assert created.stdout, created.stderr
    (deals,) = [state for state in msgspec.json.decode(created.stdout) if state["name"] == name]
    assert (deals["partitions"], deals["retention_ms"]) == (12, 86_400_000)
    assert deals["differences"] == [f"{name} keeps records for 1 days, wanted ever: set retention.ms"]


@pytest.fixture(scope="module")
def own_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A node whose files can be broken."""
    with kafka_node(tmp_path_factory.mktemp("own") / "node") as node:
        yield node


def break_on_disk(node: KafkaNode, config: Config, text: bytes) -> None:
    """Overwrite some bytes of crm.deal/0: the broker sends what is in the file, and checks sums only when it writes."""
    (segment,) = node.segments(topic_name(config.kafka, DEALS), 0)
    place = segment.read_bytes().index(text)
    with segment.open("r+b") as file:
        file.seek(place)
        file.write(text.swapcase())


def corrupt_offsets(blocks: list[Block]) -> list[tuple[str, int, bytes | None]]:
    letters = [row for block in blocks if block.corrupt is not None for row in block.corrupt.to_pylist()]
    return [(row["error_class"], row["kafka_offset"], row["value"]) for row in letters]


def test_corrupt_record_becomes_a_dead_letter_and_the_rest_is_read(own_node: KafkaNode, tmp_path: Path) -> None:
    config = config_with_topics(own_node.address, tmp_path / "warehouse.duckdb")
    produce(config, [Raw(DEALS, value, None, 0) for value in (b"first", b"broken-on-disk", b"third")], flush_each=True)
    break_on_disk(own_node, config, b"broken-on-disk")
    blocks = read_all(config, {})
    assert values(blocks) == [b"first", b"third"]
    assert reached(blocks) == {(topic_name(config.kafka, DEALS), 0): 3}
    assert corrupt_offsets(blocks) == [("corrupt", 1, None)]


def test_every_record_of_a_corrupt_batch_is_a_dead_letter(own_node: KafkaNode, tmp_path: Path) -> None:
    config = config_with_topics(own_node.address, tmp_path / "warehouse.duckdb")
    produce(config, [Raw(DEALS, b"before", None, 0)])
    produce(config, [Raw(DEALS, b"batch-%03d" % number, None, 0) for number in range(200)])
    produce(config, [Raw(DEALS, b"after", None, 0), Raw(DEALS, b"elsewhere", None, 1)])
    break_on_disk(own_node, config, b"batch-100")
    started = time.monotonic()
    blocks = read_all(config, {})
    lost = [offset for _, offset, _ in corrupt_offsets(blocks)]
    assert lost == list(range(lost[0], lost[-1] + 1))
    assert 101 in lost
    assert sorted(filter(None, values(blocks))) == sorted(
        [b"before", b"after", b"elsewhere", *(b"batch-%03d" % number for number in range(200) if number + 1 not in lost)]
    )
    assert time.monotonic() - started < 20
    print(f"{len(lost)} records lost, passed in {time.monotonic() - started:.1f} s")


def test_corrupt_end_of_a_partition_is_passed(own_node: KafkaNode, tmp_path: Path) -> None:
    config = config_with_topics(own_node.address, tmp_path / "warehouse.duckdb")
    produce(config, [Raw(DEALS, value, None, 0) for value in (b"first", b"broken-on-disk")], flush_each=True)
    break_on_disk(own_node, config, b"broken-on-disk")
    blocks = read_all(config, {})
    assert values(blocks) == [b"first"]
    assert reached(blocks) == {(topic_name(config.kafka, DEALS), 0): 2}
    assert corrupt_offsets(blocks) == [("corrupt", 1, None)]


def test_touches_keep_their_partition_by_key(config: Config) -> None:
    produce(config, [touch(number, accounts=4) for number in range(40)])
    blocks = read_all(config, {})
    by_key: dict[bytes | None, set[int]] = {}
    for block in blocks:
        for key in block.records.keys:
            by_key.setdefault(key, set()).add(block.records.partition)
    assert by_key.keys() == {b"a-0", b"a-1", b"a-2", b"a-3"}
    assert all(len(partitions) == 1 for partitions in by_key.values())
