"""What people see, medium by medium, against the files in `golden/`.

After a change on purpose: `NISBA_GOLDEN=write pytest tests/unit/reports/test_pages.py`, then read the difference before you commit it.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.cells import cell_len

from nisba.errors import NotFound
from reports.explain import Explanation
from reports.render import formats, html, markdown, sentences, tables, terminal
from reports.values import MEASURES, Report
from reports.words import Words, placeholders, words
from tests.unit.reports import samples
from warehouse.status import Status

GOLDEN = Path(__file__).parent / "golden"
EN = words("en")
AR = words("ar")
NOTHING_CLOSED = replace(samples.REPORT, share={}, campaigns=(), advice=())

PAGES = {
    "report.txt": lambda: terminal.report_tables(samples.REPORT, samples.CHECKS, EN),
    "report_short.txt": lambda: terminal.report_tables(samples.REPORT, samples.CHECKS, EN, 2),
    "report_broken.txt": lambda: terminal.report_tables(samples.REPORT, samples.BROKEN_CHECKS, EN, 1),
    "report_nothing_closed.txt": lambda: terminal.report_tables(NOTHING_CLOSED, samples.CHECKS, EN),
    "report_hostile.txt": lambda: terminal.report_tables(samples.HOSTILE_REPORT, samples.CHECKS, EN),
    "report.md": lambda: markdown.report_page(samples.REPORT, samples.CHECKS, EN),
    "report_broken.md": lambda: markdown.report_page(samples.REPORT, samples.BROKEN_CHECKS, EN),
    "report_nothing_closed.md": lambda: markdown.report_page(NOTHING_CLOSED, samples.CHECKS, EN),
    "report_hostile.md": lambda: markdown.report_page(samples.HOSTILE_REPORT, samples.CHECKS, EN),
    "report.html": lambda: html.report_page(samples.REPORT, samples.CHECKS, EN),
    "report_hostile.html": lambda: html.report_page(samples.HOSTILE_REPORT, samples.BROKEN_CHECKS, EN),
    "report_arabic.txt": lambda: terminal.report_tables(samples.REPORT, samples.BROKEN_CHECKS, AR, 2),
    "report_arabic.md": lambda: markdown.report_page(samples.REPORT, samples.BROKEN_CHECKS, AR),
    "report_arabic.html": lambda: html.report_page(samples.HOSTILE_REPORT, samples.BROKEN_CHECKS, AR),
    "explained_arabic.txt": lambda: terminal.explained_deal(samples.EXPLANATION, AR),
    "explained.txt": lambda: terminal.explained_deal(samples.EXPLANATION, EN),
    "explained_short.txt": lambda: terminal.explained_deal(samples.EXPLANATION, EN, 1),
    "explained_untouched.txt": lambda: terminal.explained_deal(samples.UNTOUCHED, EN),
    "explained_snapshot.txt": lambda: terminal.explained_deal(samples.OF_SNAPSHOT, EN),
    "status.txt": lambda: terminal.status_tables(samples.STATUS, EN) + terminal.lag_lines({"crm.deal": 12000}, None, EN),
    "status_quiet.txt": lambda: terminal.status_tables(samples.QUIET, EN) + terminal.lag_lines(None, EN("status.nothing_read"), EN),
    "status_snapshot.txt": lambda: terminal.status_tables(samples.STATUS_OF_SNAPSHOT, EN),
    "checked.txt": lambda: terminal.what_was_checked(samples.CHECKS, samples.ARRIVALS, "USD", EN),
    "checked_broken.txt": lambda: terminal.what_was_checked(
        samples.BROKEN_CHECKS, replace(samples.ARRIVALS, dead_letters={}, conflicts=0), "JPY", EN
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_page_is_as_it_was(name: str) -> None:
    page, file = PAGES[name](), GOLDEN / name
    if os.environ.get("NISBA_GOLDEN") == "write":
        file.write_text(page, "utf-8")
    assert page == file.read_text("utf-8")
    assert page.endswith("\n")


def test_every_golden_file_has_its_page() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == set(PAGES)


# Sentences


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({}, "Marketing drove 0.0 % of 1,200.00 USD won in 2026-Q1: 5.0 points below the target of 30 %."),
        ({"gap_to_target": 0.0}, "Marketing drove 0.0 % of 1,200.00 USD won in 2026-Q1: 0.0 points above the target of 30 %."),
        (
            {"attributed_pct": 100.0, "gap_to_target": 70.0},
            "Marketing drove 100.0 % of 1,200.00 USD won in 2026-Q1: 70.0 points above the target of 30 %.",
        ),
        ({"attributed_pct": None}, "No revenue was won in 2026-Q1."),
    ],
)
def test_summary_says_share_revenue_and_gap(changed: dict[str, float | None], sentence: str) -> None:
    assert sentences.summary(replace(samples.REPORT, share=samples.SHARE | changed), EN) == sentence


def test_summary_without_any_closed_deal() -> None:
    assert sentences.summary(replace(samples.REPORT, share={}), EN) == "No revenue was won in 2026-Q1."


@pytest.mark.parametrize(
    ("gap", "sentence"),
    [
        (None, "target 30 %"),
        (0.0, "target 30 %; attributed is 0.0 points above it"),
        (-0.1, "target 30 %; attributed is 0.1 points below it"),
    ],
)
def test_share_beside_its_target(gap: float | None, sentence: str) -> None:
    report = replace(samples.REPORT, share=samples.SHARE | {"gap_to_target": gap})
    assert sentences.share_against_target(report, EN) == sentence


def test_checks_warn_only_of_what_is_wrong() -> None:
    assert sentences.warnings(samples.CHECKS, EN) == []
    assert sentences.warnings(replace(samples.CHECKS, held=2), EN) == ["2 entries are held, and are in no figure: `nisba status` says why."]
    assert sentences.warnings(replace(samples.CHECKS, wrong_entries=3), EN) == [
        "5,678 entries of 1,234 deals, 15 models: the credits do NOT add up in 3 cases."
    ]


# Tables


def test_cells_are_the_same_in_every_medium() -> None:
    drawn = tables.campaign_table(samples.REPORT, EN)
    assert drawn.rows[0] == ("Spring & summer expo", "event", "100.00", "1,175.00", "+1,075 %", "-97 %", "42 %", "1,203")
    assert [row[4] for row in drawn.rows[1:]] == ["no cost", "zero cost", "negative cost"]
    assert drawn.numbers == {2, 3, 4, 5, 6, 7}


def test_realized_figures_that_are_too_young_are_faint_in_every_medium() -> None:
    """Below 60 % exactly, whatever the rounded figure says; without an instant to know it by, nothing is faint."""
    ages = replace(samples.REPORT, campaigns=tuple(replace(samples.EXPO, matured_pct=pct) for pct in (59.96, 60.0, None)))
    drawn = tables.campaign_table(ages, EN)
    assert [row[6] for row in drawn.rows] == ["60 %", "60 %", "–"]
    assert drawn.faint == {(0, 5), (0, 6)}
    assert "| +1,075 % | *-97 %* | *60 %* | 1,203 |" in markdown.report_page(ages, samples.CHECKS, EN)
    assert "<td class=faint>-97 %</td><td class=faint>60 %</td><td>1,203</td>" in html.report_page(ages, samples.CHECKS, EN)


@pytest.mark.parametrize(
    ("models", "names", "sentence"),
    [
        (1, ("A",), []),
        (15, (), ["Positive under all 15 models: none."]),
        (2, ("B", "A"), ["Positive under all 2 models: B, A."]),
        (2, tuple("ABCDEFGHIJ"), ["Positive under all 2 models: A, B, C, D, E, F, G, H, I, J."]),
        (2, tuple("ABCDEFGHIJKL"), ["Positive under all 2 models: A, B, C, D, E, F, G, H, I, J and 2 more."]),
    ],
)
def test_campaigns_that_no_model_disputes_are_named(models: int, names: tuple[str, ...], sentence: list[str]) -> None:
    assert sentences.positive(replace(samples.REPORT, models=models, positive=names), EN) == sentence


def test_campaigns_can_be_limited() -> None:
    assert [len(tables.campaign_table(samples.REPORT, EN, limit).rows) for limit in (None, 0, 1, 4, 99)] == [4, 0, 1, 4, 4]


def test_share_has_a_row_per_measure_and_none_without_a_share() -> None:
    assert [row[0] for row in tables.share_table(samples.REPORT, EN).rows] == [EN.named("measure", name) for name in MEASURES]
    assert tables.share_table(replace(samples.REPORT, share={}), EN).rows == ()


def test_roi_without_a_reason_is_a_dash() -> None:
    odd = replace(samples.REPORT, campaigns=(replace(samples.EXPO, roi=None, roi_reason=None),))
    assert tables.campaign_table(odd, EN).rows[0][4] == "–"


def test_reason_without_a_word_fails_rather_than_showing_a_code() -> None:
    odd = replace(samples.REPORT, campaigns=(replace(samples.EXPO, roi=None, roi_reason="sunspots"),))
    with pytest.raises(NotFound, match=r"no words for 'roi_reason\.sunspots' in the language 'en'"):
        tables.campaign_table(odd, EN)


def test_credits_of_a_deal_that_lost_its_amount_are_in_the_currency_of_its_entries() -> None:
    yen = [row | {"currency": "JPY"} for row in samples.EXPLANATION.entries]
    without = replace(samples.EXPLANATION, deal=samples.EXPLANATION.deal | {"amount": None, "currency": None}, entries=yen)
    assert tables.journey_table(without, EN).rows[0][6] == "333"
    assert tables.journey_table(replace(without, entries=[]), EN).rows[0][6] == "333.33"
    assert terminal.explained_deal(without, EN).startswith("Deal D-1 (Renewal [2026]) of acme: won, no amount; ")


# Escaping


class _Seen(HTMLParser):
    """Collects tags, and the text of cells and list items."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.inside = tag in ("td", "li")
        if self.inside:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "li")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data


