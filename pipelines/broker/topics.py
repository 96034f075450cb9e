"""The topics: what the contract wants, what the broker has, and making what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from nisba.config import Kafka
from nisba.errors import ConfigError
from pipelines.broker.client import EMBEDDED_CLUSTER, RETRY_SECONDS, answered, asked, cluster, connected
from pipelines.broker.retry import Deadline, retry_until
from schemas.topics import TOPICS, dlq_of

__all__ = ["TopicState", "WantedTopic", "compared", "create_topics", "topic_name", "topic_names", "topic_states", "wanted_topics"]

FOR_EVER = -1
"""As Kafka writes it in `retention.ms`."""


@dataclass(frozen=True)
class WantedTopic:
    """A topic as the contract wants it."""

    name: str
    partitions: int
    retention_ms: int


@dataclass(frozen=True)
class TopicState:
    """A topic as it is, beside what is wanted; `differences` are sentences, none when all is well."""

    name: str
    wanted_partitions: int
    wanted_retention_ms: int
    partitions: int | None
    retention_ms: int | None
    differences: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        return self.partitions is not None

    @property
    def is_made(self) -> bool:
        """Tell whether it has the partitions that are wanted, or more."""
        return (self.partitions or 0) >= self.wanted_partitions


def topic_name(kafka: Kafka, default: str) -> str:
    """Return the name that a topic has here. Raises ConfigError where the configuration renames a topic that does not exist."""
    known = [topic.name for topic in TOPICS]
    strange = sorted(set(kafka.topics) - set(known))
    if strange:
        raise ConfigError(f"kafka.topics: there is no topic {', '.join(strange)}; there are: {', '.join(known)}")
    return kafka.topics.get(default, default)


def topic_names(kafka: Kafka) -> list[str]:
    """Return the names that the topics of events have here, without their dead letter topics."""
    return [topic_name(kafka, topic.name) for topic in TOPICS]


def wanted_topics(kafka: Kafka) -> list[WantedTopic]:
    """Return every topic and its dead letter topic, under the names they have here."""
    wanted = []
    for topic in TOPICS:
        name = topic_name(kafka, topic.name)
        wanted.append(WantedTopic(name, topic.partitions, topic.retention_ms))
        wanted.append(WantedTopic(dlq_of(name), 1, FOR_EVER))
    return wanted


def compared(wanted: Iterable[WantedTopic], partitions: Mapping[str, int], retention_ms: Mapping[str, int]) -> list[TopicState]:
    """Hold what a broker has, by topic, against what is wanted; a topic that is not in `partitions` does not exist.

    >>> [state.differences for state in compared([WantedTopic("crm.deal", 12, -1)], {"crm.deal": 6}, {})]
    [('crm.deal has 6 partitions, 12 are wanted',)]
    """
    return [_state(topic, partitions.get(topic.name), retention_ms.get(topic.name)) for topic in wanted]


def _state(topic: WantedTopic, partitions: int | None, retention_ms: int | None) -> TopicState:
    differences = tuple(_differences(topic, partitions, retention_ms))
    return TopicState(topic.name, topic.partitions, topic.retention_ms, partitions, retention_ms, differences)


def _differences(topic: WantedTopic, partitions: int | None, retention_ms: int | None) -> list[str]:
    if partitions is None:
        return [f"{topic.name} does not exist: `nisba topics --create` makes it"]
    found = []
    if partitions != topic.partitions:
        found.append(f"{topic.name} has {partitions} partitions, {topic.partitions} are wanted")
    keeps_less = retention_ms is not None and retention_ms >= 0 and not 0 <= topic.retention_ms <= retention_ms
    if keeps_less:
        found.append(f"{topic.name} keeps records for {_days(retention_ms)}, wanted {_days(topic.retention_ms)}: set retention.ms")
    return found


def _days(retention_ms: int | None) -> str:
    return "ever" if retention_ms is None or retention_ms < 0 else f"{retention_ms / 86_400_000:g} days"


def topic_states(kafka: Kafka) -> list[TopicState]:
    """Compare the broker's topics with the contract. Raises BrokerError."""
    admin, metadata = connected(kafka)
    wanted = wanted_topics(kafka)
    partitions = {topic.name: len(metadata.topics[topic.name].partitions) for topic in wanted if topic.name in metadata.topics}
    return compared(wanted, partitions, _retentions(kafka, admin, list(partitions)))


def create_topics(kafka: Kafka, *, replication: int = -1) -> list[TopicState]:
    """Create the topics that are missing and add the partitions that are missing; nothing is ever removed.

    `replication` −1 is the broker's default. Returns the states afterwards; what differs still is for a person to settle.
    """
    admin, _ = connected(kafka)
    topics, partitions = missing(topic_states(kafka), _replication(kafka, replication))
    futures = [*_futures(admin.create_topics, kafka, topics), *_futures(admin.create_partitions, kafka, partitions)]
    for future in futures:
        asked(kafka, future.result)
    return _settled(kafka)


def missing(states: Iterable[TopicState], replication: int) -> tuple[list[NewTopic], list[NewPartitions]]:
    """Return what to ask a broker for: topics that do not exist, and partitions of those that have too few."""
    states = [state for state in states if not state.is_made]
    topics = [
        NewTopic(state.name, state.wanted_partitions, replication, config={"retention.ms": str(state.wanted_retention_ms)})
        for state in states
        if not state.exists
    ]
    return topics, [NewPartitions(state.name, state.wanted_partitions) for state in states if state.exists]


def _settled(kafka: Kafka) -> list[TopicState]:
    """Wait until what was made is in the metadata: a broker answers before it has spread the word."""
    return retry_until(
        Deadline(kafka.timeout_seconds),
        lambda: topic_states(kafka),
        is_answer=lambda states: all(state.is_made for state in states),
        pause=RETRY_SECONDS,
    )


def _futures(call: Callable[..., dict[str, Any]], kafka: Kafka, items: list[Any]) -> list[Any]:
    return list(call(items, request_timeout=float(kafka.timeout_seconds)).values()) if items else []


def _replication(kafka: Kafka, replication: int) -> int:
    """The embedded broker has no default of its own."""
    return 1 if replication == -1 and cluster(kafka) == EMBEDDED_CLUSTER else replication


def _retentions(kafka: Kafka, admin: AdminClient, names: list[str]) -> dict[str, int]:
    """Return `retention.ms` per topic; none where the broker does not tell (the embedded one)."""
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]

    def ask() -> dict[str, Any]:
        futures = admin.describe_configs(resources, request_timeout=float(kafka.timeout_seconds))
        return {resource.name: future.result().get("retention.ms") for resource, future in futures.items()}

    entries = answered(kafka, ask) if resources else {}
    return {name: int(entry.value) for name, entry in entries.items() if entry is not None and entry.value is not None}
