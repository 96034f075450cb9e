"""Parts and manifests: what was written is what is read, and nothing else counts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from nisba.errors import BrokerError, NisbaError, OffsetConflict, SourceError, TooManyDeadLetters
from pipelines import parts
from pipelines.circuit_breaker import Outcome
from pipelines.parts import BlockAccount, BundleParts, Entry, Failure, PartWriter
from warehouse.loader import rows


def numbers(*values: int) -> pa.Table:
    return pa.table({"n": pa.array(values, pa.int64())})


def words(*values: str) -> pa.Table:
    return pa.table({"channel": pa.array(values).dictionary_encode()})


def finish(folder: Path, bundle: BundleParts) -> list[Entry]:
    """Write the manifest of one bundle and read it back."""
    parts.write_manifest(folder, [entry for _, entry in bundle.entries()])
    return parts.read_manifest(folder)


def test_batches_with_dictionaries_of_their_own_become_one_part(tmp_path: Path) -> None:
    writer = PartWriter(str(tmp_path))
    writer.add({"journey_touch": words("a", "b")})
    writer.add({"journey_touch": words("c", "a")})
    (name,) = writer.finish()["journey_touch"]
    assert rows([tmp_path / name])["channel"].cast(pa.string()).to_pylist() == ["a", "b", "c", "a"]


def test_parts_with_other_dictionaries_are_read_together(tmp_path: Path) -> None:
    names = [parts.write_part(tmp_path, "journey_touch", table) for table in (words("a"), words("b", "a"))]
    assert rows([tmp_path / name for name in names])["channel"].cast(pa.string()).to_pylist() == ["a", "b", "a"]


def test_a_part_is_closed_when_it_is_large_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROWS_PER_PART", 3)
    writer = PartWriter(str(tmp_path))
    for table in (numbers(1, 2), numbers(3), numbers(4)):
        writer.add({"touch": table})
    written = writer.finish()["touch"]
    assert [rows([tmp_path / name])["n"].to_pylist() for name in written] == [[1, 2, 3], [4]]
    assert len(list(tmp_path.iterdir())) == 2


def test_empty_tables_make_no_part(tmp_path: Path) -> None:
    writer = PartWriter(str(tmp_path))
    writer.add({"touch": numbers()})
    assert writer.finish() == {}
    assert list(tmp_path.iterdir()) == []


def test_only_what_a_manifest_names_counts(tmp_path: Path) -> None:
    bundle = BundleParts()
    bundle.add(str(tmp_path), {"touch": numbers(1, 2), "deal": numbers()})
    parts.write_part(tmp_path, "touch", numbers(3))  # of a worker that was killed
    (tmp_path / "touch-0.tmp").write_bytes(b"half a part")
    merged = parts.merged_parts(tmp_path, finish(tmp_path, bundle))
    assert set(merged) == {"touch"}
    assert rows(merged["touch"])["n"].to_pylist() == [1, 2]


def test_a_run_that_did_not_end_has_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        parts.read_manifest(tmp_path)


def test_parts_are_merged_in_the_order_of_the_manifest(tmp_path: Path) -> None:
    entries = [Entry({"touch": ["b"]}), Entry({"deal": ["c"], "touch": ["a"]})]
    assert parts.merged_parts("/runs/1", entries) == {"touch": [Path("/runs/1/b"), Path("/runs/1/a")], "deal": [Path("/runs/1/c")]}


def test_accounts_of_blocks_come_back_as_they_were(tmp_path: Path) -> None:
    accounts = [BlockAccount("crm.deal", 3, 12, 7, Outcome(7, 1)), BlockAccount("deals.jsonl", 0, None, 2, Outcome(2, 0))]
    bundle = BundleParts()
    for account in accounts:
        bundle.add(str(tmp_path), {"deal": numbers(1)}, account)
    (entry,) = finish(tmp_path, bundle)
    assert entry.blocks == accounts
    assert entry.blocks[0].latest.refused == 1


def test_a_bundle_of_two_runs_has_an_entry_for_each(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    bundle = BundleParts()
    bundle.add(str(tmp_path / "one"), {"touch": numbers(1)})
    bundle.add(str(tmp_path / "two"), {"touch": numbers(2)})
    bundle.add(str(tmp_path / "one"), {"touch": numbers(3)})
    found = {folder: msgspec.json.decode(entry, type=Entry) for folder, entry in bundle.entries()}
    read = {Path(folder).name: rows(parts.merged_parts(folder, [entry])["touch"])["n"].to_pylist() for folder, entry in found.items()}
    assert read == {"one": [1, 3], "two": [2]}


def test_a_bundle_that_saw_nothing_has_no_entry() -> None:
    assert list(BundleParts().entries()) == []


@pytest.mark.parametrize(
    "error",
    [
        SourceError("deals.jsonl: cannot be read"),
        BrokerError("Kafka does not answer"),
        OffsetConflict("crm.deal", 3, None, 9),
        TooManyDeadLetters(51, 900, 5.0, "crm.deal/3/7"),
    ],
)
def test_error_of_a_worker_is_raised_where_the_run_was_started(tmp_path: Path, error: NisbaError) -> None:
    bundle = BundleParts()
    bundle.add(str(tmp_path), {"touch": numbers(1)})
    bundle.fail(str(tmp_path), error)
    with pytest.raises(type(error)) as raised:
        finish(tmp_path, bundle)
    assert str(raised.value) == str(error)
    assert type(raised.value) is type(error)


def test_the_first_of_many_errors_is_raised(tmp_path: Path) -> None:
    entries = [msgspec.json.encode(Entry({}, failures=[Failure.of(SourceError(text))])) for text in ("first", "second")]
    parts.write_manifest(tmp_path, entries)
    with pytest.raises(SourceError, match="first"):
        parts.read_manifest(tmp_path)


def test_leftovers_go_and_the_warehouse_stays(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(b"books")
    folder = parts.new_run_folder(warehouse)
    parts.write_part(folder, "touch", numbers(1))
    parts.remove_leftovers(warehouse)
    assert not folder.exists()
    assert warehouse.read_bytes() == b"books"


def test_a_run_removes_its_own_folder_alone(tmp_path: Path) -> None:
    mine, other = parts.new_run_folder(tmp_path / "w.duckdb"), parts.new_run_folder(tmp_path / "w.duckdb")
    parts.remove_run_folder(mine)
    parts.remove_run_folder(mine)  # gone already
    assert not mine.exists()
    assert other.is_dir()
