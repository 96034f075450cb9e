"""The commands that make and prove the books: what verify names, the command that it says puts right."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.unit.cli.conftest import Run
from tests.unit.pipelines.events import small_company

SETTINGS = """
[attribution]
models = ["linear"]
[labels.channel]
ppc = "paid"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books of 12 accounts with a won deal each, and their configuration."""
    from click.testing import CliRunner

    from nisba.cli import cli

    folder = tmp_path_factory.mktemp("made")
    small_company(folder / "events")
    (folder / "nisba.toml").write_text(SETTINGS, "utf-8")
    options = ["--config", str(folder / "nisba.toml"), "--warehouse", str(folder / "warehouse.duckdb")]
    done = CliRunner().invoke(cli, ["backfill", str(folder / "events"), *options], prog_name="nisba")
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def books(made: Path) -> Path:
    """The books, copied into the current folder."""
    for name in ("nisba.toml", "warehouse.duckdb"):
        shutil.copy(made / name, name)
    return Path("warehouse.duckdb")


def execute(books: Path, sql: str) -> None:
    with duckdb.connect(str(books)) as con:
        con.execute(sql)


CORRUPTIONS = {
    "core": (
        "DELETE FROM core.credit_line WHERE deal_id = (SELECT min(deal_id) FROM core.deal)",
        "missing in core.credit_line",
        "attribute --all",
    ),
    "models": ("UPDATE core.model SET rule = ''", "extra in core.model", "attribute --all"),
    "settings": ("UPDATE core.setting SET target_pct = 99", "extra in core.setting", "attribute --all"),
    "labels": ("INSERT INTO core.label VALUES ('channel', 'x', 'y')", "extra in core.label", "attribute --all"),
    "marts": ("UPDATE marts.marketing_share SET won_deals = 0", "extra in marts.marketing_share", "attribute"),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_verify_names_is_put_right_by_the_command_that_it_names(run: Run, books: Path, name: str) -> None:
    sql, shown, command = CORRUPTIONS[name]
    execute(books, sql)
    found = run("verify")
    assert found.exit_code == 1
    assert shown in found.stderr
    named = re.search(r"Error: [\d,]+ rows differ from what the ledger says: `nisba ([a-z -]+)` after a look at them\.", found.stderr)
    assert named is not None, found.stderr
    assert named[1] == command
    assert run(*named[1].split()).exit_code == 0
    clean = run("verify")
    assert (clean.exit_code, "no difference" in clean.stdout) == (0, True), clean.output


def test_verification_as_json_says_the_command_and_is_1(run: Run, books: Path) -> None:
    execute(books, "DELETE FROM core.deal")
    found = run("verify", "--json")
    assert found.exit_code == 1
    said = json.loads(found.stdout)
    assert said["mended_by"] == "nisba attribute --all"
    assert said["differing"] >= 12
    assert {"deal", "held", "setting", "model", "marts.campaign_roi"} <= said["rows"].keys()


def test_everything_is_attributed_on_demand_and_its_accounts_are_counted(run: Run, books: Path) -> None:
    idle = run("attribute")
    assert idle.stdout == "Attributed 0 accounts: 0 deals, 0 credits; the marts are built.\n"
    done = run("attribute", "--all")
    assert done.exit_code == 0
    credits = duckdb.connect(str(books), read_only=True).execute("SELECT count(*) FROM core.credit_line").fetchall()[0][0]
    assert credits >= 12
    assert done.stdout == f"Attributed everything, 12 accounts: 12 deals, {credits} credits; the marts are built.\n"
    as_json = json.loads(run("attribute", "--all", "--json").stdout)
    assert as_json == {"everything": True, "accounts": 12, "deals": 12, "credits": credits}


def test_books_of_an_earlier_edition_are_attributed_whole_by_the_next_command(run: Run, books: Path) -> None:
    execute(books, "UPDATE core.setting SET rules_edition = NULL")
    found = run("verify")
    assert (found.exit_code, "run `nisba attribute` first" in found.stderr) == (1, True)
    assert run("attribute").stdout.startswith("Attributed everything, 12 accounts: 12 deals")
    assert run("verify").exit_code == 0
