"""What marketing leads, CFOs and sales leaders ask is one SELECT on the published snapshot or one command, and the answer is right.

The answers are recomputed in plain Python from the raw events of a small company (`tests/oracle/levels/answers.py`); the snapshot stands
on the same events as they come through the door, late, repeated, contradicted and broken. docs/questions.md shows the demo's.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from textwrap import fill
from typing import Any

import duckdb
import msgspec
import pytest
import yaml
from click.testing import CliRunner

from nisba.cli import cli
from nisba.config import Config, load_config
from pipelines.backfill import backfill
from simulator import Noise, simulate
from tests.oracle.levels import answers
from tests.oracle.levels.company import Company
from tests.oracle.levels.world import world
from tests.strategies import Event
from tests.unit.simulator.answer_tables import markdown_table
from tests.unit.simulator.by_hand import ADDED, later, written
from warehouse.connection import open_writer
from warehouse.models.publication import prepare, promote

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "questions.md"
LISTED: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests" / "questions.yml").read_text("utf-8"))
QUESTIONS = [one for one in LISTED if "question" in one]
SELECTS = [one for one in QUESTIONS if "sql" in one]
COMMANDS = [one for one in QUESTIONS if "command" in one]
SEED, ACCOUNTS, DAYS = 3, 40, 731
SHOWN, WIDTH = 10, 140
CAN_BE_NOTHING = {"held_money"}
"""Of the demo, where nothing is held."""

# The small company


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """Every event of the company, once, as it happened."""
    folder = tmp_path_factory.mktemp("as-it-happened")
    simulate(SEED, ACCOUNTS, DAYS, folder, noise=Noise(0, 0, 0, 0, oversized=False))
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    return [*map(json.loads, lines), *ADDED]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Where the company's books are, made of what came through the door."""
    folder = tmp_path_factory.mktemp("books")
    simulate(SEED, ACCOUNTS, DAYS, folder / "events")
    written(ADDED, folder / "events")
    paths = f'[warehouse]\npath = "{folder}/warehouse.duckdb"\n[publish]\ndirectory = "{folder}/published"\nowners = "shown"\n'
    settings = folder / "nisba.toml"
    settings.write_text((folder / "events" / "agreements.toml").read_text("utf-8") + paths, "utf-8")
    found = load_config(settings, environment={})
    backfill(folder / "events", found)
    return found


@pytest.fixture(scope="module")
def told(raw: list[Event], config: Config) -> Company:
    return Company(world(raw, config))


