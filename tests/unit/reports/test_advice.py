"""What is said of a piece of advice: every sentence in both languages, and what stands around them in a report."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import duckdb
import pytest

from nisba.errors import NotFound
from reports.render import html, markdown, sentences, terminal
from reports.values import Advice, Report, read_report
from reports.words import words
from tests.unit.reports import samples
from warehouse.models.declarations import declared

D = Decimal
EN, AR = words("en"), words("ar")
QUARTER = "الربع الأول من ٢٠٢٦"
PERCENT, PLUS, MINUS, USD = "٪\u061c", "\u061c+", "\u061c-", "\u2068USD\u2069"


def of(*pieces: Advice, period: str = "2026-Q1", currency: str = "USD") -> Report:
    return replace(samples.REPORT, advice=pieces, period=period, currency=currency)


def said(language: str, piece: Advice, currency: str = "USD") -> str:
    return sentences.advice(of(piece, currency=currency), words(language))[0]


BY_KEY = {piece.sentence_key: piece for piece in samples.ADVICE[::-1]}
ENGLISH = {
    "advice.roi": (
        "Campaign “Spring & summer expo” had an ROI of -25 % in 2026-Q1; the best 25 % of campaigns had at least +1,150 %."
        " At the same cost, that would be worth 1,175 USD."
    ),
    "advice.conversion": (
        "Channel “paid_search” converted 5.1 % from MQL to SQL in 2026-Q1; the best 25 % of channels converted at least 25.0 %."
        " With as many leads, at the past year's revenue per SQL, that would be worth 1,175 USD."
    ),
    "advice.cost_per_mql": (
        "Channel “event” cost 1,234.57 USD per MQL in 2026-Q1; the best 25 % of channels cost at most 20.00 USD."
        " For as many MQLs, that would be worth 999.50 USD."
    ),
    "advice.win_rate": (
        "Segment “mid-market” won 25.0 % of the deals closed in 2026-Q1; the best 25 % of segments won at least 100.0 %."
        " With as many deals of the same average value, that would be worth 300.00 USD."
    ),
    "advice.exception_share_of_revenue": (
        "Owner “Dina” had exceptions in 2026-Q1 that put at risk 150.0 % of the revenue won; the best 25 % of owners had at most 0.0 %."
        " At the same revenue, that would be 0.05 USD less at risk."
    ),
}
ARABIC = {
    "advice.roi": (
        f"الحملة «\u2068Spring & summer expo\u2069»: العائد على الاستثمار في {QUARTER} هو {MINUS}٢٥{PERCENT}، مقابل {PLUS}١٬١٥٠{PERCENT}"
        f" على الأقل لدى أفضل ٢٥٪ من الحملات. وبالتكلفة نفسها، تُقدَّر قيمة بلوغ ذلك بمبلغ ١٬١٧٥ {USD}."
    ),
    "advice.conversion": (
        f"القناة «\u2068paid_search\u2069»: معدل التحويل من عميل مؤهَّل تسويقيًا (MQL) إلى عميل مؤهَّل للبيع (SQL) في {QUARTER} هو"
        f" ٥٫١{PERCENT}، مقابل ٢٥٫٠{PERCENT} على الأقل لدى أفضل ٢٥٪ من القنوات. وبعدد العملاء المحتملين نفسه، وبإيراد السنة الماضية لكل"
        f" عميل مؤهَّل للبيع (SQL)، تُقدَّر قيمة بلوغ ذلك بمبلغ ١٬١٧٥ {USD}."
    ),
    "advice.cost_per_mql": (
        f"القناة «\u2068event\u2069»: تكلفة العميل المؤهَّل تسويقيًا (MQL) في {QUARTER} هي ١٬٢٣٤٫٥٧ {USD}، مقابل ٢٠٫٠٠ {USD} على الأكثر لدى"
        f" أفضل ٢٥٪ من القنوات. وبالعدد نفسه من هؤلاء العملاء، تُقدَّر قيمة بلوغ ذلك بمبلغ ٩٩٩٫٥٠ {USD}."
    ),
    "advice.win_rate": (
        f"الشريحة «\u2068mid-market\u2069»: معدل الفوز بالصفقات المغلقة في {QUARTER} هو ٢٥٫٠{PERCENT}، مقابل ١٠٠٫٠{PERCENT} على الأقل لدى"
        f" أفضل ٢٥٪ من الشرائح. وبالعدد نفسه من الصفقات، وبمتوسط القيمة نفسه، تُقدَّر قيمة بلوغ ذلك بمبلغ ٣٠٠٫٠٠ {USD}."
    ),
    "advice.exception_share_of_revenue": (
        f"المسؤول «\u2068Dina\u2069»: المبالغ المعرَّضة للخطر بسبب الاستثناءات في {QUARTER} تعادل ١٥٠٫٠{PERCENT} من إيراد الصفقات المكسوبة،"
        f" مقابل ٠٫٠{PERCENT} على الأكثر لدى أفضل ٢٥٪ من المسؤولين. وبالإيراد نفسه، يعادل بلوغ ذلك خفض المبالغ المعرَّضة للخطر"
        f" بمقدار ٠٫٠٥ {USD}."
    ),
}


@pytest.mark.parametrize(("language", "texts"), [("en", ENGLISH), ("ar", ARABIC)])
def test_each_sentence(language: str, texts: dict[str, str]) -> None:
    assert {key: said(language, piece) for key, piece in BY_KEY.items() if key != "advice.roi"} | {
        "advice.roi": said(language, samples.ROI_ADVICE)
    } == texts


@pytest.mark.parametrize(
    ("value", "best", "shown"),
    [
        (0.0, 0.9996, ["0.0 %", "100.0 %"]),
        (0.00042, 0.00047, ["0.04 %", "0.05 %"]),
        (0.123456, 0.123461, ["12.3456 %", "12.3461 %"]),
        (0.12345678, 0.12345679, ["12.3457 %", "12.3457 %"]),
    ],
)
def test_two_rates_that_differ_look_different(value: float, best: float, shown: list[str]) -> None:
    text = said("en", replace(BY_KEY["advice.win_rate"], value=value, best_quartile=best))
    assert re.findall(r"won (?:at least )?([\d.]+ %)", text) == shown


def test_returns_that_differ_look_different() -> None:
    assert "+100.1 %" in said("en", replace(samples.ROI_ADVICE, value=1.0, best_quartile=1.001))


@pytest.mark.parametrize(
    ("money", "currency", "text"),
    [
        (D("623828.17"), "EUR", "623,828 EUR"),
        (D("999.99"), "EUR", "999.99 EUR"),
        (D("1000.00"), "EUR", "1,000 EUR"),
        (D("12.345"), "KWD", "12.345 KWD"),
        (D("999"), "JPY", "999 JPY"),
    ],
)
def test_money_has_no_noise(money: Decimal, currency: str, text: str) -> None:
    assert said("en", replace(samples.ROI_ADVICE, money=money), currency).endswith(f" that would be worth {text}.")


def test_advice_of_another_period_says_of_which_quarter_it_is() -> None:
    note = EN("advice.note")
    assert sentences.about_advice(of(samples.ROI_ADVICE), EN) == [note]
    assert sentences.about_advice(of(samples.ROI_ADVICE, period="2025"), EN) == [
        "This is of 2026-Q1, the latest quarter that is over; the report is of 2025.",
        note,
    ]
    assert sentences.about_advice(of(samples.ROI_ADVICE, period="2025-07"), AR)[0] == (
        "هذه الفرص من أرقام الربع الأول من ٢٠٢٦، وهو آخر ربع مكتمل؛ أما التقرير فعن ٠٧/٢٠٢٥."
    )


@pytest.mark.parametrize("language", ["en", "ar"])
def test_nothing_is_said_without_advice(language: str) -> None:
    spoken = words(language)
    page = "".join(render(of(), samples.CHECKS, spoken) for render in (terminal.report_tables, markdown.report_page, html.report_page))
    assert not [key for key in spoken.texts if key.startswith("advice.") and "{" not in spoken.texts[key] and spoken.texts[key] in page]
    assert "<ol>" not in page


def test_first_screen_shows_five_and_says_how_many_more() -> None:
    short, whole = (terminal.report_tables(samples.REPORT, samples.CHECKS, EN, limit) for limit in (15, None))
    assert [f"{rank}. " in short for rank in (5, 6)] == [True, False]
    assert "\n1 more: --all shows them\n" in short
    assert "\n6. Campaign “Refunded” had an ROI of -25 %" in whole
    assert "more: --all" not in whole


def test_pages_have_every_piece_in_the_order_of_its_worth() -> None:
    for page in (markdown.report_page(samples.REPORT, samples.CHECKS, EN), html.report_page(samples.REPORT, samples.CHECKS, EN)):
        places = [page.index(f"“{piece.name.replace('&', '&amp;')}”" if "<html" in page else f"“{piece.name}”") for piece in samples.ADVICE]
        assert places == sorted(places)
        assert len(set(places)) == len(samples.ADVICE)


def test_sentence_that_nobody_wrote_fails_rather_than_showing_a_code() -> None:
    with pytest.raises(NotFound, match=r"no words for 'advice\.cycle_days' in the language 'ar'"):
        said("ar", replace(BY_KEY["advice.win_rate"], sentence_key="advice.cycle_days"))


def test_arabic_page_is_written_from_right_to_left() -> None:
    page = html.report_page(samples.REPORT, samples.CHECKS, AR)
    assert page.startswith('<!doctype html>\n<html lang="ar" dir="rtl">')
    assert html.report_page(samples.REPORT, samples.CHECKS, EN).startswith('<!doctype html>\n<html lang="en" dir="ltr">')
    assert f"<h1>الإيراد ومصادره، {QUARTER}</h1>" in page
    assert f"<td>{PLUS}١٬٠٧٥{PERCENT}</td>" in page
    assert "<td>\u2068Spring &amp; summer expo\u2069</td><td>\u2068event\u2069</td><td>١٠٠٫٠٠</td>" in page
    assert "<code>linear</code>" in page
    assert "text-align:right" not in page


def test_arabic_markdown_is_written_from_right_to_left() -> None:
    page = markdown.report_page(samples.REPORT, samples.CHECKS, AR)
    assert page.startswith('<div dir="rtl">\n\n# ')
    assert page.endswith("\n\n</div>\n")
    assert "dir=" not in markdown.report_page(samples.REPORT, samples.CHECKS, EN)


def test_terminal_has_no_signs_that_turn_the_direction() -> None:
    page = terminal.report_tables(samples.REPORT, samples.BROKEN_CHECKS, AR, 1) + terminal.explained_deal(samples.EXPLANATION, AR, 1)
    assert not set(page) & set("\u061c\u2066\u2067\u2068\u2069\u200e\u200f")
    assert "+١٬٠٧٥٪" in page


@pytest.mark.parametrize(
    ("name", "english", "arabic"),
    [
        ("2026-Q1", "2026-Q1", "الربع الأول من ٢٠٢٦"),
        ("2026-Q4", "2026-Q4", "الربع الرابع من ٢٠٢٦"),
        ("2026-03", "2026-03", "٠٣/٢٠٢٦"),
        ("2026", "2026", "٢٠٢٦"),
    ],
)
def test_periods_are_said_as_people_say_them(name: str, english: str, arabic: str) -> None:
    assert [EN.shown(sentences.period(name, EN)), AR.shown(sentences.period(name, AR))] == [english, arabic]


# Reading

ROW = """
    INSERT INTO marts.advice BY NAME SELECT {rank} AS rank, 'roi' AS metric, '{kind}' AS entity_kind, '{entity}' AS entity,
        'quarter' AS period_kind, '2026-Q1' AS period, DATE '2026-01-01' AS period_start, DATE '2026-03-31' AS period_end,
        0.5 AS value, 1.5 AS best_quartile, {money}::DOUBLE AS money, 'advice.roi' AS sentence_key, 'SELECT 1' AS evidence
