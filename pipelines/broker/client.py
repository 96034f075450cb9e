"""The broker: how to reach it, and what it means when it does not answer."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from nisba.config import Kafka
from nisba.errors import BrokerError, ConfigError
from pipelines.broker.retry import Deadline, retry_until

__all__ = [
    "EMBEDDED_CLUSTER",
    "FINAL_ERRORS",
    "RETRY_SECONDS",
    "answered",
    "asked",
    "client_settings",
    "cluster",
    "connected",
    "quiet_log",
    "unreachable",
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

RETRY_SECONDS = 0.05
"""Pause before a question that a broker could not answer yet is asked again."""

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

    def ask() -> Any:
        try:
            return admin.list_topics(timeout=min(1.0, kafka.timeout_seconds))
        except KafkaException:
            admin.poll(0)  # hears the complaints
            raise

    try:
        return admin, retry_until(_deadline(kafka), ask, on=lambda error: isinstance(error, KafkaException) and not complaints.is_final)
    except KafkaException as error:
        raise unreachable(kafka, complaints.last or error.args[0]) from None


def _deadline(kafka: Kafka) -> Deadline:
    return Deadline(kafka.timeout_seconds)


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
    return asked(kafka, lambda: retry_until(_deadline(kafka), question, on=_is_unsettled, pause=RETRY_SECONDS))


def _is_unsettled(error: BaseException) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in UNSETTLED
