"""Topics: what is wanted, what a broker has, and what is asked of it; from values, without a broker."""

from __future__ import annotations

import msgspec
import pytest

from nisba.config import Kafka
from nisba.errors import ConfigError
from pipelines.broker.topics import TopicState, WantedTopic, compared, missing, topic_name, topic_names, wanted_topics
from schemas.topics import TOPICS, dlq_of

DAY = 86_400_000
DEALS = WantedTopic("crm.deal", 12, -1)
TOUCHES = WantedTopic("marketing.touch", 12, 400 * DAY)


def differences(topic: WantedTopic, partitions: int | None, retention_ms: int | None = None) -> tuple[str, ...]:
    has = {} if partitions is None else {topic.name: partitions}
    (state,) = compared([topic], has, {} if retention_ms is None else {topic.name: retention_ms})
    return state.differences


@pytest.mark.parametrize(
    ("topic", "partitions", "retention_ms", "expected"),
    [
        (DEALS, 12, -1, ()),
        (DEALS, 12, None, ()),  # a broker that does not tell
        (DEALS, None, None, ("crm.deal does not exist: `nisba topics --create` makes it",)),
        (DEALS, 6, -1, ("crm.deal has 6 partitions, 12 are wanted",)),
        (DEALS, 24, -1, ("crm.deal has 24 partitions, 12 are wanted",)),
        (DEALS, 12, 7 * DAY, ("crm.deal keeps records for 7 days, wanted ever: set retention.ms",)),
        (DEALS, 12, 0, ("crm.deal keeps records for 0 days, wanted ever: set retention.ms",)),
        (TOUCHES, 12, 400 * DAY, ()),
        (TOUCHES, 12, 500 * DAY, ()),
        (TOUCHES, 12, -1, ()),
        (TOUCHES, 12, DAY // 2, ("marketing.touch keeps records for 0.5 days, wanted 400 days: set retention.ms",)),
        (
            TOUCHES,
            1,
            DAY,
            (
                "marketing.touch has 1 partitions, 12 are wanted",
                "marketing.touch keeps records for 1 days, wanted 400 days: set retention.ms",
            ),
        ),
    ],
)
def test_differences_are_sentences(topic: WantedTopic, partitions: int | None, retention_ms: int | None, expected: tuple[str, ...]) -> None:
    assert differences(topic, partitions, retention_ms) == expected


def test_states_keep_the_order_and_pass_over_other_topics() -> None:
    states = compared([TOUCHES, DEALS], {"somebody.elses": 3, "crm.deal": 12}, {"crm.deal": -1})
    assert [(state.name, state.partitions, state.retention_ms, state.exists) for state in states] == [
        ("marketing.touch", None, None, False),
        ("crm.deal", 12, -1, True),
    ]


def test_each_topic_has_a_dead_letter_topic_of_one_partition_for_ever() -> None:
    wanted = wanted_topics(Kafka())
    assert len(wanted) == 2 * len(TOPICS) == len({topic.name for topic in wanted})
    for topic, dead_letters in zip(wanted[::2], wanted[1::2], strict=True):
        assert dead_letters == WantedTopic(dlq_of(topic.name), 1, -1)


def test_names_of_a_configuration_are_used_throughout() -> None:
    kafka = msgspec.structs.replace(Kafka(), topics={"crm.deal": "sales.opportunities"})
    assert topic_name(kafka, "crm.deal") == "sales.opportunities"
    assert topic_name(kafka, "identity") == "identity"
    assert "sales.opportunities" in topic_names(kafka)
    assert "crm.deal" not in topic_names(kafka)
    assert {"sales.opportunities", dlq_of("sales.opportunities")} <= {topic.name for topic in wanted_topics(kafka)}


def test_missing_topics_and_partitions_are_asked_for_and_nothing_else() -> None:
    states = compared(
        [TOUCHES, DEALS, WantedTopic("identity", 3, -1), WantedTopic("finance.fx", 1, -1)],
        {"crm.deal": 6, "identity": 3, "finance.fx": 2},
        {"identity": DAY},
    )
    topics, partitions = missing(states, replication=3)
    assert [(new.topic, new.num_partitions, new.replication_factor, new.config) for new in topics] == [
        ("marketing.touch", 12, 3, {"retention.ms": str(400 * DAY)})
    ]
    assert [(more.topic, more.new_total_count) for more in partitions] == [("crm.deal", 12)]


@pytest.mark.parametrize(("partitions", "is_made"), [(None, False), (0, False), (11, False), (12, True), (13, True)])
def test_made_means_as_many_partitions_as_wanted(partitions: int | None, is_made: bool) -> None:
    assert TopicState("crm.deal", 12, -1, partitions, None).is_made == is_made


def test_renaming_a_topic_that_does_not_exist_names_those_that_do() -> None:
    kafka = msgspec.structs.replace(Kafka(), topics={"crm.deals": "acme.crm.deal"})
    with pytest.raises(ConfigError, match=r"kafka\.topics: there is no topic crm\.deals; there are: marketing\.touch, .*privacy"):
        topic_names(kafka)
