"""Events for tests of the pipelines: directories of them, and a source that holds its records in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pyarrow as pa

from nisba.config import Config, load_config
from nisba.errors import NisbaError
from pipelines.broker.log_source import plan_spans, slices
from pipelines.sources import Block, Committed, Span
from schemas.records import RecordBlock
from tests.kafka_records import touch, won_deal

TOPIC = "marketing.touch"
BROKEN = b"{broken"


def config_of(folder: Path) -> Config:
    """Return a configuration whose warehouse lies in a folder, with one model: the others would only take time here."""
    places = {"warehouse.path": str(folder / "warehouse.duckdb"), "publish.directory": str(folder / "published")}
    return load_config(None, environment={}, overrides={**places, "attribution.models": ["linear"], "attribution.default_model": "linear"})


def with_broker(config: Config, address: str) -> Config:
    """Return a configuration with the broker at an address, without security."""
    kafka = msgspec.structs.replace(config.kafka, bootstrap_servers=address, security_protocol="PLAINTEXT")
    return msgspec.structs.replace(config, kafka=kafka)


def touches(*numbers: int) -> list[bytes]:
    return [touch(number).value for number in numbers]


def write_events(folder: Path, name: str, values: Iterable[bytes]) -> Path:
    """Write one file of events; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"".join(value + b"\n" for value in values))
    return folder


def small_company(folder: Path) -> Path:
    """Write 60 touches of 12 accounts, 12 won deals and two records that are no events."""
    write_events(folder, "marketing.touch.jsonl", [*(touch(number, accounts=12).value for number in range(60)), BROKEN])
    return write_events(folder, "crm.deal.jsonl", [*(won_deal(number, accounts=12).value for number in range(12)), BROKEN])


def record_block(values: Sequence[bytes | None], *, partition: int = 0, first: int = 0, topic: str = TOPIC) -> RecordBlock:
    """Return a block of records that follow each other."""
    none: list[None] = [None] * len(values)
    return RecordBlock(topic, partition, list(range(first, first + len(values))), list(values), list(none), list(none), list(none))


@dataclass(frozen=True)
class MemorySource:
    """A log in memory: partition → values. `failure` is raised behind the first block; `acknowledged` notes what it was told."""

    partitions: Mapping[int, Sequence[bytes | None]]
    block_records: int = 100
    failure: NisbaError | None = None
    corrupt: pa.Table | None = None
    acknowledged: list[Committed] = field(default_factory=list)

    def rounds(self, committed: Committed, limit: int) -> Iterator[list[Span]]:
        starts = {(TOPIC, partition): 0 for partition in self.partitions}
        ends = {(TOPIC, partition): len(values) for partition, values in self.partitions.items()}
        return slices(plan_spans(starts, ends, committed), limit)

    def read(self, spans: list[Span]) -> Iterator[Block]:
        for span in spans:
            for first in range(span.start, span.end, self.block_records):
                end = min(first + self.block_records, span.end)
                values = self.partitions[span.partition][first:end]
                yield Block(record_block(values, partition=span.partition, first=first), end, self.corrupt)
                if self.failure is not None:
                    raise self.failure

    def acknowledge(self, committed: Committed) -> None:
        self.acknowledged.append(dict(committed))
