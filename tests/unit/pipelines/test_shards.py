"""Shards on their way into the books: packing, attributing, and errors on purpose."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nisba.attribution
from nisba.config import Config
from nisba.errors import ContractError
from pipelines.parts import BundleParts, Entry, merged_parts
from pipelines.shards import Shard, ShardTask, attribute_shards, shard_by_account, unpacked
from tests.unit.pipelines.shard_payloads import payloads
from warehouse.loader import rows

SETTINGS = msgspec.json.encode(Config())


@given(st.text(max_size=40), st.binary(max_size=60), st.integers(0, 1 << 31), st.binary(max_size=60))
def test_what_is_packed_is_what_is_unpacked(folder: str, config: bytes, shard: int, payload: bytes) -> None:
    ((number, packed),) = shard_by_account(ShardTask(folder, config, shard, payload))
    found_folder, found_config, found_payload = unpacked(packed)
    assert (number, found_folder, found_config, bytes(found_payload)) == (shard, folder, config, payload)


def packed_shards(folder: Path, count: int) -> list[tuple[int, list[Shard]]]:
    tasks = [ShardTask(str(folder), SETTINGS, number, payload) for number, payload in payloads(shards=count)]
    return [(number, [shard]) for task in tasks for number, shard in shard_by_account(task)]


def books(folder: Path, elements: list[tuple[int, list[Shard]]]) -> dict[str, list[dict[str, object]]]:
    bundle = BundleParts()
    for element in elements:
        attribute_shards(bundle, element)
    ((_, entry),) = bundle.entries()
    merged = merged_parts(folder, [msgspec.json.decode(entry, type=Entry)])
    return {name: sorted(rows(files).to_pylist(), key=repr) for name, files in merged.items()}


def test_the_number_of_shards_changes_no_book(tmp_path: Path) -> None:
    whole = books(tmp_path, packed_shards(tmp_path, 1))
    assert len(whole["deal"]) == 12
    assert len(packed_shards(tmp_path, 5)) > 1
    assert books(tmp_path, packed_shards(tmp_path, 5)) == whole


def test_shards_of_one_number_are_attributed_one_by_one(tmp_path: Path) -> None:
    separate = packed_shards(tmp_path, 5)
    together = [(0, [shard for _, shards in separate for shard in shards])]
    assert books(tmp_path, together) == books(tmp_path, separate)


def test_error_on_purpose_is_noted_and_the_other_shards_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elements = packed_shards(tmp_path, 3)
    tried = iter(range(len(elements)))

    def attribute_shard(payload: memoryview, config: Config) -> dict[str, object]:
        if next(tried) == 1:
            raise ContractError("a column is missing")
        return {}

    monkeypatch.setattr(nisba.attribution, "attribute_shard", attribute_shard)
    bundle = BundleParts()
    for element in elements:
        attribute_shards(bundle, element)
    ((_, entry),) = bundle.entries()
    assert [failure.error().args for failure in msgspec.json.decode(entry, type=Entry).failures] == [("a column is missing",)]
    assert next(tried, None) is None
