"""Shards of accounts on their way into the books: pack, attribute, write as parts. Free of Beam: a DoFn of the same name wires each."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from nisba.config import Config
from nisba.errors import NisbaError
from pipelines.parts import BundleParts

__all__ = ["Shard", "ShardTask", "attribute_shards", "shard_by_account", "unpacked"]


@dataclass(frozen=True)
class ShardTask:
    """A shard to attribute: everything about its accounts, as one payload."""

    folder: str
    config: bytes
    shard: int
    payload: bytes


Shard = bytes
"""Folder, configuration and payload in one value: bytes are what a GroupByKey moves cheaply."""

_LENGTHS = struct.Struct("<II")


def shard_by_account(task: ShardTask) -> Iterator[tuple[int, Shard]]:
    """Yield the shard's number and everything that attributing it needs."""
    folder = task.folder.encode()
    yield task.shard, b"".join([_LENGTHS.pack(len(folder), len(task.config)), folder, task.config, task.payload])


def unpacked(shard: Shard) -> tuple[str, bytes, memoryview]:
    """Return (folder, configuration, payload) of what `shard_by_account` made; the payload is not copied.

    >>> ((_, shard),) = shard_by_account(ShardTask("/runs/1", b"{}", 0, b"facts"))
    >>> folder, config, payload = unpacked(shard)
    >>> folder, config, bytes(payload)
    ('/runs/1', b'{}', b'facts')
    """
    view = memoryview(shard)
    folder_end = _LENGTHS.size + _LENGTHS.unpack_from(view)[0]
    config_end = folder_end + _LENGTHS.unpack_from(view)[1]
    return str(view[_LENGTHS.size : folder_end], "utf-8"), bytes(view[folder_end:config_end]), view[config_end:]


def attribute_shards(parts: BundleParts, element: tuple[int, Iterable[Shard]]) -> None:
    """Attribute shards of one number and add their books to a bundle's parts."""
    from nisba.attribution import attribute_shard

    for shard in element[1]:
        folder, config, payload = unpacked(shard)
        try:
            parts.add(folder, attribute_shard(payload, msgspec.json.decode(config, type=Config)))
        except NisbaError as failure:
            parts.fail(folder, failure)
