"""What good records become: values of the columns, the canonical form and its hash, both modes, both file forms."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.facts import ledger_schema
from nisba.errors import ContractError
from schemas.canonical import canonical, content_hash, row_to_event
from schemas.decoder import Decoded, decode_block
from schemas.encoding import encode_event, table_records
from schemas.events import EVENT_TYPES
from schemas.keys import partition_key
from schemas.topics import TOPICS, dlq_of, topic_of
from tests.unit.schemas.event_samples import SAMPLES, block, dead_letter, decoded, fact, sample

UTC = dt.timezone.utc
TOUCH, DEAL, SPEND = "nisba.touch.v1", "nisba.deal.v1", "nisba.spend.v1"


def form(value: Any) -> bytes:
    """Return the canonical form of the fact that an event becomes, and check the hash beside it."""
    row = fact(value)
    time, data = row_to_event(EVENT_TYPES[value["type"]].fact_type, row)
    assert row["content_hash"] == content_hash(time, data)
    return canonical(data)


@pytest.mark.parametrize("event_type", SAMPLES)
def test_every_type_has_the_columns_of_the_ledger(event_type: str) -> None:
    fact_type = EVENT_TYPES[event_type].fact_type
    result = decoded(sample(event_type))
    assert list(result.facts) == [fact_type]
    assert result.facts[fact_type].schema == ledger_schema(fact_type)
    row = result.facts[fact_type].to_pylist()[0]
    assert (row["source"], row["event_id"], row["topic"], row["kafka_partition"], row["kafka_offset"]) == ("test", "e-1", "topic", 3, 100)
    assert form(sample(event_type))


def test_a_deal() -> None:
    row = fact(sample(DEAL))
    assert row["opened_at"] == dt.datetime(2026, 1, 10, 8, tzinfo=UTC)
    assert row["closed_at"] == dt.datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert (row["amount"], row["revision"], row["deleted"], row["list_amount"]) == (Decimal("48000.000"), 4, False, None)
    assert row["contact_ids"] == ["p-1", "p-2"]


def test_a_spend_ends_where_it_starts() -> None:
    row = fact(sample(SPEND))
    assert row["ends_on"] == row["starts_on"] == dt.date(2026, 3, 1)
    assert row["revision"] == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T09:30:00+03:00", "2026-03-01T06:30:00"),
        ("2026-03-01T06:30:00Z", "2026-03-01T06:30:00"),
        ("2026-03-01t06:30:00z", "2026-03-01T06:30:00"),
        ("2026-03-01 06:30:00Z", "2026-03-01T06:30:00"),
        ("2026-03-01T06:30:00-00:00", "2026-03-01T06:30:00"),
        ("2026-03-01T06:30:00.5Z", "2026-03-01T06:30:00.500000"),
        ("2026-03-01T06:30:00.1234567Z", "2026-03-01T06:30:00.123456"),
        ("2026-03-01T06:30:00.9999999999Z", "2026-03-01T06:30:00.999999"),
        ("2026-03-01T09:30:00+0300", "2026-03-01T06:30:00"),
        ("2026-03-01T09:30:00+03", "2026-03-01T06:30:00"),
        ("2026-03-01t02:30:00.1234567-0400", "2026-03-01T06:30:00.123456"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00"),
        ("2199-12-31T23:59:59.9999999Z", "2199-12-31T23:59:59.999999"),
        ("2026-12-31T23:59:59.9999999-01:00", "2027-01-01T00:59:59.999999"),
    ],
)
def test_instants_are_cut_off_never_rounded(text: str, expected: str) -> None:
    instant = dt.datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert fact(sample(TOUCH) | {"time": text})["occurred_at"] == instant
    assert fact(sample("nisba.adjustment.v1", effective_at=text))["effective_at"] == instant


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        ("120.50", "USD", "120.5"),
        ("120.5000000", "USD", "120.5"),
        ("0120", "JPY", "120"),
        ("120.000", "JPY", "120"),
        ("1.005", "KWD", "1.005"),
        ("-7.10", "EUR", "-7.1"),
        ("-0.00", "EUR", "0"),
        ("999999999999.99", "USD", "999999999999.99"),
        ("000000000000000001.50", "USD", "1.5"),
        ("1000", "HRK", "1000"),
    ],
)
def test_amounts_are_exact(text: str, currency: str, expected: str) -> None:
    for value in (sample(SPEND, amount=text, currency=currency), sample("nisba.adjustment.v1", amount=text, currency=currency)):
        assert fact(value)["amount"] == Decimal(expected)
        assert json.loads(form(value))["amount"] == expected


@pytest.mark.parametrize("currency", ["JPY", "USD", "KWD"])
def test_a_cost_has_millionths_in_any_currency(currency: str) -> None:
    for text, expected in (("211.120966", "211.120966"), ("-0.0000010", "-0.000001"), ("999999999999.999999", "999999999999.999999")):
        value = sample(SPEND, amount=text, currency=currency)
        assert fact(value)["amount"] == Decimal(expected)
        assert json.loads(form(value))["amount"] == expected


def test_an_amount_below_ten_to_the_fifteenth() -> None:
    for text in ("999999999999999.99", "-999999999999999.99"):
        assert fact(sample("nisba.adjustment.v1", amount=text))["amount"] == Decimal(text)


def test_labels_come_in_one_form_and_ids_and_names_as_they_are() -> None:
    row = fact(sample(TOUCH, channel=" Paid\u00a0 Search", kind="Cafe\u0301", campaign_id=" C ", url=" u "))
    assert (row["channel"], row["kind"], row["campaign_id"], row["url"]) == ("paid search", "caf\u00e9", " C ", " u ")
    labels = ("stage", "segment", "region", "product", "deal_type", "lead_source", "loss_reason", "next_step")
    row = fact(sample(DEAL, name=" Big  Deal ", owner=" Zoe", **dict.fromkeys(labels, "\u2003Mid \t Market\n")))
    assert {name: row[name] for name in labels} == dict.fromkeys(labels, "Mid Market")
    assert (row["name"], row["owner"]) == (" Big  Deal ", " Zoe")
    row = fact(sample("nisba.account.v1", segment=" SMB ", region="\u3000EMEA", industry=" Steel", name=" Acme"))
    assert (row["segment"], row["region"], row["industry"], row["name"]) == ("SMB", "EMEA", " Steel", " Acme")
    row = fact(sample("nisba.campaign.v1", channel="Event ", campaign_type=" Trade  Show", name=" S "))
    assert (row["channel"], row["campaign_type"], row["name"]) == ("event", "Trade Show", " S ")
    assert fact(sample("nisba.lead-stage.v1", team=" T ", reason=" r "))["team"] == " T "


def test_reserved_words_stay_in_the_ledger_where_they_may_be_null() -> None:
    assert fact(sample(TOUCH, campaign_id="(Not Set)", channel="(None)", kind="ALL"))["campaign_id"] == "(Not Set)"
    row = fact(sample(DEAL, segment="All", region="(none)", stage="unattributed"))
    assert (row["segment"], row["region"], row["stage"]) == ("All", "(none)", "unattributed")


EMPTY = [
    (TOUCH, ("account_id", "person_id", "campaign_id", "url", "referrer")),
    ("nisba.touch-retraction.v1", ("reason",)),
    ("nisba.campaign.v1", ("campaign_type", "parent_id", "same_as", "starts_on", "ends_on", "owner")),
    (SPEND, ("spend_id",)),
    ("nisba.account.v1", ("name", "segment", "region", "industry", "owner", "parent_id")),
    ("nisba.lead-stage.v1", ("person_id", "account_id", "deal_id", "owner", "team", "reason", "rule_version")),
    (DEAL, ("account_id", "name", "opened_on", "closed_on", "deal_type", "owner", "segment", "region", "product", "lead_source")),
    (DEAL, ("list_amount", "primary_contact_id", "loss_reason", "next_step")),
    ("nisba.adjustment.v1", ("effective_on", "reason")),
    ("nisba.identity.v1", ("since", "until")),
    ("nisba.erasure.v1", ("person_id", "reason")),
]


@pytest.mark.parametrize(("event_type", "fields"), EMPTY)
def test_an_empty_text_is_none_where_it_is_optional(event_type: str, fields: tuple[str, ...]) -> None:
    bare, empty = (sample(event_type, **dict.fromkeys(fields, value)) for value in (..., ""))
    assert {field: fact(empty)[field] for field in fields} == dict.fromkeys(fields)
    assert form(empty) == form(bare)
    assert decode_block(block(empty), exactly=True).facts == decode_block(block(empty)).facts


def test_amount_and_currency_may_be_empty_together() -> None:
    row = fact(sample(DEAL, amount="", currency=""))
    assert (row["status"], row["amount"], row["currency"]) == ("won", None, None)
    row = fact(sample("nisba.campaign.v1", budget="", currency=""))
    assert (row["budget"], row["currency"]) == (None, None)
    assert fact(sample(SPEND, ends_on=""))["ends_on"] == dt.date(2026, 3, 1)


def test_labels_of_nothing_but_blanks_are_none() -> None:
    row = fact(sample(DEAL, segment="\u00a0", region=" \t"))
    assert (row["segment"], row["region"]) == (None, None)
    assert form(sample(DEAL, segment="\u202f")) == form(sample(DEAL))


def test_days_for_instants() -> None:
    row = fact(sample(DEAL, opened_at=..., opened_on="2026-01-10", closed_at=..., closed_on="2026-03-02"))
    assert (row["opened_at"], row["closed_at"]) == (None, None)
    assert (row["opened_on"], row["closed_on"]) == (dt.date(2026, 1, 10), dt.date(2026, 3, 2))
    value = sample("nisba.adjustment.v1", effective_at=..., effective_on="2026-04-01")
    assert fact(value)["effective_on"] == dt.date(2026, 4, 1)
    assert form(value) == b'{"adjustment_id":"a-1","amount":"-500","currency":"USD","deal_id":"d-1","effective_on":"2026-04-01"}'


def test_what_a_firm_is_called() -> None:
    row = fact(sample("nisba.account.v1"))
    assert (row["account_id"], row["name"], row["employees"], row["revision"], row["deleted"]) == ("acme", "Acme Tools", 120, 2, False)
    assert form(sample("nisba.account.v1", revision=0, deleted=False)) == (
        b'{"account_id":"acme","employees":120,"name":"Acme Tools","segment":"Mid Market"}'
    )
    assert fact(sample("nisba.account.v1", deleted=True))["deleted"] is True


def test_the_window_of_a_membership() -> None:
    member = {"left": {"kind": "person", "id": "p"}, "right": {"kind": "account", "id": "a"}}
    row = fact(sample("nisba.identity.v1", **member, since="2026-01-01T00:00:00+0300", until="2026-02-01T00:00:00Z"))
    assert (row["since"], row["until"]) == (dt.datetime(2025, 12, 31, 21, tzinfo=UTC), dt.datetime(2026, 2, 1, tzinfo=UTC))
    assert b'"since":"2025-12-31T21:00:00.000000Z"' in form(sample("nisba.identity.v1", **member, since="2026-01-01T00:00:00+03"))


def test_the_canonical_form() -> None:
    assert form(sample(TOUCH)) == (
        b'{"account_id":"acme","attributes":{"a":[1,{"b":2,"z":1}],"plan":"pro"},"channel":"paid_search","kind":"click",'
        b'"team":"marketing","utm":{"medium":"cpc","source":"google"},"visitor_id":"v-81"}'
    )
    assert form(sample(DEAL)) == (
        b'{"account_id":"acme","amount":"48000","closed_at":"2026-03-02T16:00:00.000000Z","contact_ids":["p-1","p-2"],"currency":"USD",'
        b'"deal_id":"d-1","opened_at":"2026-01-10T08:00:00.000000Z","revision":4,"stage":"Closed Won","status":"won"}'
    )


SAME = [
    (TOUCH, {"utm": None}, {"utm": {}}),
    (TOUCH, {"utm": ...}, {"utm": {"source": None, "gclid": "x"}}),
    (TOUCH, {"campaign_id": None, "future": 1}, {}),
    (TOUCH, {"utm": {"source": "", "term": ""}}, {"utm": ...}),
    (TOUCH, {"attributes": {}}, {"attributes": None}),
    (TOUCH, {"channel": "Paid  Search\u00a0"}, {"channel": "paid search"}),
    (TOUCH, {"attributes": {"a": [1.0, {"b": 1e2}], "c": 0.10}}, {"attributes": {"a": [1, {"b": 100}], "c": 0.1}}),
    ("nisba.lead-stage.v1", {"attributes": {}}, {}),
    ("nisba.identity.v1", {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}, {}),
    ("nisba.campaign.v1", {"starts_on": "0001-01-01", "ends_on": "9999-12-31"}, {"starts_on": ..., "ends_on": ...}),
    (DEAL, {"status": "open", "closed_at": "9999-12-31T23:59:59-05:00"}, {"status": "open", "closed_at": ...}),
    (SPEND, {"amount": "120.500000"}, {}),
    (TOUCH, {"attributes": {"b": 1, "a": {"d": 1, "c": 2}}}, {"attributes": {"a": {"c": 2, "d": 1}, "b": 1}}),
    (DEAL, {"revision": 0, "deleted": False}, {"revision": ..., "deleted": None}),
    (DEAL, {"contact_ids": []}, {"contact_ids": None}),
    (DEAL, {"amount": "48000"}, {"amount": "48000.00000"}),
    (DEAL, {"opened_at": "2026-01-10T09:00:00+01:00"}, {"opened_at": "2026-01-10T08:00:00.0000009Z"}),
    (SPEND, {"ends_on": "2026-03-01", "revision": 0}, {}),
    ("nisba.fx.v1", {"rate": "1.0834000"}, {"rate": "01.0834"}),
    ("nisba.lead-stage.v1", {"score": 5}, {"score": 5.0}),
]


@pytest.mark.parametrize(("event_type", "one", "other"), SAME)
def test_the_same_content_written_otherwise(event_type: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert form(sample(event_type, **one)) == form(sample(event_type, **other))
    hashes = decoded(sample(event_type, **one), sample(event_type, **other)).facts[EVENT_TYPES[event_type].fact_type]
    assert len(set(hashes.column("content_hash").to_pylist())) == 1


DIFFERENT = [
    (TOUCH, {"channel": "a"}, {"channel": "b"}),
    (DEAL, {"contact_ids": ["p-2", "p-1"]}, {}),
    (DEAL, {"amount": "48000.01"}, {}),
    (DEAL, {"closed_at": ..., "closed_on": "2026-03-02"}, {}),
    (DEAL, {"stage": "closed won"}, {}),
    (TOUCH, {"campaign_id": "(none)"}, {}),
    (SPEND, {"spend_id": "a"}, {}),
]


@pytest.mark.parametrize(("event_type", "one", "other"), DIFFERENT)
def test_different_content(event_type: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    table = decoded(sample(event_type, **one), sample(event_type, **other)).facts[EVENT_TYPES[event_type].fact_type]
    assert len(set(table.column("content_hash").to_pylist())) == 2


@pytest.mark.parametrize(
    "number",
    ["1", "1.1", "-0.0", "1e400", "123456789012345678901234567890", "0.1000000000000000055511151231257827", "3.14159265358979323846"],
)
def test_numbers_of_attributes_survive(number: str) -> None:
    value = json.dumps(sample(TOUCH, attributes={"n": 0})).encode().replace(b'"n": 0', f'"n": {number}'.encode())
    text = fact(value)["attributes"]
    assert json.loads(text, parse_float=Decimal, parse_int=int)["n"] == json.loads(number, parse_float=Decimal, parse_int=int)


def test_duplicate_keys_the_last_wins() -> None:
    assert fact(json.dumps(sample(TOUCH)).encode().replace(b'"acme"', b'"x", "account_id": "y"'))["account_id"] == "y"


def test_text_beyond_ascii() -> None:
    row = fact(sample(TOUCH, account_id="Ж\U0001f600\x00é", channel="نسبة"))
    assert (row["account_id"], row["channel"]) == ("Ж\U0001f600\x00é", "نسبة")


def binary(event: dict[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
    headers = [(f"ce_{name}", str(text).encode()) for name, text in event.items() if name != "data"]
    return json.dumps(event["data"]).encode(), [*headers, ("content-type", b"application/json")]


@pytest.mark.parametrize("event_type", SAMPLES)
def test_binary_mode_gives_the_same_fact(event_type: str) -> None:
    value, headers = binary(sample(event_type))
    assert fact(value, headers=[headers]) == fact(sample(event_type))


def test_binary_mode_refusals() -> None:
    value, headers = binary(sample(TOUCH))
    without = [(name, text) for name, text in headers if name != "ce_time"]
    assert dead_letter(value, headers=[without]) == ("schema", "$.time: missing, and it is required")
    assert dead_letter(value + b',"id":"other"', headers=[headers])[0] == "malformed"
    assert dead_letter(b'{"kind":"a"},"id":"x","data":' + value, headers=[headers])[0] == "malformed"
    assert dead_letter(value, headers=[[*without, ("ce_time", b"2026-03-01T09:30:00")]])[0] == "schema"
    assert dead_letter(value, headers=[[*headers, ("ce_type", b"nisba.touch.v9")]])[0] == "unknown_type"


def test_binary_rows_are_looked_at_again_with_their_headers() -> None:
    value, headers = binary(sample(TOUCH) | {"time": "2026-03-01T06:30:00.1234567Z"})
    assert fact(value, headers=[headers])["occurred_at"].microsecond == 123456


def test_the_content_type_of_structured_mode_wins() -> None:
    headers = [("content-type", b"application/cloudevents+json; charset=utf-8"), ("ce_id", b"other")]
    assert fact(sample(TOUCH), headers=[headers])["event_id"] == "e-1"


def decode_table(table: pa.Table, topic: str, first_row: int = 0) -> Decoded:
    return decode_block(table_records(table, topic, first_row))


def flat(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ("data", "specversion")} | dict(event["data"])


@pytest.mark.parametrize("event_type", SAMPLES)
def test_parquet_gives_the_same_fact(event_type: str) -> None:
    event = sample(event_type)
    expected = decode_block(block(event)).facts
    data = event["data"] | ({"attributes": json.dumps(event["data"]["attributes"])} if "attributes" in event["data"] else {})
    for row in (event | {"data": data}, event | {"data": json.dumps(event["data"])}, flat(event | {"data": data})):
        result = decode_table(pa.Table.from_pylist([row]), "topic", first_row=100)
        assert result.dead_letters.num_rows == 0, result.dead_letters.to_pylist()
        (found,), (wanted,) = result.facts.values(), expected.values()
        assert found.drop_columns(["kafka_partition"]) == wanted.drop_columns(["kafka_partition"])


def test_parquet_columns_of_their_own_types() -> None:
    row = flat(sample(SPEND)) | {"starts_on": dt.date(2026, 3, 1), "amount": Decimal("120.50"), "time": dt.datetime(2026, 3, 1, tzinfo=UTC)}
    table = decode_table(pa.Table.from_pylist([row]), "spend.parquet").facts["spend"].to_pylist()
    assert (table[0]["starts_on"], table[0]["amount"]) == (dt.date(2026, 3, 1), Decimal("120.5"))
    naive = decode_table(pa.Table.from_pylist([row | {"time": dt.datetime(2026, 3, 1)}]), "spend.parquet")  # noqa: DTZ001
    assert naive.dead_letters.column("message").to_pylist()[0].startswith("$.time: ")


def test_encoding() -> None:
    key, value = encode_event(TOUCH, "e-1", "web", dt.datetime(2026, 3, 1, tzinfo=UTC), {"visitor_id": "v", "url": None})
    assert key == b"visitor:v"
    assert json.loads(value) == {
        "specversion": "1.0",
        "id": "e-1",
        "source": "web",
        "type": TOUCH,
        "time": "2026-03-01T00:00:00Z",
        "partitionkey": "visitor:v",
        "data": {"visitor_id": "v"},
    }
    with pytest.raises(ContractError, match="unknown event type"):
        encode_event("nisba.touch.v9", "e", "web", "2026-03-01T00:00:00Z", {})
    with pytest.raises(ContractError, match="no offset"):
        encode_event(TOUCH, "e", "web", dt.datetime(2026, 3, 1), {"visitor_id": "v"})  # noqa: DTZ001


def test_topics() -> None:
    assert {event_type for topic in TOPICS for event_type in topic.event_types} == set(EVENT_TYPES)
    assert {topic.name: topic.partitions for topic in TOPICS} == {
        "marketing.touch": 12,
        "marketing.campaign": 3,
        "marketing.spend": 3,
        "crm.account": 12,
        "crm.lead": 12,
        "crm.deal": 12,
        "identity": 3,
        "finance.fx": 3,
        "privacy": 3,
    }
    assert topic_of(DEAL).name == "crm.deal"
    assert dlq_of("crm.deal") == "crm.deal.dlq"
    with pytest.raises(ContractError, match="no topic carries"):
        topic_of("x")


def test_cloudevents_of_others_are_dead_letters_that_say_why(sample_data: Path) -> None:
    files = sorted((sample_data / "payloads" / "cloudevents" / "json").glob("*.json"))
    letters = [dead_letter(file.read_bytes()) for file in files]
    assert len(letters) == 8
    assert {error_class for error_class, _ in letters} <= {"unknown_type", "schema"}
    assert all(message.startswith("$") for _, message in letters)


# Anything at all: one record, one outcome.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.sampled_from(
    ["", "1", "-1.50", "1e5", "USD", "JPY", "2026-03-01", "2026-03-01T00:00:00Z", "2026-02-30T00:00:00Z", "won", "all", "x" * 300]
)


@st.composite
def bent_events(draw: st.DrawFn) -> bytes:
    """Draw a good event with a few fields bent."""
    event = sample(draw(st.sampled_from(sorted(SAMPLES))))
    for _ in range(draw(st.integers(0, 3))):
        target = draw(st.sampled_from([event, event["data"]])) if isinstance(event.get("data"), dict) else event
        field = draw(st.sampled_from([*target, "extra"]))
        target[field] = draw(TEXTS | JSON)
    return json.dumps(event).encode()


@given(st.lists(st.none() | st.binary(max_size=40) | JSON.map(lambda v: json.dumps(v).encode()) | bent_events(), max_size=12))
def test_nothing_is_lost_and_nothing_raises(values: list[bytes | None]) -> None:
    together = decoded(*values)
    offsets = [o for table in together.facts.values() for o in table.column("kafka_offset").to_pylist()]
    offsets += together.dead_letters.column("kafka_offset").to_pylist()
    assert sorted(offsets) == [100 + i for i, value in enumerate(values) if value is not None]


@given(st.lists(bent_events(), min_size=2, max_size=12))
def test_company_makes_no_difference(values: list[bytes]) -> None:
    together = decoded(*values)
    alone = [decoded(value) for value in values]
    assert together.dead_letters.column("message").to_pylist() == [
        m for one in alone for m in one.dead_letters.column("message").to_pylist()
    ]
    for fact_type, table in together.facts.items():
        hashes = [h for one in alone if fact_type in one.facts for h in one.facts[fact_type].column("content_hash").to_pylist()]
        assert sorted(table.column("content_hash").to_pylist()) == sorted(hashes)


@given(bent_events())
def test_a_fact_can_be_written_again(value: bytes) -> None:
    for fact_type, table in decoded(value).facts.items():
        (row,) = table.to_pylist()
        time, data = row_to_event(fact_type, row)
        assert content_hash(time, data) == row["content_hash"]
        event_type = next(name for name, kind in EVENT_TYPES.items() if kind.fact_type == fact_type)
        key, again = encode_event(event_type, row["event_id"], row["source"], time, json.loads(canonical(data)))
        same = fact(again)
        assert partition_key(event_type, json.loads(canonical(data))) == key.decode()
        assert {n: v for n, v in same.items() if v == v} == {n: v for n, v in row.items() if v == v}
