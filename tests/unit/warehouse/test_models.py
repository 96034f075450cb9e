"""How models are ordered and made: what a SELECT reads, circles, functions, and a build that fails half-way."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.errors import WarehouseError
from tests.strategies import examples
from tests.unit.warehouse.landing import empty_warehouse
from warehouse.models import build as building
from warehouse.models.build import build, create_model, in_reading_order, models, reads_of
from warehouse.models.declarations import declared, read_tables
from warehouse.models.lineage import narrowed, reading_order, reads


def _yml(made_by: str, *, kind: str = "table", more: str = "", columns: tuple[str, ...] = ("id VARCHAR", "total DECIMAL(18,3)")) -> str:
    lines = [
        "description: What it is.",
        f"config: {{materialized: {kind}}}",
        f"meta: {{grain: [id], made_by: {made_by}, refreshed_by: cycle, published: false{more}}}",
        "columns:",
    ]
    for column in columns:
        name, data_type = column.split(" ", 1)
        lines += [f"  - name: {name}", f"    data_type: {data_type}", "    description: What it means."]
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A loaded table, and nothing that reads it."""
    for schema in ("core", "marts"):
        (tmp_path / schema).mkdir()
    (tmp_path / "core" / "deal.yml").write_text(_yml("loader"))
    return tmp_path


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE SCHEMA core; CREATE SCHEMA marts; CREATE TABLE core.deal (id VARCHAR, total DECIMAL(18, 3))")
        connection.execute("INSERT INTO core.deal VALUES ('a', 1), ('a', 2), ('b', 4)")
        yield connection


def _model(folder: Path, name: str, select: str, *, kind: str = "table") -> None:
    schema, table = name.split(".")
    (folder / schema / f"{table}.yml").write_text(_yml("sql", kind=kind))
    (folder / schema / f"{table}.sql").write_text(select)


@pytest.mark.parametrize("columns", ["id", "id, 'much' AS total", "nothing"])
def test_select_that_does_not_make_what_is_declared_is_named(folder: Path, con: duckdb.DuckDBPyConnection, columns: str) -> None:
    _model(folder, "marts.by_deal", f"SELECT {columns} FROM core.deal")
    with pytest.raises(WarehouseError, match=r"^marts\.by_deal cannot be made as it is declared: "):
        create_model(con, read_tables(folder)["marts.by_deal"])


@pytest.mark.parametrize("select", ["", " \n", ";", "-- a comment alone"])
def test_file_without_a_select_is_refused(select: str) -> None:
    with pytest.raises(WarehouseError, match="No expression was parsed"):
        reads(select)


@pytest.mark.parametrize(
    ("select", "names"),
    [
        ("SELECT 1", set()),
        ("SELECT * FROM core.deal", {"core.deal"}),
        ("FROM core.deal", {"core.deal"}),
        ("SELECT * FROM core.deal AS d JOIN core.entry USING (deal_id)", {"core.deal", "core.entry"}),
        ("-- core.entry\nSELECT 'core.credit' AS word FROM core.deal /* marts.roi */", {"core.deal"}),
        ("WITH entry AS (SELECT * FROM core.entry) SELECT * FROM entry", {"core.entry"}),
        ("SELECT (SELECT max(day) FROM core.period) AS day, deal.core FROM core.deal AS deal", {"core.period", "core.deal"}),
        ("SELECT * FROM core.a WHERE id IN (FROM core.b) UNION ALL BY NAME FROM core.c", {"core.a", "core.b", "core.c"}),
        ("SELECT unnest(models) AS model FROM core.setting", {"core.setting"}),
        ("SELECT marts.percent(1, 2) AS pct FROM core.deal", {"core.deal"}),
    ],
)
def test_what_a_select_reads(select: str, names: set[str]) -> None:
    assert reads(select) == names


def test_select_that_is_none_is_refused_by_its_first_line() -> None:
    with pytest.raises(WarehouseError, match=r"^-- grain: one row: "):
        reads("-- grain: one row\nSELECT FROM WHERE (")


ROWS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-100, 100)), max_size=12)