def _seen(report: Report) -> _Seen:
    seen = _Seen()
    seen.feed(html.report_page(report, samples.CHECKS, EN))
    return seen


def test_html_shows_hostile_names_as_text_and_has_no_tag_of_theirs() -> None:
    seen = _seen(samples.HOSTILE_REPORT)
    in_tables, in_text = {"table", "thead", "tbody", "tr", "th", "td"}, {"h1", "h2", "p", "code", "ol", "ul", "li"}
    assert seen.tags == {"html", "meta", "title", "style"} | in_tables | in_text
    assert seen.cells[5 * len(MEASURES) : 5 * len(MEASURES) + 2] == [formats.one_line(samples.HOSTILE)] * 2
    assert seen.tags == _seen(samples.REPORT).tags


def test_html_needs_nothing_from_elsewhere() -> None:
    assert not re.search(r"(src|href|url\()", html.report_page(samples.REPORT, samples.CHECKS, EN))


def test_markdown_tables_have_as_many_cells_in_every_row() -> None:
    page = markdown.report_page(samples.HOSTILE_REPORT, samples.CHECKS, EN)
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in page.splitlines() if line.startswith("|")]
    assert [len(row) for row in rows] == [5] * (2 + len(MEASURES)) + [8] * 4
    assert "<script" not in page.replace(markdown.code(samples.HOSTILE), "")  # in a code span it is text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain, 30 % (none)", "plain, 30 % (none)"),
        ("paid_search", "paid_search"),
        ("_emphasis_", r"\_emphasis\_"),
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("<b>x</b>", "&lt;b>x&lt;/b>"),
        ("R&D, &lt; &#60; &", "R&D, &amp;lt; &amp;#60; &"),
        ("[link](x) `code` *strong* ~gone~", r"\[link\](x) \`code\` \*strong\* \~gone\~"),
        ("two\nlines", "two lines"),
    ],
)
def test_markdown_cells_say_what_they_say(text: str, escaped: str) -> None:
    assert markdown.cell(text) == escaped


