"""The partition key of an event, which is its record key, and the shard that clusters the ledger."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from nisba.errors import ContractError
from schemas.events import EVENT_TYPES, EventType

__all__ = ["SHARDS", "partition_key", "shard_of"]

SHARDS = 64
"""Shards of the ledger. Part of the stored data: changing it means a rewrite."""


def shard_of(key: str) -> int:
    """Return the shard of a partition key: crc32 of its UTF-8 bytes, modulo SHARDS.

    >>> shard_of("acme")
    62
    """
    return zlib.crc32(key.encode()) % SHARDS


def partition_key(event_type: str, data: Mapping[str, Any]) -> str:
    """Return the record key of an event: its account, else its visitor or person, else the object's own id.

    >>> partition_key("nisba.touch.v1", {"visitor_id": "v-81"})
    'visitor:v-81'

    Raises ContractError for an unknown type, KeyError when `data` lacks the fields.
    """
    if event_type not in EVENT_TYPES:
        raise ContractError(f"unknown event type {event_type!r}; known: {', '.join(EVENT_TYPES)}")
    for name, prefix in EventType.ACTORS:
        if data.get(name) is not None:
            return f"{prefix}{data[name]}"
    if event_type.startswith("nisba.identity."):
        return min(f"{node['kind']}:{node['id']}" for node in (data["left"], data["right"]))
    return "/".join(str(data[name]) for name in EVENT_TYPES[event_type].own_id)
