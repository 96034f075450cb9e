"""The gate: a figure that is corrupted after the build stops publishing; the rows are named, nothing stays behind, the last good stays."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from expectations import publish as publishing
from expectations.publish import check_next, publish
from expectations.run import CheckReport
from nisba.cli import cli
from nisba.config import Config, Publish, Warehouse
from nisba.errors import CheckFailed, LeaseTaken, WarehouseError
from warehouse.connection import open_writer, writer_lease
from warehouse.models.build import build
from warehouse.models.publication import one_publisher, published

ONE_WON_DEAL = """
INSERT INTO core.setting BY NAME SELECT 'USD' AS reporting_currency, 'UTC' AS time_zone, 1 AS fiscal_year_start_month,
    'linear' AS default_model, ['linear'] AS models, 30 AS target_pct, ['website'] AS lead_sources, 'h' AS config_hash;
INSERT INTO core.agreement BY NAME SELECT 'h' AS agreements_hash, [] AS sales_stages, [] AS adherence_checks, [] AS excluded_kinds,
    [] AS excluded_channels, 180 AS lookback_days, 14 AS update_days, 10 AS min_sample, 10 AS advice_count;
INSERT INTO core.model VALUES ('linear', 'rest 100');
INSERT INTO core.deal BY NAME SELECT 'won_by_two_touches' AS deal_id, 'acme' AS account_id, 'won' AS status, 100 AS amount,
    'USD' AS currency, 100 AS amount_reporting, DATE '2026-01-05' AS opened_on, DATE '2026-02-10' AS closed_on,
    TIMESTAMPTZ '2026-01-05 00:00:00+00' AS opened_at, TIMESTAMPTZ '2026-02-10 00:00:00+00' AS closed_at, closed_at AS changed_at,
    0 AS revision;
INSERT INTO core.entry BY NAME SELECT 'won_by_two_touches' AS deal_id, 1 AS entry_no, 'booking' AS entry, DATE '2026-02-10' AS booked_on,
    true AS is_final, 'USD' AS currency, 100 AS amount, 100 AS amount_reporting;
INSERT INTO core.journey_touch BY NAME SELECT 'default' AS journey, 'won_by_two_touches' AS deal_id, n AS ordinal, 2 AS journey_length,
    DATE '2026-01-03' AS touched_on, 'event' AS channel, if(n = 1, 'c-expo', NULL) AS campaign_id,
    if(n = 1, 'marketing', 'sales') AS team FROM range(1, 3) AS touch(n);
INSERT INTO core.credit_line BY NAME SELECT 'linear' AS model, 'default' AS journey, 'won_by_two_touches' AS deal_id, n AS ordinal,
    1 AS entry_no, 0.5 AS weight, 50 AS revenue, 50 AS revenue_reporting FROM range(1, 3) AS touch(n);
INSERT INTO core.cost_daily BY NAME SELECT 'c-expo' AS campaign_id, 'event' AS channel, DATE '2026-02-01' AS day, 20 AS cost_reporting;
"""
CORRUPTED = "UPDATE marts.campaign_roi SET revenue = revenue + 1 WHERE campaign_id = 'c-expo' AND period = '2026-02'"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A warehouse of one won deal, and where it would be published."""
    made = Config(warehouse=Warehouse(path=str(tmp_path / "warehouse.duckdb")), publish=Publish(directory=str(tmp_path / "published")))
    with open_writer(made.warehouse.path) as con:
        con.execute(ONE_WON_DEAL)
        build(con)
    return made