@pytest.mark.parametrize(("text", "span"), [("linear", "`linear`"), ("a`b", "`` a`b ``"), ("``", "``` `` ```"), ("a\nb", "`a b`")])
def test_markdown_code_spans(text: str, span: str) -> None:
    assert markdown.code(text) == span


def test_terminal_shows_markup_and_control_sequences_and_obeys_neither() -> None:
    drawn = terminal.draw_table("[bold]t[/bold]", [("[red]h", "left")], [["[/b] :bomb:"], ["\x1b[31mred\x07"], [None]], "[i]c")
    assert "\x1b" not in drawn
    assert "\x07" not in drawn
    for text in ("[bold]t[/bold]", "[red]h", "[/b] :bomb:", "\ufffd[31mred\ufffd", "–", "[i]c"):
        assert text in drawn


def test_a_cell_of_lines_stays_one_cell() -> None:
    drawn = terminal.draw_table("t", [("a", "left"), ("b", "right")], [["one\ntwo", 3]])
    assert drawn.splitlines()[4:6] == ["│ one │ 3 │", "│ two │   │"]


def test_a_name_of_lines_makes_no_line_of_its_own_in_a_sentence() -> None:
    hostile = replace(samples.EXPLANATION, deal=samples.EXPLANATION.deal | {"account_id": "acme\nDeal D-2 of you"})
    assert terminal.explained_deal(hostile, EN).splitlines()[0].startswith("Deal D-1 (Renewal [2026]) of acme Deal D-2 of you: won, ")


