"""Keys of an event: its record key, and the hash of its identity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import md5
from typing import Any

import numpy as np
import numpy.typing as npt

from nisba.errors import ContractError
from schemas.events import EVENT_TYPES, EventType

__all__ = ["digests", "identity_hash", "identity_hashes", "partition_key"]


def partition_key(event_type: str, data: Mapping[str, Any]) -> str:
    """Return the record key of an event: its account, else its visitor or person, else the object's own id.

    >>> partition_key("nisba.touch.v1", {"visitor_id": "v-81"})
    'visitor:v-81'

    Raises ContractError for an unknown type, KeyError when `data` lacks the fields.
    """
    if event_type not in EVENT_TYPES:
        raise ContractError(f"unknown event type {event_type!r}; known: {', '.join(EVENT_TYPES)}")
    for name, prefix in EventType.ACTORS:
        if data.get(name):  # an empty id is none
            return f"{prefix}{data[name]}"
    if event_type.startswith("nisba.identity."):
        return min(f"{node['kind']}:{node['id']}" for node in (data["left"], data["right"]))
    return "/".join(str(data[name]) for name in EVENT_TYPES[event_type].own_id)


def identity_hash(source: str, event_id: str) -> int:
    """Return 64 bits of an identity within its type: what `md5_number_lower(source || chr(31) || event_id)` is in DuckDB.

    >>> identity_hash("web", "t-1")
    15065107193058641683
    """
    return int(identity_hashes([source], [event_id])[0])


def identity_hashes(sources: Sequence[str], event_ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return the hash of each identity: the second half of md5 over the source, a unit separator and the id."""
    begun = {source: md5(f"{source}\x1f".encode(), usedforsecurity=False) for source in set(sources)}
    if len(begun) == 1:  # as in most blocks
        return digests(begun[sources[0]], map(str.encode, event_ids))[1::2]
    both = (f"{source}\x1f{event_id}".encode() for source, event_id in zip(sources, event_ids, strict=True))
    return digests(md5(usedforsecurity=False), both)[1::2]


def digests(begun: Any, contents: Iterable[bytes]) -> npt.NDArray[np.uint64]:
    """Return the digest of each content by a hash that may have begun, as little endian numbers of 64 bits, one after the other."""
    copy, found = begun.copy, []  # a copy is quicker than a new one
    for content in contents:
        hash_ = copy()
        hash_.update(content)
        found.append(hash_.digest())
    return np.frombuffer(b"".join(found), dtype="<u8")
