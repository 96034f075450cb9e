"""Tasks of the flows, run without a server: what each returns, and which failures are worth another try."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows import tasks
from nisba.config import Config, load_config
from nisba.errors import BrokerError, CheckFailed, ConfigError, LeaseTaken, OffsetConflict, TooManyDeadLetters
from pipelines.backfill import backfill
from pipelines.broker.embedded_broker import embedded_broker
from pipelines.broker.producer import send_directory
from pipelines.broker.topics import create_topics
from tests.kafka_records import rows
from tests.unit.pipelines.events import small_company
from warehouse.connection import open_writer


class State:
    """A task run's state: `result` raises what the run raised."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def result(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BrokerError("restarts"), True),
        (LeaseTaken("held"), True),
        (OffsetConflict("crm.deal", 0, 1, 2), True),
        (OSError("disk"), True),
        (CheckFailed("differs"), False),
        (ConfigError("wrong key"), False),
        (TooManyDeadLetters(51, 900, 5.0), False),
        (None, False),
    ],
)
def test_what_fails_every_time_is_not_tried_again(error: Exception | None, expected: bool) -> None:
    assert tasks._worth_another_try(None, None, State(error)) == expected


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "nisba.toml"
    models = '[attribution]\nmodels = ["linear"]\ndefault_model = "linear"\n'
    file.write_text(f'{models}[warehouse]\npath = "{tmp_path}/warehouse.duckdb"\n[publish]\ndirectory = "{tmp_path}/published"\n')
    return file


@pytest.fixture
def config(settings: Path) -> Config:
    return load_config(settings, environment={})


@pytest.fixture
def broker(settings: Path) -> Iterator[str]:
    with embedded_broker() as address:
        settings.write_text(f'{settings.read_text()}[kafka]\nbootstrap_servers = "{address}"\n')
        yield address


def test_catching_up_reads_kafka_and_publishes_dead_letters(
    broker: str, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load_config(settings, environment={})
    create_topics(config.kafka)
    send_directory(small_company(tmp_path / "events"), config)
    done: dict[str, Any] = tasks.catch_up.fn(str(settings))
    assert (done["read"]["records"], done["read"]["dead_letters"], done["attributed"]["deals"], done["published"]) == (74, 2, 12, 2)
    assert "marts.campaign_roi" in done["built"]
    said = capsys.readouterr().out.splitlines()
    assert said[-4:] == ["Reading … 74 records", "Attributing 72 new facts …", "Publishing dead letters …", "Building the marts …"]


def test_verifying_returns_how_many_rows_were_compared_and_fails_where_one_differs(settings: Path, config: Config, tmp_path: Path) -> None:
    backfill(small_company(tmp_path / "events"), config)
    assert tasks.verify.fn(str(settings)) > 12
    with open_writer(config.warehouse.path) as con:
        con.execute("UPDATE core.credit_line SET weight = weight / 2")
    with pytest.raises(CheckFailed, match="rows differ between the books and the ledger"):
        tasks.verify.fn(str(settings))
    assert rows(config, "SELECT count(*) > 0 FROM core.credit_line") == [(True,)]