@pytest.fixture
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Great Expectations takes seconds to import; what these tests show happens around it."""
    monkeypatch.setattr(publishing, "check", lambda candidate: CheckReport(()))


def _files(config: Config) -> set[str]:
    """Return what lies in the published folder, but for the lock."""
    return {path.name for path in Path(config.publish.directory).iterdir()} - {".publishing.lock"}


def _write(config: Config, sql: str) -> None:
    with open_writer(config.warehouse.path) as con:
        con.execute(sql)


def test_figures_of_one_won_deal(config: Config) -> None:
    with duckdb.connect(config.warehouse.path, read_only=True) as con:
        roi = "SELECT campaign_id, cost, revenue, roi, roi_reason FROM marts.campaign_roi WHERE period = '2026-02' ORDER BY ALL"
        rows = [tuple(map(str, row)) for row in con.execute(roi).fetchall()]
        assert rows == [("(none)", "None", "50.000", "None", "no_cost"), ("c-expo", "20.000", "50.000", "1.5", "None")]
        share = "SELECT attributed_pct, sourced_first_touch_pct, influenced_deals, gap_to_target FROM marts.marketing_share"
        assert con.execute(f"{share} WHERE period = '2026-Q1' AND segment = 'all'").fetchall() == [(50.0, 100.0, 1, 20.0)]


def test_corrupted_figure_is_not_published_and_leaves_nothing_behind(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "check", lambda candidate: CheckReport(()))
        current = publish(config).snapshot
    _write(config, CORRUPTED)
    with pytest.raises(CheckFailed, match=r"campaigns_add_up_to_won_revenue.*1 rows.*2026-02") as refused:
        publish(config)
    failed = re.findall(r"(?:marts|core)\.\w+ (\w+):", str(refused.value))  # all others hold
    assert failed == ["campaigns_add_up_to_won_revenue", "campaigns_add_up_to_marketing_share", "channels_add_up_to_campaigns"]
    assert published(config) == current.resolve()
    assert _files(config) == {"nisba-1.duckdb", "nisba.duckdb"}


def test_checked_snapshot_is_published_with_what_was_checked(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    report = CheckReport(({"table": "core.deal", "name": "unique_deal_id", "success": True, "severity": "critical"},))
    monkeypatch.setattr(publishing, "check", lambda candidate: report if candidate.exists() else None)
    steps: list[str] = []
    done = publish(config, tell=steps.append)
    assert (done.snapshot.name, done.report, published(config)) == ("nisba-1.duckdb", report, done.snapshot.resolve())
    assert steps == ["Preparing a candidate …", "Checking …"]
    assert _files(config) == {"nisba-1.duckdb", "nisba.duckdb"}


def test_refused_candidate_of_the_command_is_not_left_behind(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(candidate: Path) -> CheckReport:
        assert candidate.exists()
        raise CheckFailed("nothing was published: core.deal unique_deal_id: 2 rows.")

    monkeypatch.setattr(publishing, "check", refuse)
    monkeypatch.setenv("NISBA_PUBLISH_DIRECTORY", config.publish.directory)
    for command in ("publish", "check"):
        result = CliRunner().invoke(cli, [command, "--warehouse", config.warehouse.path], prog_name="nisba")
        assert result.exit_code == 1
        assert "core.deal unique_deal_id: 2 rows" in result.output
        assert _files(config) == set()


@pytest.mark.usefixtures("no_checks")
def test_a_check_alone_publishes_nothing(config: Config) -> None:
    assert check_next(config) == CheckReport(())
    assert (published(config), _files(config)) == (None, set())


@pytest.mark.usefixtures("no_checks")
def test_nothing_is_published_from_a_warehouse_that_was_never_built(tmp_path: Path) -> None:
    new = Config(warehouse=Warehouse(path=str(tmp_path / "new.duckdb")), publish=Publish(directory=str(tmp_path / "published")))
    with pytest.raises(WarehouseError, match=r"marts\.campaign_roi.* not built yet: run `nisba attribute` first"):
        publish(new)
    assert (published(new), _files(new)) == (None, set())


@pytest.mark.usefixtures("no_checks")
def test_second_publisher_waits_and_then_says_so(config: Config) -> None:
    with one_publisher(config, wait_seconds=0):
        for run in (publish, check_next):
            with pytest.raises(LeaseTaken, match=r"published: another process has been publishing for 0\.05 s: wait for it, or end it\."):
                run(config, wait_seconds=0.05)
    assert publish(config, wait_seconds=0.05).snapshot.name == "nisba-1.duckdb"


@pytest.mark.usefixtures("no_checks")
def test_writer_that_keeps_its_lease_is_waited_for_and_named(config: Config) -> None:
    with (
        writer_lease(config.warehouse.path),
        pytest.raises(LeaseTaken, match=r"warehouse\.duckdb: process \d+ has been writing for 0\.05 s"),
    ):
        publish(config, wait_seconds=0.05)
    assert _files(config) == set()


def test_the_stream_goes_on_while_a_candidate_is_checked(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is held while the candidate is written, and the candidate is of that moment."""

    def write_meanwhile(candidate: Path) -> CheckReport:
        with open_writer(config.warehouse.path, wait_seconds=0.05) as con:
            con.execute("UPDATE core.deal SET region = 'north'")
        return CheckReport(())

    monkeypatch.setattr(publishing, "check", write_meanwhile)
    with duckdb.connect(str(publish(config).snapshot), read_only=True) as con:
        assert con.execute("SELECT region FROM core.deal").fetchall() == [(None,)]


@pytest.mark.parametrize("step", ["prepare", "check", "promote"])
@pytest.mark.usefixtures("no_checks")
def test_step_that_fails_leaves_the_last_good_version_and_no_candidate(config: Config, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    current = publish(config).snapshot
    for error in (OSError("no space left on device"), KeyboardInterrupt()):

        def fail(*_: object, error: BaseException = error) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(publishing, step, fail)
            with pytest.raises(type(error)):
                publish(config)
        assert (published(config), _files(config)) == (current.resolve(), {"nisba-1.duckdb", "nisba.duckdb"})
    assert publish(config).snapshot.name == "nisba-2.duckdb"


KILLED = """
import sys, time
from pathlib import Path
from expectations import publish as publishing
from nisba.config import Config, Publish, Warehouse

def check(candidate):
    print("checking", flush=True)
    time.sleep(60)

publishing.check = check
publishing.publish(Config(warehouse=Warehouse(path=sys.argv[1]), publish=Publish(directory=sys.argv[2])))
"""


@pytest.mark.usefixtures("no_checks")
def test_publisher_that_is_killed_between_two_steps_blocks_nobody(config: Config) -> None:
    current = publish(config).snapshot
    command = [sys.executable, "-c", KILLED, config.warehouse.path, config.publish.directory]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "checking\n"
        with pytest.raises(LeaseTaken):
            publish(config, wait_seconds=0)
        process.send_signal(signal.SIGKILL)
    assert published(config) == current.resolve()
    assert "candidate.duckdb" in _files(config)
    started = time.monotonic()
    assert publish(config).snapshot.name == "nisba-2.duckdb"  # what the dead left behind is written anew
    assert time.monotonic() - started < 10
    assert _files(config) == {"nisba-1.duckdb", "nisba-2.duckdb", "nisba.duckdb"}
