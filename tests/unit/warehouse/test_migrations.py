"""Migrations: each wholly or not at all, and a warehouse of an earlier schema keeps every fact and every conflict."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import msgspec
import pytest
from hypothesis import given

from nisba.attribution import RULES_EDITION
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
from warehouse.recompute.scope import plan_scope
from warehouse.recompute.verification import verify_books

MIGRATIONS = len(list(FOLDER.glob("*.sql")))
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


FACT_TYPES_BEFORE = tuple(fact_type for fact_type in FACT_TYPES if fact_type != "account")
"""The types that there were before accounts could be described."""


def of_migrations(count: int) -> duckdb.DuckDBPyConnection:
    """Return an empty warehouse that knows the first migrations alone."""
    con = duckdb.connect(":memory:")
    con.execute("SET TimeZone = 'UTC'")
    con.execute("CREATE SCHEMA IF NOT EXISTS ops")
    con.execute("CREATE TABLE ops.migration (number INTEGER, name VARCHAR)")
    for number, file in enumerate(sorted(FOLDER.glob("[0-9]*.sql"))[:count], 1):
        con.execute(file.read_text("utf-8"))
        con.execute("INSERT INTO ops.migration VALUES (?, ?)", [number, file.stem])
    return con


def columns_of(con: duckdb.DuckDBPyConnection, fact_type: str, schema: str = "ledger") -> str:
    """Return the columns of a table that a warehouse of today has as well."""
    left_out = ("shard",)
    found = con.execute("SELECT column_name FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?", [schema, fact_type]).fetchall()
    return ", ".join(name for (name,) in found if name not in left_out)


def of_the_second_schema(new: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a warehouse of migrations 1 and 2 as its version would have left it: facts, conflicts, books and setting."""
    con = of_migrations(2)
    tables = [*(f"ledger.{fact_type}" for fact_type in FACT_TYPES_BEFORE), "ledger.pair", "ops.conflict", "ops.cycle", "ops.held"]
    tables += [
        f"core.{name}" for name in ("identity", "deal", "deal_history", "journey_touch", "entry", "credit_line", "cost_daily", "setting")
    ]
    for table in tables:
        schema, name = table.split(".")
        with relations(con, rows=arrow_table(new, f"SELECT {columns_of(con, name, schema)} FROM {table}")):
            con.execute(f"INSERT INTO {table} BY NAME FROM rows")
    return con


def of_the_first_edition(events: list[Event]) -> list[Event]:
    """Return the events that the first edition would have let in, as it wrote them."""
    with of_migrations(2) as old:
        known = {fact_type: columns_of(old, fact_type).split(", ") for fact_type in FACT_TYPES_BEFORE}
    return [one for one in events if _is_of_the_first_edition(one, known)]


def _is_of_the_first_edition(one: Event, known: dict[str, list[str]]) -> bool:
    fact_type = one["type"].split(".")[1].replace("-", "_").replace("touch_retraction", "retraction")
    nested = {"utm", "left", "right"}
    if not set(one["data"]) - nested <= set(known.get(fact_type, ())):
        return False
    needed = {"deal": ("account_id", "opened_at"), "adjustment": ("effective_at",)}.get(fact_type, ())
    if fact_type == "deal" and one["data"].get("status") == "won":
        needed = (*needed, "amount")
    amount = str(one["data"].get("amount") or "")
    return all(one["data"].get(name) for name in needed) and len(amount.partition(".")[2]) <= 3


BOOKS = ("identity", "account", "deal", "deal_history", "journey_touch", "entry", "credit_line", "pipeline_credit", "cost_daily", "setting")


