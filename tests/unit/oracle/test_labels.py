"""Labels (semantics §1), by hand: one form for every spelling, the firm's own words, words that are reserved."""

from __future__ import annotations

import pytest

from nisba.config import Config, Labels
from tests.oracle.labels import is_among, is_no_campaign, mapped, normal_label


@pytest.mark.parametrize(
    ("written", "field", "expected"),
    [
        ("  Paid   Search ", "channel", "paid search"),
        ("Paid\u00a0\u2009Search", "kind", "paid search"),
        ("\tMid\r\n Market\u3000", "segment", "Mid Market"),
        ("Cafe\u0301", "product", "Caf\u00e9"),
        ("\u0130stanbul", "channel", "i\u0307stanbul"),
        ("STRASSE", "lead_source", "STRASSE"),
        (" \u2003 ", "region", ""),
    ],
    ids=["blanks", "no-break spaces", "tabs and lines", "accents", "a dotted capital", "capitals of others stay", "nothing"],
)
def test_every_spelling_has_one_form(written: str, field: str, expected: str) -> None:
    assert normal_label(written, field) == expected
    assert normal_label(expected, field) == expected, "and keeps it"


OWN = Config(
    labels=Labels(
        channel={"LinkedIn ": "Paid  Social", "paid social": "social", "none": "unknown"},
        segment={"ent": "Enterprise", "enterprise": "Large", "small": "", "tiny": "ALL"},
        stage={"Closed Won": "won"},
        product={"STRASSE": "road"},
    )
)


@pytest.mark.parametrize(
    ("label", "field", "expected"),
    [
        ("linkedin", "channel", "paid social"),
        ("paid social", "channel", "social"),
        ("(none)", "channel", "direct"),
        ("(Direct)", "channel", "direct"),
        ("none", "channel", "unknown"),
        ("email", "channel", "email"),
        ("ENT", "segment", "Enterprise"),
        ("enterprise", "segment", "Large"),
        ("small", "segment", None),
        ("tiny", "segment", None),
        ("All", "segment", None),
        ("(UNATTRIBUTED)", "region", None),
        ("(none)", "deal_type", None),
        ("all", "kind", "all"),
        ("Unattributed", "stage", "Unattributed"),
        ("closed won", "stage", "won"),
        ("stra\u00dfe", "product", "road"),
        (None, "region", None),
    ],
)
def test_the_firms_own_words(label: str | None, field: str, expected: str | None) -> None:
    """Once, never what a map gave; without regard to case; nothing and reserved words are null where null may be."""
    assert mapped(label, field, OWN) == expected


def test_the_map_of_channels_is_there_without_any_configuration() -> None:
    assert [mapped(label, "channel", Config()) for label in ("(none)", "none", "(direct)", "paid")] == [
        "direct",
        "direct",
        "direct",
        "paid",
    ]
    assert mapped("none", "kind", Config()) == "none", "it is one of channels"


def test_a_label_of_the_configuration_is_met_in_any_case_and_spelling() -> None:
    assert is_among("Trade Show", ["trade\u00a0 SHOW"], "lead_source")
    assert is_among("stra\u00dfe", ["STRASSE"], "channel")
    assert not is_among("tradeshow", ["trade show"], "lead_source")
    assert not is_among(None, ["trade show"], "lead_source")


@pytest.mark.parametrize(
    ("campaign_id", "expected"),
    [
        ("(not set)", True),
        ("(Direct)", True),
        ("ALL", True),
        ("(data not available)", True),
        (" all", False),
        ("spring", False),
        ("none", False),
    ],
)
def test_what_stands_for_no_campaign(campaign_id: str, expected: bool) -> None:
    assert is_no_campaign(campaign_id) is expected
