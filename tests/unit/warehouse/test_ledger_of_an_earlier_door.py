"""What an earlier door let in and today's refuses: it stops nobody else, and money that is left out so is held, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.unit.warehouse.landing import LINEAR, attribute, deal, empty_warehouse, land_events, touch
from tests.unit.warehouse.recompute.company import adjustment, spend
from warehouse.models.build import build
from warehouse.query import one_value
from warehouse.recompute.verification import verify_books

GOOD = (
    touch("t-1", person_id="p-1"),
    deal("e-1", segment="smb", contact_ids=["p-1"]),
    spend("k-1", "c-1", "2026-02-01"),
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        land_events(connection, *GOOD)
        yield connection


def insert(con: duckdb.DuckDBPyConnection, fact_type: str, event_id: str, **changed: Any) -> None:
    """Put a row into the ledger past the door: as the first of its type there, but for what is changed."""
    values = {"event_id": event_id, **changed}
    columns = ", ".join(f"${name} AS {name}" for name in values)
    first = f"SELECT * REPLACE ({columns}) FROM ledger.{fact_type} ORDER BY event_id LIMIT 1"
    con.execute(f"INSERT INTO ledger.{fact_type} BY NAME {first}", values)


def computed(con: duckdb.DuckDBPyConnection) -> None:
    """Attribute, build and verify: none of them ends with an error."""
    assert attribute(con) is not None
    build(con)
    assert verify_books(con, LINEAR).differing == 0


def held(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT kind, id, reason, currency, amount FROM ops.held ORDER BY ALL").fetchall()


def won(con: duckdb.DuckDBPyConnection) -> Decimal:
    """Return what all that was won comes to."""
    revenue = one_value(con, "SELECT sum(amount_reporting) FROM core.entry WHERE is_final")
    assert isinstance(revenue, Decimal)
    return revenue


DEALS: dict[str, dict[str, Any]] = {
    "closed_in_the_year_1": {"closed_at": "0001-01-01T00:00:00Z"},
    "closed_in_the_year_9999": {"closed_at": "9999-12-31T23:59:59.999999Z"},
    "opened_before_1970": {"opened_at": "1969-12-31T23:59:59.999999Z"},
    "opened_in_2200": {"opened_at": "2200-01-01T00:00:00Z"},
    "changed_in_the_year_1": {"occurred_at": "0001-01-01T00:00:00Z"},
    "without_a_stage": {"stage": " "},
}


@pytest.mark.parametrize("name", DEALS)
def test_won_deal_out_of_bounds_is_held_and_the_others_are_computed(con: duckdb.DuckDBPyConnection, name: str) -> None:
    insert(con, "deal", "e-2", deal_id="d-2", amount=70, **DEALS[name])
    computed(con)
    assert held(con) == [("deal", "d-2", "out_of_bounds", "USD", Decimal(70))]
    assert con.execute("SELECT deal_id FROM core.deal").fetchall() == [("d-1",)]
    assert won(con) == Decimal(100)


def test_expected_close_of_an_open_deal_that_is_far_is_none(con: duckdb.DuckDBPyConnection) -> None:
    for number, far in enumerate(("0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"), 2):
        insert(con, "deal", f"e-{number}", deal_id=f"d-{number}", status="open", closed_at=far)
    computed(con)
    assert held(con) == []
    assert con.execute("SELECT deal_id, closed_at FROM core.deal WHERE status = 'open' ORDER BY ALL").fetchall() == [
        ("d-2", None),
        ("d-3", None),
    ]
    pending = con.execute("SELECT deal_id, amount FROM core.entry WHERE NOT is_final ORDER BY ALL").fetchall()
    assert pending == [("d-2", Decimal(100)), ("d-3", Decimal(100))]


def test_state_that_a_later_one_outranks_holds_nothing(con: duckdb.DuckDBPyConnection) -> None:
    insert(con, "deal", "e-0", occurred_at="2026-01-06T00:00:00Z", opened_at="0001-01-01T00:00:00Z", amount=5)
    computed(con)
    assert held(con) == []
    assert con.execute("SELECT event_id FROM core.deal_history").fetchall() == [("e-1",)]
    assert won(con) == Decimal(100)


def test_deal_is_released_when_it_comes_again_within_the_bounds(con: duckdb.DuckDBPyConnection) -> None:
    insert(con, "deal", "e-2", deal_id="d-2", closed_at="0001-01-01T00:00:00Z")
    hashed = "identity_hash = md5_number_lower(source || chr(31) || event_id), content_hash = 1"
    con.execute(f"UPDATE ledger.deal SET {hashed} WHERE event_id = 'e-2'")
    computed(con)
    assert held(con) != []
    land_events(con, deal("e-2", deal_id="d-2", closed_at="2026-02-01T00:00:00Z"))
    computed(con)
    assert held(con) == []
    assert won(con) == Decimal(200)


@pytest.mark.parametrize("segment", ["(none)", "ALL", " unattributed ", "", "(Unattributed)"])
def test_segment_of_a_reserved_word_is_none(con: duckdb.DuckDBPyConnection, segment: str) -> None:
    insert(con, "deal", "e-2", deal_id="d-2", segment=segment)
    computed(con)
    assert con.execute("SELECT deal_id, segment FROM core.deal ORDER BY ALL").fetchall() == [("d-1", "smb"), ("d-2", None)]
    kinds = "segment_kind IN ('all', 'segment')"
    share = f"SELECT segment, won_revenue FROM marts.marketing_share WHERE period = '2026' AND {kinds} ORDER BY ALL"
    segments = con.execute(share).fetchall()
    assert segments == [("(none)", Decimal(100)), ("all", Decimal(200)), ("smb", Decimal(100))]


SPENDS: dict[str, dict[str, Any]] = {
    "begins_before_1970": {"starts_on": "1969-12-31", "ends_on": "1970-01-02"},
    "ends_in_2200": {"starts_on": "2199-12-31", "ends_on": "2200-01-01"},
    "of_all_time": {"starts_on": "0001-01-01", "ends_on": "9999-12-31"},
    "of_more_than_3660_days": {"starts_on": "2020-01-01", "ends_on": "2030-01-08"},
    "of_more_clicks_than_there_are": {"clicks": 10**15},
    "of_a_reserved_campaign": {"campaign_id": "(none)"},
}


@pytest.mark.parametrize("name", SPENDS)
def test_spend_out_of_bounds_is_held_and_the_others_cost(con: duckdb.DuckDBPyConnection, name: str) -> None:
    insert(con, "spend", "k-2", **{"campaign_id": "c-2", "amount": 7} | SPENDS[name])
    con.execute("DELETE FROM core.setting")
    computed(con)
    assert [(row[0], *row[2:]) for row in held(con)] == [("spend", "out_of_bounds", "USD", Decimal(7))]
    assert con.execute("SELECT campaign_id, cost_reporting FROM core.cost_daily").fetchall() == [("c-1", Decimal(5))]


def test_spend_of_exactly_3660_days_costs(con: duckdb.DuckDBPyConnection) -> None:
    insert(con, "spend", "k-2", campaign_id="c-2", amount=7, starts_on="2020-01-01", ends_on="2030-01-07")
    con.execute("DELETE FROM core.setting")
    computed(con)
    assert held(con) == []
    assert one_value(con, "SELECT sum(cost_reporting) FROM core.cost_daily WHERE campaign_id = 'c-2'") == Decimal(7)


def test_spend_that_leaves_64_bits_when_it_is_converted_is_held(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, {**spend("k-2", "c-2", "2026-02-01", "KWD")})
    con.execute("UPDATE ledger.spend SET amount = 999999999999.999999 WHERE event_id = 'k-2'")
    con.execute(
        "INSERT INTO ledger.fx (source, event_id, occurred_at, date, base, quote, rate) VALUES"
        " ('b', 'f', TIMESTAMPTZ '2026-02-01 00:00:00Z', DATE '2026-02-01', 'KWD', 'USD', '999999999999')"
    )
    computed(con)
    assert [row[:3] for row in held(con)] == [("spend", "ads|c-2|2026-02-01|2026-02-01", "out_of_range")]
    assert con.execute("SELECT campaign_id, cost_reporting FROM core.cost_daily").fetchall() == [("c-1", Decimal(5))]


ADJUSTMENTS = {"effective_in_the_year_1": {"effective_at": "0001-01-01T00:00:00Z"}, "said_in_2200": {"occurred_at": "2200-01-01T00:00:00Z"}}


@pytest.mark.parametrize("deal_id", ["d-1", "nowhere"])
@pytest.mark.parametrize("name", ADJUSTMENTS)
def test_adjustment_out_of_bounds_is_held_once(con: duckdb.DuckDBPyConnection, name: str, deal_id: str) -> None:
    land_events(con, adjustment("m-1", deal_id))
    (changed,) = ADJUSTMENTS[name].items()
    con.execute(f"UPDATE ledger.adjustment SET {changed[0]} = ?::TIMESTAMPTZ", [changed[1]])
    computed(con)
    assert [row[:3] for row in held(con)] == [("adjustment", "a-1", "out_of_bounds")]
    assert won(con) == Decimal(100)


def test_touches_out_of_bounds_are_in_no_journey(con: duckdb.DuckDBPyConnection) -> None:
    bad = ({"channel": ""}, {"channel": "All"}, {"channel": "unattributed"}, {"kind": " "}, {"occurred_at": "0001-01-01T00:00:00Z"})
    for number, changed in enumerate((*bad, {"channel": "(none)"}), 2):
        insert(con, "touch", f"t-{number}", **{"occurred_at": "2026-01-02T00:00:00Z"} | changed)
    computed(con)
    found = con.execute("SELECT touch_id, channel FROM core.journey_touch ORDER BY ALL").fetchall()
    assert found == [("t-1", "email"), ("t-7", "direct")]


def test_windows_that_are_far_are_none_and_empty_ones_link_nobody(con: duckdb.DuckDBPyConnection) -> None:
    far = ("TIMESTAMPTZ '0001-01-01 00:00:00Z'", "TIMESTAMPTZ '9999-12-31 00:00:00Z'")
    same = ("TIMESTAMPTZ '2026-01-01 00:00:00Z'",) * 2
    columns = "source, event_id, occurred_at, op, left_kind, left_id, right_kind, right_id, since, until"
    for person, (since, until) in (("p-far", far), ("p-never", same)):
        link = f"'crm', 'i-{person}', TIMESTAMPTZ '2026-01-01 00:00:00Z', 'link', 'person', '{person}', 'account', 'acme'"
        con.execute(f"INSERT INTO ledger.identity ({columns}) VALUES ({link}, {since}, {until})")
    con.execute("DELETE FROM core.setting")
    computed(con)
    found = dict(con.execute("SELECT id, account_id FROM core.identity WHERE kind = 'person'").fetchall())
    assert found == {"p-1": "acme", "p-far": "acme"}


def test_rates_out_of_bounds_are_none(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, deal("e-2", deal_id="d-2", currency="EUR"))
    rates = (("2026-02-09", "0.0000000000001"), ("2026-02-10", "1000000000000.1"))
    for day, rate in rates:
        con.execute(
            "INSERT INTO ledger.fx (source, event_id, occurred_at, date, base, quote, rate) VALUES"
            " ('b', $day, TIMESTAMPTZ '2026-02-01 00:00:00Z', $day::DATE, 'EUR', 'USD', $rate)",
            {"day": day, "rate": rate},
        )
    computed(con)
    assert [row[:3] for row in held(con)] == [("deal", "d-2", "fx_missing")]
