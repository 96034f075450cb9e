"""The examples of the documentation run, and print what the pages say."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if ">>> " in page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_print_what_the_page_says(page: Path) -> None:
    text = re.sub(r"^```.*$", "", page.read_text("utf-8"), flags=re.MULTILINE)  # a fence is not output; lines keep their numbers
    examples = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, page.name, str(page), 0)
    results = doctest.DocTestRunner().run(examples, clear_globs=False)
    assert results.attempted > 0
    assert results.failed == 0


def test_the_pages_of_the_rules_are_there() -> None:
    assert {"attribution.md", "money.md"} <= {page.name for page in PAGES}