@pytest.mark.parametrize("name", [name for name in PAGES if name.endswith(".txt") and "hostile" not in name])
def test_tables_fit_the_width(name: str) -> None:
    drawn = [line for line in PAGES[name]().splitlines() if line[:1] in "┏┃┡│└"]
    assert all(cell_len(line) <= terminal.WIDTH for line in drawn)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_terminal_that_can_gets_styles_and_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = terminal.explained_deal(samples.EXPLANATION, EN)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "120", "COLORTERM": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout", _Terminal())
    styled = terminal.explained_deal(samples.EXPLANATION, EN)
    assert "\x1b[1m" in styled
    assert "\x1b[2m" in terminal.report_tables(samples.REPORT, samples.CHECKS, EN)  # dim
    assert re.sub(r"\x1b\[[\d;]*m", "", styled) == plain


# Another language: with a catalogue of one letter nothing is left of English but data.

SCRIPT = {key: text for key, text in EN.texts.items() if key.startswith("script.")}
LETTERS = Words(
    "zz", {key: "ж" + "".join(f" {{{name}}}" for name in sorted(placeholders(text))) for key, text in EN.texts.items()} | SCRIPT
)


def _latin(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{2,}", text))


def test_terminal_has_no_words_but_those_of_the_catalogue() -> None:
    bare = replace(
        samples.REPORT,
        model="1",
        rule="2",
        campaigns=tuple(replace(row, campaign_name="3", channel="4") for row in samples.CAMPAIGNS),
        positive=("5",),
        advice=tuple(replace(piece, name="6") for piece in samples.ADVICE),
    )
    page = terminal.report_tables(bare, samples.BROKEN_CHECKS, LETTERS, 1)
    page += terminal.what_was_checked(samples.CHECKS, replace(samples.ARRIVALS, dead_letters={"1": 2}), "USD", LETTERS)
    assert _latin(page) == {"USD"}


def test_pages_have_no_words_but_those_of_the_catalogue() -> None:
    advice = tuple(replace(piece, name="6") for piece in samples.ADVICE)
    bare = replace(samples.REPORT, model="1", rule="2", campaigns=(), positive=("5",), advice=advice)
    assert _latin(markdown.report_page(bare, samples.CHECKS, LETTERS)) == {"USD"}
    body = html.report_page(bare, samples.CHECKS, LETTERS).split("</style>")[1]
    assert _latin(re.sub(r"<[^>]+>", "", body)) == {"USD"}
    assert '<html lang="zz" dir="ltr">' in html.report_page(bare, samples.CHECKS, LETTERS)


@pytest.mark.parametrize("found", [samples.EXPLANATION, samples.UNTOUCHED, samples.OF_SNAPSHOT], ids=["full", "untouched", "snapshot"])
def test_explanation_has_no_words_but_those_of_data_and_catalogue(found: Explanation) -> None:
    data = _latin(" ".join(_texts(asdict(found))))
    assert _latin(terminal.explained_deal(found, LETTERS)) - data == set()


@pytest.mark.parametrize("found", [samples.STATUS, samples.QUIET, samples.STATUS_OF_SNAPSHOT], ids=["full", "quiet", "snapshot"])
def test_status_has_no_words_but_those_of_data_and_catalogue(found: Status) -> None:
    data = _latin(" ".join(_texts(asdict(found))))
    page = terminal.status_tables(found, LETTERS) + terminal.lag_lines({"1": 2}, None, LETTERS) + terminal.lag_lines(None, None, LETTERS)
    assert _latin(page) - data == set()


def _texts(value: object) -> Iterator[str]:
    """Return every string among the values of a tree, not the names of its fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, list | tuple):
        yield from (text for inner in value for text in _texts(inner))
