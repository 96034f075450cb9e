"""Events written by producers, and rows of Parquet files as records."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from nisba.errors import ContractError
from schemas.encoding import encode_event, table_records
from tests.unit.schemas.event_samples import dead_letter, decoded, fact

UTC = dt.timezone.utc
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=UTC)
SPEND = "nisba.spend.v1"


def spend(**data: Any) -> dict[str, Any]:
    return {"campaign_id": "c", "starts_on": dt.date(2026, 3, 1), "amount": Decimal("1E+3"), "currency": "USD"} | data


def test_an_event_as_it_goes_over_the_wire() -> None:
    key, value = encode_event(SPEND, "e", "ads", NOON, spend(ends_on=None, clicks=0))
    assert key == b"c"
    assert json.loads(value) == {
        "specversion": "1.0",
        "id": "e",
        "source": "ads",
        "type": SPEND,
        "time": "2026-03-01T12:00:00Z",
        "partitionkey": "c",
        "data": {"campaign_id": "c", "starts_on": "2026-03-01", "amount": "1000", "currency": "USD", "clicks": 0},
    }
    assert fact(value)["amount"] == 1000


def test_nulls_are_left_out_at_every_depth_but_not_of_lists_themselves() -> None:
    data = {"account_id": "a", "utm": {"source": None, "term": "x"}, "attributes": {"list": [1, {"a": None}], "none": None}}
    _, value = encode_event("nisba.touch.v1", "e", "web", "2026-03-01T00:00:00Z", data)
    assert json.loads(value)["data"] == {"account_id": "a", "utm": {"term": "x"}, "attributes": {"list": [1, {}]}}


@pytest.mark.parametrize("amount", ["0.1", "-0.010", "1E-3", "123456789012.345"])
def test_decimals_have_no_exponent_and_lose_no_digit(amount: str) -> None:
    _, value = encode_event(SPEND, "e", "ads", NOON, spend(amount=Decimal(amount)))
    text = json.loads(value)["data"]["amount"]
    assert (Decimal(text), "E" in text) == (Decimal(amount), False)


def test_what_cannot_be_an_event_is_not_written() -> None:
    with pytest.raises(ContractError, match=r"event ads/e: its time 2026-03-01 12:00:00 has no offset"):
        encode_event(SPEND, "e", "ads", NOON.replace(tzinfo=None), spend())
    with pytest.raises(ContractError, match=r"unknown event type 'nisba.cost.v1'"):
        encode_event("nisba.cost.v1", "e", "ads", NOON, spend())
    with pytest.raises(KeyError, match="campaign_id"):
        encode_event(SPEND, "e", "ads", NOON, {})


def records(*rows: dict[str, Any], first_row: int = 0) -> list[dict[str, Any]]:
    block = table_records(pa.Table.from_pylist(list(rows)), "f.parquet", first_row)
    assert (block.topic, block.partition, block.offsets) == ("f.parquet", 0, [first_row + number for number in range(len(rows))])
    assert [block.keys, block.headers, block.timestamps_ms] == [[None] * len(rows)] * 3
    return [json.loads(value) for value in block.values if value is not None]


ENVELOPE = {"id": "e", "source": "s", "type": SPEND, "time": "2026-03-01T00:00:00Z"}


def test_columns_beside_the_envelope_are_the_data() -> None:
    (record,) = records(ENVELOPE | {"campaign_id": "c", "clicks": None, "subject": "x", "datacontenttype": "application/json"}, first_row=7)
    assert record == ENVELOPE | {"specversion": "1.0", "subject": "x", "datacontenttype": "application/json", "data": {"campaign_id": "c"}}


def test_a_version_of_its_own_is_kept() -> None:
    assert records(ENVELOPE | {"specversion": "0.3"})[0]["specversion"] == "0.3"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"a": 1e400}', float("inf")),
        ("[1]", [1]),
        ("not json", "not json"),
        ("", ""),
        ("{", "{"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_data_as_text_is_the_json_that_it_is_or_stays_text(data: str, expected: Any) -> None:
    block = table_records(pa.Table.from_pylist([ENVELOPE | {"data": data}]), "f", 0)
    (value,) = block.values
    assert value is not None
    assert json.loads(value)["data"] == ({"a": expected} if isinstance(expected, float) else expected)


def test_attributes_as_text_within_columns_and_structs() -> None:
    flat, nested = records(ENVELOPE | {"attributes": '{"b": 1}'}, ENVELOPE | {"attributes": "no json"})
    assert (flat["data"]["attributes"], nested["data"]["attributes"]) == ({"b": 1}, "no json")
    (struct,) = records(ENVELOPE | {"data": {"attributes": "[0.10]", "x": None}})
    assert struct["data"] == {"attributes": [0.1]}


def test_nanoseconds_are_cut_off_and_a_time_without_zone_stays_without() -> None:
    nanos = pa.array([1_772_366_400_000_000_999], pa.timestamp("ns", "UTC"))
    table = pa.table({name: [value] for name, value in ENVELOPE.items()}).set_column(3, "time", nanos)
    table = table.append_column("seen", nanos.cast(pa.timestamp("ns")))
    (value,) = table_records(table, "f").values
    assert value is not None
    assert json.loads(value)["time"] == "2026-03-01T12:00:00Z"
    assert json.loads(value)["data"] == {"seen": "2026-03-01T12:00:00"}


def test_rows_of_every_new_field_are_the_facts_that_their_json_is() -> None:
    """Dates, decimals and instants of Parquet; an empty text and a null are none."""
    rows = {
        "nisba.account.v1": {"account_id": "a", "name": "Acme", "segment": " Mid  Market", "employees": 12, "industry": ""},
        SPEND: spend(amount=Decimal("211.120966"), spend_id="row-1", clicks=3),
        "nisba.campaign.v1": {"campaign_id": "c", "name": "n", "channel": "Event", "same_as": "d", "starts_on": dt.date(1, 1, 1)},
        "nisba.deal.v1": {"deal_id": "d", "stage": "s", "status": "won", "opened_on": dt.date(2026, 1, 1), "closed_at": NOON, "name": "D"},
        "nisba.adjustment.v1": {
            "adjustment_id": "x",
            "deal_id": "d",
            "amount": Decimal("-1.50"),
            "currency": "EUR",
            "effective_on": dt.date(2026, 1, 2),
        },
    }
    for event_type, data in rows.items():
        table = pa.Table.from_pylist([ENVELOPE | {"type": event_type} | data])
        (value,) = table_records(table, "f.parquet").values
        texts = {name: str(v) if isinstance(v, Decimal) else v.isoformat() if isinstance(v, dt.date) else v for name, v in data.items()}
        written = fact(json.dumps({"specversion": "1.0"} | ENVELOPE | {"type": event_type, "data": texts}).encode())
        assert fact(value) == written
        assert len([column for column in written.values() if column is not None]) > len(ENVELOPE)
    (value,) = table_records(pa.Table.from_pylist([ENVELOPE | {"type": "nisba.account.v1"} | rows["nisba.account.v1"]]), "f").values
    row = fact(value)
    assert (row["name"], row["segment"], row["employees"], row["industry"]) == ("Acme", "Mid Market", 12, None)


def test_a_number_for_money_is_refused_in_a_row_as_in_a_line() -> None:
    (value,) = table_records(pa.Table.from_pylist([ENVELOPE | spend(starts_on="2026-03-01", amount=1234.5)]), "f").values
    assert dead_letter(value)[1] == "$.data.amount: a number where text is expected: write it as text, in quotation marks"


def test_no_rows() -> None:
    block = table_records(pa.table({"id": pa.array([], pa.string())}), "f", 5)
    assert (len(block), block.values) == (0, [])
    assert decoded().records == 0