"""


def test_advice_is_read_in_order_with_names_and_money_in_minor_units(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO core.campaign BY NAME SELECT 'c-expo' AS campaign_id, 'Expo 2026' AS name, 'event' AS channel")
    for rank, kind, entity, money in ((2, "channel", "c-expo", 0.125), (1, "campaign", "c-expo", 1234.566), (3, "campaign", "c-mail", 7)):
        con.execute(ROW.format(rank=rank, kind=kind, entity=entity, money=money))
    found = read_report(con, period="2026").advice
    assert [(piece.rank, piece.entity_kind, piece.entity, piece.name, piece.money) for piece in found] == [
        (1, "campaign", "c-expo", "Expo 2026", D("1234.57")),
        (2, "channel", "c-expo", "c-expo", D("0.12")),
        (3, "campaign", "c-mail", "c-mail", D("7.00")),
    ]
    assert found[1] == Advice(
        2, "roi", "channel", "c-expo", "c-expo", "2026-Q1", 0.5, 1.5, D("0.12"), sentence_key="advice.roi", evidence="SELECT 1"
    )


def test_books_without_advice_have_none(con: duckdb.DuckDBPyConnection) -> None:
    assert read_report(con).advice == ()
    con.execute("DROP TABLE marts.advice")
    assert read_report(con).advice == ()


def test_every_figure_of_a_sentence_is_a_column(con: duckdb.DuckDBPyConnection) -> None:
    columns = {column.name for column in declared("marts.advice").columns}
    assert set(Advice.__dataclass_fields__) - columns == {"name"}
