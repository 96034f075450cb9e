"""The broker: how to reach it, and whether its topics are as the contract says."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from nisba.config import Kafka
from nisba.errors import BrokerError, ConfigError
from schemas.topics import TOPICS, dlq_of

__all__ = [
    "EMBEDDED_CLUSTER",
    "TopicState",
    "client_settings",
    "cluster",
    "create_topics",
    "quiet_log",
    "topic_name",
    "topic_states",
    "wanted_topics",
]

EMBEDDED_CLUSTER = "nisba-embedded"
"""Cluster id of the embedded broker, which understates its ends; see `Span.reads_on`."""

FINAL_ERRORS = {KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._RESOLVE}
"""Waiting does not mend these: fail at once."""

UNSETTLED = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.OFFSET_NOT_AVAILABLE,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
}
"""What a broker answers while topics are new or leaders change: a moment later it knows."""

Result = TypeVar("Result")
log = logging.getLogger("nisba.kafka")


def quiet_log() -> logging.Logger:
    """Return where the client library writes; without a handler of the application's own it stays silent."""
    if not log.handlers:
        log.addHandler(logging.NullHandler())
        log.propagate = False
    return log


def client_settings(kafka: Kafka) -> dict[str, Any]:
    """Translate `[kafka]` for the client library. Raises ConfigError where a secret cannot be read."""
    settings: dict[str, Any] = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "security.protocol": kafka.security_protocol,
        "client.id": "nisba",
        "socket.timeout.ms": max(1, kafka.timeout_seconds) * 1000,
        "socket.connection.setup.timeout.ms": max(1, kafka.timeout_seconds) * 1000,
        "reconnect.backoff.max.ms": 1000,
        "allow.auto.create.topics": False,
    }
    if kafka.security_protocol.startswith("SASL"):
        settings |= {"sasl.mechanism": kafka.sasl_mechanism, "sasl.username": kafka.sasl_username, "sasl.password": _password(kafka)}
    files = {
        "ssl.ca.location": kafka.ssl_ca_file,
        "ssl.certificate.location": kafka.ssl_certificate_file,
        "ssl.key.location": kafka.ssl_key_file,
    }
    if kafka.security_protocol.endswith("SSL"):
        settings |= {name: file for name, file in files.items() if file}
    return settings


def _password(kafka: Kafka) -> str:
    from_environment = os.environ.get("NISBA_KAFKA_SASL_PASSWORD")
    if from_environment is not None:
        return from_environment
    if not kafka.sasl_password_file:
        raise ConfigError("kafka: the password is missing: set NISBA_KAFKA_SASL_PASSWORD, or name its file in kafka.sasl_password_file")
    try:
        return Path(kafka.sasl_password_file).read_text("utf-8").rstrip("\n")
    except OSError as error:
        raise ConfigError(f"kafka.sasl_password_file: {kafka.sasl_password_file} cannot be read ({error.strerror})") from None


@dataclass
class Complaints:
    """What the client library says in the background: the only place where it names the cause."""

    last: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        if self.last is None or self.last.code() not in FINAL_ERRORS:
            self.last = error

    @property
    def is_final(self) -> bool:
        return self.last is not None and self.last.code() in FINAL_ERRORS


def unreachable(kafka: Kafka, cause: object) -> BrokerError:
    """Make the one sentence for a broker that does not answer."""
    reason = cause.str() if isinstance(cause, KafkaError) else str(cause)
    return BrokerError(
        f"Kafka at {kafka.bootstrap_servers} ({kafka.security_protocol}) does not answer: {reason.strip().rstrip('.')}; "
        "check that it runs, and the [kafka] section of the configuration."
    )


def connected(kafka: Kafka) -> tuple[AdminClient, Any]:
    """Return an admin client and the cluster's metadata, or raise BrokerError within `timeout_seconds`."""
    complaints = Complaints()
    settings = {**client_settings(kafka), "error_cb": complaints}
    try:
        admin = AdminClient(settings, logger=quiet_log())
    except KafkaException as error:
        raise unreachable(kafka, error.args[0]) from None
    deadline = time.monotonic() + kafka.timeout_seconds
    while True:
        try:
            return admin, admin.list_topics(timeout=min(1.0, kafka.timeout_seconds))
        except KafkaException as error:
            admin.poll(0)
            if complaints.is_final or time.monotonic() >= deadline:
                raise unreachable(kafka, complaints.last or error.args[0]) from None


def cluster(kafka: Kafka) -> str:
    """Return the cluster's id; the cheapest question to ask a broker."""
    return str(connected(kafka)[1].cluster_id or "")


