"""The answers on the pages of levels 3 to 5 are those of the company that the demo shows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from reports.render.sentences import advice
from reports.values import read_report
from reports.words import words
from tests.unit.simulator.answer_tables import markdown_table
from warehouse.connection import open_reader

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGES = sorted(DOCS.glob("level-*.md"))
ASKED = re.compile(r"(```sql\n(.*?)```\n)\n((?:\|[^\n]*\n)*)\n?", re.DOTALL)


@pytest.fixture(scope="module")
def con(company: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_reader(company) as connection:
        yield connection


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_answers_are_those_of_the_demo_company(con: duckdb.DuckDBPyConnection, page: Path) -> None:
    text = page.read_text("utf-8")
    right = ASKED.sub(lambda found: f"{found[1]}\n{markdown_table(con, found[2])}\n", text)
    if os.environ.get("NISBA_GOLDEN") == "write":
        page.write_text(right, "utf-8")
    assert len(ASKED.findall(text)) == text.count("```sql") > 0
    assert right == page.read_text("utf-8")


QUOTED = re.compile(r"(?<=^> ).+$", re.MULTILINE)


def test_advice_is_said_as_the_page_quotes_it(con: duckdb.DuckDBPyConnection) -> None:
    page = DOCS / "level-4.md"
    report = read_report(con)
    first = [advice(report, words(language))[0] for language in ("en", "ar")]
    if os.environ.get("NISBA_GOLDEN") == "write":
        sentences = iter(first)
        page.write_text(QUOTED.sub(lambda _: next(sentences), page.read_text("utf-8")), "utf-8")
    assert QUOTED.findall(page.read_text("utf-8")) == first


def test_there_is_a_page_for_each_level() -> None:
    assert [page.stem for page in PAGES] == ["level-3", "level-4", "level-5"]
