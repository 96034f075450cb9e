"""Both readings of each kind of value: what the quick one reads, the exact one reads as the same; what the exact one refuses, it marks."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nisba.attribution.facts import FACT_TYPES, TEXT
from nisba.attribution.labels import LOWERED, REQUIRED
from nisba.attribution.preparation import LABELS
from nisba.errors import Refused
from schemas.events import BY_FACT_TYPE, Adjustment, Deal, Spend, Touch
from schemas.kinds import KINDS, fields_of_kind, optional_texts, parse_instant, plain_decimal, short, without_empty
from tests.strategies import examples

PATH = "$.data.x"


def quick(kind: str, *values: Any, currency: str | None = "USD") -> tuple[list[Any], list[bool]]:
    """Return what the column becomes, in canonical text where the kind has one, and which rows are marked."""
    given = pa.array(values, TEXT) if KINDS[kind].is_text else list(values)
    column, marked = KINDS[kind].column(given, [SimpleNamespace(currency=currency)] * len(values))
    texts = KINDS[kind].texts
    found = texts(column) if texts else [value.isoformat() if isinstance(value, dt.date) else value for value in column.to_pylist()]
    return found, [False] * len(values) if marked is None else marked.tolist()


def exact(kind: str, text: str, currency: str | None = "USD") -> str | tuple[str, str]:
    """Return the canonical text, or class and sentence of the refusal."""
    read = KINDS[kind].one
    assert read is not None
    try:
        written: str = read(text, PATH, SimpleNamespace(currency=currency))
        return written
    except Refused as refusal:
        return refusal.error_class, refusal.message


# kind: texts that the quick way must read, with what they are
PLAIN = {
    "instant": {
        "2026-03-01T09:30:00Z": "2026-03-01T09:30:00.000000Z",
        "2026-03-01 09:30:00.5+03:00": "2026-03-01T06:30:00.500000Z",
        "1969-12-31T23:59:59.999999-23:59": "1970-01-01T23:58:59.999999Z",
        "0001-01-01T00:00:00Z": "0001-01-01T00:00:00.000000Z",
        "2026-01-05T10:00:00+0300": "2026-01-05T07:00:00.000000Z",
        "2026-01-05T10:00:00+03": "2026-01-05T07:00:00.000000Z",
        "2026-01-05T10:00:00.5-0330": "2026-01-05T13:30:00.500000Z",
    },
    "date": {"2026-03-01": "2026-03-01", "2024-02-29": "2024-02-29", "0001-01-01": "0001-01-01", "9999-12-31": "9999-12-31"},
    "rate": {"1": "1", "0.5": "0.5", "150.123456789": "150.123456789", "0": "0", "-1.5": "-1.5"},
    "currency": {"USD": "USD", "JPY": "JPY", "HRK": "HRK"},
    "amount": {"1": "1", "-1.50": "-1.5", "0.00": "0", "-0.00": "0", "999999999999999.99": "999999999999999.99", "100": "100", "001": "1"},
    "cost": {
        "211.120966": "211.120966",
        "-0.000001": "-0.000001",
        "999999999999.999999": "999999999999.999999",
        "12.5": "12.5",
        "0.0": "0",
    },
    "label": {
        " Mid  Market ": "Mid Market",
        "Closed\u00a0\u202fwon": "Closed won",
        "Cafe\u0301": "Caf\u00e9",
        "\u2003\u3000": "",
        "SMB": "SMB",
        "": "",
    },
    "lower_case_label": {"LinkedIn": "linkedin", " Paid\u00a0 Search": "paid search", "\u0130stanbul": "i\u0307stanbul", "click": "click"},
}
# kind: texts that only the exact way reads
ODD = {
    "instant": {
        "2026-03-01t09:30:00z": "2026-03-01T09:30:00.000000Z",
        "2026-03-01T09:30:00.1234567Z": "2026-03-01T09:30:00.123456Z",
        "2026-03-01T09:30:00.9999999+03:00": "2026-03-01T06:30:00.999999Z",
        "2026-03-01t09:30:00.1234567+0300": "2026-03-01T06:30:00.123456Z",
        "0001-01-01T00:00:00+00:01": "0001-01-01T00:00:00.000000Z",  # as far away as can be
        "9999-12-31T23:59:59-05:00": "9999-12-31T23:59:59.999999Z",
    },
    "date": {"0000-01-01": "0004-01-01"},
    "rate": {"01.50": "1.5", "1.0": "1", "0.0": "0", "-0": "0"},
    "currency": {},
    "amount": {"1.5000": "1.5", "0000000000000000.10": "0.1"},
    "cost": {"1.5000000": "1.5", "0000000000001.000001": "1.000001"},
    "label": {},
    "lower_case_label": {},
}
# kind: texts that nobody reads, with class and sentence
REFUSED = {
    "instant": {
        "yesterday": ("schema", "$.data.x: 'yesterday' is not an RFC 3339 time such as 2026-03-01T09:30:00+03:00"),
        "2026-03-01T09:30:00": (
            "schema",
            "$.data.x: '2026-03-01T09:30:00' has no offset: write Z or one such as +03:00, it is never guessed",
        ),
        "2026-02-29T00:00:00Z": (
            "schema",
            "$.data.x: '2026-02-29T00:00:00Z' is no instant of the calendar (day is out of range for month); seconds run from 00 to 59",
        ),
        "2026-03-01T09:30:60Z": (
            "schema",
            "$.data.x: '2026-03-01T09:30:60Z' is no instant of the calendar (second must be in 0..59); seconds run from 00 to 59",
        ),
        "2026-03-01": ("schema", "$.data.x: '2026-03-01' is not an RFC 3339 time such as 2026-03-01T09:30:00+03:00"),
        "2026-03-01T09:30:00+3": ("schema", "$.data.x: '2026-03-01T09:30:00+3' is not an RFC 3339 time such as 2026-03-01T09:30:00+03:00"),
    },
    "date": {
        "2026-3-1": ("schema", "$.data.x: '2026-3-1' is not a date such as 2026-03-01"),
        "2026-02-29": ("schema", "$.data.x: '2026-02-29' is not a date such as 2026-03-01"),
        "0001-00-00": ("schema", "$.data.x: '0001-00-00' is not a date such as 2026-03-01"),
    },
    "rate": {"1e3": ("schema", "$.data.x: '1e3' is not a decimal string such as \"1.0834\"")},
    "currency": {
        "usd": ("semantic", "$.data.x: unknown currency 'usd': expected an ISO 4217 code such as 'EUR'"),
        "": ("schema", "$.data.x: empty, and it is required: an ISO 4217 code such as 'EUR'"),
        "XAU": ("semantic", "$.data.x: currency 'XAU' has no minor unit and cannot be booked"),
        "CLF": ("semantic", "$.data.x: currency 'CLF' has 4 decimals: the books hold 3 at most"),
    },
    "amount": {
        "1,5": ("schema", "$.data.x: '1,5' is not a decimal string such as \"1234.50\""),
        "1000000000000000": ("schema", "$.data.x: '1000000000000000' is out of range: the books hold amounts below 10^15"),
        "-1000000000000000.0": ("schema", "$.data.x: '-1000000000000000.0' is out of range: the books hold amounts below 10^15"),
        "1.005": ("semantic", "$.data.x: '1.005' has more decimals than USD has (2)"),
        "1.00001": ("semantic", "$.data.x: '1.00001' has more decimals than USD has (2)"),
    },
    "cost": {
        "1e3": ("schema", "$.data.x: '1e3' is not a decimal string such as \"1234.50\""),
        "1000000000000": ("schema", "$.data.x: '1000000000000' is out of range: the books hold costs below 10^12"),
        "-1000000000000.00": ("schema", "$.data.x: '-1000000000000.00' is out of range: the books hold costs below 10^12"),
        "0.0000001": ("semantic", "$.data.x: '0.0000001' has more than 6 decimals, which is finer than any platform bills"),
    },
    "label": {},
    "lower_case_label": {},
}
TEXT_KINDS = [name for name, kind in KINDS.items() if kind.one is not None and kind.is_text]


def test_every_kind_of_text_is_tried_here() -> None:
    assert set(TEXT_KINDS) == set(PLAIN) == set(ODD) == set(REFUSED)


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_plain_texts_are_read_quickly_and_both_ways_agree(kind: str) -> None:
    texts = PLAIN[kind]
    assert quick(kind, *texts) == (list(texts.values()), [False] * len(texts))
    assert {text: exact(kind, text) for text in texts} == texts


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_what_is_written_otherwise_is_marked_and_read_exactly(kind: str) -> None:
    assert {text: exact(kind, text) for text in ODD[kind]} == ODD[kind]
    assert quick(kind, *ODD[kind])[1] == [True] * len(ODD[kind])


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in REFUSED.items() for text in texts])
def test_what_cannot_be_read_is_marked_alone_and_refused_in_one_sentence(kind: str, text: str) -> None:
    neighbour = next(iter(PLAIN[kind]))
    values, marked = quick(kind, neighbour, text, None, neighbour)
    assert (values[0], marked) == (PLAIN[kind][neighbour], [False, True, False, False])
    assert exact(kind, text) == REFUSED[kind][text]


LIKE = {
    "instant": r"[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,8})?"
    r"(Z|z|[+-][0-2][0-9]:?[0-6][0-9]|[+-][0-9]{1,2})?",
    "date": r"[0-9]{3,4}-[01][0-9]-[0-3][0-9]",
    "rate": r"-?[0-9]{1,3}(\.[0-9]{0,4})?",
    "currency": r"[A-Za-z]{3}|USD|EUR|CLF|XAU",
    "amount": r"-?0{0,2}[0-9]{1,16}(\.[0-9]{0,5})?",
    "cost": r"-?0{0,2}[0-9]{1,13}(\.[0-9]{0,8})?",
    "label": r"[ \u00a0\t]{0,2}[A-Za-z\u0130e\u0301]{0,4}[ \u2003]{0,2}[A-Z]?",
    "lower_case_label": r"[ \u00a0]{0,2}[A-Za-z\u0130e\u0301\u1e9e]{0,4}[ \n]{0,2}[A-Z]?",
}


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_nothing_passes_the_quick_way_that_the_exact_one_would_refuse_or_write_otherwise(kind: str) -> None:
    texts = st.from_regex(LIKE[kind], fullmatch=True) | st.text(max_size=6)

    @examples(30, of_profile=0.5)
    @given(st.lists(texts, min_size=1, max_size=8), st.sampled_from(["USD", "JPY", "KWD", None, "usd"]))
    @example(["2026-03-01T09:30:60Z", "-0", "0.10", "٣"], "KWD")
    def check(values: list[str], currency: str | None) -> None:
        found, marked = quick(kind, *values, currency=currency)
        for text, value, again in zip(values, found, marked, strict=True):
            if not again and (kind, currency) != ("amount", "usd"):
                assert exact(kind, text, currency) == value

    check()


def test_ids_are_counted_in_characters() -> None:
    values = ["", "a", "é" * 256, "é" * 257, "x" * 256, "x" * 257, None]
    assert quick("id", *values)[1] == [True, False, False, True, False, True, False]


def test_lists_of_ids() -> None:
    values = [["a", ""], ["x" * 256], ["x" * 257], ["a", "b"], [], None]
    assert quick("ids", *values) == ([*values[:4], None, None], [True, False, True, False, False, False])


def test_integers_fit_64_bits() -> None:
    values = [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, None]
    assert quick("integer", *values) == ([2**63 - 1, None, -(2**63), None, None], [False, True, False, True, False])
    assert quick("integer", 1, None) == ([1, None], [False, False])


@pytest.mark.parametrize(
    ("text", "currency", "marked"),
    [
        ("1.00", "JPY", False),
        ("1.50", "JPY", True),
        ("1.005", "KWD", False),
        ("1.005", "EUR", True),
        ("1.005", None, False),
        ("7", "usd", False),
    ],
)
def test_an_amount_is_read_in_its_currency(text: str, currency: str | None, marked: bool) -> None:
    """Where there is no currency, or none that exists, others say so."""
    assert quick("amount", text, currency=currency)[1] == [marked]


def test_an_amount_without_currency_has_no_more_decimals_than_any() -> None:
    assert exact("amount", "1.0050", None) == "1.005"
    assert exact("amount", "1.0005", None) == ("semantic", "$.data.x: '1.0005' has more decimals than any currency has (3)")


def test_columns_without_a_value() -> None:
    for kind in KINDS:
        assert quick(kind, None, None) == ([None, None], [False, False])
        assert quick(kind) == ([], [])


def test_fields_know_their_kind() -> None:
    assert fields_of_kind(Deal, "amount") == ("amount", "list_amount")
    assert fields_of_kind(Deal, "ids") == ("contact_ids",)
    assert fields_of_kind(Deal, "id") == ("account_id", "deal_id", "primary_contact_id")
    assert fields_of_kind(Spend, "integer") == ("revision",)
    assert fields_of_kind(Spend, "count") == ("clicks", "impressions", "leads")
    assert fields_of_kind(Deal, "date") == ("closed_on", "opened_on")
    lower = {field for kind in BY_FACT_TYPE.values() for field in fields_of_kind(kind.struct, "lower_case_label")}
    assert lower == LOWERED
    known = {kind for fact_type in FACT_TYPES for kind in KINDS if fields_of_kind(BY_FACT_TYPE[fact_type].struct, kind)}
    assert known == set(KINDS)


def test_the_door_has_the_labels_of_the_core() -> None:
    """Whoever adds a label adds it on both sides."""
    labels = {
        fact_type: {field for kind in ("label", "lower_case_label") for field in fields_of_kind(BY_FACT_TYPE[fact_type].struct, kind)}
        for fact_type in FACT_TYPES
    }
    assert {fact_type: fields for fact_type, fields in labels.items() if fields} == {name: set(fields) for name, fields in LABELS.items()}
    required = {field for fact_type, fields in labels.items() for field in fields - {*optional_texts(BY_FACT_TYPE[fact_type].struct)}}
    assert required == REQUIRED


def test_which_texts_may_be_left_out() -> None:
    assert optional_texts(Adjustment) == ("effective_at", "effective_on", "reason")
    assert optional_texts(Touch) == ("account_id", "campaign_id", "person_id", "referrer", "url", "visitor_id")
    assert {"channel", "kind", "team", "utm", "attributes"}.isdisjoint(optional_texts(Touch))


def test_empty_texts_are_none_and_blanks_are_not() -> None:
    column = pa.array(["a", "", None, " "], TEXT)
    assert without_empty(column).to_pylist() == ["a", None, None, " "]
    plain = pa.array(["a", None], TEXT)
    assert without_empty(plain) is plain
    assert without_empty(pa.array([], TEXT)).to_pylist() == []


def test_labels_that_have_their_form_are_left_as_they_are() -> None:
    column = pa.array(["click", "click", None], TEXT)
    assert KINDS["lower_case_label"].column(column, [])[0] is column


def test_a_count_that_no_column_holds_is_a_large_one() -> None:
    assert quick("count", 10**15, 2**63 - 1, 10**30, None, -1) == ([10**15, 2**63 - 1, 2**63 - 1, None, -1], [False] * 5)
    assert quick("count", -(2**63) - 1) == ([None], [True])


def test_a_number_is_its_value() -> None:
    column, marked = KINDS["number"].column([5.0, 71.5, None, -0.0, 1e300], [])
    texts = KINDS["number"].texts
    assert texts is not None
    assert marked is None
    assert [repr(value) for value in texts(column)] == ["5", "71.5", "None", "0", "1e+300"]


@pytest.mark.parametrize(
    ("text", "plain"), [("-0", "0"), ("-00.10", "-0.1"), ("5.", None), (".5", None), ("+5", None), ("", None), ("٣", None)]
)
def test_plain_decimals(text: str, plain: str | None) -> None:
    assert plain_decimal(text) == plain


def test_strangers_are_quoted_briefly() -> None:
    assert short("a" * 60) == repr("a" * 60)
    assert short("a" * 61) == repr("a" * 60 + "…")
    assert short("a\n'b'") == repr("a\n'b'")


@pytest.mark.parametrize(("digits", "kept"), [("", 0), (".1", 100_000), (".1234567", 123_456), (".0000009", 0), (".999999999999", 999_999)])
def test_digits_beyond_the_microsecond_are_cut_off(digits: str, kept: int) -> None:
    assert parse_instant(f"2026-03-01T09:30:00{digits}Z", PATH).microsecond == kept
