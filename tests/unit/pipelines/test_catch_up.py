"""Catching up: which parts run, in which order, with which source; on a small company and a real warehouse."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from nisba.config import Config
from nisba.errors import BrokerError, TooManyDeadLetters
from pipelines import ingest as ingest_module
from pipelines.attribute import AttributeReport
from pipelines.backfill import backfill
from pipelines.broker import outbox as outbox_module
from pipelines.catch_up import CatchUp, Pace, Step, Throttle, catch_up, progress_text
from pipelines.circuit_breaker import CircuitBreaker
from pipelines.file_source import DirectorySource
from pipelines.ingest import IngestReport, ingest
from tests.kafka_records import rows, touch, won_deal
from tests.unit.pipelines.events import BROKEN, MemorySource, small_company, touches, write_events


@pytest.fixture
def company(tmp_path: Path) -> DirectorySource:
    return DirectorySource(str(small_company(tmp_path / "events")))


def dirty(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("SELECT count(*) FROM ops.dirty_account").fetchone()
    assert row is not None
    return int(row[0])


def won_deals(con: duckdb.DuckDBPyConnection) -> int | None:
    found = con.execute(
        "SELECT max(won_deals) FROM marts.marketing_share WHERE period_kind = 'year' AND model = 'linear' AND segment = 'all'"
    ).fetchone()
    assert found is not None
    return found[0]  # type: ignore[no-any-return]


class Outbox:
    """Stands where the broker's outbox is; a number is what it has published, an error what it met."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *outcomes: int | Exception) -> None:
        self.calls, self.outcomes = 0, iter(outcomes)
        monkeypatch.setattr(outbox_module, "publish_dead_letters", self)

    def __call__(self, con: duckdb.DuckDBPyConnection, config: Config) -> int:
        self.calls += 1
        outcome = next(self.outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_a_directory_goes_all_the_way_to_the_marts(con: duckdb.DuckDBPyConnection, config: Config, company: DirectorySource) -> None:
    done = catch_up(con, company, config)
    assert (done.read.records, done.read.facts, done.read.dead_letters) == (74, 72, 2)
    assert (done.attributed.everything, done.attributed.deals) == (True, 12)
    assert done.attributed.credits == 60  # five touches of each deal
    assert "marts.campaign_roi" in done.built
    assert (won_deals(con), dirty(con), done.published) == (12, 0, 0)
    assert not done.is_idle


def test_the_second_time_there_is_nothing_but_the_marts(con: duckdb.DuckDBPyConnection, config: Config, company: DirectorySource) -> None:
    catch_up(con, company, config)
    again = catch_up(con, company, config)
    assert (again.read.facts, again.read.duplicates, again.attributed) == (0, 72, AttributeReport())
    assert again.built


def test_without_a_source_what_another_process_left_dirty_is_attributed(
    con: duckdb.DuckDBPyConnection, config: Config, company: DirectorySource
) -> None:
    ingest(con, company, config)
    assert dirty(con) == 12
    done = catch_up(con, None, config)
    assert (done.read, done.attributed.deals, won_deals(con), dirty(con)) == (IngestReport(), 12, 12, 0)
    assert not done.is_idle


def test_new_events_touch_their_account_alone(
    con: duckdb.DuckDBPyConnection, config: Config, company: DirectorySource, tmp_path: Path
) -> None:
    catch_up(con, company, config)
    later = write_events(tmp_path / "later", "crm.deal.jsonl", [won_deal(99, account_id="a-3").value])
    done = catch_up(con, DirectorySource(str(later)), config)
    assert (done.attributed.everything, done.attributed.accounts, done.attributed.deals) == (False, 1, 2)
    assert won_deals(con) == 13


def test_outbox_comes_before_the_marts_where_it_is_asked_for(
    con: duckdb.DuckDBPyConnection, config: Config, company: DirectorySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(monkeypatch, 2)
    told: list[tuple[Step, int]] = []
    done = catch_up(con, company, config, outbox=True, on_step=lambda step, read: told.append((step, read.records)))
    assert told == [("read", 74), ("attribute", 74), ("outbox", 74), ("build", 74)]
    assert (done.published, outbox.calls) == (2, 1)
    assert catch_up(con, None, config).published == 0
    assert outbox.calls == 1


def test_outbox_that_fails_leaves_the_books_committed(
    con: duckdb.DuckDBPyConnection, config: Config, company: DirectorySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    Outbox(monkeypatch, BrokerError("away"), 2)
    with pytest.raises(BrokerError, match="away"):
        catch_up(con, company, config, outbox=True)
    assert dirty(con) == 0
    done = catch_up(con, None, config, outbox=True)
    assert (done.is_idle, done.published, won_deals(con)) == (True, 2, 12)


def test_too_many_dead_letters_leave_nothing_to_attribute(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    source = MemorySource({0: [*touches(1), *[BROKEN] * 60]})
    with pytest.raises(TooManyDeadLetters):
        catch_up(con, source, config, breaker=CircuitBreaker(Decimal(5)))
    assert con.execute("SELECT count(*) FROM ops.cycle").fetchone() == (0,)


def test_asked_to_leave_between_rounds_everything_else_is_the_next_runs(
    con: duckdb.DuckDBPyConnection, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "ROUND_RECORDS", 4)
    outbox = Outbox(monkeypatch)
    source = MemorySource({0: touches(*range(10))})
    done = catch_up(con, source, config, outbox=True, is_to_leave=lambda: True)
    assert (done.read.records, done.read.is_cut_short, done.attributed, done.built) == (4, True, AttributeReport(), ())
    assert (outbox.calls, dirty(con) > 0, done.is_idle) == (0, True, False)
    assert catch_up(con, source, config).read.records == 6
    assert dirty(con) == 0


class Clock:
    """A clock that moves a second each time it is asked."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def test_marts_are_built_when_the_books_have_changed_and_not_again(
    con: duckdb.DuckDBPyConnection, config: Config, company: DirectorySource
) -> None:
    pace = Pace()
    assert catch_up(con, company, config, pace=pace).built
    assert catch_up(con, None, config, pace=pace).built == ()
    ingest(con, MemorySource({0: [touch(77).value]}), config)
    assert catch_up(con, None, config, pace=pace).built


def test_marts_wait_for_their_share_while_records_come_and_are_built_when_they_stop(
    con: duckdb.DuckDBPyConnection, config: Config, company: DirectorySource
) -> None:
    pace = Pace(marts=Throttle(0.01, Clock()))
    assert catch_up(con, company, config, pace=pace).built
    source = MemorySource({0: [touch(77).value]})
    busy = catch_up(con, source, config, pace=pace)
    assert (busy.read.records, busy.attributed.accounts, busy.built) == (1, 1, ())
    idle = catch_up(con, source, config, pace=pace)
    assert (idle.is_idle, bool(idle.built), idle.is_empty) == (True, True, False)
    assert catch_up(con, source, config, pace=pace).is_empty


def test_outbox_waits_for_its_share_while_records_come(
    con: duckdb.DuckDBPyConnection, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(monkeypatch, 1, 1)
    pace = Pace(outbox=Throttle(0.01, Clock()))
    calls = []
    for count in (1, 2, 2):
        catch_up(con, MemorySource({0: touches(*range(count))}), config, outbox=True, pace=pace)
        calls.append(outbox.calls)
    assert calls == [1, 1, 2]


@pytest.mark.parametrize(("share", "waits"), [(1.0, 0), (0.5, 4), (0.1, 36), (0.05, 76)])
def test_work_of_four_seconds_waits_until_it_is_its_share(share: float, waits: int) -> None:
    now = [100.0]
    throttle = Throttle(share, lambda: now[0])
    assert throttle.is_due(is_idle=False)
    with throttle.timed():
        now[0] += 4
    for early in (0.001, -0.001):
        now[0] = 104 + waits - early
        assert throttle.is_due(is_idle=False) == (early < 0)
        assert throttle.is_due(is_idle=True)


def test_work_that_fails_is_due_again() -> None:
    throttle = Throttle(0.1)
    with pytest.raises(BrokerError), throttle.timed():
        raise BrokerError("away")
    assert throttle.is_due(is_idle=False)


@pytest.mark.parametrize(
    ("done", "is_idle", "is_empty"),
    [
        (CatchUp(), True, True),
        (CatchUp(published=3), True, True),
        (CatchUp(built=("marts.channel_roi",)), True, False),
        (CatchUp(IngestReport(rounds=1)), False, False),
        (CatchUp(attributed=AttributeReport(everything=True)), False, False),
        (CatchUp(attributed=AttributeReport(accounts=1)), False, False),
    ],
)
def test_idle_means_nothing_read_and_nothing_attributed(done: CatchUp, is_idle: bool, is_empty: bool) -> None:
    assert (done.is_idle, done.is_empty) == (is_idle, is_empty)


@pytest.mark.parametrize(
    ("step", "read", "expected"),
    [
        ("read", IngestReport(records=1_234_567), "Reading … 1,234,567 records"),
        ("attribute", IngestReport(facts=1_000), "Attributing 1,000 new facts …"),
        ("attribute", IngestReport(), "Attributing …"),
        ("outbox", IngestReport(), "Publishing dead letters …"),
        ("build", IngestReport(), "Building the marts …"),
    ],
)
def test_every_step_has_words(step: Step, read: IngestReport, expected: str) -> None:
    assert progress_text(step, read) == expected


def test_backfill_is_one_catching_up_under_the_lease(config: Config, tmp_path: Path) -> None:
    told: list[Step] = []
    done = backfill(small_company(tmp_path / "events"), config, on_step=lambda step, read: told.append(step))
    assert (done.read.facts, done.attributed.deals, told) == (72, 12, ["read", "attribute", "build"])
    assert rows(config, "SELECT count(*) FROM core.deal") == [(12,)]
