"""What a process leaves behind when it dies, or a disk when it fails: the next one goes on, or says what to do."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nisba.config import Config
from pipelines import parts
from pipelines.broker.producer import send_directory
from pipelines.stream import Cycle, stream
from simulator import simulate
from simulator.noise import Noise
from tests.kafka_node import KafkaNode
from tests.kafka_records import book_hashes, config_with_topics, produce, rows, touch
from tests.streaming_process import ROOT, assert_same_books, backfilled, caught_up, settled, streaming

pytestmark = pytest.mark.kafka

DIE_BEFORE_ATTRIBUTING = """
import os, signal, sys
import pipelines.catch_up
from nisba.config import load_config
from pipelines.stream import stream

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

pipelines.catch_up.attribute = die
stream(load_config(sys.argv[1], environment={}), until="caught_up")
"""


@pytest.fixture
def place(node: KafkaNode, tmp_path: Path) -> tuple[Config, Path, Path]:
    """A configuration, its settings file, and the directory of the events that are in its topics."""
    config, settings = settled(config_with_topics(node.address, tmp_path / "warehouse.duckdb"), tmp_path / "nisba.toml")
    events = simulate(5, 30, 200, tmp_path / "events", noise=Noise(oversized=False)).directory
    assert send_directory(events, config).refused == []
    return config, settings, events


def test_kill_before_attributing_leaves_dirty_accounts_to_the_next_cycle(place: tuple[Config, Path, Path], tmp_path: Path) -> None:
    config, settings, events = place
    done = subprocess.run([sys.executable, "-c", DIE_BEFORE_ATTRIBUTING, str(settings)], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert rows(config, "SELECT count(*) > 20 FROM ops.dirty_account") == [(True,)]
    assert rows(config, "SELECT count(*) FROM core.deal") == [(0,)]
    cycles: list[Cycle] = []
    stream(config, until="caught_up", on_cycle=cycles.append)
    assert [(cycle.read.records, cycle.attributed.deals > 10) for cycle in cycles] == [(0, True)]
    assert rows(config, "SELECT count(*) FROM ops.dirty_account") == [(0,)]
    assert_same_books(config, backfilled(config, events, tmp_path / "backfilled.duckdb"))


def test_leftover_parts_are_removed_and_never_read(place: tuple[Config, Path, Path], tmp_path: Path) -> None:
    config, _, events = place
    folder = parts.new_run_folder(config.warehouse.path)
    (folder / "touch-0.arrow").write_bytes(b"half a part")
    (folder / parts.MANIFEST).write_text('[{"parts": {"touch": ["touch-0.arrow"]}, "blocks": [], "failures": []}]')
    stream(config, until="caught_up")
    assert not folder.exists()
    assert_same_books(config, backfilled(config, events, tmp_path / "backfilled.duckdb"))


def test_warehouse_that_is_gone_is_made_again_from_the_log(place: tuple[Config, Path, Path]) -> None:
    config, settings, _ = place
    stream(config, until="caught_up")
    before = book_hashes(config)
    Path(config.warehouse.path).unlink()
    caught_up(settings, settings.with_name("again.log"))
    assert book_hashes(config) == before


def test_broken_warehouse_is_said_in_one_sentence(place: tuple[Config, Path, Path]) -> None:
    config, settings, _ = place
    stream(config, until="caught_up")
    with Path(config.warehouse.path).open("r+b") as file:
        file.write(b"\xff" * 20_000)
    log = settings.with_name("broken.log")
    with streaming(settings, log, "--until-caught-up") as running:
        assert running.process.wait(60) == 1
    said = [line for line in log.read_text().splitlines() if "Error:" in line]
    assert len(said) == 1
    assert "warehouse.duckdb: cannot be opened as a warehouse" in said[0]
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stream_ends_cleanly_when_asked(node: KafkaNode, tmp_path: Path, number: signal.Signals) -> None:
    config, settings = settled(config_with_topics(node.address, tmp_path / "warehouse.duckdb"), tmp_path / "nisba.toml")
    produce(config, [touch(each) for each in range(500)])
    with streaming(settings, tmp_path / "stream.log") as running:
        running.until(lambda: running.records == 500)
        assert running.stop(number) == 0
    assert rows(config, "SELECT count(*) FROM ledger.touch") == [(500,)]
    assert rows(config, "SELECT count(*) FROM ops.dirty_account") == [(0,)]
    assert not parts.work_folder(config.warehouse.path).exists() or not list(parts.work_folder(config.warehouse.path).iterdir())
