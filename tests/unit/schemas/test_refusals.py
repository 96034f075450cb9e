"""Which class each broken record gets, and which path its message names."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from schemas.decoder import decode_block
from schemas.refusals import DEAD_LETTER_SCHEMA
from tests.unit.schemas.event_samples import SAMPLES, block, dead_letter, decoded, fact, sample

TOUCH = "nisba.touch.v1"
DEAL = "nisba.deal.v1"


def touch_bytes(old: bytes = b"", new: bytes = b"") -> bytes:
    return json.dumps(sample(TOUCH)).encode().replace(old, new, 1)


MALFORMED = {
    "empty": b"",
    "blank": b"  ",
    "no JSON": b"hello",
    "cut off": touch_bytes()[:-5],
    "two objects": touch_bytes() + touch_bytes(),
    "two objects on two lines": touch_bytes() + b"\n" + touch_bytes(),
    "byte order mark alone": b"\xef\xbb\xbf",
    "two byte order marks": b"\xef\xbb\xbf" * 2 + touch_bytes(),
    "byte order mark of UTF-16": b"\xff\xfe" + touch_bytes(),
    "NaN": touch_bytes(b'"pro"', b"NaN"),
    "invalid UTF-8 in a field": touch_bytes(b"acme", b"\xff"),
    "invalid UTF-8 in an unknown field": touch_bytes(b'"data"', b'"x": "\xff", "data"'),
    "UTF-8 of a surrogate": touch_bytes(b"acme", b"\xed\xa0\x80"),
    "lone surrogate": touch_bytes(b"acme", b"\\ud800"),
    "lone low surrogate": touch_bytes(b"acme", b"\\udc00 and more text"),
    "control character": touch_bytes(b"acme", b"a\x01b"),
    "too deep": touch_bytes(b'"pro"', b"[" * 100_000 + b"]" * 100_000),
    "too deep in an unknown field": touch_bytes(b'"data"', b'"x": ' + b"[" * 100_000 + b"]" * 100_000 + b', "data"'),
    "wrong type, then no JSON": b'{"id": 5, "type": "nisba.touch.v1", "x": }',
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_malformed(value: bytes) -> None:
    error_class, message = dead_letter(value)
    assert (error_class, bool(message)) == ("malformed", True)


def envelope(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (sample(TOUCH) | changes).items() if value is not ...}


ENVELOPES = [
    ([1, 2], "$:"),
    (5, "$:"),
    (envelope(id=...), "$.id:"),
    (envelope(id=""), "$.id:"),
    (envelope(id="x" * 257), "$.id:"),
    (envelope(id=7), "$.id:"),
    (envelope(source=None), "$.source:"),
    (envelope(type=...), "$.type:"),
    (envelope(type=1), "$.type:"),
    (envelope(specversion="0.3"), "$.specversion:"),
    (envelope(specversion=...), "$.specversion:"),
    (envelope(data=...), "$.data:"),
    (envelope(data=None), "$.data:"),
    (envelope(data="{}"), "$.data:"),
    (envelope(data=[]), "$.data:"),
    (envelope(time=...), "$.time:"),
    (envelope(time=1772346600), "$.time:"),
    *(
        (envelope(time=time), "$.time:")
        for time in (
            "2026-03-01T09:30:00",  # naive
            "2026-03-01",
            "2026-03-01T09:30Z",
            "2026-03-01T09:30:60Z",
            "2026-03-01T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-03-01T09:30:00+24:00",
            "2026-03-01T09:30:00+2400",
            "2026-03-01T09:30:00+3",
            "2026-03-01T09:30:00+03:0",
            "2026-03-01T09:30:00+03:60",
            "2026-02-30T09:30:00+0300",
            "0001-00-00T00:00:00Z",
            "2026-03-01T09:30:00.Z",
            "20260301T093000Z",
            " 2026-03-01T09:30:00Z",
            "2026-03-01T09:30:00Z\n",
            "٢٠٢٦-03-01T09:30:00Z",
            "",
        )
    ),
]


@pytest.mark.parametrize(("value", "path"), ENVELOPES)
def test_schema_of_the_envelope(value: Any, path: str) -> None:
    error_class, message = dead_letter(value)
    assert (error_class, message[: len(path)]) == ("schema", path)


def test_a_naive_time_is_never_guessed() -> None:
    _, message = dead_letter(envelope(time="2026-03-01T09:30:00"))
    assert message == "$.time: '2026-03-01T09:30:00' has no offset: write Z or one such as +03:00, it is never guessed"


@pytest.mark.parametrize("type_name", ["nisba.touch.v2", "nisba.touch", "com.example", "", "nisba.touch.v1 "])
def test_unknown_types(type_name: str) -> None:
    error_class, message = dead_letter(envelope(type=type_name))
    assert (error_class, message[:8]) == ("unknown_type", "$.type: ")
    assert repr(type_name) in message


REQUIRED = {
    TOUCH: "channel kind team",
    "nisba.touch-retraction.v1": "touch_source touch_id",
    "nisba.campaign.v1": "campaign_id name channel",
    "nisba.spend.v1": "campaign_id starts_on amount currency",
    "nisba.lead-stage.v1": "lead_id stage",
    "nisba.account.v1": "account_id",
    DEAL: "deal_id stage status",
    "nisba.adjustment.v1": "adjustment_id deal_id amount currency",
    "nisba.identity.v1": "op left right",
    "nisba.fx.v1": "date base quote rate",
}


@pytest.mark.parametrize(("event_type", "field"), [(t, f) for t, fields in REQUIRED.items() for f in fields.split()])
def test_required_fields(event_type: str, field: str) -> None:
    for value in (..., None, 5, ""):
        error_class, message = dead_letter(sample(event_type, **{field: value}))
        assert (error_class, message.partition(":")[0]) == ("schema", f"$.data.{field}")


NOBODY = {"account_id": ..., "person_id": ..., "visitor_id": ...}
DATA = [
    (TOUCH, NOBODY, "schema", "$.data"),
    (TOUCH, {"account_id": "", "visitor_id": "", "person_id": ""}, "schema", "$.data"),
    ("nisba.account.v1", {"account_id": ""}, "schema", "$.data.account_id"),
    ("nisba.account.v1", {"employees": "12"}, "schema", "$.data.employees"),
    ("nisba.account.v1", {"employees": 2**63}, "schema", "$.data.employees"),
    (TOUCH, {"campaign_id": "x" * 257}, "schema", "$.data.campaign_id"),
    (TOUCH, {"team": "Marketing"}, "schema", "$.data.team"),
    (TOUCH, {"utm": {"source": 5}}, "schema", "$.data.utm.source"),
    (TOUCH, {"attributes": [1]}, "schema", "$.data.attributes"),
    ("nisba.campaign.v1", {"ends_on": "2026-02-28"}, "semantic", "$.data.ends_on"),
    ("nisba.campaign.v1", {"currency": ...}, "schema", "$.data.currency"),
    ("nisba.campaign.v1", {"budget": ..., "currency": "XXQ"}, "semantic", "$.data.currency"),
    ("nisba.spend.v1", {"ends_on": "2026-02-28"}, "semantic", "$.data.ends_on"),
    ("nisba.spend.v1", {"starts_on": "2026-02-30"}, "schema", "$.data.starts_on"),
    ("nisba.spend.v1", {"starts_on": "2026-3-1"}, "schema", "$.data.starts_on"),
    ("nisba.spend.v1", {"amount": "1.2345678"}, "semantic", "$.data.amount"),
    ("nisba.spend.v1", {"spend_id": "x" * 257}, "schema", "$.data.spend_id"),
    ("nisba.spend.v1", {"impressions": 10**15}, "semantic", "$.data.impressions"),
    ("nisba.spend.v1", {"leads": 10**30}, "semantic", "$.data.leads"),
    ("nisba.spend.v1", {"currency": "usd"}, "semantic", "$.data.currency"),
    ("nisba.spend.v1", {"currency": "XAU"}, "semantic", "$.data.currency"),
    ("nisba.spend.v1", {"currency": "CLF"}, "semantic", "$.data.currency"),
    ("nisba.spend.v1", {"amount": "1000000000000"}, "schema", "$.data.amount"),
    ("nisba.spend.v1", {"amount": "-1000000000000.00"}, "schema", "$.data.amount"),
    *(
        ("nisba.spend.v1", {"amount": text}, "schema", "$.data.amount")
        for text in ("", "1e3", "+5", "1,5", " 5", "5 ", ".5", "5.", "NaN", "Infinity", "0x1", "1_000", "٣", "--1", "5\n")
    ),
    ("nisba.spend.v1", {"amount": 120.5}, "schema", "$.data.amount"),
    ("nisba.spend.v1", {"clicks": 2**63}, "semantic", "$.data.clicks"),
    ("nisba.spend.v1", {"clicks": 1.5}, "schema", "$.data.clicks"),
    ("nisba.spend.v1", {"clicks": True}, "schema", "$.data.clicks"),
    ("nisba.lead-stage.v1", {"stage": "won"}, "schema", "$.data.stage"),
    ("nisba.lead-stage.v1", {"score": "high"}, "schema", "$.data.score"),
    (DEAL, {"amount": ...}, "schema", "$.data.amount"),
    (DEAL, {"currency": ...}, "schema", "$.data.currency"),
    (DEAL, {"amount": "1000000000000000"}, "schema", "$.data.amount"),
    (DEAL, {"amount": "", "list_amount": ""}, "schema", "$.data.amount"),
    (DEAL, {"list_amount": 5}, "schema", "$.data.list_amount"),
    (DEAL, {"closed_at": ...}, "schema", "$.data.closed_at"),
    (DEAL, {"status": "lost", "closed_at": ...}, "schema", "$.data.closed_at"),
    (DEAL, {"status": "lost", "amount": ..., "list_amount": "5", "currency": ...}, "schema", "$.data.currency"),
    (DEAL, {"amount": "-0.01"}, "schema", "$.data.amount"),
    (DEAL, {"amount": "1.005"}, "semantic", "$.data.amount"),
    (DEAL, {"list_amount": "1.005"}, "semantic", "$.data.list_amount"),
    (DEAL, {"currency": "ABC"}, "semantic", "$.data.currency"),
    (DEAL, {"status": "Won"}, "schema", "$.data.status"),
    (DEAL, {"opened_at": "2026-01-10T08:00:00"}, "schema", "$.data.opened_at"),
    (DEAL, {"closed_at": "2026-01-10"}, "schema", "$.data.closed_at"),
    (DEAL, {"contact_ids": ["p", ""]}, "schema", "$.data.contact_ids[1]"),
    (DEAL, {"contact_ids": ["p", None]}, "schema", "$.data.contact_ids[1]"),
    (DEAL, {"deal_type": 5}, "schema", "$.data.deal_type"),
    (DEAL, {"revision": 2**63}, "schema", "$.data.revision"),
    (DEAL, {"revision": "4"}, "schema", "$.data.revision"),
    (DEAL, {"deleted": "no"}, "schema", "$.data.deleted"),
    ("nisba.identity.v1", {"right": {"kind": "visitor", "id": "v-81"}}, "semantic", "$.data.right"),
    ("nisba.identity.v1", {"right": {"kind": "deal", "id": "d"}}, "schema", "$.data.right.kind"),
    ("nisba.identity.v1", {"left": {"kind": "lead"}}, "schema", "$.data.left.id"),
    ("nisba.identity.v1", {"left": {"kind": "lead", "id": ""}}, "schema", "$.data.left.id"),
    ("nisba.identity.v1", {"op": "merge"}, "schema", "$.data.op"),
    ("nisba.fx.v1", {"rate": "0"}, "semantic", "$.data.rate"),
    ("nisba.fx.v1", {"rate": "0.000"}, "semantic", "$.data.rate"),
    ("nisba.fx.v1", {"rate": "-1.2"}, "semantic", "$.data.rate"),
    ("nisba.fx.v1", {"rate": "1.2e3"}, "schema", "$.data.rate"),
    ("nisba.fx.v1", {"rate": 1.08}, "schema", "$.data.rate"),
    ("nisba.fx.v1", {"base": "EURO"}, "semantic", "$.data.base"),
    ("nisba.fx.v1", {"date": "2026-13-01"}, "schema", "$.data.date"),
    ("nisba.erasure.v1", {"visitor_id": ...}, "schema", "$.data"),
    ("nisba.erasure.v1", {"person_id": "p-1"}, "schema", "$.data"),
    ("nisba.touch-retraction.v1", {"touch_id": ""}, "schema", "$.data.touch_id"),
]


@pytest.mark.parametrize(("event_type", "changes", "error_class", "path"), DATA)
def test_data(event_type: str, changes: dict[str, Any], error_class: str, path: str) -> None:
    found, message = dead_letter(sample(event_type, **changes))
    assert (found, message.partition(":")[0]) == (error_class, path)


SENTENCES = [
    (DEAL, {"amount": 1234.5}, "$.data.amount: a number where text is expected: write it as text, in quotation marks"),
    (DEAL, {"amount": 123450}, "$.data.amount: a whole number where text is expected: write it as text, in quotation marks"),
    (DEAL, {"deal_id": 7}, "$.data.deal_id: a whole number where text is expected: write it as text, in quotation marks"),
    (
        DEAL,
        {"closed_at": 1772346600},
        "$.data.closed_at: a whole number where text is expected: write it as an RFC 3339 time such as 2026-03-01T09:30:00+03:00",
    ),
    (
        DEAL,
        {"closed_at": "2026-03-31"},
        "$.data.closed_at: '2026-03-31' is not an RFC 3339 time such as 2026-03-01T09:30:00+03:00; where only the day is known, "
        "send closed_on",
    ),
    (DEAL, {"opened_at": ..., "status": "open"}, "$.data.opened_at: missing, and so is opened_on: an open deal needs one of the two"),
    (DEAL, {"deal_id": None}, "$.data.deal_id: null, and it is required"),
    (DEAL, {"deal_id": ""}, "$.data.deal_id: empty, and it is required"),
    (DEAL, {"deal_id": "x" * 257}, "$.data.deal_id: longer than 256 characters"),
    (DEAL, {"owner": {"name": "Zoe"}}, "$.data.owner: an object where text is expected"),
    (DEAL, {"contact_ids": "p-1"}, "$.data.contact_ids: text where a list is expected"),
    (DEAL, {"contact_ids": ["p", 5]}, "$.data.contact_ids[1]: a whole number where text is expected: write it as text, in quotation marks"),
    (DEAL, {"deleted": "no"}, "$.data.deleted: text where true or false is expected"),
    (DEAL, {"revision": "4"}, "$.data.revision: text where a whole number is expected"),
    (DEAL, {"revision": 1.5}, "$.data.revision: a number where a whole number is expected"),
    (DEAL, {"revision": 2**63}, "$.data.revision: out of range: whole numbers have 64 bits"),
    (DEAL, {"status": "Won"}, "$.data.status: 'Won' is none of the values that are known here: open, won, lost"),
    (DEAL, {"status": "x" * 300}, f"$.data.status: '{'x' * 99}…' is none of the values that are known here: open, won, lost"),
    (TOUCH, {"team": "Sales"}, "$.data.team: 'Sales' is none of the values that are known here: marketing, sales, partner, customer"),
    (TOUCH, {"attributes": [1]}, "$.data.attributes: a list where an object is expected"),
    (TOUCH, {"utm": {"source": True}}, "$.data.utm.source: true or false where text is expected"),
    ("nisba.lead-stage.v1", {"score": "high"}, "$.data.score: text where a number is expected"),
    (
        "nisba.lead-stage.v1",
        {"stage": "MQL"},
        "$.data.stage: 'MQL' is none of the values that are known here: inquiry, mql, sal, sql, opportunity, rejected, recycled, customer",
    ),
    (
        "nisba.identity.v1",
        {"left": {"kind": "deal", "id": "d"}},
        "$.data.left.kind: 'deal' is none of the values that are known here: visitor, person, lead, account",
    ),
]


@pytest.mark.parametrize(("event_type", "changes", "sentence"), SENTENCES)
def test_what_is_wrong_is_said_in_words(event_type: str, changes: dict[str, Any], sentence: str) -> None:
    assert dead_letter(sample(event_type, **changes)) == ("schema", sentence)


def test_the_version_of_the_envelope_is_named() -> None:
    assert dead_letter(envelope(specversion="0.3"))[1] == "$.specversion: '0.3' is none of the values that are known here: 1.0"


def test_a_byte_order_mark_is_read_over_and_kept_in_the_dead_letter() -> None:
    marked = b"\xef\xbb\xbf" + touch_bytes()
    assert fact(marked) == fact(touch_bytes())
    assert fact(marked, headers=[[("content-type", b"application/cloudevents+json")]]) == fact(touch_bytes())
    headers = [[("ce_id", b"e-1"), ("ce_source", b"test"), ("ce_type", TOUCH.encode()), ("ce_time", b"2026-03-01T09:30:00+03:00")]]
    headers[0].append(("ce_specversion", b"1.0"))
    assert fact(b"\xef\xbb\xbf" + json.dumps(SAMPLES[TOUCH]).encode(), headers=headers) == fact(touch_bytes())
    assert fact(b"\xef\xbb\xbf" + json.dumps(sample(TOUCH, channel="Clic\u00a0 A")).encode())["channel"] == "clic a"
    bad = b"\xef\xbb\xbf" + json.dumps(sample(DEAL, closed_at=...)).encode()
    assert dead_letter(bad)[1].startswith("$.data.closed_at: missing")


def test_one_bad_record_leaves_its_neighbours_alone() -> None:
    values = [sample(event_type) for event_type in SAMPLES] * 3
    values[4], values[11] = b"{", sample(DEAL, amount="1.005")  # type: ignore[call-overload]
    result = decoded(*values, None)
    assert result.dead_letters.column("kafka_offset").to_pylist() == [104, 111]
    assert result.dead_letters.column("error_class").to_pylist() == ["malformed", "semantic"]
    assert sum(table.num_rows for table in result.facts.values()) == 31


def test_lines_cannot_change_places() -> None:
    two = touch_bytes() + b"\n" + touch_bytes()
    result = decoded(two, b"", touch_bytes())
    assert result.dead_letters.column("kafka_offset").to_pylist() == [100, 101]
    assert result.facts["touch"].column("kafka_offset").to_pylist() == [102]


def test_a_dead_letter_keeps_everything() -> None:
    headers = [("replay.attempt", b"2"), ("trace", b"\xff\x00"), ("empty", None)]
    result = decode_block(block(b"{", headers=[headers], keys=[b"\xffkey"]))
    (row,) = result.dead_letters.to_pylist()
    assert result.dead_letters.schema == DEAD_LETTER_SCHEMA
    assert json.loads(row.pop("headers")) == [["replay.attempt", base64.b64encode(b"2").decode()], ["trace", "/wA="], ["empty", ""]]
    assert row.pop("message").startswith("not one JSON object")
    assert row == {
        "topic": "topic",
        "kafka_partition": 3,
        "kafka_offset": 100,
        "error_class": "malformed",
        "key": b"\xffkey",
        "value": b"{",
        "timestamp_ms": None,
        "attempt": 2,
    }


def test_oversized() -> None:
    value = touch_bytes()
    result = decode_block(block(value, None, value + b" "), max_record_bytes=len(value))
    assert result.dead_letters.column("error_class").to_pylist() == ["oversized"]
    assert result.dead_letters.column("kafka_offset").to_pylist() == [102]
    assert result.dead_letters.column("value").to_pylist() == [value + b" "]
    assert result.facts["touch"].num_rows == 1


def test_ids_are_counted_in_characters() -> None:
    assert fact(sample(TOUCH, account_id="é" * 256))["account_id"] == "é" * 256
    assert dead_letter(sample(TOUCH, account_id="é" * 257))[0] == "schema"
