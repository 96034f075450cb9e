"""The facts that benchmarks run on: what the README's figures say about them, and that two ways of attributing them agree."""

from __future__ import annotations

from collections import Counter

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks.core import assert_same_credits, attribute_in_sql, load
from benchmarks.workload import company
from nisba.attribution import fold
from nisba.attribution.books import Books
from nisba.attribution.facts import Facts, ledger_schema
from nisba.config import BUILT_IN_MODELS, load_config

TOUCHES, DEALS, ACCOUNTS = 4_000, 300, 150


@pytest.fixture(scope="module")
def facts() -> Facts:
    return company(TOUCHES, DEALS, ACCOUNTS)


@pytest.fixture(scope="module")
def books(facts: Facts) -> Books:
    return fold(facts, load_config(None, {}))


def test_sizes_are_those_that_were_asked_for(facts: Facts) -> None:
    assert {name: len(table) for name, table in facts.tables().items() if len(table)} == {
        "touch": TOUCHES,
        "deal": DEALS,
        "lead_stage": ACCOUNTS,
    }


@pytest.mark.parametrize("fact_type", ["touch", "deal", "lead_stage"])
def test_columns_are_those_of_the_ledger(facts: Facts, fact_type: str) -> None:
    assert facts.tables()[fact_type].schema.equals(ledger_schema(fact_type, provenance=False))


def test_a_seed_is_a_company(facts: Facts) -> None:
    same, other = company(TOUCHES, DEALS, ACCOUNTS), company(TOUCHES, DEALS, ACCOUNTS, seed=2)
    for name, table in facts.tables().items():
        assert same.tables()[name].equals(table)
    assert not other.touch.equals(facts.touch)


def test_ids_are_unique_and_deals_close_after_they_open(facts: Facts) -> None:
    for table in (facts.touch, facts.deal, facts.lead_stage):
        assert len(pc.unique(table["event_id"])) == len(table)
    assert pc.all(pc.greater(facts.deal["closed_at"], facts.deal["opened_at"])).as_py()
    assert set(facts.deal["status"].to_pylist()) == {"won"}


def test_amounts_are_dollars_and_cents(facts: Facts) -> None:
    amounts = facts.deal["amount"].to_pylist()
    assert all(100 <= amount < 90_000 for amount in amounts)
    assert all(amount == round(amount, 2) for amount in amounts)
    assert len(set(amounts)) > 0.9 * DEALS


def test_a_person_is_of_one_account(facts: Facts) -> None:
    pairs = set(zip(facts.touch["person_id"].to_pylist(), facts.touch["account_id"].to_pylist(), strict=True))
    assert len({person for person, _ in pairs}) == len(pairs)


def test_most_deals_have_a_journey_and_nothing_is_held(books: Books) -> None:
    lengths = np.unique(np.asarray(books.journey_touch["deal_id"].to_pylist()), return_counts=True)[1]
    assert len(lengths) > 0.95 * DEALS
    assert 3 < np.median(lengths) < 30
    assert books.held.num_rows == 0


def test_every_model_credits_what_was_won(facts: Facts, books: Books) -> None:
    won = sum(facts.deal["amount"].to_pylist())
    credited: Counter[str] = Counter()
    for model, revenue in zip(books.credit_line["model"].to_pylist(), books.credit_line["revenue"].to_pylist(), strict=True):
        credited[model] += revenue
    assert credited == dict.fromkeys(BUILT_IN_MODELS, won)


@pytest.fixture(scope="module")
def con(facts: Facts) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:")
    load(con, facts)
    attribute_in_sql(con)
    return con


def test_the_sql_credits_the_same_cents(con: duckdb.DuckDBPyConnection, books: Books) -> None:
    """The benchmark compares two that do the same work: every row of every model."""
    assert con.execute("SELECT count(*), count(DISTINCT model) FROM credit").fetchall() == [
        (pc.sum(pc.greater(books.credit_line["ordinal"], 0)).as_py(), len(BUILT_IN_MODELS))
    ]
    assert_same_credits(con, books)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE credit SET revenue = revenue + 0.01 WHERE rowid = 0",
        "DELETE FROM credit WHERE rowid = 0",
        "INSERT INTO credit VALUES ('linear', 'd-none', 1, 0)",
    ],
)
def test_a_cent_of_difference_fails_the_benchmark(con: duckdb.DuckDBPyConnection, books: Books, damage: str) -> None:
    con.execute("BEGIN")
    con.execute(damage)
    with pytest.raises(AssertionError):
        assert_same_credits(con, books)
    con.execute("ROLLBACK")


def test_no_account_is_left_out() -> None:
    """With many touches an account, every one of them has some."""
    touches: pa.Table = company(5_000, 10, 40).touch
    assert len(pc.unique(touches["account_id"])) == 40
