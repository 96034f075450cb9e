"""The envelope in both modes, the lean structs, and numbers that survive."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import ENCODER, exact_decoder, exact_number, from_binary_mode, is_binary_mode, lean_decoder, lean_type, type_of
from schemas.events import EVENT_TYPES, Deal, Identity, Touch
from schemas.records import Headers
from tests.unit.schemas.event_samples import SAMPLES, sample


@pytest.mark.parametrize(
    ("headers", "is_binary"),
    [
        ([], False),
        ([("trace", b"x")], False),
        ([("ce_id", b"1")], True),
        ([("CE_ID", b"1")], False),
        ([("content-type", b"application/json"), ("ce_id", b"1")], True),
        ([("Content-Type", b"Application/CloudEvents+JSON; charset=utf-8"), ("ce_id", b"1")], False),
        ([("ce_id", b"1"), ("content-type", b"application/cloudevents-batch+json")], False),
        ([("content-type", None), ("ce_id", None)], True),
    ],
)
def test_which_records_are_in_binary_mode(headers: Headers, is_binary: bool) -> None:
    assert is_binary_mode(headers) is is_binary


def test_attributes_of_the_headers_become_the_envelope() -> None:
    headers: Headers = [("ce_id", b"e-1"), ("ce_source", "é".encode()), ("ce_data", b"{}"), ("other", b"x"), ("ce_time", None)]  # type: ignore[list-item]
    written = from_binary_mode(b' {"a": 1} ', headers)
    assert json.loads(written) == {"id": "e-1", "source": "é", "time": "", "data": {"a": 1}}
    assert written.count(b'"data"') == 1, "the decoder would look at the other one first"


def test_of_an_attribute_named_twice_the_last_counts() -> None:
    assert json.loads(from_binary_mode(b"1", [("ce_id", b"a"), ("ce_id", b"b")])) == {"id": "b", "data": 1}


@pytest.mark.parametrize("value", [b"", b"{", b'{}"x":1', b'1,"id":2', b'{"a":"\xff"}', b"NaN"])
def test_a_value_must_be_json_by_itself(value: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        from_binary_mode(value, [("ce_id", b"1")])


@pytest.mark.parametrize(
    ("value", "found"),
    [(b'{"type":"x","data":5}', "x"), (b'{"type":1}', None), (b"{}", None), (b"[]", None), (b'{"type":"a","type":"b"}', "b")],
)
def test_what_an_event_says_its_type_is(value: bytes, found: str | None) -> None:
    assert type_of(value) == found


@pytest.mark.parametrize("event_type", SAMPLES)
def test_lean_and_exact_structs_read_the_same(event_type: str) -> None:
    value = json.dumps(sample(event_type)).encode()
    lean, exact = lean_decoder().decode(value), exact_decoder().decode(value)
    assert ENCODER.encode(lean.data) == ENCODER.encode(exact.data)
    assert (lean.id, lean.source, lean.time) == (exact.id, exact.source, exact.time)
    struct = EVENT_TYPES[event_type].struct
    assert lean.data.__struct_fields__ == exact.data.__struct_fields__ == tuple(sorted(struct.__struct_fields__))


def test_lean_structs_have_no_ranges_but_types_and_enums() -> None:
    lean = lean_type(Touch)
    fields: dict[str, Any] = {"account_id": "", "channel": "c", "kind": "k", "team": "sales"}
    assert msgspec.convert(fields, lean).account_id == ""  # type: ignore[attr-defined]
    with pytest.raises(msgspec.ValidationError, match="length <= 256"):
        msgspec.convert(fields | {"account_id": "x" * 257}, Touch)
    assert msgspec.convert(fields | {"account_id": "x" * 257}, lean).account_id == "x" * 257  # type: ignore[attr-defined]
    for wrong in ({"team": "Sales"}, {"channel": 5}, {"utm": "x"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(fields | wrong, lean)


def test_a_closed_type_has_no_other_fields_at_any_depth() -> None:
    value = json.dumps(sample("nisba.touch.v1", utm={"gclid": "x"})).encode()
    assert lean_decoder().decode(value).data.utm.source is None
    with pytest.raises(msgspec.ValidationError, match="unknown field `gclid`"):
        lean_decoder(is_closed=True).decode(value)
    extended = json.dumps(sample("nisba.touch.v1") | {"traceparent": "00-1"}).encode()
    assert lean_decoder(is_closed=True).decode(extended).data.channel == "paid_search", "the envelope may have extensions"


def test_lean_types_are_lean_all_the_way_down() -> None:
    identity = msgspec.convert({"op": "link", "left": {"kind": "lead", "id": ""}, "right": {"kind": "lead", "id": ""}}, lean_type(Identity))
    assert identity.left.id == ""  # type: ignore[attr-defined]
    deal = {"deal_id": "", "account_id": "a", "stage": "s", "status": "won", "opened_at": "", "contact_ids": [""], "revision": 2**70}
    assert msgspec.convert(deal, lean_type(Deal)).revision == 2**70  # type: ignore[attr-defined]
    assert lean_type(Deal) is lean_type(Deal)


DOUBLES = {"0.10": 0.1, "-2.5": -2.5, "1e-5": 1e-5, "0.30000000000000004": 0.30000000000000004, "12345678.1234": 12345678.1234}
WHOLE = {
    "1.000": 1,
    "-0.0": 0,
    "-0e-3": 0,
    "1e5": 100_000,
    "1.5E+1": 15,
    "9007199254740993.0": 9007199254740993,
    "123456789012345678901234567890.00": 123456789012345678901234567890,
    "-1e22": -(10**22),
    "1e308": 10**308,
}
EXACT = {
    "1e309": "1E+309",
    "10.0e399": "1E+400",
    "0.1000000000000000000001": "0.1000000000000000000001",
    "0.10000000000000000000010": "0.1000000000000000000001",
    "123456789012345678.50": "123456789012345678.5",
}


@pytest.mark.parametrize(("text", "number"), DOUBLES.items())
def test_numbers_that_a_double_holds_are_doubles(text: str, number: float) -> None:
    found = exact_number(text)
    assert (type(found), found) == (float, number)


@pytest.mark.parametrize(("text", "number"), WHOLE.items())
def test_whole_numbers_are_whole_however_they_are_written(text: str, number: int) -> None:
    found = exact_number(text)
    assert (type(found), found) == (int, number)


@pytest.mark.parametrize(("text", "number"), EXACT.items())
def test_numbers_that_a_double_does_not_hold_stay_exact(text: str, number: str) -> None:
    found = exact_number(text)
    assert (type(found), str(found)) == (Decimal, number)


def test_a_few_bytes_do_not_become_megabytes() -> None:
    assert len(ENCODER.encode([exact_number("1e999999")] * 10)) < 200


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_no_number_changes_its_value(number: Decimal) -> None:
    text = format(number, "f")
    assert Decimal(repr(exact_number(text))) == number if isinstance(exact_number(text), float) else exact_number(text) == number
