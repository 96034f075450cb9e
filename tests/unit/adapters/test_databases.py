"""Places that are databases, against real ones: the same export gives the same bytes, wherever it lies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from adapters.frame.places import open_place
from nisba.errors import SourceError
from tests.postgres_server import PASSWORD, Server, postgres_server
from tests.unit.adapters.running import converted, events_of
from tests.unit.adapters.test_small_exports import MAVEN, OLIST, written

EXPORTS = {"olist": OLIST, "maven_crm": MAVEN}
OURS = {
    "adapter.toml": 'title = "Ours"\n',
    "tables.toml": "[deals]\nmust = true\n[deals.columns]\nid = []\namount = []\nchanged = []\nis_won = []\nclosed = []\nlabels = []\n",
    "deal.sql": """-- Grain: one row per deal.
select id, instant(changed) as time, id as deal_id, 'x' as stage, if(truth(is_won), 'won', 'open') as status, instant(changed) as opened_at,
  closed as closed_on, amount, 'USD' as currency, labels as next_step
from deals
order by id
""",
}


def needs(extension: str) -> None:
    if find_spec(f"duckdb_extension_{extension}_scanner") is None:
        pytest.skip(f"the extension for {extension} is not installed: pip install 'nisba[{extension}]'")


@pytest.fixture
def ours(tmp_path: Path) -> str:
    for name, text in OURS.items():
        (tmp_path / "ours").mkdir(exist_ok=True)
        (tmp_path / "ours" / name).write_text(text, "utf-8")
    return str(tmp_path / "ours")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    needs("postgres")
    with postgres_server() as running:
        yield running


@pytest.fixture
def postgres(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return server


def told(postgres: Server, *statements: str) -> None:
    """Run statements in the server, as whoever filled it does."""
    import duckdb_extension_postgres_scanner as package

    (binary,) = Path(str(package.__file__)).parent.rglob("*.duckdb_extension")
    with duckdb.connect() as con:
        con.execute(f"LOAD '{binary}'")
        con.execute(f"ATTACH '{postgres.url()}' AS filled (TYPE postgres)")
        for statement in statements:
            con.execute("CALL postgres_execute('filled', $statement)", {"statement": statement})


def rows_of(name: str, folder: Path) -> dict[str, tuple[list[str], list[tuple[str | None, ...]]]]:
    """Return the columns and rows of each file of an export."""
    with duckdb.connect() as con:
        files = sorted(written(folder, EXPORTS[name]).glob("*.csv"))
        relations = {file.stem: con.sql(f"FROM read_csv('{file}', all_varchar = true, header = true)") for file in files}
        return {table: (relation.columns, relation.fetchall()) for table, relation in relations.items()}


def in_duckdb(name: str, folder: Path) -> str:
    with duckdb.connect(str(folder / "lake.duckdb")) as con:
        con.execute('CREATE SCHEMA "Raw"')
        for table, (columns, rows) in rows_of(name, folder / "export").items():
            con.execute(f'CREATE TABLE "Raw"."{table.upper()}" ({", ".join(f"{column} VARCHAR" for column in columns)})')
            con.executemany(f'INSERT INTO "Raw"."{table.upper()}" VALUES ({", ".join("?" * len(columns))})', rows)
    return f"{folder / 'lake.duckdb'}#Raw"


def in_sqlite(name: str, folder: Path) -> str:
    needs("sqlite")
    with sqlite3.connect(folder / "crm.sqlite") as con:
        con.execute("PRAGMA journal_mode = wal")
        for table, (columns, rows) in rows_of(name, folder / "export").items():
            con.execute(f'CREATE TABLE "stored_{table}" ({", ".join(columns)})')
            con.executemany(f'INSERT INTO "stored_{table}" VALUES ({", ".join("?" * len(columns))})', rows)
            con.execute(f'CREATE VIEW "{table.title()}" AS SELECT {", ".join(reversed(columns))} FROM "stored_{table}"')
    con.close()
    return str(folder / "crm.sqlite")


def in_postgres(name: str, folder: Path, postgres: Server) -> str:
    statements = [f"CREATE SCHEMA {name}"]
    for table, (columns, rows) in rows_of(name, folder / "export").items():
        values = ", ".join("(" + ", ".join("NULL" if cell is None else f"'{cell}'" for cell in row) + ")" for row in rows)
        statements += [
            f"CREATE TABLE {name}.{table} ({', '.join(f'{c} text' for c in columns)})",
            f"INSERT INTO {name}.{table} VALUES {values}",
        ]
    told(postgres, *statements)
    return f"{postgres.url()}#{name}"


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("kind", ["duckdb", "sqlite", "postgres"])
def test_the_same_export_gives_the_same_bytes_wherever_it_lies(
    name: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "postgres":
        where = in_postgres(name, tmp_path, request.getfixturevalue("postgres"))
    else:
        where = {"duckdb": in_duckdb, "sqlite": in_sqlite}[kind](name, tmp_path)
    files = converted(name, tmp_path / "export", tmp_path / "files")
    base = converted(name, where, tmp_path / "base")
    assert base.events == files.events
    assert sum(base.events.values()) > 0
    assert base.left_out == files.left_out
    for file in files.directory.iterdir():
        assert (base.directory / file.name).read_bytes() == file.read_bytes()


TYPED = """CREATE SCHEMA typed
CREATE TYPE typed.mood AS ENUM ('Good')
CREATE TABLE typed.deals (id uuid, amount numeric, changed timestamptz, is_won boolean, closed date, labels text[], more jsonb, gone int)
ALTER TABLE typed.deals DROP COLUMN gone
INSERT INTO typed.deals VALUES ('00000000-0000-0000-0000-000000000001', 123456789012345.67, '2026-03-01 10:00:00.5+03', true, \
'2026-03-31', '{a,b}', '{}')
CREATE MATERIALIZED VIEW typed.domains AS SELECT * FROM typed.deals"""


def test_types_of_postgres_arrive_exactly(postgres: Server, ours: str, tmp_path: Path) -> None:
    """A numeric without bounds is no double on the way: 17 digits stay."""
    told(postgres, *TYPED.split("\n"))
    done = converted(ours, f"{postgres.url()}#typed", tmp_path / "out")
    (event,) = events_of(done.directory)
    assert (event["id"], event["time"]) == ("00000000-0000-0000-0000-000000000001", "2026-03-01T07:00:00.500000Z")
    assert event["data"] == {
        "deal_id": "00000000-0000-0000-0000-000000000001",
        "stage": "x",
        "status": "won",
        "opened_at": "2026-03-01T07:00:00.500000Z",
        "closed_on": "2026-03-31",
        "amount": "123456789012345.67",
        "currency": "USD",
        "next_step": '["a","b"]',
    }


def test_tables_are_those_of_the_firm_and_nothing_can_be_written(postgres: Server) -> None:
    told(postgres, "CREATE SCHEMA own", "CREATE TABLE own.tables (id int)", "CREATE VIEW own.roles AS SELECT * FROM own.tables")
    with duckdb.connect() as con:
        place = open_place(con, f"{postgres.url()}#own")
        assert sorted(place.tables) == ["roles", "tables"]
        assert place.modified_at is None
        with pytest.raises(duckdb.Error, match="read-only"):
            con.execute("INSERT INTO exported.own.tables VALUES (1)")
    with duckdb.connect() as con, pytest.raises(SourceError, match=r"#information_schema: there is no such schema; there are: .*own"):
        open_place(con, f"{postgres.url()}#information_schema")


def test_a_password_comes_from_a_file_as_well_and_a_wrong_one_is_told(
    server: Server, ours: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "wrong one")
    with pytest.raises(SourceError, match=r"cannot be opened: .*password authentication failed") as raised:
        converted(ours, server.url(), tmp_path / "out")
    assert "wrong one" not in str(raised.value)
    assert "\n" not in str(raised.value)
    monkeypatch.delenv("PGPASSWORD")
    (tmp_path / "pgpass").write_text(f"*:*:*:*:{PASSWORD}\n", "utf-8")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    with duckdb.connect() as con:
        assert open_place(con, server.url()).modified_at is None


def test_a_server_that_is_not_there_is_told(ours: str, tmp_path: Path) -> None:
    needs("postgres")
    with pytest.raises(SourceError, match=r"^postgres:///crm\?host=.*: cannot be opened: "):
        converted(ours, f"postgres:///crm?host={tmp_path}", tmp_path / "out")


def test_a_column_of_bytes_that_nobody_reads_is_in_nobodys_way(ours: str, tmp_path: Path) -> None:
    needs("sqlite")
    with sqlite3.connect(tmp_path / "crm.sqlite") as con:
        con.execute("CREATE TABLE deals (id INTEGER, amount REAL, changed TEXT, is_won INT, picture BLOB)")
        con.execute("INSERT INTO deals VALUES (7, 10.5, '2026-01-01T10:00:00Z', 1, x'00ff')")
    con.close()
    (event,) = events_of(converted(ours, tmp_path / "crm.sqlite", tmp_path / "out").directory)
    assert (event["id"], event["data"]["amount"], event["data"]["status"]) == ("7", "10.5", "won")
