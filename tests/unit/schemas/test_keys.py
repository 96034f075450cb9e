"""Record keys, shards, and the hash of an identity, which DuckDB computes as well."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from nisba.errors import ContractError
from schemas.events import EVENT_TYPES
from schemas.keys import identity_hash, identity_hashes, partition_key
from tests.unit.schemas.event_samples import SAMPLES, decoded, sample

TOUCH = "nisba.touch.v1"
PAIR = {"left": {"kind": "visitor", "id": "v"}, "right": {"kind": "person", "id": "p"}}


@pytest.mark.parametrize(
    ("event_type", "data", "key"),
    [
        (TOUCH, {"account_id": "a", "visitor_id": "v", "person_id": "p"}, "a"),
        (TOUCH, {"account_id": None, "visitor_id": "v", "person_id": "p"}, "visitor:v"),
        (TOUCH, {"person_id": "p"}, "person:p"),
        ("nisba.touch-retraction.v1", {"touch_id": "t", "touch_source": "web"}, "t"),
        ("nisba.lead-stage.v1", {"lead_id": "l"}, "l"),
        ("nisba.lead-stage.v1", {"lead_id": "l", "person_id": "p"}, "person:p"),
        ("nisba.deal.v1", {"deal_id": "d", "account_id": "a"}, "a"),
        ("nisba.deal.v1", {"deal_id": "d"}, "d"),
        ("nisba.deal.v1", {"deal_id": "d", "account_id": ""}, "d"),
        (TOUCH, {"account_id": "", "visitor_id": "", "person_id": "p"}, "person:p"),
        ("nisba.account.v1", {"account_id": "a", "parent_id": "z"}, "a"),
        ("nisba.adjustment.v1", {"adjustment_id": "x", "deal_id": "d"}, "x"),
        ("nisba.fx.v1", {"base": "EUR", "quote": "USD"}, "EUR/USD"),
        ("nisba.identity.v1", PAIR, "person:p"),
        ("nisba.identity.v1", {"left": PAIR["right"], "right": PAIR["left"]}, "person:p"),
        ("nisba.erasure.v1", {"visitor_id": "v"}, "visitor:v"),
    ],
)
def test_partition_keys(event_type: str, data: dict[str, Any], key: str) -> None:
    assert partition_key(event_type, data) == key


def test_a_key_needs_a_known_type_and_its_fields() -> None:
    with pytest.raises(ContractError, match=r"unknown event type 'nisba\.touch'"):
        partition_key("nisba.touch", {})
    with pytest.raises(KeyError, match="lead_id"):
        partition_key("nisba.lead-stage.v1", {})


IDENTITIES = [("web", "t-1"), ("web", ""), ("", "web"), ("é", "\U0001f600"), ("a\x1fb", "c"), ("a", "b\x1fc"), ("x" * 256, "y" * 256)]


def test_the_hash_of_an_identity_is_duckdbs() -> None:
    """`md5_number_lower`: the second half of the digest, read as little endian."""
    with duckdb.connect() as con:
        for source, event_id in IDENTITIES:
            ((expected,),) = con.execute("SELECT md5_number_lower($1 || chr(31) || $2)", [source, event_id]).fetchall()
            assert identity_hash(source, event_id) == expected


def test_hashes_of_one_source_and_of_many_are_the_same() -> None:
    one = [identity_hash(source, event_id) for source, event_id in IDENTITIES]
    sources, ids = [source for source, _ in IDENTITIES], [event_id for _, event_id in IDENTITIES]
    assert identity_hashes(sources, ids).tolist() == one
    assert identity_hashes(["web"] * 2, ["t-1", ""]).tolist() == one[:2]
    assert identity_hashes([], []).tolist() == []


@pytest.mark.parametrize("event_type", SAMPLES)
def test_facts_carry_the_hash_of_their_identity(event_type: str) -> None:
    """Read quickly or exactly; the time, the type and the content have no part in it."""
    odd = sample(event_type) | {"time": "2026-03-01T06:30:00.1234567Z", "id": "e-2"}
    table = decoded(sample(event_type), odd).facts[EVENT_TYPES[event_type].fact_type]
    assert table.sort_by("event_id")["identity_hash"].to_pylist() == [identity_hash("test", "e-1"), identity_hash("test", "e-2")]
