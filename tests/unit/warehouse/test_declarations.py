"""Declarations: what they refuse, and that every table of the warehouse is what its declaration says."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.entries import KINDS
from nisba.attribution.facts import FACT_TYPES, ledger_schema
from nisba.attribution.held import SENTENCES
from nisba.config import TEAMS
from nisba.errors import WarehouseError
from reports.words import words
from schemas.refusals import ERROR_CLASSES
from tests.unit.warehouse.landing import empty_warehouse
from warehouse.models.build import create_macros, create_model, models
from warehouse.models.declarations import (
    FOLDER,
    AcceptedRange,
    AcceptedValues,
    NotNull,
    Relationships,
    Unique,
    declared,
    describe,
    loaded_tables,
    read_table,
    read_tables,
    tables,
)

SOUND = """\
description: One row per deal.
config: {materialized: table}
meta: {grain: [deal_id], made_by: loader, refreshed_by: cycle, published: true}
columns:
  - name: deal_id
    data_type: VARCHAR
    description: The deal.
    data_tests: [not_null, unique]
  - name: status
    data_type: VARCHAR
    description: open or won.
    data_tests:
      - accepted_values: {values: [open, won], description: Others are counted nowhere., config: {severity: warn}}
  - name: amount
    data_type: DECIMAL(18,3)
    description: What it is worth.
    meta: {unit: currency}
    data_tests: [{dbt_utils.accepted_range: {min_value: 0}}]
  - name: owner
    data_type: VARCHAR
    description: Who owns it.
    meta: {personal: true}
"""


@pytest.fixture
def core(tmp_path: Path) -> Path:
    folder = tmp_path / "core"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def built() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with every table and view, none with a row."""
    with empty_warehouse() as con:
        create_macros(con)
        for model in models():
            create_model(con, model)
        yield con


def _written(folder: Path, text: str = SOUND, name: str = "deal.yml") -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def test_everything_that_a_declaration_says(core: Path) -> None:
    table = read_table(_written(core))
    assert (table.name, table.schema, table.kind, table.description) == ("core.deal", "core", "table", "One row per deal.")
    assert (table.grain, table.made_by, table.refreshed_by, table.is_published) == (("deal_id",), "loader", "cycle", True)
    assert [(column.name, column.data_type) for column in table.columns] == [
        ("deal_id", "VARCHAR"),
        ("status", "VARCHAR"),
        ("amount", "DECIMAL(18,3)"),
        ("owner", "VARCHAR"),
    ]
    assert table.personal == ("owner",)
    assert [column.comment for column in table.columns][2:] == ["What it is worth. [currency]", "Who owns it."]


def test_data_tests_are_read_as_dbt_writes_them(core: Path) -> None:
    key, status, amount, owner = read_table(_written(core)).columns
    assert key.data_tests == (NotNull(), Unique())
    (values,) = status.data_tests
    assert isinstance(values, AcceptedValues)
    assert (values.values, values.description, values.config.severity) == (("open", "won"), "Others are counted nowhere.", "warn")
    assert amount.data_tests == (AcceptedRange(min_value=0),)
    assert owner.data_tests == ()


