"""The answers on the pages of levels 3 to 5 are those of the company that the demo shows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from nisba.config import load_config
from pipelines.backfill import backfill
from simulator import simulate
from warehouse.connection import open_reader

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGES = sorted(DOCS.glob("level-*.md"))
ASKED = re.compile(r"(```sql\n(.*?)```\n)\n((?:\|.*\n)*)\n?", re.DOTALL)


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("company")
    simulate(7, 280, 731, folder / "events")
    config = load_config(folder / "events" / "agreements.toml", {}, {"warehouse.path": str(folder / "warehouse.duckdb")})
    backfill(folder / "events", config)
    with open_reader(folder / "warehouse.duckdb") as connection:
        yield connection


def _answer(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return the rows of a query as a table of Markdown."""
    cursor = con.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    rows = [["" if value is None else f"{value:,}" if isinstance(value, int) else str(value) for value in row] for row in cursor.fetchall()]
    assert rows, sql
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (names, ["---"] * len(names), *rows))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_answers_are_those_of_the_demo_company(con: duckdb.DuckDBPyConnection, page: Path) -> None:
    text = page.read_text("utf-8")
    right = ASKED.sub(lambda found: f"{found[1]}\n{_answer(con, found[2])}\n", text)
    if os.environ.get("NISBA_GOLDEN") == "write":
        page.write_text(right, "utf-8")
    assert ASKED.search(text)
    assert right == page.read_text("utf-8")


def test_there_is_a_page_for_each_level() -> None:
    assert [page.stem for page in PAGES] == ["level-3", "level-4", "level-5"]
