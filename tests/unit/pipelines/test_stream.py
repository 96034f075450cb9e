"""What the stream does without a broker: signals, the lease, and the text of a cycle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nisba.config import Config, Kafka, Warehouse
from nisba.errors import BrokerError, LeaseTaken
from pipelines import stream as module
from pipelines.attribute import AttributeReport
from pipelines.broker.embedded_broker import embedded_broker
from pipelines.broker.producer import send_directory
from pipelines.broker.topics import create_topics
from pipelines.catch_up import CatchUp
from pipelines.ingest import IngestReport, ingest
from pipelines.stream import Cycle, stop_on_signals, stream
from tests.kafka_records import rows, until
from tests.unit.pipelines.events import MemorySource, config_of, small_company, touches, with_broker
from warehouse.connection import is_wanted, open_writer

ROOT = Path(__file__).resolve().parents[3]


READ = IngestReport(rounds=1, records=1_200, facts=1_190, duplicates=7, conflicts=1, dead_letters=2)


@pytest.mark.parametrize(
    ("done", "text"),
    [
        (CatchUp(), ""),
        (CatchUp(READ), "1,200 records, 1,190 facts, 7 duplicates, 1 conflicts, 2 dead letters; "),
        (CatchUp(attributed=AttributeReport(accounts=40, deals=55, credits=1_990)), "40 accounts, 55 deals, 1,990 credits; "),
        (CatchUp(attributed=AttributeReport(everything=True, deals=55)), "all accounts, 55 deals; "),
        (CatchUp(attributed=AttributeReport(everything=True)), "all accounts; "),
        (CatchUp(built=("marts.channel_roi",)), "marts built; "),
        (CatchUp(published=3), ""),
        (CatchUp(IngestReport(rounds=1, records=1), AttributeReport(accounts=1), 0, ("a", "b")), "1 records; 1 accounts; marts built; "),
    ],
)
def test_cycle_says_what_it_did_and_nothing_else(done: CatchUp, text: str) -> None:
    assert str(Cycle(3, done, 0.254)) == f"cycle 3: {text}0.25 s"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_stops_and_the_second_does_what_it_did_before(number: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda n, _: heard.append(n))
    try:
        with stop_on_signals() as stop:
            os.kill(os.getpid(), number)
            assert stop.wait(5)
            assert heard == []
            os.kill(os.getpid(), number)
            assert heard == [number]
        os.kill(os.getpid(), number)
        assert heard == [number, number]
    finally:
        signal.signal(number, before)


def test_stream_that_is_told_to_stop_before_it_began_does_nothing(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert stream(Config(warehouse=Warehouse(path=str(tmp_path / "w.duckdb"))), stop=stop) == 0
    assert list(tmp_path.iterdir()) == []


def test_wrong_address_ends_the_stream_with_the_sentence(tmp_path: Path) -> None:
    config = Config(kafka=Kafka(bootstrap_servers="127.0.0.1:9", timeout_seconds=1), warehouse=Warehouse(path=str(tmp_path / "w.duckdb")))
    with pytest.raises(BrokerError, match="does not answer"):
        stream(config)


def test_lease_that_is_kept_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.duckdb"
    monkeypatch.setattr(module, "LEASE_SECONDS", 0.2)
    with _held_elsewhere(path) as holder, pytest.raises(LeaseTaken, match=f"process {holder.pid} has been writing"):
        stream(Config(warehouse=Warehouse(path=str(path))), retry_seconds=0)


def test_lease_is_wanted_while_somebody_waits(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with open_writer(path):
        assert not is_wanted(path)
        with _waiting_elsewhere(path):
            _until_wanted(path)
    assert not is_wanted(path)


def test_idle_stream_attributes_what_another_process_left_dirty(tmp_path: Path) -> None:
    config, stop, cycles = config_of(tmp_path), threading.Event(), list[Cycle]()
    events = small_company(tmp_path / "events")
    with embedded_broker() as address:
        config = with_broker(config, address)
        create_topics(config.kafka)
        send_directory(events, config)
        thread = threading.Thread(target=lambda: stream(config, on_cycle=cycles.append, stop=stop))
        thread.start()
        try:
            until(lambda: cycles, 20)
            with open_writer(config.warehouse.path) as con:  # a flow that dies between landing and attributing
                ingest(con, MemorySource({99: touches(1_001)}), config)
            until(lambda: len(cycles) > 1, 20)
        finally:
            stop.set()
            thread.join(20)
    assert (cycles[1].read.records, cycles[1].attributed.accounts) == (0, 1)
    assert all(cycle.done.is_idle for cycle in cycles[2:])  # at most the marts, when there was time for them
    assert rows(config, "SELECT count(*) FROM ops.dirty_account") == [(0,)]


def test_opening_the_warehouse_alone_is_not_writing(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    assert module._OnDisk.of(path) == module._OnDisk(())
    with open_writer(path):
        pass
    before = module._OnDisk.of(path)
    with open_writer(path) as con:
        con.execute("SELECT count(*) FROM ops.dirty_account").fetchall()
    assert module._OnDisk.of(path) == before
    with open_writer(path) as con:
        con.execute("INSERT INTO ops.kafka_offset VALUES ('crm.deal', 0, 4, now())")
    assert module._OnDisk.of(path) != before


def _held_elsewhere(path: Path) -> _Child:
    return _Child("with open_writer(sys.argv[1]): print('holds', flush=True); sys.stdin.read()", path, "holds")


def _waiting_elsewhere(path: Path) -> _Child:
    return _Child("print('waits', flush=True)\nwith open_writer(sys.argv[1]): pass", path, "waits")


def _until_wanted(path: Path) -> None:
    for _ in range(1000):
        if is_wanted(path):
            return
        threading.Event().wait(0.01)
    pytest.fail("nobody came to the turnstile within 10 s")


class _Child:
    """A Python process that runs some lines; it ends when its input does."""

    def __init__(self, lines: str, path: Path, first_word: str) -> None:
        code = f"import sys\nfrom warehouse.connection import open_writer\n{lines}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == first_word

    def __enter__(self) -> subprocess.Popen[str]:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)
