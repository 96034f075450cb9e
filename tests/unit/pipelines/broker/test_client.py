"""Reaching a broker: settings, secrets, and the sentence when it does not answer."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from nisba.config import Kafka
from nisba.errors import BrokerError, ConfigError
from pipelines.broker import client
from pipelines.broker.client import answered, asked, client_settings, connected, unreachable


def settings(**kafka: Any) -> dict[str, Any]:
    return client_settings(Kafka(**kafka))


@pytest.fixture(autouse=True)
def without_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NISBA_KAFKA_SASL_PASSWORD", raising=False)


def test_plain_connection_has_no_secrets() -> None:
    found = settings(bootstrap_servers="kafka:9092", timeout_seconds=7)
    assert (found["bootstrap.servers"], found["security.protocol"], found["socket.timeout.ms"]) == ("kafka:9092", "PLAINTEXT", 7_000)
    assert found["allow.auto.create.topics"] is False
    assert not [name for name in found if name.startswith(("sasl", "ssl"))]


def test_password_of_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\n", "utf-8")
    sasl = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_username": "nisba",
        "sasl_password_file": str(file),
    }
    assert settings(**sasl)["sasl.password"] == "from the file"
    monkeypatch.setenv("NISBA_KAFKA_SASL_PASSWORD", "from the environment")
    found = settings(**sasl)
    assert (found["sasl.mechanism"], found["sasl.username"], found["sasl.password"]) == ("SCRAM-SHA-256", "nisba", "from the environment")


@pytest.mark.parametrize(
    ("file", "said"), [("", "the password is missing: set NISBA_KAFKA_SASL_PASSWORD"), ("/no/such/file", "cannot be read")]
)
def test_password_that_cannot_be_found_is_said(file: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settings(security_protocol="SASL_PLAINTEXT", sasl_username="nisba", sasl_password_file=file)


def test_certificates_are_named_only_where_the_connection_has_them() -> None:
    files = {"ssl_ca_file": "ca.pem", "ssl_certificate_file": "", "ssl_key_file": "key.pem"}
    assert {name: value for name, value in settings(security_protocol="SSL", **files).items() if name.startswith("ssl")} == {
        "ssl.ca.location": "ca.pem",
        "ssl.key.location": "key.pem",
    }
    assert not [name for name in settings(**files) if name.startswith("ssl")]


@pytest.mark.parametrize("cause", [KafkaError(KafkaError._ALL_BROKERS_DOWN), "all went quiet. ", BrokerError("all went quiet.")])
def test_unreachable_broker_is_one_sentence(cause: object) -> None:
    said = str(unreachable(Kafka(bootstrap_servers="kafka:9092"), cause))
    assert said.startswith("Kafka at kafka:9092 (PLAINTEXT) does not answer: ")
    assert said.endswith("; check that it runs, and the [kafka] section of the configuration.")
    assert ".;" not in said


def failing(*codes: int) -> Callable[[], str]:
    """Return a question that fails with these codes, one after the other, and is then answered."""
    left: Iterator[int] = iter(codes)

    def question() -> str:
        code = next(left, None)
        if code is not None:
            raise KafkaException(KafkaError(code))
        return "yes"

    return question


@pytest.mark.parametrize("code", sorted(client.UNSETTLED))
def test_question_of_an_unsettled_broker_is_asked_again(code: int) -> None:
    assert answered(Kafka(timeout_seconds=5), failing(code, code)) == "yes"


def test_unsettled_for_too_long_is_unreachable() -> None:
    with pytest.raises(BrokerError, match="does not answer"):
        answered(Kafka(timeout_seconds=0), failing(*[KafkaError.LEADER_NOT_AVAILABLE] * 1_000))


def test_refusal_is_raised_at_once() -> None:
    question = failing(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(BrokerError, match="does not answer"):
        answered(Kafka(), question)
    assert question() == "yes"


def test_asked_once_is_asked_once() -> None:
    question = failing(KafkaError.LEADER_NOT_AVAILABLE)
    with pytest.raises(BrokerError):
        asked(Kafka(), question)
    assert asked(Kafka(), question) == "yes"


def test_nobody_listening_is_said_within_the_time() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening: refused at once
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BrokerError, match=f"Kafka at {address} \\(PLAINTEXT\\) does not answer: .+; check"):
            connected(Kafka(bootstrap_servers=address, timeout_seconds=1))


def test_settings_that_the_client_refuses_are_said() -> None:
    with pytest.raises(BrokerError, match="does not answer"):
        connected(Kafka(security_protocol="SSL", ssl_ca_file="/no/such/ca.pem", timeout_seconds=1))


def test_the_first_final_complaint_stays() -> None:
    complaints = client.Complaints()
    assert not complaints.is_final
    for code in (KafkaError._TRANSPORT, KafkaError._AUTHENTICATION, KafkaError._ALL_BROKERS_DOWN):
        complaints(KafkaError(code))
    assert complaints.is_final
    assert complaints.last is not None
    assert complaints.last.code() == KafkaError._AUTHENTICATION
