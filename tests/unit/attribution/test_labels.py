"""Labels in one form, under the firm's own names, and the words that are reserved (semantics §1)."""

from __future__ import annotations

import pyarrow as pa
import pytest

from nisba.attribution.labels import folded, is_no_campaign, is_reserved, normalised, relabelled
from nisba.config import Labels

WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"


@pytest.mark.parametrize("space", WHITE_SPACE)
def test_every_white_space_of_unicode_is_trimmed_and_is_one_blank_inside(space: str) -> None:
    assert normalised(f"{space}Mid{space}{space}Market{space}", "segment") == "Mid Market"


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
        (" \xa0 ", "region", ""),
    ],
)
def test_the_one_form_of_a_label(label: str, field: str, expected: str) -> None:
    assert normalised(label, field) == expected


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


def test_stages_and_kinds_may_be_reserved_words() -> None:
    assert named("stage", "All", "won") == ["All", "won"]
    assert named("kind", "unattributed") == ["unattributed"]


def test_direct_has_names_of_its_own_which_the_firm_may_override() -> None:
    assert named("channel", "(none)", "none", "(direct)", "direct", "email") == ["direct", "direct", "direct", "direct", "email"]
    assert named("channel", "(none)", "none", channel={"None": "Unknown"}) == ["direct", "unknown"]


def test_a_dictionary_of_few_values_stays_as_short() -> None:
    column = pa.chunked_array([pa.array(["A", "b"]).dictionary_encode(), pa.array(["b", None]).dictionary_encode()])
    assert relabelled(column, "segment", Labels(segment={"b": "B"})).to_pylist() == ["A", "B", "B", None]


def test_comparing_folds_case_as_unicode_does() -> None:
    assert folded("Straße") == folded("STRASSE")
    assert folded("Cafe\u0301") == folded("CAFÉ")