@examples(20)
@given(ROWS, st.sets(st.sampled_from("abcd")))
def test_narrowed_select_is_the_select_over_narrowed_tables(rows: list[tuple[str, int]], kept: set[str]) -> None:
    select = """
        WITH line AS (SELECT id, amount FROM core.line AS l), pair AS (SELECT * FROM line FULL JOIN core.entry AS entry USING (id))
        SELECT id, sum(amount) AS total, count(booked) AS entries FROM pair GROUP BY ALL ORDER BY ALL
    """
    narrow = narrowed(select, ("core.line", "core.entry"), "id IN (SELECT id FROM kept)")
    with duckdb.connect(":memory:") as con:
        con.execute("CREATE SCHEMA core; CREATE TABLE core.line (id VARCHAR, amount BIGINT); CREATE TABLE kept (id VARCHAR)")
        con.execute("CREATE TABLE core.entry (id VARCHAR, booked BIGINT)")
        for one in rows:
            con.execute("INSERT INTO core.line VALUES (?, ?)", one)
        con.execute("INSERT INTO core.entry SELECT DISTINCT id, 1 FROM core.line UNION ALL SELECT 'z', 1")
        for name in kept:
            con.execute("INSERT INTO kept VALUES (?)", [name])
        found = con.execute(narrow).fetchall()
        con.execute("DELETE FROM core.line WHERE id NOT IN (FROM kept); DELETE FROM core.entry WHERE id NOT IN (FROM kept)")
        assert found == con.execute(select).fetchall()


@given(st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12)), max_size=13))
def test_everything_comes_after_what_it_reads(graph: dict[int, set[int]]) -> None:
    acyclic = {f"m{name}": {f"m{other}" for other in others if other < name} for name, others in graph.items()}
    order = reading_order(acyclic)
    assert all(order.index(other) < order.index(name) for name, others in acyclic.items() for other in others)


def test_models_are_in_the_order_in_which_they_read_each_other(folder: Path) -> None:
    _model(folder, "marts.a_first_by_name", "SELECT id, total FROM core.z_last_by_name")
    _model(folder, "core.z_last_by_name", "SELECT id, total FROM core.deal")
    assert [model.name for model in in_reading_order(read_tables(folder))] == ["core.z_last_by_name", "marts.a_first_by_name"]


def test_circle_is_refused_by_the_names_on_it(folder: Path) -> None:
    _model(folder, "core.hen", "SELECT id, total FROM core.egg")
    _model(folder, "core.egg", "SELECT id, total FROM core.hen")
    with pytest.raises(WarehouseError, match=r"in a circle: core\.(hen|egg) → core\.(hen|egg) → core\.(hen|egg)"):
        in_reading_order(read_tables(folder))


def test_table_that_nobody_declares_is_not_read(folder: Path) -> None:
    _model(folder, "core.big", "SELECT id, total FROM core.deals")
    with pytest.raises(WarehouseError, match=r"core/big: it reads core\.deals, which is not declared"):
        in_reading_order(read_tables(folder))


def test_build_follows_what_the_selects_read() -> None:
    order = [model.name for model in models()]
    for before, after in (
        ("core.credit", "core.credit_month"),
        ("core.credit_month", "core.performance"),
        ("core.period", "core.performance"),
        ("core.performance", "core.returns"),
        ("core.returns", "marts.campaign_roi"),
        ("core.campaign", "marts.campaign_roi"),
        ("core.campaign_ancestor", "core.performance"),
        ("core.deal_month", "marts.marketing_share"),
    ):
        assert order.index(before) < order.index(after)
    assert reads_of(declared("marts.channel_roi")) == {"core.returns"}


def test_line_deal_touch_and_entry_are_joined_in_one_place() -> None:
    assert [model.name for model in models() if "core.credit_line" in reads_of(model)] == ["core.credit"]


def test_types_and_order_of_columns_follow_the_declaration(folder: Path, con: duckdb.DuckDBPyConnection) -> None:
    _model(folder, "core.big", "SELECT sum(total) AS total, id FROM core.deal GROUP BY id")
    create_model(con, read_tables(folder)["core.big"])
    assert con.execute("SELECT column_name, column_type FROM (DESCRIBE core.big)").fetchall() == [
        ("id", "VARCHAR"),
        ("total", "DECIMAL(18,3)"),
    ]
    assert con.execute("FROM core.big ORDER BY id").fetchall() == [("a", Decimal(3)), ("b", Decimal(4))]


