"""What a data engineer looks at first, in a warehouse and in a published snapshot."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pyarrow as pa

from nisba.config import Attribution, Config, Publish
from schemas.refusals import DEAD_LETTER_SCHEMA
from tests.unit.warehouse.landing import attribute, deal, decoded, empty_warehouse, land_events, touch
from tests.unit.warehouse.recompute.company import adjustment
from warehouse.connection import open_writer
from warehouse.loader import OffsetRange, land
from warehouse.models.build import build
from warehouse.models.publication import prepare, promote
from warehouse.status import CYCLES, Status, read_status


def _config(folder: Path) -> Config:
    linear = Attribution(models=("linear",), default_model="linear")
    return Config(attribution=linear, publish=Publish(directory=str(folder / "published")))


def test_new_warehouse_has_nothing(tmp_path: Path) -> None:
    with empty_warehouse() as con:
        assert read_status(con, _config(tmp_path)) == Status([], 0, 0, [], None, {}, [], None)


def test_everything_that_waits_or_was_refused_is_counted(tmp_path: Path) -> None:
    letters = [{"topic": "deals", "kafka_partition": 0, "kafka_offset": n, "error_class": kind} for n, kind in enumerate(("b", "a", "b"))]
    with empty_warehouse() as con:
        land(
            con,
            facts=decoded([touch("t-1"), touch("t-1", channel="event"), touch("t-2", account_id="beta"), adjustment("m-1", "nowhere")]),
            dead_letters=pa.Table.from_pylist(letters, DEAD_LETTER_SCHEMA),
            offsets=[OffsetRange("deals", 0, None, 3), OffsetRange("touches", 1, None, 9)],
            records=7,
        )
        found = read_status(con, _config(tmp_path))
        assert found.dead_letters is not None
        assert [(row["error_class"], row["records"]) for row in found.dead_letters] == [("a", 1), ("b", 2)]
        assert isinstance(found.dead_letters[0]["latest"], dt.datetime)
        assert (found.dirty_accounts, found.conflicts, found.held) == (2, 1, [])
        assert found.offsets == {("deals", 0): 3, ("touches", 1): 9}
        assert [(row["kind"], row["records"], row["facts"], row["conflicts"]) for row in found.cycles] == [("ingest", 7, 3, 1)]
        attribute(con)
        found = read_status(con, _config(tmp_path))
        assert (found.dirty_accounts, found.held) == (0, [{"kind": "adjustment", "reason": "unknown_deal", "rows": 1}])


def test_last_cycles_are_shown_the_latest_first(tmp_path: Path) -> None:
    with empty_warehouse() as con:
        for number in range(CYCLES + 2):
            land_events(con, touch(f"t-{number}"))
        assert [row["cycle_no"] for row in read_status(con, _config(tmp_path)).cycles] == list(range(CYCLES + 2, 2, -1))


def test_snapshot_knows_its_cycles_and_what_is_held(tmp_path: Path) -> None:
    config = _config(tmp_path)
    with open_writer(tmp_path / "warehouse.duckdb") as con:
        land_events(con, touch("t-1"), deal("e-1"), adjustment("m-1", "nowhere"))
        attribute(con, config)
        build(con)
        file = promote(prepare(con, config), config)
        assert read_status(con, config).published == "nisba-1.duckdb"
    with duckdb.connect(str(file), read_only=True) as snapshot:
        found = read_status(snapshot, config)
    assert (found.dead_letters, found.dirty_accounts, found.conflicts, found.offsets) == (None, None, None, None)
    assert found.held == [{"kind": "adjustment", "reason": "unknown_deal", "rows": 1}]
    assert [row["kind"] for row in found.cycles] == ["attribute", "ingest"]
    assert found.published == "nisba-1.duckdb"
