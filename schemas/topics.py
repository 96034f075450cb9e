"""The topics, declared once: which events they carry, in how many partitions, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from nisba.errors import ContractError

__all__ = ["TOPICS", "Topic", "dlq_of", "topic_of"]

FOR_EVER = -1
TOUCH_DAYS = 400
"""Longer than the lookback plus the time in which figures are restated."""


@dataclass(frozen=True)
class Topic:
    """A topic under its default name; `retention_ms` is Kafka's: −1 keeps records for ever."""

    name: str
    partitions: int
    event_types: tuple[str, ...]
    retention_ms: int = FOR_EVER


TOPICS: tuple[Topic, ...] = (
    Topic("marketing.touch", 12, ("nisba.touch.v1", "nisba.touch-retraction.v1"), TOUCH_DAYS * 86_400_000),
    Topic("marketing.campaign", 3, ("nisba.campaign.v1",)),
    Topic("marketing.spend", 3, ("nisba.spend.v1",)),
    Topic("crm.account", 12, ("nisba.account.v1",)),
    Topic("crm.lead", 12, ("nisba.lead-stage.v1",)),
    Topic("crm.deal", 12, ("nisba.deal.v1", "nisba.adjustment.v1")),
    Topic("identity", 3, ("nisba.identity.v1",)),
    Topic("finance.fx", 3, ("nisba.fx.v1",)),
    Topic("privacy", 3, ("nisba.erasure.v1",)),
)


@cache
def topic_of(event_type: str) -> Topic:
    """Return the topic that carries an event type; raises ContractError for a type that no topic carries.

    >>> topic_of("nisba.deal.v1").name
    'crm.deal'
    """
    for topic in TOPICS:
        if event_type in topic.event_types:
            return topic
    known = ", ".join(name for topic in TOPICS for name in topic.event_types)
    raise ContractError(f"no topic carries events of type {event_type!r}; known types: {known}")


def dlq_of(topic: str) -> str:
    """Return the name of the topic that a topic's dead letters are published to.

    >>> dlq_of("crm.deal")
    'crm.deal.dlq'
    """
    return f"{topic}.dlq"
