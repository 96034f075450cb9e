"""What fault tests share: a Kafka node of their own to kill, and a `nisba stream` in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kafka_node import KafkaNode, kafka_node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A node that may be killed and started again."""
    with kafka_node(tmp_path_factory.mktemp("kafka") / "node") as started:
        yield started
