"""What integration tests share: one real Kafka for each file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kafka_node import any_kafka


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Kafka; tests make topics of their own on it, a thousand partitions at most: it is a small one."""
    with any_kafka(tmp_path_factory.mktemp("kafka") / "node") as address:
        yield address