FUNCTION = """
import pyarrow as pa


def model(deal: pa.Table, small: pa.Table) -> pa.Table:
    doubled = deal.group_by("id").aggregate([("total", "sum")])
    return pa.table({"total": doubled["total_sum"], "id": doubled["id"]}).filter(pa.array([small.num_rows == 1] * doubled.num_rows))
"""


def _function(folder: Path, body: str = FUNCTION) -> None:
    (folder / "core" / "summed.yml").write_text(_yml("python", more=", reads: [core.deal, core.small]"))
    (folder / "core" / "summed.py").write_text(body)
    _model(folder, "core.small", "SELECT id, total FROM core.deal WHERE id = 'b'", kind="view")
    _model(folder, "marts.above", "SELECT id, total FROM core.summed WHERE total > 3", kind="view")


def test_function_is_a_model_like_any_other(folder: Path, con: duckdb.DuckDBPyConnection) -> None:
    """Relations in, a relation out: after what it reads, before what reads it, with the columns and the words that are declared."""
    _function(folder)
    order = in_reading_order(read_tables(folder))
    assert [model.name for model in order] == ["core.small", "core.summed", "marts.above"]
    for model in order:
        create_model(con, model)
    assert con.execute("FROM core.summed ORDER BY id").fetchall() == [("a", Decimal(3)), ("b", Decimal(4))]
    assert con.execute("FROM marts.above").fetchall() == [("b", Decimal(4))]
    assert con.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'summed'").fetchall() == [("What it is.",)]
    assert con.execute("SELECT count(*) FROM duckdb_views() WHERE view_name = 'made_by_function'").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("before", "after"), [('"total": ', '"sum": '), ('"id": doubled["id"]', '"id": doubled["id"], "n": doubled["id"]')]
)
def test_function_that_makes_other_columns_is_refused(folder: Path, con: duckdb.DuckDBPyConnection, before: str, after: str) -> None:
    _function(folder, FUNCTION.replace(before, after))
    declarations = read_tables(folder)
    create_model(con, declarations["core.small"])
    with pytest.raises(WarehouseError, match=r"core\.summed: the function makes the columns .*; declared are id, total\."):
        create_model(con, declarations["core.summed"])


def test_function_that_fails_leaves_nothing_registered(folder: Path, con: duckdb.DuckDBPyConnection) -> None:
    _function(folder, FUNCTION.replace('"total": doubled["total_sum"]', '"total": pa.array(["many"] * doubled.num_rows)'))
    declarations = read_tables(folder)
    create_model(con, declarations["core.small"])
    with pytest.raises(WarehouseError, match="many"):
        create_model(con, declarations["core.summed"])
    with pytest.raises(duckdb.CatalogException):
        con.execute("FROM made_by_function")


def test_books_that_were_never_made_are_not_built() -> None:
    with empty_warehouse() as con, pytest.raises(WarehouseError, match=r"^nothing is attributed yet: run `nisba attribute`"):
        build(con)


def test_build_that_fails_leaves_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _model(folder, "core.sound", "SELECT id, total FROM core.deal")
    _model(folder, "core.unsound", "SELECT id, nothing AS total FROM core.sound")
    with empty_warehouse() as con:
        con.execute("INSERT INTO core.setting (reporting_currency) VALUES ('USD'); CREATE TABLE core.sound AS SELECT 1 AS old")
        con.execute("ALTER TABLE core.deal ADD COLUMN id VARCHAR; ALTER TABLE core.deal ADD COLUMN total DECIMAL(18, 3)")
        order = in_reading_order(read_tables(folder))
        monkeypatch.setattr(building, "models", lambda: order)
        with pytest.raises(WarehouseError, match="nothing"):
            build(con)
        assert con.execute("FROM core.sound").fetchall() == [(1,)]


GIVEN_BACK = """
def model(*relations):
    assert [type(one).__module__ for one in relations] == ["pyarrow.lib"] * 2
    return relations[0]
"""


def test_a_table_of_arrow_is_what_a_function_gets(folder: Path, con: duckdb.DuckDBPyConnection) -> None:
    _function(folder, GIVEN_BACK)
    declarations = read_tables(folder)
    create_model(con, declarations["core.small"])
    create_model(con, declarations["core.summed"])
    made = con.execute("FROM core.summed").to_arrow_table()
    assert made.equals(con.execute("FROM core.deal").to_arrow_table())
    assert made.schema.field("total").type == pa.decimal128(18, 3)