@pytest.fixture(scope="module")
def snapshot(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    yield from _published(config)


def _published(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    """Publish a snapshot and open it as readers do."""
    with open_writer(config.warehouse.path) as con:
        file = promote(prepare(con, config), config)
    with duckdb.connect(str(file), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


def test_there_are_thirty_questions_and_whoever_answers_is_asked() -> None:
    assert list(dict.fromkeys(one["number"] for one in QUESTIONS)) == list(range(1, 31))
    named = {name for name, made in inspect.getmembers(answers, inspect.isfunction) if made.__module__ == answers.__name__}
    assert {one["answer"] for one in QUESTIONS} == {name for name in named if not name.startswith("_")} - set(answers.__all__)


@pytest.mark.parametrize("asked", SELECTS, ids=lambda asked: asked["answer"])
def test_question_is_one_select_on_one_table(asked: dict[str, Any]) -> None:
    assert len(re.findall(r"\bSELECT\b", asked["sql"])) == 1
    assert len(re.findall(r"\b(?:FROM|JOIN)\s+\w+\.\w+", asked["sql"])) == 1
    assert re.search(r"\bJOIN\b|\bWITH\b|\bUNION\b|;", asked["sql"]) is None


@pytest.mark.parametrize("asked", SELECTS, ids=lambda asked: asked["answer"])
def test_answer_is_that_of_the_raw_events(snapshot: duckdb.DuckDBPyConnection, told: Company, asked: dict[str, Any]) -> None:
    found = snapshot.execute(asked["sql"]).fetchall()
    assert found
    assert found == [tuple(row) for row in getattr(answers, asked["answer"])(told)]


# What changed since the last report


@pytest.mark.usefixtures("snapshot")
def test_changes_are_those_of_the_raw_events(config: Config, raw: list[Event], tmp_path: Path) -> None:
    """The snapshot is published before, and stays as it is."""
    (asked,) = COMMANDS
    settings = str(Path(config.warehouse.path).parent / "nisba.toml")
    model = msgspec.structs.replace(config.attribution, models=(config.attribution.default_model or "w_30_30_30_10",))
    before = Company(world(raw, msgspec.structs.replace(config, attribution=model)))
    events = later(before, raw)
    run = CliRunner()
    assert run.invoke(cli, ["lock", "2025-Q3", "--config", settings, "--json"], catch_exceptions=False).exit_code == 0
    backfill(written(events, tmp_path / "later"), config)
    done = run.invoke(cli, [*asked["command"].split()[1:], "--config", settings, "--json"], catch_exceptions=False)
    after = Company(world([*raw, *events], before.world.config))
    found = [_changed(deal, before.model) for deal in json.loads(done.stdout)["deals"]]
    assert len(found) == 4
    assert found == answers.changes_since_the_lock(before, after, "2025-Q3", events)


def _changed(deal: dict[str, Any], model: str) -> tuple[Any, ...]:
    """Return a deal, why it changed, and what its credits gained and lost in the locked period, and on later days."""
    changes = [
        (change["period"], Decimal(change["after"]) - Decimal(change["before"])) for change in deal["changes"] if change["model"] == model
    ]
    inside = [by for period, by in changes if period is not None]
    gained, lost = sum(by for by in inside if by > 0), sum(by for by in inside if by < 0)
    return deal["deal_id"], tuple(deal["causes"]), gained, lost, sum(by for period, by in changes if period is None)


# The page


@pytest.fixture(scope="module")
def demo(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("demo")
    (folder / "warehouse.duckdb").write_bytes(company.read_bytes())
    paths = {"warehouse.path": f"{folder}/warehouse.duckdb", "publish.directory": f"{folder}/published", "publish.owners": "shown"}
    yield from _published(load_config(company.parent / "events" / "agreements.toml", {}, paths))


def test_page_shows_the_answers_of_the_demo_company(demo: duckdb.DuckDBPyConnection) -> None:
    right = _page(demo)
    if os.environ.get("NISBA_GOLDEN") == "write":
        PAGE.write_text(right, "utf-8")
    assert right == PAGE.read_text("utf-8"), "docs/questions.md is stale: NISBA_GOLDEN=write makes it anew"


HEAD = """\
# Thirty questions

What marketing leads, CFOs and sales leaders ask, each as one SELECT on the [published snapshot](bi-access.md) or one command. The answers
are those of the simulated company of `nisba demo`, whose books end with 2025; models and kinds of period are alternatives, so each SELECT
names its own. A test keeps this page true, and asks the same of another company whose answers it recomputes from the raw events.
"""


def _page(con: duckdb.DuckDBPyConnection) -> str:
    return HEAD + "".join(f"\n## {one['part']}\n" if "part" in one else _section(con, one) for one in LISTED)


def _section(con: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> str:
    """Return a question, how it is asked, and the first rows of the answer."""
    note = f"\n{fill(asked['note'], WIDTH, break_on_hyphens=False)}\n" if "note" in asked else ""
    head = f"\n### {asked['number']}. {asked['question']}\n"
    if "command" in asked:
        return f"{head}\n```sh\n{asked['command']}\n```\n{note}"
    is_there = asked["answer"] not in CAN_BE_NOTHING or con.execute(asked["sql"]).fetchall()
    answer = markdown_table(con, asked["sql"], SHOWN) if is_there else "(no row)\n"
    return f"{head}\n```sql\n{asked['sql']}```\n\n{answer}{note}"
