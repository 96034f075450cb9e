"""Verification finds every row that differs, on both sides, in everything or in the accounts that it looks at."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.config import Attribution, Config
from nisba.errors import WarehouseError
from tests.unit.warehouse.landing import LINEAR, attribute, empty_warehouse, land_events, touch
from tests.unit.warehouse.recompute.company import COMPANY
from warehouse.recompute import verification
from warehouse.recompute.verification import Difference, verify


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """The company, attributed; every deal has a row in every table."""
    with empty_warehouse() as connection:
        land_events(connection, *COMPANY)
        attribute(connection)
        yield connection


def sides(found: list[Difference]) -> list[tuple[str, str]]:
    return [(one.table, one.side) for one in found]


def test_books_that_were_attributed_are_clean_and_counted(con: duckdb.DuckDBPyConnection) -> None:
    whole, fast = verify(con, LINEAR), verify(con, LINEAR, fast=True)
    assert (whole.differing, whole.differences, fast.differing) == (0, [], 0)
    assert set(whole.rows) == set(BOOK_SCHEMAS)
    tables = {name: f"ops.{name}" if name == "held" else f"core.{name}" for name in BOOK_SCHEMAS}
    assert whole.rows == {name: con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for name, table in tables.items()}
    assert whole.rows["deal"] == 3 == fast.rows["deal"]
    assert whole.rows["held"] > 0
    assert "identity" not in fast.rows


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("UPDATE core.deal SET amount = 1 WHERE deal_id = 'd-1'", [("core.deal", "missing"), ("core.deal", "extra")]),
        ("DELETE FROM core.deal WHERE deal_id = 'd-1'", [("core.deal", "missing")]),
        ("DELETE FROM core.entry WHERE deal_id = 'd-9'", [("core.entry", "missing")] * 2),
        ("INSERT INTO core.deal_history FROM core.deal_history WHERE deal_id = 'd-2'", [("core.deal_history", "extra")]),
        (
            "UPDATE core.credit_line SET weight = 0.5 WHERE deal_id = 'd-2'",
            [("core.credit_line", "missing"), ("core.credit_line", "extra")],
        ),
    ],
)
def test_row_that_differs_is_found(con: duckdb.DuckDBPyConnection, broken: str, expected: list[tuple[str, str]], fast: bool) -> None:
    con.execute(broken)
    found = verify(con, LINEAR, fast=fast)
    assert sides(found.differences) == expected
    assert found.differing == len(expected)


def test_sentence_of_a_held_row_is_part_of_the_books(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE ops.held SET detail = 'for no reason' WHERE kind = 'spend'")
    found = verify(con, LINEAR)
    assert sides(found.differences) == [("ops.held", "missing"), ("ops.held", "extra")]
    assert found.differences[1].row["detail"] == "for no reason"
    assert found.differences[0].row | {"detail": "for no reason"} == found.differences[1].row


def test_deal_in_the_books_of_another_account_differs(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE core.deal SET account_id = 'beta' WHERE deal_id = 'd-9'")
    for fast in (False, True):
        found = verify(con, LINEAR, fast=fast)
        assert [(one.side, one.row["account_id"]) for one in found.differences] == [("missing", "far"), ("extra", "beta")]


def test_sample_compares_what_it_reads_and_nothing_else(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """One account of three is looked at: what differs elsewhere is out of its sight, what differs there is not."""
    monkeypatch.setattr(verification, "SAMPLE", 1)
    seen = []
    for deal_id in ("d-1", "d-2", "d-9"):
        con.execute("UPDATE core.deal SET next_step = 'call' WHERE deal_id = ?", [deal_id])
        found = verify(con, LINEAR, fast=True)
        seen += [one.row["deal_id"] for one in found.differences if one.side == "extra"]
        assert found.rows["deal"] == 1
        con.execute("UPDATE core.deal SET next_step = NULL WHERE deal_id = ?", [deal_id])
    assert len(seen) == 1


def test_differences_are_counted_beyond_those_that_are_shown(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO core.credit_line SELECT c.* FROM core.credit_line AS c, range(40)")
    lines = con.execute("SELECT count(*) FROM core.credit_line").fetchall()[0][0]
    found = verify(con, LINEAR)
    assert found.differing == lines - lines // 41
    assert len(found.differences) == verification.SHOWN
    assert {one.side for one in found.differences} == {"extra"}


def test_books_that_are_behind_are_not_called_wrong(con: duckdb.DuckDBPyConnection) -> None:
    other = Config(attribution=Attribution(models=("linear",), default_model="linear", lookback_days=1))
    with pytest.raises(WarehouseError, match="wait for attribution: run `nisba attribute` first"):
        verify(con, other)
    land_events(con, touch("t-new"))
    with pytest.raises(WarehouseError, match="wait for attribution"):
        verify(con, LINEAR)
    attribute(con)
    assert verify(con, LINEAR).differing == 0
