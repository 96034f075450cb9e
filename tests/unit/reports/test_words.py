"""The catalogues: every key that code and templates use is there, every key that is there is used, and languages have the same keys."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from nisba.agreements import LEAD_STAGES
from nisba.attribution.entries import KINDS
from nisba.errors import NotFound
from reports.values import MEASURES
from reports.words import Figure, Said, Words, languages, placeholders, words
from tests.unit.reports.books_by_hand import make_books
from warehouse.locks.causes import CAUSES
from warehouse.models.declarations import AcceptedValues, declared

ROOT = Path(__file__).resolve().parents[3]
CODE = [*sorted((ROOT / "reports").rglob("*.py")), *sorted((ROOT / "nisba" / "cli").glob("*.py")), *sorted((ROOT / "flows").glob("*.py"))]
TEMPLATES = sorted((ROOT / "reports" / "render" / "templates").glob("*.j2"))
KEY = re.compile(r"^[a-z_]+\.[a-z_]+$")
EN = words("en")


def accepted(table: str, column: str) -> set[str]:
    """Return the values that the declaration of a column accepts."""
    found = next(each for each in declared(table).columns if each.name == column)
    return {value for test in found.data_tests if isinstance(test, AcceptedValues) for value in test.values}


GROUPS = {
    "measure": set(MEASURES),
    "entry": set(KINDS),
    "deal_status": {"open", "won", "lost"},
    "roi_reason": {"no_cost", "zero_cost", "negative_cost"},
    "cause": set(CAUSES),
    "lock_kind": {"locked", "adjusted"},
    "line_kind": {"earned", "clawed_back"},
    "stage": set(LEAD_STAGES),
    "entity_kind": accepted("marts.advice", "entity_kind"),
    "peers": accepted("marts.advice", "entity_kind"),
    "split_by": {"campaign_owner", "deal_owner"},
    "statement_amount": {"base", "share_pct", "factor", "earned", "clawed_back", "carried_in", "paid", "carried_out"},
    "data_issue_kind": accepted("ops.data_issue", "kind"),
}
"""Groups of words for the values of a column: every value has one."""


NOT_KEYS = {"report.html", "entry.amount"}
"""Strings of the code that look like keys: a file, a column of a query."""


def _strings(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _used_keys() -> set[str]:
    """Return the keys that stand in code and templates, those of headings of columns, and those that a value of the books names."""
    groups = {key.split(".")[0] for key in EN.texts}
    in_code = {text for file in CODE for text in _strings(file) if KEY.match(text) and text.split(".")[0] in groups} - NOT_KEYS
    in_templates = {key for file in TEMPLATES for key in re.findall(r'words\("([^"]+)"', file.read_text("utf-8"))}
    columns = {
        f"column.{text}" for name in ("locked", "tables", "terminal") for text in _strings(ROOT / "reports" / "render" / f"{name}.py")
    }
    in_groups = {f"{group}.{name}" for group, names in GROUPS.items() for name in names}
    in_rows = accepted("marts.advice", "sentence_key")
    return in_code | in_templates | in_groups | in_rows | (columns & set(EN.texts))


def test_every_key_is_used() -> None:
    assert sorted(set(EN.texts) - _used_keys()) == []


def test_every_key_that_is_used_is_there() -> None:
    assert sorted(_used_keys() - set(EN.texts)) == []


@pytest.mark.parametrize("group", GROUPS)
def test_every_value_of_a_column_has_a_word_and_no_other_has(group: str) -> None:
    assert GROUPS[group] == {key.split(".")[1] for key in EN.texts if key.startswith(f"{group}.")}
    assert all(EN.named(group, name) for name in GROUPS[group])


def test_every_reason_of_the_mart_has_a_word() -> None:
    costs = """
        INSERT INTO core.cost_daily BY NAME SELECT campaign_id, 'event' AS channel, DATE '2026-02-01' AS day, cost AS cost_reporting
        FROM (VALUES ('c-free', 0), ('c-refunded', -5)) AS cost(campaign_id, cost)
    """
    with make_books(more=costs) as con:
        reasons = con.execute("SELECT DISTINCT roi_reason FROM marts.campaign_roi WHERE roi_reason IS NOT NULL").fetchall()
    assert {reason for (reason,) in reasons} == GROUPS["roi_reason"]


@pytest.mark.parametrize("language", languages())
def test_languages_have_the_same_keys_and_placeholders(language: str) -> None:
    other = words(language)
    assert {key: placeholders(text) for key, text in other.texts.items()} == {key: placeholders(text) for key, text in EN.texts.items()}
    assert all(text.strip() == text for text in other.texts.values())


def test_english_and_arabic_are_there() -> None:
    assert languages() == ["ar", "en"]
    assert (EN.language, len(EN.texts) > 90) == ("en", True)


def test_placeholders_are_filled_in() -> None:
    assert EN("share.target_above", target="30 %", gap="1.5") == "target 30 %; attributed is 1.5 points above it"
    assert EN("journey.title") == "Journey"
    assert EN.named("deal_status", "won") == "won"


def test_values_are_not_read_as_patterns() -> None:
    assert EN("report.title", period="{gap} {0} {x!r}") == "Revenue and its causes, {gap} {0} {x!r}"


@pytest.mark.parametrize(
    ("key", "values", "sentence"),
    [
        ("report.titel", {}, "no words for 'report.titel' in the language 'en'."),
        ("report", {}, "no words for 'report' in the language 'en'."),
        (
            "report.title",
            {},
            "the words for 'report.title' in the language 'en' have the placeholders ['period'], but [] are given.",
        ),
        (
            "report.title",
            {"period": 1, "model": 2},
            "the words for 'report.title' in the language 'en' have the placeholders ['period'], but ['model', 'period'] are given.",
        ),
    ],
)
def test_missing_key_and_wrong_placeholders_name_key_and_language(key: str, values: dict[str, object], sentence: str) -> None:
    with pytest.raises(NotFound) as raised:
        EN(key, **values)
    assert str(raised.value) == sentence


def test_value_without_a_word_is_named() -> None:
    with pytest.raises(NotFound, match=r"^no words for 'deal_status\.paused' in the language 'en'\.$"):
        EN.named("deal_status", "paused")


@pytest.mark.parametrize("language", ["xx", "", "EN", "../words/en", "en.toml"])
def test_unknown_language_names_those_that_are_there(language: str) -> None:
    with pytest.raises(NotFound) as raised:
        words(language)
    assert str(raised.value) == f"no words in the language {language!r}; there are: {', '.join(languages())}."


AR = words("ar")


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        ("1,234,567.89", "١٬٢٣٤٬٥٦٧٫٨٩"),
        ("48.2 %", "٤٨٫٢٪\u061c"),
        ("+1,075 %", "\u061c+١٬٠٧٥٪\u061c"),
        ("-97 %", "\u061c-٩٧٪\u061c"),
        ("2026-03-01 23:30", "٢٠٢٦\u061c-٠٣\u061c-٠١ ٢٣:٣٠"),
        ("–", "–"),
    ],
)
def test_figures_have_the_digits_and_signs_of_their_language(figure: str, shown: str) -> None:
    assert AR.shown(Figure(figure)) == shown
    assert EN.shown(Figure(figure)) == figure


def test_names_keep_their_digits_and_their_direction() -> None:
    assert AR("deal.opened", at="Q3 (2026)") == "فُتحت \u2068Q3 (2026)\u2069"
    assert AR("deal.opened", at=Figure("2026")) == "فُتحت ٢٠٢٦"
    assert AR("deal.opened", at=Said("أمس")) == "فُتحت أمس"
    assert EN("deal.opened", at="Q3 (2026)") == "opened Q3 (2026)"


def test_lists_are_of_names_and_words() -> None:
    assert AR.listed([AR("deal.opened", at=Figure("1")), "mail"]) == "فُتحت ١، \u2068mail\u2069"
    assert AR("campaigns.positive_none", models=AR.listed([])) == "عائد موجب في جميع النماذج (وعددها ): لا حملة."


@pytest.mark.parametrize("key", sorted(set(AR.texts) - {"column.number", "column.nothing", "script.direction"}))
def test_every_text_of_the_arabic_catalogue_is_arabic(key: str) -> None:
    text = re.sub(r"\{\w+\}", "", AR.texts[key])
    assert re.search("[\u0600-\u06ff]", text) or not re.search("[A-Za-z]", text)
    assert not re.search(r"[0-9%,;?]", re.sub("SHA-256", "", text)), "digits and signs of another script"


def test_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        EN.texts["report.title"] = "x"  # type: ignore[index]


def test_another_language_is_another_catalogue() -> None:
    arabic = Words("ar", {"report.title": "الإيرادات وأسبابها، {period}"})
    assert arabic("report.title", period="2026") == "الإيرادات وأسبابها، 2026"
    with pytest.raises(NotFound, match=r"^no words for 'journey\.title' in the language 'ar'\.$"):
        arabic("journey.title")