def books(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    """Return the books, each row in the columns of the core."""
    found = {name: con.execute(f"FROM core.{name} ORDER BY ALL").fetchall() for name in BOOKS}
    return found | {"held": con.execute("FROM ops.held ORDER BY ALL").fetchall()}


UPGRADED: tuple[Event, ...] = (
    touch("t-1", channel="Email", campaign_id="(not set)"),
    touch("t-2", "2026-01-03T00:00:00Z", channel="(none)", campaign_id="c-1"),
    deal("e-1", segment=" Mid  Market ", stage="Closed Won"),
    deal("e-2", deal_id="d-2", segment="all ", amount="70.00", status="lost"),
    event("spend", "ads", "s-1", TIME, {"campaign_id": "c-1", "starts_on": "2026-01-01", "amount": "10.00", "currency": "USD"}),
)


def test_upgraded_warehouse_has_the_books_of_a_fresh_one_after_the_next_attribution(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, *UPGRADED)
    attribute(con)
    assert len(books(con)["credit_line"]) == 2
    with of_the_second_schema(con) as old:
        for name in ("entry", "credit_line", "journey_touch"):  # figures of other rules
            old.execute(f"DELETE FROM core.{name} WHERE deal_id = 'd-1'")
        old.execute("UPDATE ledger.touch SET channel = 'Email' WHERE event_id = 't-1'")
        old.execute("UPDATE ledger.deal SET segment = ' Mid  Market ' WHERE event_id = 'e-1'")
        assert migrate(old) == MIGRATIONS - 2
        assert old.execute("SELECT config_hash IS NOT NULL, rules_edition FROM core.setting").fetchall() == [(True, None)]
        scope = plan_scope(old, LINEAR)
        assert scope is not None
        assert scope.is_to_be_written_whole
        attribute(old)
        assert books(old) == books(con)
        assert attribute(old) is None


@pytest.mark.parametrize("edition", [1, None])
def test_books_of_another_edition_of_the_rules_are_dirty(con: duckdb.DuckDBPyConnection, edition: int | None) -> None:
    land_events(con, *UPGRADED)
    attribute(con)
    assert con.execute("SELECT rules_edition FROM core.setting").fetchall() == [(RULES_EDITION,)]
    assert plan_scope(con, LINEAR) is None
    con.execute("UPDATE core.setting SET rules_edition = ?", [edition])
    assert attribute(con) is not None
    assert plan_scope(con, LINEAR) is None


@examples(3, of_profile=0.02)
@given(event_sets())
def test_any_upgraded_warehouse_has_the_books_of_a_fresh_one(events: list[Event]) -> None:
    with empty_warehouse() as new:
        land_events(new, *of_the_first_edition(events))
        attribute(new)
        with of_the_second_schema(new) as old:
            migrate(old)
            attribute(old)
            assert books(old) == books(new)
            assert verify_books(old, LINEAR).differing == 0


def test_events_of_the_first_edition_are_told_from_others() -> None:
    assert of_the_first_edition(list(CONFLICTS)) == list(CONFLICTS)
    others = [touch("t-1"), deal("e-1", name="Big one"), deal("e-2", account_id=None)]
    assert of_the_first_edition(others) == others[:1]


def of_the_first_schema(new: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a warehouse of migration 1 as its version would have left it: what lost is in `ops.conflict` alone."""
    con = of_migrations(1)
    for fact_type in FACT_TYPES_BEFORE:
        with relations(con, facts=arrow_table(new, f"SELECT {columns_of(con, fact_type)} FROM ledger.current_{fact_type}")):
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
        assert migrate(old) == MIGRATIONS - 1
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
        for fact_type in FACT_TYPES_BEFORE:
            hashed = "identity_hash = md5_number_lower(source || chr(31) || event_id)"
            wrong = f"SELECT count(*) FILTER (NOT {hashed} OR identity_hash IS NULL), count(*) > 0 FROM ledger.{fact_type}"
            assert old.execute(wrong).fetchall() == [(0, True)]


@examples(3, of_profile=0.02)
@given(event_sets())
def test_any_warehouse_of_the_first_schema_verifies_clean(events: list[Event]) -> None:
    with empty_warehouse() as new:
        events = of_the_first_edition(events)
        land_events(new, *events)
        with of_the_first_schema(new) as old:
            migrate(old)
            assert (versions(old), contents(old)) == (versions(new), contents(new))
            attribute(old)
            counts = land_events(old, *events)
            assert (counts.facts, counts.conflicts) == (0, 0)
            assert verify_books(old, LINEAR).differing == 0