REFUSED = {
    "no_description": ("description: One row per deal.\n", "", r"missing required field `description`"),
    "unknown_key": ("description: One", "owner: olaf\ndescription: One", r"unknown field `owner`"),
    "unknown_key_of_meta": ("published: true", "published: true, colour: red", r"unknown field `colour` - at `\$\.meta`"),
    "unknown_key_of_column": ("    description: The deal.", "    descripton: The deal.", r"`descripton` - at `\$\.columns\[0\]`"),
    "unknown_key_of_column_meta": ("{unit: currency}", "{unitt: currency}", r"unknown field `unitt` - at `\$\.columns\[2\]\.meta`"),
    "unknown_kind_of_test": (
        "[not_null, unique]",
        "[not_null, uniq]",
        r"Invalid value 'uniq' - at `\$\.columns\[0\]\.data_tests\[1\]",
    ),
    "unknown_argument_of_test": ("min_value: 0", "least: 0", r"unknown field `least` - at `\$\.columns\[2\]\.data_tests\[0\]`"),
    "test_without_its_argument": ("{values: [open, won], ", "{", r"missing required field `values`"),
    "test_with_two_names": ("[not_null, unique]", "[{not_null: {}, unique: {}}]", r"missing required field `test`"),
    "tests_that_are_no_list": ("[not_null, unique]", "not_null", r"Expected `array`, got `str`"),
    "unknown_severity": ("severity: warn", "severity: loud", r"Invalid enum value 'loud'"),
    "unknown_materialization": ("materialized: table", "materialized: incremental", r"Invalid enum value 'incremental'"),
    "unknown_maker": ("made_by: loader", "made_by: hand", r"Invalid enum value 'hand'"),
    "unknown_refresh": ("refreshed_by: cycle", "refreshed_by: night", r"Invalid enum value 'night'"),
    "grain_of_no_column": ("grain: [deal_id]", "grain: [id]", r"meta\.grain: there is no column id"),
    "grain_that_is_hidden": ("grain: [deal_id]", "grain: [owner]", r"meta\.grain: owner stays out of snapshots"),
    "column_twice": ("  - name: amount", "  - name: status", r"columns: status is declared twice"),
    "made_by_sql_without_a_select": ("made_by: loader", "made_by: sql", r"made_by is sql, but there is no file for sql"),
    "made_by_a_function_without_one": (
        "made_by: loader",
        "made_by: python, reads: [core.deal]",
        r"made_by is python, but there is no file for python",
    ),
    "reads_of_a_loaded_table": (
        "published: true",
        "published: true, reads: [core.entry]",
        r"meta\.reads names the relations of a function",
    ),
    "not_yaml": ("description: One", "description: [One", r"deal\.yml: "),
    "list_at_the_top": (SOUND, "- a\n- b\n", r"Expected `object`, got `array`"),
    "empty": (SOUND, "", r"Expected `object`, got `null`"),
    "columns_that_are_names": (SOUND[SOUND.index("columns:") :], "columns: [deal_id]\n", r"Expected `object`, got `str`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_with_file_and_key(core: Path, name: str) -> None:
    sound, wrong, message = REFUSED[name]
    assert sound in SOUND
    file = _written(core, SOUND.replace(sound, wrong, 1))
    with pytest.raises(WarehouseError, match=message) as refused:
        read_table(file)
    assert str(refused.value).startswith(f"{file}: ")
    assert str(refused.value).endswith(".")


def test_loaded_table_with_a_select_beside_it_is_refused(core: Path) -> None:
    (core / "deal.sql").write_text("SELECT 1 AS deal_id")
    with pytest.raises(WarehouseError, match="made_by is loader, and there is a file for sql"):
        read_table(_written(core))


def test_function_makes_tables_not_views(core: Path) -> None:
    (core / "deal.py").write_text("def model(entry): return entry\n")
    text = SOUND.replace("made_by: loader", "made_by: python, reads: [core.entry]").replace("materialized: table", "materialized: view")
    with pytest.raises(WarehouseError, match="what a function makes is a table"):
        read_table(_written(core, text))


def test_function_says_what_it_reads(core: Path) -> None:
    (core / "deal.py").write_text("def model(): return None\n")
    with pytest.raises(WarehouseError, match=r"meta\.reads names the relations of a function"):
        read_table(_written(core, SOUND.replace("made_by: loader", "made_by: python")))


@pytest.mark.parametrize("name", ["credit.sql", "credit.py", "credit.checks.sql"])
def test_file_that_no_declaration_knows_is_refused(core: Path, name: str) -> None:
    _written(core)
    (core / name).write_text("SELECT 1")
    with pytest.raises(WarehouseError, match=r"no credit\.yml beside it declares core\.credit"):
        read_tables(core.parent)


ENTRY = textwrap.dedent("""\
    description: One row per entry.
    config: {materialized: table}
    meta: {grain: [deal_id], made_by: loader, refreshed_by: cycle, published: true}
    columns:
      - name: deal_id
        data_type: VARCHAR
        description: The deal.
        data_tests: [{relationships: {to: core.deal, field: deal_id}}]
""")


@pytest.mark.parametrize(
    ("sound", "wrong", "message"),
    [
        ("to: core.deal,", "to: core.deals,", r"deal_id: relationships leads to core\.deals\.deal_id, which is not declared"),
        ("field: deal_id", "field: id", r"deal_id: relationships leads to core\.deal\.id, which is not declared"),
        ("field: deal_id", "field: owner", r"relationships leads to core\.deal\.owner, which stays out of snapshots"),
    ],
)
def test_reference_that_leads_nowhere_is_refused(core: Path, sound: str, wrong: str, message: str) -> None:
    _written(core)
    _written(core, ENTRY, "entry.yml")
    assert read_tables(core.parent)["core.entry"].columns[0].data_tests == (Relationships(to="core.deal", field="deal_id"),)
    _written(core, ENTRY.replace(sound, wrong), "entry.yml")
    with pytest.raises(WarehouseError, match=message):
        read_tables(core.parent)


def test_published_table_does_not_refer_to_one_that_is_not(core: Path) -> None:
    _written(core, SOUND.replace("published: true", "published: false"))
    _written(core, ENTRY, "entry.yml")
    with pytest.raises(WarehouseError, match="which stays out of snapshots"):
        read_tables(core.parent)
    _written(core, ENTRY.replace("published: true", "published: false"), "entry.yml")
    assert read_tables(core.parent).keys() == {"core.deal", "core.entry"}


def test_function_reads_what_is_declared(core: Path) -> None:
    _written(core, SOUND.replace("made_by: loader", "made_by: python, reads: [core.entry]"))
    (core / "deal.py").write_text("def model(entry): return entry\n")
    with pytest.raises(WarehouseError, match=r"meta\.reads: there is no table core\.entry"):
        read_tables(core.parent)


def test_unknown_table_is_not_declared() -> None:
    with pytest.raises(WarehouseError, match=r"core\.deals is not declared: there is no core/deals\.yml"):
        declared("core.deals")
    assert declared("core.deal").name == "core.deal"


def test_words_with_quotes_reach_the_catalogue(core: Path) -> None:
    table = read_table(_written(core, SOUND.replace("One row per deal.", "Nobody's deal.").replace("The deal.", "It's 'it'.")))
    with duckdb.connect(":memory:") as con:
        con.execute("CREATE SCHEMA core; CREATE TABLE core.deal (deal_id VARCHAR, status VARCHAR, amount DECIMAL(18, 3))")
        describe(con, table, hidden=table.personal)
        assert con.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'deal'").fetchall() == [("Nobody's deal.",)]
        comments = con.execute("SELECT comment FROM duckdb_columns() WHERE table_name = 'deal' ORDER BY column_index").fetchall()
        assert comments == [("It's 'it'.",), ("open or won.",), ("What it is worth. [currency]",)]


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    rows = con.execute("""
        SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns()
        WHERE NOT internal AND database_name = current_database() ORDER BY table_oid, column_index
    """).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, data_type in rows:
        found.setdefault(table, []).append((column, data_type))
    return found


def test_the_catalogue_has_the_tables_columns_and_types_that_are_declared(built: duckdb.DuckDBPyConnection) -> None:
    found = _columns(built)
    assert found.keys() == tables().keys()
    for name, table in tables().items():
        assert found[name] == [(column.name, column.data_type) for column in table.columns], name


def test_tables_are_tables_and_views_are_views(built: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT schema_name || '.' || {0}_name, '{0}' FROM duckdb_{0}s() WHERE NOT internal"
    kinds = dict(built.execute(f"{query.format('table')} UNION ALL {query.format('view')}").fetchall())
    assert kinds == {name: table.kind for name, table in tables().items()}


def test_the_catalogue_says_what_every_table_and_column_means(built: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT schema_name || '.' || {0}_name, comment FROM duckdb_{0}s() WHERE NOT internal"
    assert dict(built.execute(f"{query.format('table')} UNION ALL {query.format('view')}").fetchall()) == {
        name: table.description for name, table in tables().items()
    }
    rows = built.execute(
        "SELECT schema_name || '.' || table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
    ).fetchall()
    said = {(table, column): comment for table, column, comment in rows}
    assert said == {(name, column.name): column.comment for name, table in tables().items() for column in table.columns}


def test_a_select_makes_the_columns_that_are_declared_and_no_others(built: duckdb.DuckDBPyConnection) -> None:
    """A build picks the declared columns in their order: one that nobody declared would be dropped in silence."""
    for model in models():
        if model.made_by == "sql":
            made = [row[0] for row in built.execute(f"DESCRIBE {model.select}").fetchall()]
            assert sorted(made) == sorted(column.name for column in model.columns), model.name


def _as_in_duckdb(con: duckdb.DuckDBPyConnection, schema: object) -> dict[str, str]:
    con.register("empty", schema.empty_table())  # type: ignore[attr-defined]
    try:
        return {row[0]: row[1] for row in con.execute("DESCRIBE empty").fetchall()}
    finally:
        con.unregister("empty")


def test_the_core_makes_the_columns_that_are_declared(built: duckdb.DuckDBPyConnection) -> None:
    for name, schema in BOOK_SCHEMAS.items():
        table = declared("ops.held" if name == "held" else f"core.{name}")
        assert _as_in_duckdb(built, schema) == {column.name: column.data_type for column in table.columns}, name


def test_the_decoder_makes_the_columns_of_the_ledger(built: duckdb.DuckDBPyConnection) -> None:
    """The ledger adds columns of its own, such as when a fact was landed."""
    for fact_type in FACT_TYPES:
        columns = {column.name: column.data_type for column in declared(f"ledger.{fact_type}").columns}
        made = _as_in_duckdb(built, ledger_schema(fact_type))
        assert made.items() <= columns.items(), fact_type


def test_every_mart_with_a_period_has_its_dates() -> None:
    marts = [table for table in tables().values() if table.schema != "locked"]  # a locked period's dates are those of its run
    dated = {table.name for table in marts if "period" in {column.name for column in table.columns}}
    assert {"core.performance", "core.period", "marts.campaign_roi", "marts.channel_roi", "marts.marketing_share"} <= dated
    for name in dated - {"core.period"}:
        names = [column.name for column in declared(name).columns]
        place = names.index("period")
        assert names[place - 1 : place + 3] == ["period_kind", "period", "period_start", "period_end"], name


def test_words_are_sentences_and_keys_are_never_null() -> None:
    # deals without touches; nodes without an account
    optional = {("core.pipeline_credit", "ordinal"), ("core.identity", "account_id")}
    optional |= {("locked.entry", "touch_source"), ("locked.entry", "touch_id")}
    views = {"core.credit", "core.journey", "marts.deal_explained", "marts.revenue"}
    for table in tables().values():
        assert table.description.endswith("."), table.name
        assert all(column.description.endswith(".") for column in table.columns), table.name
        for column in table.columns:
            if column.name in table.grain and table.is_published and table.name not in views:
                assert NotNull() in column.data_tests or (table.name, column.name) in optional, (table.name, column.name)


def test_nobody_who_is_a_person_is_in_a_published_column() -> None:
    """Names of columns that name persons, wherever they are: hidden, or in a table that is."""
    words = ("person", "visitor", "owner", "actor", "contact")
    columns = {(table.name, c.name) for table in tables().values() for c in table.columns if c.data_type != "BOOLEAN"}  # whether, not who
    named = {(table, name) for table, name in columns if any(word in name for word in words)}
    assert {("core.deal", "owner"), ("core.journey_touch", "actor"), ("ledger.touch", "person_id")} <= named
    for name, column in named - {("locked.statement", "factor")}:  # it is no actor
        assert column in declared(name).personal, (name, column)


def test_loaded_tables_are_those_that_no_model_makes() -> None:
    assert {table.name for table in loaded_tables()} | {model.name for model in models()} == tables().keys()
    assert {"ledger.touch", "ledger.pair", "core.deal", "ops.cycle"} <= {table.name for table in loaded_tables()}


def accepted(table: str, column: str) -> tuple[str, ...]:
    """Return the values that a column may have by its declaration."""
    (found,) = [one for one in declared(table).columns if one.name == column]
    (values,) = [test.values for test in found.data_tests if isinstance(test, AcceptedValues)]
    return values


@pytest.mark.parametrize(
    ("table", "column", "known"),
    [
        ("ops.held", "kind", {kind for kind, _ in SENTENCES}),
        ("ops.held", "reason", {reason for _, reason in SENTENCES}),
        ("ops.dead_letter", "error_class", set(ERROR_CLASSES)),
        ("core.entry", "entry", set(KINDS)),
        ("core.journey_touch", "team", set(TEAMS)),
        ("ledger.touch", "team", set(TEAMS)),
    ],
)
def test_words_that_a_column_may_hold_are_those_that_the_code_knows(table: str, column: str, known: set[str]) -> None:
    found = accepted(table, column)
    assert set(found) == known
    assert len(found) == len(known)


def test_reasons_without_roi_are_those_of_the_macro_and_have_words() -> None:
    reasons = set(re.findall(r"THEN '(\w+)'", (FOLDER / "macros" / "roi_reason.sql").read_text("utf-8")))
    assert reasons == set(accepted("marts.campaign_roi", "roi_reason")) == set(accepted("marts.channel_roi", "roi_reason"))
    assert all(words()(f"roi_reason.{reason}") for reason in reasons)
