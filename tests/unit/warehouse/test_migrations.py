"""Migrations: each wholly or not at all, and a warehouse of an earlier schema keeps every fact and every conflict."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import msgspec
import pytest
from hypothesis import given

from nisba.attribution.facts import FACT_TYPES
from nisba.errors import WarehouseError
from schemas.canonical import content_hash
from schemas.envelope import exact_number
from schemas.events import BY_FACT_TYPE
from tests.strategies import Event, event, event_sets, examples
from tests.unit.warehouse.landing import LINEAR, attribute, contents, deal, empty_warehouse, every_row, land_events, touch
from warehouse.loader import LandCounts
from warehouse.migrations import FOLDER, migrate
from warehouse.query import arrow_table, relations, rows_as_dicts
from warehouse.recompute.verification import verify_books

TIME, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations, to add some."""
    for file in FOLDER.glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text("utf-8"), "utf-8")
    return tmp_path


BROKEN = {
    "no_sql": ("SELEKT 1;", "syntax error"),
    "fails_at_its_end": (
        "CREATE TABLE core.later (n INTEGER); UPDATE ledger.touch SET channel = 'x'; ALTER TABLE ops.cycle DROP COLUMN seconds;"
        " SELECT error('disk is full');",
        "disk is full",
    ),
    "table_that_is_there": ("DELETE FROM ledger.touch; CREATE TABLE core.deal (n INTEGER);", 'Table with name "deal" already exists'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_migration_is_named_and_leaves_the_warehouse_as_it_was(con: duckdb.DuckDBPyConnection, folder: Path, name: str) -> None:
    sql, cause = BROKEN[name]
    land_events(con, touch("t-1"), deal("e-1"))
    attribute(con)
    columns = con.execute("SELECT * FROM duckdb_columns() ORDER BY ALL").fetchall()
    before = every_row(con)
    (folder / f"099_{name}.sql").write_text(sql, "utf-8")
    with pytest.raises(WarehouseError, match=f"migration 099_{name} failed and was rolled back.*{cause}"):
        migrate(con, folder)
    assert every_row(con) == before
    assert con.execute("SELECT * FROM duckdb_columns() ORDER BY ALL").fetchall() == columns
    assert land_events(con, touch("t-2")).facts == 1  # no transaction is left open
    (folder / f"099_{name}.sql").write_text("ALTER TABLE ops.cycle ADD COLUMN mended BOOLEAN", "utf-8")
    assert migrate(con, folder) == 1
    assert migrate(con, folder) == 0


def test_migration_before_a_broken_one_stays(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    (folder / "098_good.sql").write_text("CREATE TABLE core.good (n INTEGER)", "utf-8")
    (folder / "099_bad.sql").write_text("CREATE TABLE core.good (n INTEGER)", "utf-8")
    with pytest.raises(WarehouseError, match="migration 099_bad"):
        migrate(con, folder)
    assert con.execute("SELECT name FROM ops.migration WHERE number > 90").fetchall() == [("098_good",)]


def test_warehouse_of_a_newer_version_is_refused_before_anything_is_done(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    con.execute("INSERT INTO ops.migration VALUES (120, '120_later')")
    (folder / "098_good.sql").write_text("CREATE TABLE core.good (n INTEGER)", "utf-8")
    with pytest.raises(WarehouseError, match="migration 120, this version knows 98: upgrade nisba"):
        migrate(con, folder)
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'good'").fetchall() == [(0,)]


# One conflict per type, with every optional field somewhere, and contents that JSON writes in its own way.
CONFLICTS: tuple[Event, ...] = (
    *(
        event("touch", "web", "t-1", time, {"account_id": "acme", "channel": channel, "kind": "click", "team": "marketing"} | more)
        for time, channel, more in (
            (
                TIME,
                "paid",
                {"utm": {"source": "g", "term": 'a "b"'}, "url": "https://x.de/ü?q=1", "attributes": {"n": Decimal("1E+400"), "z": [0.10]}},
            ),
            (LATER, "email", {"visitor_id": "v"}),
        )
    ),
    *(event("touch-retraction", "web", "r-1", time, {"touch_source": "web", "touch_id": "t-9", "reason": "bot"}) for time in (TIME, LATER)),
    *(
        event(
            "campaign",
            "ads",
            "c-1",
            time,
            {"campaign_id": "c", "name": "Fair \u0001", "channel": "event", "starts_on": "2026-01-01", "budget": "5.50", "currency": "EUR"},
        )
        for time in (TIME, LATER)
    ),
    *(
        event(
            "spend",
            "ads",
            "s-1",
            TIME,
            {"campaign_id": "c", "starts_on": "2026-01-01", "amount": amount, "currency": "USD", "impressions": 2**40},
        )
        for amount in ("-1.00", "2.00")
    ),
    *(
        event("lead-stage", "crm", "l-1", time, {"lead_id": "l", "stage": "mql", "score": score, "attributes": {"b": {}, "a": None}})
        for time, score in ((TIME, 0.1), (LATER, 7))
    ),
    deal("e-1", amount="100.00"),
    deal("e-1", amount="99.99", contact_ids=["p-2", "p-1"], deleted=True, revision=3),
    deal("e-1", amount="1", contact_ids=[], next_step="call"),
    *(
        event(
            "adjustment",
            "erp",
            "a-1",
            TIME,
            {"adjustment_id": "a", "deal_id": deal_id, "amount": "-1.5", "currency": "USD", "effective_at": "2026-03-01T09:30:00+03:00"},
        )
        for deal_id in ("d-1", "d-2")
    ),
    *(
        event("identity", "crm", "i-1", TIME, {"op": op, "left": {"kind": "visitor", "id": "v"}, "right": {"kind": "person", "id": "p"}})
        for op in ("link", "unlink")
    ),
    *(event("fx", "ecb", "f-1", TIME, {"date": "2026-01-01", "base": "EUR", "quote": "USD", "rate": rate}) for rate in ("1.10", "1.2")),
    *(event("erasure", "dpo", "x-1", TIME, {"person_id": person}) for person in ("p", "q")),
)


def of_the_first_schema(new: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a warehouse of migration 1 as its version would have left it: what lost is in `ops.conflict` alone."""
    con = duckdb.connect(":memory:")
    con.execute("SET TimeZone = 'UTC'")
    con.execute((FOLDER / "001_initial.sql").read_text("utf-8"))
    con.execute("CREATE TABLE ops.migration AS SELECT 1 AS number, '001_initial' AS name")
    for fact_type in FACT_TYPES:
        with relations(con, facts=arrow_table(new, f"FROM ledger.current_{fact_type}")):
            old = "* REPLACE (hash(source, event_id) AS identity_hash), 3 AS shard"
            con.execute(f"INSERT INTO ledger.{fact_type} BY NAME SELECT {old} FROM facts")
    conflicts = rows_as_dicts(new, "FROM ops.conflict")
    for row in conflicts:
        data = msgspec.json.Decoder(BY_FACT_TYPE[row["fact_type"]].struct, float_hook=exact_number).decode(row["dropped"])
        row["dropped_hash"] = content_hash(row["dropped_time"], data)
        con.execute(f"INSERT INTO ops.conflict BY NAME SELECT {', '.join(f'${name} AS {name}' for name in row)}", row)
    for table in ("ledger.pair", "ops.dirty_account", "ops.dirty_node", "ops.dirty_campaign", "ops.cycle"):
        with relations(con, rows=arrow_table(new, f"FROM {table}")):
            con.execute(f"INSERT INTO {table} BY NAME FROM rows")
    return con


def versions(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    """Return every version in the ledger, without where it came from and when it was recorded, and whether it counts."""
    left_out = "topic, kafka_partition, kafka_offset, recorded_at, superseded_at"
    select = f"SELECT * EXCLUDE ({left_out}), superseded_at IS NULL AS counts"
    return {fact_type: con.execute(f"{select} FROM ledger.{fact_type} ORDER BY ALL").fetchall() for fact_type in FACT_TYPES}


def test_version_that_lost_before_is_a_row_with_all_its_content(con: duckdb.DuckDBPyConnection) -> None:
    assert land_events(con, *CONFLICTS).conflicts == 11
    with of_the_first_schema(con) as old:
        assert migrate(old) == 1
        assert versions(old) == versions(con)
        assert contents(old) == contents(con)
        never = "SELECT count(*), count(DISTINCT recorded_at) FROM ledger.deal WHERE superseded_at = recorded_at AND topic IS NULL"
        assert old.execute(never).fetchall() == [(2, 1)]


def test_same_events_are_duplicates_after_the_migration(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, *CONFLICTS)
    with of_the_first_schema(con) as old:
        migrate(old)
        before = versions(old)
        assert land_events(old, *CONFLICTS) == LandCounts(records=len(CONFLICTS), duplicates=len(CONFLICTS))
        assert versions(old) == before
        assert land_events(old, touch("t-1", "2026-05-01T00:00:00Z")) == LandCounts(records=1, conflicts=1)
        assert land_events(old, touch("t-10")) == LandCounts(records=1, facts=1)


def test_index_by_which_identities_are_found_is_made_anew(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, *CONFLICTS)
    with of_the_first_schema(con) as old:
        migrate(old)
        for fact_type in FACT_TYPES:
            hashed = "identity_hash = md5_number_lower(source || chr(31) || event_id)"
            wrong = f"SELECT count(*) FILTER (NOT {hashed} OR identity_hash IS NULL), count(*) > 0 FROM ledger.{fact_type}"
            assert old.execute(wrong).fetchall() == [(0, True)]


@examples(3, of_profile=0.02)
@given(event_sets())
def test_any_warehouse_of_the_first_schema_verifies_clean(events: list[Event]) -> None:
    with empty_warehouse() as new:
        land_events(new, *events)
        with of_the_first_schema(new) as old:
            migrate(old)
            assert (versions(old), contents(old)) == (versions(new), contents(new))
            attribute(old)
            counts = land_events(old, *events)
            assert (counts.facts, counts.conflicts) == (0, 0)
            assert verify_books(old, LINEAR).differing == 0
