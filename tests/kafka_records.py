"""For tests on a real Kafka: raw records, settings files, waiting, and what a warehouse holds, as hashes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec
from confluent_kafka import Producer

from nisba.attribution.facts import FACT_TYPES, ledger_schema
from nisba.config import Config
from pipelines.broker.topics import create_topics, topic_name
from schemas.encoding import encode_event
from tests.kafka_node import fresh_config


class Raw(NamedTuple):
    """A record under its topic's default name; `partition` −1 lets the key decide."""

    topic: str
    value: bytes
    key: bytes | None = None
    partition: int = -1
    headers: tuple[tuple[str, bytes], ...] = ()


def config_with_topics(address: str, warehouse: Path, **kafka: Any) -> Config:
    """Return a configuration whose topics exist; `kafka` changes keys of its section."""
    config = fresh_config(address, warehouse)
    config = msgspec.structs.replace(config, kafka=msgspec.structs.replace(config.kafka, **kafka))
    assert all(state.exists and not state.differences for state in create_topics(config.kafka, replication=1))
    return config


def produce(config: Config, records: Iterable[Raw], *, flush_each: bool = False, largest: int = 1_000_000) -> int:
    """Send records and wait until every one is acknowledged; `flush_each` makes each of them a batch of its own."""
    sent: Counter[bool] = Counter()
    settings = {"bootstrap.servers": config.kafka.bootstrap_servers, "partitioner": "murmur2_random", "linger.ms": 5}
    producer = Producer({**settings, "message.max.bytes": largest})
    for record in records:
        name = topic_name(config.kafka, record.topic)
        producer.produce(
            name,
            record.value,
            record.key,
            record.partition,
            headers=list(record.headers),
            on_delivery=lambda error, _: sent.update([not error]),
        )
        if flush_each or sum(sent.values()) % 1000 == 0:
            producer.flush(30) if flush_each else producer.poll(0)
    assert producer.flush(60) == 0
    assert not sent[False]
    return sent[True]


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Poll until a condition holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)


def touch(number: int, accounts: int = 50, **data: Any) -> Raw:
    """Return touch `t-<number>`."""
    fixed = {"account_id": f"a-{number % accounts}", "channel": "email", "kind": "click", "team": "marketing"}
    time = f"2026-01-{1 + number % 28:02}T{number // 28 % 24:02}:00:00Z"
    key, value = encode_event("nisba.touch.v1", f"t-{number}", "web", time, fixed | data)
    return Raw("marketing.touch", value, key)


def won_deal(number: int, accounts: int = 50, **data: Any) -> Raw:
    """Return the won deal `d-<number>` of 100 USD and some cents."""
    fixed = {"deal_id": f"d-{number}", "account_id": f"a-{number % accounts}", "stage": "Won", "status": "won", "currency": "USD"}
    times = {"opened_at": "2026-02-01T00:00:00Z", "closed_at": "2026-02-20T00:00:00Z", "amount": f"100.{number % 100:02}"}
    key, value = encode_event("nisba.deal.v1", f"e-{number}", "crm", "2026-02-20T00:00:00Z", fixed | times | data)
    return Raw("crm.deal", value, key)


def write_settings(config: Config, file: Path) -> Path:
    """Write the configuration's places as a nisba.toml."""
    lines = ["[kafka]", f'bootstrap_servers = "{config.kafka.bootstrap_servers}"', f'group = "{config.kafka.group}"']
    lines += [f"timeout_seconds = {config.kafka.timeout_seconds}"]
    lines += ["[kafka.topics]", *(f'"{name}" = "{here}"' for name, here in config.kafka.topics.items())]
    lines += ["[warehouse]", f'path = "{config.warehouse.path}"', "[publish]", f'directory = "{config.publish.directory}"']
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def rows(config: Config, sql: str) -> list[tuple[Any, ...]]:
    """Return what a query finds in the warehouse, which nobody may have open."""
    with duckdb.connect(config.warehouse.path, read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql).fetchall()


def book_hashes(config: Config) -> dict[str, tuple[int, str]]:
    """Return rows and hash of every table of `core` and `marts`, and of what is held: equal for equal books."""
    tables = rows(
        config, "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name IN ('core', 'marts') ORDER BY ALL"
    )
    return {name: _hash(config, f"FROM {name}") for (name,) in [*tables, ("ops.held",)]}


def ledger_hashes(config: Config) -> dict[str, tuple[int, str]]:
    """Return rows and hash of every fact table, without where and when its rows came in."""
    return {
        name: _hash(config, f"SELECT {_columns(ledger_schema(name, provenance=False).names)} FROM ledger.{name}") for name in FACT_TYPES
    }


def _columns(names: Sequence[str]) -> str:
    return ", ".join(names)


def _hash(config: Config, select: str) -> tuple[int, str]:
    found = rows(
        config, f"SELECT count(*), md5(string_agg(line, chr(10) ORDER BY line)) FROM (SELECT t::VARCHAR AS line FROM ({select}) AS t)"
    )
    return found[0][0], found[0][1] or ""
