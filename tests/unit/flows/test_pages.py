"""A report as Markdown and as HTML: every figure, every word that a browser or a table could take for something else."""

from __future__ import annotations

import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

from reports.pages import html, markdown, summary
from reports.values import MEASURES, Checks, Report

SHARE: dict[str, Any] = {
    "won_revenue": Decimal("1200.00"),
    "won_deals": 4,
    "gap_to_target": -5.0,
    **{name: Decimal("300.00") for name in MEASURES},
    **{f"{name}_pct": 25.0 for name in MEASURES},
    **{f"{name}_deals": 1 for name in MEASURES},
    **{f"{name}_deals_pct": 25.0 for name in MEASURES},
}
CAMPAIGN: dict[str, Any] = {
    "campaign_name": "Spring <b>& more</b> | expo",
    "channel": "event",
    "cost": Decimal("100.00"),
    "revenue": Decimal("1175.00"),
    "roi": 10.75,
    "roi_reason": None,
    "realized_roi": -0.97,
    "won_deals": 3,
}
FREE = CAMPAIGN | {"campaign_name": "(none)", "channel": None, "cost": None, "roi": None, "roi_reason": "no_cost", "realized_roi": None}
REPORT = Report("quarter", "2026-Q1", "linear", "all touches 100 % in equal parts", "USD", 30.0, [CAMPAIGN, FREE], SHARE)
CHECKS = Checks(deals=9, entries=12, wrong_entries=0, models=15, held=1)


class _Cells(HTMLParser):
    """Collects the text of table cells and list items."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag in ("td", "li")
        if self.inside:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "li")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found[-1] += data


EXPECTED = [
    *("Spring <b>& more</b> | expo", "event", "100.00", "1,175.00", "+1,075 %", "-97 %", "3"),
    *("(none)", "–", "–", "1,175.00", "no cost", "–", "3"),
]
CHECKED = [
    "12 entries of 9 deals, 15 models: the credits add up to them.",
    "1 entries are held for want of an exchange rate, and are in no figure.",
]


def test_summary_says_share_revenue_and_gap() -> None:
    assert summary(REPORT) == "Marketing drove 25.0 % of 1,200.00 USD won in 2026-Q1: 5.0 points below the target of 30 %."


def test_html_shows_every_cell_as_text() -> None:
    page = html(REPORT, CHECKS)
    cells = _Cells()
    cells.feed(page)
    shares = [cell for words in MEASURES.values() for cell in (words, "300.00", "25.0 %", "1", "25.0 %")]
    assert cells.found == [*shares, *EXPECTED, *CHECKED]
    assert not re.search(r"(src|href)=", page)


def test_markdown_tables_have_as_many_cells_in_every_row() -> None:
    page = markdown(REPORT, CHECKS)
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in page.splitlines() if line.startswith("|")]
    assert [len(row) for row in rows] == [5] * (2 + len(MEASURES)) + [7] * 4
    assert [cell.strip().replace("\\|", "|") for row in rows[-2:] for cell in row] == EXPECTED
    assert [f"- {line}" for line in CHECKED] == page.splitlines()[-2:]


def test_period_without_revenue_has_no_share() -> None:
    assert summary(Report("year", "2026", "linear", "", "USD", 30.0, [], {})) == "No revenue was won in 2026."
