"""Which event of a register counts, for every register that is declared."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.facts import FACT_TYPES, ledger_schema
from nisba.attribution.registers import REGISTERS, in_register_order, register_ids, winners
from tests.unit.attribution.fact_rows import NOON, STEP, fact_rows

MARCH = dt.date(2026, 3, 1)
KEYS: dict[str, dict[str, Any]] = {
    "campaign": {"campaign_id": "c"},
    "spend": {"source": "s", "campaign_id": "c", "starts_on": MARCH, "ends_on": MARCH},
    "account": {"account_id": "x"},
    "deal": {"deal_id": "d"},
    "adjustment": {"adjustment_id": "a"},
    "identity": {"left_kind": "visitor", "left_id": "v", "right_kind": "person", "right_id": "p"},
    "fx": {"base": "EUR", "quote": "USD", "date": MARCH},
}
"""One register of each type."""
OTHERS = {"source": "t", "starts_on": dt.date(2026, 2, 28), "ends_on": dt.date(2026, 3, 2), "date": dt.date(2026, 3, 2)}


def ids(table: pa.Table) -> list[str]:
    found: list[str] = table["event_id"].to_pylist()
    return found


def test_every_register_is_tried_here() -> None:
    assert KEYS.keys() == REGISTERS.keys()
    assert all(set(REGISTERS[name].keys) <= set(ledger_schema(name).names) for name in REGISTERS)
    assert set(FACT_TYPES) - set(REGISTERS) == {"touch", "retraction", "lead_stage", "erasure"}


@pytest.mark.parametrize("fact_type", KEYS)
def test_the_later_event_wins_by_a_microsecond(fact_type: str) -> None:
    late = {"event_id": "a", "occurred_at": NOON + STEP}
    table = fact_rows(fact_type, KEYS[fact_type] | late, KEYS[fact_type] | {"event_id": "b", "occurred_at": NOON})
    assert ids(winners(fact_type, table)) == ["a"]


@pytest.mark.parametrize("fact_type", KEYS)
def test_of_one_instant_the_larger_id_wins_as_bytes(fact_type: str) -> None:
    """Lower case after upper case, and beyond the basic plane after it, as UTF-8 has it and UTF-16 has not."""
    for smaller, larger in (("Z", "a"), ("a", "\uffee"), ("\uffee", "\U0001f600")):
        table = fact_rows(fact_type, KEYS[fact_type] | {"event_id": larger}, KEYS[fact_type] | {"event_id": smaller})
        assert ids(winners(fact_type, table)) == [larger]


@pytest.mark.parametrize("fact_type", [name for name in KEYS if "source" not in REGISTERS[name].keys])
def test_of_one_instant_the_source_goes_before_the_id(fact_type: str) -> None:
    rows = [{"source": "s", "event_id": "z"}, {"source": "t", "event_id": "a"}]
    assert ids(winners(fact_type, fact_rows(fact_type, *(KEYS[fact_type] | row for row in rows)))) == ["a"]


@pytest.mark.parametrize("fact_type", ["account", "deal", "spend"])
def test_a_revision_beats_a_later_time(fact_type: str) -> None:
    rows: list[dict[str, Any]] = [{"revision": 1}, {"occurred_at": NOON + STEP}, {"revision": -1, "occurred_at": NOON + 2 * STEP}]
    assert ids(winners(fact_type, fact_rows(fact_type, *(KEYS[fact_type] | row for row in rows)))) == ["e0"]


@pytest.mark.parametrize(("fact_type", "key"), [(name, key) for name in KEYS for key in REGISTERS[name].keys])
def test_each_key_tells_registers_apart(fact_type: str, key: str) -> None:
    other = KEYS[fact_type] | {key: OTHERS.get(key, "lead")}
    assert len(winners(fact_type, fact_rows(fact_type, KEYS[fact_type], other))) == 2


def test_a_spend_with_an_id_is_a_register_by_source_and_id() -> None:
    """Whatever its campaign and its days; one without an id is another register, and so is the same id of another source."""
    moved = {"spend_id": "x", "campaign_id": "other", "ends_on": dt.date(2026, 3, 9), "event_id": "new", "occurred_at": NOON + STEP}
    rows: list[dict[str, Any]] = [{"spend_id": "x"}, moved, {}, {"spend_id": "x", "source": "t"}, {"spend_id": "y"}]
    table = fact_rows("spend", *(KEYS["spend"] | row for row in rows))
    assert sorted(ids(winners("spend", table))) == ["e2", "e3", "e4", "new"]
    assert register_ids("spend", table).to_pylist() == ["s|x", "s|x", "s|c|2026-03-01|2026-03-01", "t|x", "s|y"]


def test_the_id_of_a_register_is_its_keys() -> None:
    assert register_ids("fx", fact_rows("fx", KEYS["fx"])).to_pylist() == ["EUR|USD|2026-03-01"]


def test_a_pair_is_the_same_from_either_end() -> None:
    turned = {"left_kind": "person", "left_id": "p", "right_kind": "visitor", "right_id": "v", "op": "unlink", "occurred_at": NOON + STEP}
    table = fact_rows("identity", KEYS["identity"] | {"op": "link"}, turned)
    assert winners("identity", table)["op"].to_pylist() == ["unlink"]


def test_ids_that_change_places_between_kinds_are_another_pair() -> None:
    """visitor v – person p is not visitor p – person v."""
    crossed = KEYS["identity"] | {"left_id": "p", "right_id": "v"}
    assert len(winners("identity", fact_rows("identity", KEYS["identity"], crossed))) == 2


def test_winners_come_by_their_keys_with_all_columns() -> None:
    rows = [{"base": base, "quote": quote, "date": day, "rate": base} for base, quote, day in PAIRS]
    table = fact_rows("fx", *rows).append_column("further", pa.array(range(len(rows))))
    found = winners("fx", table)
    assert found.column_names == table.column_names
    assert [(row["base"], row["quote"], row["date"]) for row in found.to_pylist()] == sorted(PAIRS)
    assert found["further"].to_pylist() == sorted(range(len(PAIRS)), key=lambda number: PAIRS[number])


PAIRS = [("USD", "EUR", MARCH), ("EUR", "USD", dt.date(2026, 3, 2)), ("EUR", "USD", dt.date(1969, 12, 31)), ("EUR", "JPY", MARCH)]


@pytest.mark.parametrize("fact_type", KEYS)
def test_nothing_has_no_winners(fact_type: str) -> None:
    found = winners(fact_type, fact_rows(fact_type))
    assert (len(found), found.schema) == (0, ledger_schema(fact_type, provenance=False))


def test_a_type_without_registers_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="touch"):
        winners("touch", fact_rows("touch"))


def test_states_in_register_order() -> None:
    rows: list[dict[str, Any]] = [
        {"deal_id": "b", "revision": 0},
        {"deal_id": "a", "revision": 2},
        {"deal_id": "b", "revision": 0, "occurred_at": NOON - STEP},
        {"deal_id": "a", "revision": 1, "occurred_at": NOON + STEP},
        {"deal_id": "c"},
    ]
    ordered = in_register_order("deal", fact_rows("deal", *rows))
    assert ordered.rows.tolist() == [3, 1, 2, 0, 4]
    assert ordered.last.tolist() == [1, 3, 4]
    assert ordered.register.tolist() == [0, 0, 1, 1, 2]


EVENTS = st.fixed_dictionaries(
    {
        "deal_id": st.sampled_from("aBЖ"),
        "revision": st.integers(-1, 1),
        "occurred_at": st.integers(0, 2).map(lambda steps: NOON + steps * STEP),
        "source": st.sampled_from(["s", "S", "ß"]),
    }
)


@given(st.lists(EVENTS, max_size=25), st.randoms(use_true_random=False))
def test_winners_are_the_maxima_whatever_the_order_of_rows(events: list[dict[str, Any]], dice: random.Random) -> None:
    named = [event | {"event_id": f"e{number}"} for number, event in enumerate(events)]
    dice.shuffle(named)
    highest: dict[bytes, tuple[Any, ...]] = {}
    for event in named:
        weight = (event["revision"], event["occurred_at"], event["source"].encode(), event["event_id"].encode())
        key = event["deal_id"].encode()
        highest[key] = max(highest.get(key, weight), weight)
    found = winners("deal", fact_rows("deal", *named))
    assert [id_.encode() for id_ in found["deal_id"].to_pylist()] == sorted(highest)
    assert ids(found) == [highest[key][-1].decode() for key in sorted(highest)]


ENDS = st.tuples(st.sampled_from(["person", "lead"]), st.sampled_from(["x", "y", "z"]))


@given(st.lists(st.tuples(ENDS, ENDS, st.integers(0, 3)), max_size=20))
def test_pairs_are_sets_of_two_ends(said: list[tuple[tuple[str, str], tuple[str, str], int]]) -> None:
    rows = [
        {"left_kind": left[0], "left_id": left[1], "right_kind": right[0], "right_id": right[1], "occurred_at": NOON + step * STEP}
        for left, right, step in said
    ]
    latest: dict[frozenset[tuple[str, str]], tuple[int, str]] = {}
    for number, (left, right, step) in enumerate(said):
        weight = (step, f"e{number:02}")
        latest[frozenset((left, right))] = max(latest.get(frozenset((left, right)), weight), weight)
    named = [row | {"event_id": f"e{number:02}"} for number, row in enumerate(rows)]
    assert sorted(ids(winners("identity", fact_rows("identity", *named)))) == sorted(name for _, name in latest.values())
