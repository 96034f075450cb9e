"""Parts and manifests: what was written is what is read, and nothing else counts."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from pipelines import parts
from pipelines.parts import PartWriter
from warehouse.loader import rows


def test_batches_with_dictionaries_of_their_own_become_one_part(tmp_path: Path) -> None:
    writer = PartWriter(str(tmp_path))
    for words in (["a", "b"], ["c", "a"]):
        writer.add({"journey_touch": pa.table({"channel": pa.array(words).dictionary_encode()})})
    (name,) = writer.finish()["journey_touch"]
    assert parts.read_part(tmp_path / name)["channel"].cast(pa.string()).to_pylist() == ["a", "b", "c", "a"]


def test_parts_with_other_dictionaries_are_read_together(tmp_path: Path) -> None:
    names = [
        parts.write_part(tmp_path, "journey_touch", pa.table({"channel": pa.array(words).dictionary_encode()}))
        for words in (["a"], ["b", "a"])
    ]
    assert rows([tmp_path / name for name in names])["channel"].cast(pa.string()).to_pylist() == ["a", "b", "a"]


def test_only_what_a_manifest_names_counts(tmp_path: Path) -> None:
    writer = PartWriter(str(tmp_path))
    writer.add({"touch": pa.table({"n": [1, 2]}), "deal": pa.table({"n": pa.array([], pa.int64())})})
    entry = {"parts": writer.finish()}
    parts.write_part(tmp_path, "touch", pa.table({"n": [3]}))  # of a worker that was killed
    parts.write_manifest(tmp_path, [entry])
    merged = parts.merged_parts(tmp_path, parts.read_manifest(tmp_path))
    assert set(merged) == {"touch"}
    assert rows(merged["touch"])["n"].to_pylist() == [1, 2]


def test_leftovers_go_and_the_warehouse_stays(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(b"books")
    folder = parts.new_run_folder(warehouse)
    parts.write_part(folder, "touch", pa.table({"n": [1]}))
    parts.remove_leftovers(warehouse)
    assert not folder.exists()
    assert warehouse.read_bytes() == b"books"
