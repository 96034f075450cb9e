"""Labels in one form, under the firm's own names, and the words that are reserved (semantics §1)."""

from __future__ import annotations

import sys
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.labels import REQUIRED, RESERVED, folded, is_no_campaign, is_reserved, normalised, relabelled
from nisba.attribution.preparation import LABELS
from nisba.config import Labels

WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"


@pytest.mark.parametrize("space", WHITE_SPACE)
def test_every_white_space_of_unicode_is_trimmed_and_is_one_blank_inside(space: str) -> None:
    assert normalised(f"{space}Mid{space}{space}Market{space}", "segment") == "Mid Market"


def test_no_other_character_is_white_space() -> None:
    """The 25 of Unicode's property White_Space; Python's own idea of it has four control characters more."""
    characters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    blank = {character for character in characters if not normalised(character, "segment")}
    assert blank == {character for character in map(chr, range(0x10000)) if character.isspace()} - set("\x1c\x1d\x1e\x1f")
    assert len(blank) == 25


@pytest.mark.parametrize("character", ["\x1c", "\x1d", "\x1e", "\x1f", "\u200b", "\ufeff"])
def test_other_invisible_characters_are_part_of_a_label(character: str) -> None:
    assert normalised(f"{character}a{character}b", "segment") == f"{character}a{character}b"


@pytest.mark.parametrize(
    ("label", "field", "expected"),
    [
        ("Cafe\u0301", "segment", "Caf\u00e9"),
        ("Paid Search", "channel", "paid search"),
        ("Form", "kind", "form"),
        ("Closed Won", "stage", "Closed Won"),
        ("İ", "channel", "i\u0307"),
        ("J\u030c", "channel", "\u01f0"),  # one character in lower case alone
        ("J\u030c", "segment", "J\u030c"),
        (" \xa0 ", "region", ""),
    ],
)
def test_the_one_form_of_a_label(label: str, field: str, expected: str) -> None:
    assert normalised(label, field) == expected


@given(st.text(), st.sampled_from(["channel", "segment"]))
def test_a_label_in_its_one_form_stays_as_it_is(label: str, field: str) -> None:
    once = normalised(label, field)
    assert normalised(once, field) == once == unicodedata.normalize("NFC", once)
    assert normalised(unicodedata.normalize("NFD", f" {label}\xa0"), field) == once


@pytest.mark.parametrize("word", ["all", "(none)", "unattributed", "(unattributed)", "ALL", "(None)", "UnAttributed"])
def test_reserved_words(word: str) -> None:
    assert is_reserved(word)
    assert is_no_campaign(word)


@pytest.mark.parametrize("word", [" all", "none", "all of them", "(all)", ""])
def test_words_beside_the_reserved_ones(word: str) -> None:
    assert not is_reserved(word)
    assert not is_no_campaign(word)


@pytest.mark.parametrize("placeholder", ["(not set)", "(Direct)", "(organic)", "(referral)", "(DATA not available)"])
def test_placeholders_are_no_campaign_but_no_reserved_words(placeholder: str) -> None:
    assert is_no_campaign(placeholder)
    assert not is_reserved(placeholder)


def named(field: str, *labels: str | None, **maps: dict[str, str]) -> list[str | None]:
    found: list[str | None] = relabelled(pa.array(labels, pa.string()), field, Labels(**maps)).to_pylist()
    return found


def test_a_map_is_applied_once_without_regard_to_case_and_blanks() -> None:
    maps = {"Web  Site": "Online", "online": "Never"}
    assert named("lead_source", "web site", "WEB SITE", "Online", "offline", None, lead_source=maps) == [
        "Online",
        "Online",
        "Never",
        "offline",
        None,
    ]


def test_labels_that_may_be_null_are_null_where_they_are_reserved_or_mapped_to_nothing() -> None:
    assert named("segment", "All", "SMB", "mid", "x", segment={"mid": " ", "x": "(None)"}) == [None, "SMB", None, None]


NULLABLE = ("segment", "region", "product", "deal_type", "lead_source", "loss_reason", "next_step", "campaign_type")


def test_labels_that_may_be_null_are_all_but_three() -> None:
    assert {name for names in LABELS.values() for name in names} == {*NULLABLE, "channel", "kind", "stage"}
    assert {"channel", "kind", "stage"} == REQUIRED


@pytest.mark.parametrize("field", NULLABLE)
@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_word_is_no_label(field: str, word: str) -> None:
    assert named(field, word, f" {word.upper()}\xa0", f"{word}.", "") == [None, None, f"{word}.", None]


def test_words_that_two_labels_swap_are_swapped_and_no_more() -> None:
    swapped = {"A": "B", "B": "A"}
    assert named("product", "a", "B", "c", product=swapped) == ["B", "A", "c"]


def test_a_map_looks_at_the_one_form_and_its_results_are_brought_to_it() -> None:
    assert named("region", "caf\u00e9", region={"CAFE\u0301": " The\u2009 North "}) == ["The North"]
    assert named("channel", "x", channel={"X": "Paid  Search"}) == ["paid search"]
    assert named("stage", "ß", stage={"SS": "Won  Deal"}) == ["Won Deal"]


def test_a_reserved_word_may_be_mapped_to_a_label() -> None:
    assert named("segment", "(None)", "ALL", segment={"(none)": "Rest"}) == ["Rest", None]


def test_fields_have_their_own_maps() -> None:
    assert named("region", "smb", segment={"smb": "Small"}) == ["smb"]
    assert named("loss_reason", " Too  dear ") == ["Too dear"]


def test_stages_and_kinds_may_be_reserved_words() -> None:
    assert named("stage", "All", "won") == ["All", "won"]
    assert named("kind", "unattributed") == ["unattributed"]


def test_direct_has_names_of_its_own_which_the_firm_may_override() -> None:
    assert named("channel", "(none)", "none", "(direct)", "direct", "email") == ["direct", "direct", "direct", "direct", "email"]
    assert named("channel", "(none)", "none", channel={"None": "Unknown"}) == ["direct", "unknown"]
    assert named("channel", "(none)", "direct", channel={"direct": "Straight"}) == ["direct", "straight"], "its results are mapped no more"
    assert named("segment", "none", "(direct)") == ["none", "(direct)"], "it is for channels"


def test_a_dictionary_of_few_values_stays_as_short() -> None:
    column = pa.chunked_array([pa.array(["A", "b"]).dictionary_encode(), pa.array(["b", None]).dictionary_encode()])
    assert relabelled(column, "segment", Labels(segment={"b": "B"})).to_pylist() == ["A", "B", "B", None]


def test_comparing_folds_case_as_unicode_does() -> None:
    assert folded("Straße") == folded("STRASSE")
    assert folded("Cafe\u0301") == folded("CAFÉ")
