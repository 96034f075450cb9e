"""nisba lock, diff and statement: what they print, their JSON, their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.strategies import Event
from tests.unit.cli.conftest import AsJson, Run
from tests.unit.warehouse.landing import touch
from tests.unit.warehouse.locks.closing import closed_books, lands, refund, state
from warehouse.connection import open_writer
from warehouse.query import one_value

SETTINGS = """
[reporting]
as_of = 2027-01-01T00:00:00Z
[attribution]
models = ["linear", "first_touch"]
default_model = "linear"
[[incentive]]
id = "demand"
pool_pct = 10
cap = 8
[[incentive]]
id = "teams"
pool_pct = 10
split_by = { "Brand" = 40, "Demand" = 60 }
"""


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """The small firm in the folder in which the commands run."""
    (tmp_path / "nisba.toml").write_text(SETTINGS, "utf-8")
    path = tmp_path / "warehouse.duckdb"
    closed_books(path=path).close()
    return path


def arrives(books: Path, *events: Event) -> None:
    with open_writer(books) as con:
        lands(con, *events)


def change(books: Path, *statements: str) -> None:
    with open_writer(books) as con:
        for statement in statements:
            con.execute(statement)


def test_lock_says_what_it_froze_and_which_statements_it_made(run: Run, books: Path) -> None:
    done = run("lock", "2026-Q1")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "Locked 2026-Q1 as 2026-Q1-1"
    assert "│ 2026-Q1 │ locked │    8 │     2 │ 160.00 │" in lines
    assert lines[-2:] == [
        "Statement 2026-Q1/demand is made; `nisba statement 2026-Q1 --plan demand` shows it.",
        "Statement 2026-Q1/teams is made; `nisba statement 2026-Q1 --plan teams` shows it.",
    ]
    again = run("lock", "2026-Q1")
    assert again.stdout.splitlines() == [
        "2026-Q1 was locked before: 2026-Q1-2 has what changed",
        "Nothing changed since the run before: 2026-Q1-2 has no rows.",
    ]


def test_a_period_without_credits_is_locked_too(run: Run, books: Path) -> None:
    assert run("lock", "2025-Q1").stdout.splitlines() == [
        "Locked 2025-Q1 as 2025-Q1-1",
        "No credit is dated in 2025-Q1: 2025-Q1-1 has no rows.",
        "Statement 2025-Q1/demand is made; `nisba statement 2025-Q1 --plan demand` shows it.",
        "Statement 2025-Q1/teams is made; `nisba statement 2025-Q1 --plan teams` shows it.",
    ]


def test_a_month_has_no_statement_and_takes_that_of_its_quarter(run: Run, books: Path) -> None:
    said = "Incentive plans pay by the quarter: 2026-02 has no statement, and no quarter with a day of it can be locked any more."
    assert run("lock", "2026-02").stdout.splitlines()[-1] == said
    assert said not in run("lock", "2026-02").stdout
    (books.parent / "nisba.toml").write_text(SETTINGS.split("[[incentive]]")[0], "utf-8")
    assert "Incentive" not in run("lock", "2026-03").stdout


def test_lock_as_json(as_json: AsJson, books: Path) -> None:
    locked = as_json("lock", "2026-Q1")
    assert {
        name: locked[name] for name in ("run_id", "run_no", "period_kind", "is_first", "entries", "locked", "adjusted", "statements")
    } == {
        "run_id": "2026-Q1-1",
        "run_no": 1,
        "period_kind": "quarter",
        "is_first": True,
        "entries": 8,
        "locked": 8,
        "adjusted": 0,
        "statements": ["2026-Q1/demand", "2026-Q1/teams"],
    }
    assert locked["ledger_cutoff"] == {"offsets": {}, "facts": {"campaign": 2, "deal": 2, "touch": 3}}
    assert locked["as_of"] == "2027-01-01T00:00:00+00:00"
    assert "configuration" not in locked


def test_lock_attributes_what_waits(as_json: AsJson, books: Path) -> None:
    (books.parent / "nisba.toml").write_text(SETTINGS.replace('"first_touch"]', '"last_touch"]'), "utf-8")
    assert as_json("lock", "2026-Q1")["models"] == ["linear", "last_touch"]


def test_lock_replays(run: Run, as_json: AsJson, books: Path) -> None:
    run("lock", "2026-Q1")
    arrives(books, touch("t-4", "2026-01-09T00:00:00Z"), state("d-2", "2026-04-01T00:00:00Z", deleted=True))
    done = run("lock", "--replay", "2026-Q1-1")
    assert done.exit_code == 0
    assert done.stdout.startswith("2026-Q1-1 comes out the same: 8 rows, SHA-256 ")
    assert as_json("lock", "--replay", "2026-Q1-1")["is_same"] is True


def test_a_replay_that_comes_out_otherwise_is_1_and_shows_the_rows(run: Run, books: Path) -> None:
    run("lock", "2026-Q1")
    change(books, "UPDATE locked.run SET content_hash = 'another'", "DELETE FROM locked.entry WHERE touch_id = 't-2' AND deal_id = 'd-1'")
    done = run("lock", "--replay", "2026-Q1-1")
    assert done.exit_code == 1
    assert "2026-Q1-1 comes out otherwise" in done.stdout
    assert "│ replayed │ 2026-Q1 │ locked │ linear │ d-1  │ t-2   │ booking │ 2026-02-10 │ 33.330 │" in done.stdout
    assert "though the rules are the same: rows of the ledger or of locked.entry were changed by hand." in done.stderr
    change(books, "UPDATE locked.run SET rules_edition = 1")
    done = run("lock", "--replay", "2026-Q1-1", "--json")
    assert (done.exit_code, json.loads(done.stdout)["is_same"]) == (1, False)
    assert "it was locked by edition 1 of the rules" in done.stderr


def test_diff_lists_deals_and_causes(run: Run, as_json: AsJson, books: Path) -> None:
    run("lock", "2026-Q1")
    assert run("diff", "2026-Q1-1").stdout == "2026-Q1-1 to now: no credit of 2026-Q1 is another.\n"
    arrives(
        books,
        refund("r-1", "d-1", "-30.00", "2026-03-20T00:00:00Z"),
        refund("r-2", "d-2", "-15.00", "2026-05-20T00:00:00Z"),
    )
    rows = run("diff", "2026-Q1-1").stdout.splitlines()
    assert "│ d-1  │ adjustment: a refund, credit note or true-up │       4 │   0.00 │ -30.00 │          0.00 │" in rows
    assert "│ d-2  │ adjustment: a refund, credit note or true-up │       4 │   0.00 │   0.00 │        -15.00 │" in rows
    assert "Credit by first_touch, USD" in run("diff", "2026-Q1-1", "now", "--model", "first_touch").stdout
    refused = run("diff", "2026-Q1-1", "--model", "lineal")
    said = "no credit of 2026-Q1-1 is by the model 'lineal': --model takes one of first_touch, linear."
    assert (refused.exit_code, said in refused.stderr, refused.stdout) == (1, True, "")
    found = as_json("diff", "2026-Q1-1")
    assert found["models"] == ["first_touch", "linear"]
    assert (found["first"], found["second"], found["periods"]) == ("2026-Q1-1", "now", ["2026-Q1"])
    assert [(deal["deal_id"], deal["causes"]) for deal in found["deals"]] == [("d-1", ["adjustment"]), ("d-2", ["adjustment"])]
    assert found["deals"][0]["changes"][0] == {
        "period": "2026-Q1",
        "model": "first_touch",
        "deal_id": "d-1",
        "touch_source": "web",
        "touch_id": "t-1",
        "entry": "adjustment",
        "booked_on": "2026-03-20",
        "run_booked_on": "2026-02-10",
        "before": "0.000",
        "after": "-30.000",
    }
    run("lock", "2026-Q2")
    assert as_json("diff", "2026-Q1-1", "2026-Q2-1")["deals"] == found["deals"]


def test_a_long_diff_is_cut_and_says_so(run: Run, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("lock", "2026-Q1")
    arrives(books, touch("t-4", "2026-01-09T00:00:00Z"))
    monkeypatch.setattr("nisba.cli.locking.CHANGES_SHOWN", 1)
    assert "1 more deals: --all shows them" in run("diff", "2026-Q1-1").stdout
    assert "more deals" not in run("diff", "2026-Q1-1", "--all").stdout


def test_statement_prints_each_line_down_to_its_entries(run: Run, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("lock", "2026-Q1")
    first = run("statement", "2026-Q1", "--plan", "demand").stdout
    assert "Plan demand: 10 % of what linear credits to marketing, times the factor of its share; split by owners of campaigns." in first
    assert "At most 8.00 a period." in " ".join(first.split())
    assert "│ Earned                                           │    8.00 │" in first
    assert "│ d-1  │ web/t-1 │ Ada   │ booking │ 2026-02-10 │ 2026-Q1-1 │  33.34 │" in first
    teams = run("statement", "2026-Q1", "--plan", "teams").stdout
    assert "split by fixed shares." in teams
    assert "earned for 2026-Q1, Brand: 4.27" in teams
    monkeypatch.setattr("nisba.cli.locking.ENTRIES_SHOWN", 1)
    assert "3 more rows: --all shows them" in run("statement", "2026-Q1", "--plan", "teams").stdout
    assert "more rows" not in run("statement", "2026-Q1", "--plan", "teams", "--all").stdout


def test_a_statement_of_nothing_says_so(run: Run, books: Path) -> None:
    run("lock", "2026-Q1")
    run("lock", "2026-Q2")
    assert "No payee gets or gives back anything." in run("statement", "2026-Q2", "--plan", "demand").stdout


def test_a_payee_may_gain_what_another_loses_without_a_row_of_his_own(run: Run, books: Path) -> None:
    """Under the cap the sum stays: of 8.00 Bo has 53.33 / 206.67, then 53.33 / 156.67."""
    solo = touch("t-solo", "2026-01-06T00:00:00Z", account_id="solo", campaign_id="spring")
    arrives(books, solo, state("d-solo", "2026-02-10T00:00:00Z", account_id="solo"))
    run("lock", "2026-Q1")
    arrives(books, refund("r-1", "d-solo", "-50.00", "2026-05-20T00:00:00Z"))
    run("lock", "2026-Q2")
    shown = run("statement", "2026-Q2", "--plan", "demand").stdout
    assert "clawed back for 2026-Q1, Ada: -0.66; locked since the statement before" in shown
    assert "clawed back for 2026-Q1, Bo: 0.66; no row of it was locked since the statement before" in shown


def test_statement_as_json(run: Run, as_json: AsJson, books: Path) -> None:
    run("lock", "2026-Q1")
    found = as_json("statement", "2026-Q1", "--plan", "demand")
    assert (found["statement_id"], found["earned"], found["factor"], found["paid"]) == ("2026-Q1/demand", "8.000", "1", "8.000")
    assert found["plan"]["split_by"] == "campaign_owner"
    assert [(line["payee"], line["amount"], len(line["entries"])) for line in found["lines"]] == [("Ada", "4.000", 2), ("Bo", "4.000", 2)]
    assert found["lines"][0]["entries"][0]["deal_id"] == "d-1"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("lock",), 2, "name the PERIOD to lock, or the run to --replay."),
        (("lock", "2026-Q1", "--replay", "2026-Q1-1"), 2, "name the PERIOD to lock, or the run to --replay."),
        (("lock", "Q1"), 2, "'Q1' is no period: expected a month, quarter or year"),
        (("lock", "2027"), 1, "2027 has not ended"),
        (("lock", "--replay", "2026-Q1-1"), 1, "there is no run '2026-Q1-1': nothing is locked yet"),
        (("diff", "2026-Q1-1"), 1, "nothing is locked yet; `nisba lock PERIOD` locks a period"),
        (("diff",), 2, "Missing argument 'RUN1'"),
        (("statement", "2026-Q1"), 1, "no statement is made yet"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(run: Run, books: Path, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, sentence in done.stderr, done.stdout) == (code, True, "")
    with open_writer(books) as con:
        assert one_value(con, "SELECT count(*) FROM locked.run") == 0


def test_one_of_several_plans_has_to_be_named(run: Run, books: Path) -> None:
    run("lock", "2026-Q1")
    done = run("statement", "2026-Q1")
    assert (done.exit_code, "several plans have a statement of 2026-Q1: demand, teams; name one with --plan." in done.stderr) == (2, True)
