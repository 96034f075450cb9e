"""The stream on the embedded broker of the demo, which understates its ends and keeps nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from nisba.config import load_config
from pipelines.broker.embedded_broker import embedded_broker
from pipelines.broker.producer import send_directory
from pipelines.broker.topics import create_topics
from pipelines.stream import Cycle, stream
from simulator import simulate
from tests.kafka_records import ledger_hashes, rows
from tests.streaming_process import assert_same_books, backfilled
from tests.unit.pipelines.events import with_broker
from warehouse.connection import open_writer
from warehouse.recompute.verification import verify


def test_every_record_of_the_embedded_broker_is_read(tmp_path: Path) -> None:
    simulated = simulate(3, 30, 200, tmp_path / "events")
    base = load_config(None, environment={}, overrides={"warehouse.path": str(tmp_path / "warehouse.duckdb")})
    with embedded_broker() as address:
        config = with_broker(base, address)
        assert all(not state.differences for state in create_topics(config.kafka))
        report = send_directory(simulated.directory, config)
        cycles: list[Cycle] = []
        stream(config, until="caught_up", on_cycle=cycles.append)
    assert sum(cycle.read.records for cycle in cycles) == report.records
    assert sum(cycle.read.dead_letters for cycle in cycles) + len(report.refused) == simulated.dead_letters
    direct = backfilled(config, simulated.directory, tmp_path / "backfilled.duckdb")
    assert_same_books(config, direct)
    assert ledger_hashes(config)["touch"][0] > 400
    assert rows(config, "SELECT count(*) FROM ops.dirty_account") == [(0,)]
    with open_writer(config.warehouse.path) as con:
        assert verify(con, config).differing == 0


def test_nothing_is_left_in_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with embedded_broker() as address:
        assert address.startswith("127.0.0.1:")
    assert list(tmp_path.iterdir()) == []