def asked(kafka: Kafka, question: Callable[[], Result]) -> Result:
    """Ask something of a broker that was reached; raises BrokerError with its answer."""
    try:
        return question()
    except KafkaException as error:
        raise unreachable(kafka, error.args[0]) from None


def answered(kafka: Kafka, question: Callable[[], Result]) -> Result:
    """Ask something that a broker cannot answer while topics are new or leaders change; ask again within `timeout_seconds`."""
    deadline = time.monotonic() + kafka.timeout_seconds
    while True:
        try:
            return question()
        except KafkaException as error:
            if error.args[0].code() not in UNSETTLED or time.monotonic() > deadline:
                raise unreachable(kafka, error.args[0]) from None
        time.sleep(0.05)


def topic_name(kafka: Kafka, default: str) -> str:
    """Return the name that a topic has here."""
    return kafka.topics.get(default, default)


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
    differences: tuple[str, ...] = field(default=())

    @property
    def exists(self) -> bool:
        return self.partitions is not None


def wanted_topics(kafka: Kafka) -> list[WantedTopic]:
    """Return every topic and its dead letter topic, under the names they have here."""
    wanted = []
    for topic in TOPICS:
        name = topic_name(kafka, topic.name)
        wanted.append(WantedTopic(name, topic.partitions, topic.retention_ms))
        wanted.append(WantedTopic(dlq_of(name), 1, -1))
    return wanted


def topic_states(kafka: Kafka) -> list[TopicState]:
    """Compare the broker's topics with the contract. Raises BrokerError."""
    admin, metadata = connected(kafka)
    wanted = wanted_topics(kafka)
    existing = {topic.name: len(metadata.topics[topic.name].partitions) for topic in wanted if topic.name in metadata.topics}
    retention = _retentions(kafka, admin, list(existing))
    return [_state(topic, existing.get(topic.name), retention.get(topic.name)) for topic in wanted]


def create_topics(kafka: Kafka, *, replication: int = -1) -> list[TopicState]:
    """Create the topics that are missing and add the partitions that are missing; nothing is ever removed.

    `replication` −1 is the broker's default. Returns the states afterwards; what differs still is for a person to settle.
    """
    admin, _ = connected(kafka)
    states = topic_states(kafka)
    new = [
        NewTopic(s.name, s.wanted_partitions, _replication(kafka, replication), config={"retention.ms": str(s.wanted_retention_ms)})
        for s in states
        if not s.exists
    ]
    more = [NewPartitions(s.name, s.wanted_partitions) for s in states if s.partitions is not None and s.partitions < s.wanted_partitions]
    futures = [*_futures(admin.create_topics, kafka, new), *_futures(admin.create_partitions, kafka, more)]
    for future in futures:
        asked(kafka, future.result)
    return _settled(kafka)


def _settled(kafka: Kafka) -> list[TopicState]:
    """Wait until what was made is in the metadata: a broker answers before it has spread the word."""
    deadline = time.monotonic() + kafka.timeout_seconds
    while True:
        states = topic_states(kafka)
        if all((state.partitions or 0) >= state.wanted_partitions for state in states) or time.monotonic() > deadline:
            return states
        time.sleep(0.05)


def _futures(call: Callable[..., dict[str, Any]], kafka: Kafka, items: list[Any]) -> list[Any]:
    return list(call(items, request_timeout=float(kafka.timeout_seconds)).values()) if items else []


def _replication(kafka: Kafka, replication: int) -> int:
    """The embedded broker has no default of its own."""
    return 1 if replication == -1 and cluster(kafka) == EMBEDDED_CLUSTER else replication


def _state(topic: WantedTopic, partitions: int | None, retention_ms: int | None) -> TopicState:
    return TopicState(
        topic.name, topic.partitions, topic.retention_ms, partitions, retention_ms, tuple(_differences(topic, partitions, retention_ms))
    )


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


def _retentions(kafka: Kafka, admin: AdminClient, names: list[str]) -> dict[str, int]:
    """Return `retention.ms` per topic; none where the broker does not tell (the embedded one)."""
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]

    def ask() -> dict[str, Any]:
        futures = admin.describe_configs(resources, request_timeout=float(kafka.timeout_seconds))
        return {resource.name: future.result().get("retention.ms") for resource, future in futures.items()}

    entries = answered(kafka, ask) if resources else {}
    return {name: int(entry.value) for name, entry in entries.items() if entry is not None and entry.value is not None}
