"""The load of the stream's benchmark, and the records of the decoder's: good events, at the shares that are said."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import msgspec
import pytest

from benchmarks import decode
from benchmarks.load import ACCOUNTS, events
from pipelines.broker.producer import Record
from schemas.decoder import Decoded, decode_block
from schemas.keys import partition_key
from schemas.records import RecordBlock

SIZE = 2_000


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(islice(events(), SIZE))


def decoded(records: list[Record], topic: str) -> Decoded:
    mine = [record for record in records if record.topic == topic]
    size = len(mine)
    keys, values = [record.key for record in mine], [record.value for record in mine]
    return decode_block(RecordBlock(topic, 0, list(range(size)), values, keys, [None] * size, [None] * size))


def test_every_twentieth_is_a_won_deal(records: list[Record]) -> None:
    assert Counter(record.topic for record in records) == {"marketing.touch": SIZE * 19 // 20, "crm.deal": SIZE // 20}
    assert [number for number, record in enumerate(records) if record.topic == "crm.deal"] == list(range(0, SIZE, 20))


@pytest.mark.parametrize(("topic", "fact_type"), [("marketing.touch", "touch"), ("crm.deal", "deal")])
def test_nothing_is_refused_and_nothing_is_repeated(records: list[Record], topic: str, fact_type: str) -> None:
    result = decoded(records, topic)
    assert result.dead_letters.num_rows == 0
    ids = result.facts[fact_type]["event_id"].to_pylist()
    assert len(set(ids)) == len(ids) == sum(record.topic == topic for record in records)


def test_keys_are_those_of_the_contract(records: list[Record]) -> None:
    for record in records[:200]:
        assert record.value is not None
        assert record.key is not None
        event = msgspec.json.decode(record.value)
        assert record.key.decode() == event["partitionkey"] == partition_key(event["type"], event["data"])


def test_accounts_are_spread_and_come_back() -> None:
    """7,919 is prime to the number of accounts, so that each comes once before any comes again."""
    accounts = [record.key for record in islice(events(), 2 * ACCOUNTS)]
    assert len(set(accounts[:ACCOUNTS])) == ACCOUNTS
    assert accounts[:ACCOUNTS] == accounts[ACCOUNTS:]


def test_touches_of_the_decoders_benchmark() -> None:
    values = decode.touches(500)
    assert sum(map(len, values)) / len(values) == pytest.approx(400, rel=0.2)
    result = decode_block(decode.block(values))
    assert (result.dead_letters.num_rows, result.facts["touch"].num_rows) == (0, 500)


def test_broken_ones_are_dead_letters_and_the_others_are_not() -> None:
    values = [b"{" if number % 200 == 0 else value for number, value in enumerate(decode.touches(1_000))]
    result = decode_block(decode.block(values))
    assert (result.dead_letters["error_class"].to_pylist(), result.facts["touch"].num_rows) == (["malformed"] * 5, 995)
