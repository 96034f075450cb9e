"""Verification finds every row that differs, on both sides, in everything or in the accounts that it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest

from nisba.attribution import fold
from nisba.attribution.books import BOOK_SCHEMAS
from nisba.config import Attribution, Config, CustomModel, Labels, Marketing, Multiplier
from nisba.errors import WarehouseError
from tests.unit.warehouse.landing import LINEAR, attribute, deal, empty_warehouse, every_row, land_events, touch
from tests.unit.warehouse.recompute.company import COMPANY
from warehouse.loader import replace_books
from warehouse.models.build import build, models
from warehouse.recompute import verification
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope
from warehouse.recompute.verification import Difference, verify, verify_books
from warehouse.settings import SETTING_SCHEMAS


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """The company, attributed, without any marts; every deal has a row in every table."""
    with small_warehouse() as connection:
        land_events(connection, *COMPANY)
        attribute(connection)
        yield connection


def small_warehouse() -> duckdb.DuckDBPyConnection:
    """Return an empty warehouse that so little is in that more threads would only wait for each other."""
    con = empty_warehouse()
    con.execute("SET threads = 1")
    return con


def sides(found: list[Difference]) -> list[tuple[str, str]]:
    return [(one.table, one.side) for one in found]


def test_books_that_were_attributed_are_clean_and_counted(con: duckdb.DuckDBPyConnection) -> None:
    build(con)
    whole, fast = verify(con, LINEAR), verify(con, LINEAR, fast=True)
    assert (whole.differing, whole.differences, fast.differing) == (0, [], 0)
    tables = {name: f"ops.{name}" if name == "held" else f"core.{name}" for name in (*BOOK_SCHEMAS, *SETTING_SCHEMAS)}
    tables |= {model.name.removeprefix("core."): model.name for model in models() if model.kind == "table"}
    views = {model.name.removeprefix("core.").removeprefix("ops."): 0 for model in models() if model.kind == "view"}
    assert {"deal", "held", "model", "performance", "marts.campaign_roi"} <= tables.keys()
    counted = {name: con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for name, table in tables.items()}
    assert whole.rows == counted | views
    assert (whole.mended_by, fast.mended_by) == (None, None)
    assert whole.rows["deal"] == 3 == fast.rows["deal"]
    assert whole.rows["held"] > 0
    assert "identity" not in fast.rows


def verified(con: duckdb.DuckDBPyConnection, fast: bool) -> verification.Verification:
    return verify(con, LINEAR, fast=True) if fast else verify_books(con, LINEAR)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("UPDATE core.deal SET amount = 1 WHERE deal_id = 'd-1'", [("core.deal", "missing"), ("core.deal", "extra")]),
        ("DELETE FROM core.deal WHERE deal_id = 'd-1'", [("core.deal", "missing")]),
        ("DELETE FROM core.entry WHERE deal_id = 'd-9'", [("core.entry", "missing")] * 2),
        ("INSERT INTO core.deal_history FROM core.deal_history WHERE deal_id = 'd-2'", [("core.deal_history", "extra")]),
        (
            "UPDATE core.credit_line SET weight = 0.5 WHERE deal_id = 'd-2'",
            [("core.credit_line", "missing"), ("core.credit_line", "extra")],
        ),
    ],
)
def test_row_that_differs_is_found(con: duckdb.DuckDBPyConnection, broken: str, expected: list[tuple[str, str]], fast: bool) -> None:
    con.execute(broken)
    found = verified(con, fast)
    assert sides(found.differences) == expected
    assert (found.differing, found.mended_by) == (len(expected), "nisba attribute --all")


CONFIG = Config(
    attribution=Attribution(models=("linear",), default_model="linear", excluded_referrers=("paypal.com",)),
    labels=Labels(channel={"ppc": "paid"}),
    marketing=Marketing(lead_sources=("website",)),
    model=(CustomModel(id="mine", rest=Decimal(100), multipliers=(Multiplier(factor=Decimal(2), channel="event"),)),),
)
"""Something of everything that settings are."""

ALL, MARTS = "nisba attribute --all", "nisba attribute"
CORRUPTIONS = {
    "core_row_changed": ("UPDATE core.entry SET amount = amount + 1 WHERE deal_id = 'd-1'", "core.entry", ALL),
    "core_row_deleted": ("DELETE FROM core.journey_touch WHERE deal_id = 'd-9'", "core.journey_touch", ALL),
    "core_row_added": ("INSERT INTO core.identity VALUES ('person', 'p-0', 'person:p-0', 'acme')", "core.identity", ALL),
    "rows_of_a_deal_that_never_was": ("INSERT INTO core.deal_history (deal_id, state_no) VALUES ('d-0', 1)", "core.deal_history", ALL),
    "held_row_deleted": ("DELETE FROM ops.held WHERE kind = 'spend'", "ops.held", ALL),
    "held_row_added": ("INSERT INTO ops.held (kind, id, reason) VALUES ('deal', 'd-0', 'fx_missing')", "ops.held", ALL),
    "cost_changed": ("UPDATE core.cost_daily SET cost_reporting = 6", "core.cost_daily", ALL),
    "setting_changed": ("UPDATE core.setting SET target_pct = 31", "core.setting", ALL),
    "lead_source_of_the_setting_added": ("UPDATE core.setting SET lead_sources = ['event']", "core.setting", ALL),
    "model_changed": ("UPDATE core.model SET rule = 'all to nobody' WHERE model = 'mine'", "core.model", ALL),
    "model_deleted": ("DELETE FROM core.model WHERE model = 'mine'", "core.model", ALL),
    "model_added": ("INSERT INTO core.model VALUES ('mine_too', 'a rule')", "core.model", ALL),
    "label_changed": ("UPDATE core.label SET name = 'organic'", "core.label", ALL),
    "named_setting_deleted": ("DELETE FROM core.named_setting WHERE field = 'referrer'", "core.named_setting", ALL),
    "mart_row_changed": ("UPDATE marts.campaign_roi SET revenue = 1 WHERE revenue <> 1", "marts.campaign_roi", MARTS),
    "mart_row_deleted": ("DELETE FROM marts.marketing_share", "marts.marketing_share", MARTS),
    "mart_row_added": ("INSERT INTO marts.channel_roi FROM marts.channel_roi LIMIT 1", "marts.channel_roi", MARTS),
    "mart_dropped": ("DROP TABLE marts.channel_roi", "marts.channel_roi", MARTS),
    "mart_of_other_columns": ("ALTER TABLE marts.channel_roi DROP COLUMN roas", "marts.channel_roi", MARTS),
    "model_that_marts_read_changed": ("UPDATE core.performance SET cost = 7", "core.performance", MARTS),
    "view_dropped": ("DROP VIEW core.credit", "core.credit", MARTS),
    "view_changed": ("CREATE OR REPLACE VIEW marts.deal_explained AS SELECT 1 AS deal_id", "marts.deal_explained", MARTS),
    "campaign_deleted": ("DELETE FROM core.campaign WHERE campaign_id = 'c-1'", "core.campaign", MARTS),
}


@pytest.fixture(scope="module")
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    """The company under a configuration that names something of everything, clean; each test leaves it so, and says that it does."""
    with small_warehouse() as connection:
        land_events(connection, *COMPANY)
        mend(connection, ALL)
        assert verify(connection, CONFIG).differing == 0
        yield connection


def mend(con: duckdb.DuckDBPyConnection, command: str) -> None:
    """Do what a command does."""
    if command == ALL:
        everything = Scope(everything=True, why=("asked",))
        replace_books(con, scope=everything, books=fold(read_facts(con, everything), CONFIG).tables(), config=CONFIG)
    else:
        assert attribute(con, CONFIG) is None
    build(con)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_whatever_differs_is_named_and_the_named_command_puts_it_right(company: duckdb.DuckDBPyConnection, name: str) -> None:
    broken, table, command = CORRUPTIONS[name]
    company.execute(broken)
    found = verify(company, CONFIG)
    assert found.differing > 0
    assert table in {difference.table for difference in found.differences}
    assert found.mended_by == command
    mend(company, command)
    mended = verify(company, CONFIG)
    assert (mended.differing, mended.differences, mended.mended_by) == (0, [], None)


NO_SETTING = ("DELETE FROM core.setting", "INSERT INTO core.setting FROM core.setting", "UPDATE core.setting SET rules_edition = NULL")


@pytest.mark.parametrize("broken", NO_SETTING)
def test_setting_that_names_no_books_makes_everything_dirty(company: duckdb.DuckDBPyConnection, broken: str) -> None:
    company.execute(broken)
    with pytest.raises(WarehouseError, match="run `nisba attribute` first"):
        verify(company, CONFIG)
    assert attribute(company, CONFIG) is not None
    assert verify(company, CONFIG).differing == 0


def test_verification_leaves_everything_as_it_was(company: duckdb.DuckDBPyConnection) -> None:
    catalogue = "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
    before = (every_row(company), company.execute(catalogue).fetchall())
    verify(company, CONFIG)
    assert (every_row(company), company.execute(catalogue).fetchall()) == before


def test_sentence_of_a_held_row_is_part_of_the_books(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE ops.held SET detail = 'for no reason' WHERE kind = 'spend'")
    found = verify_books(con, LINEAR)
    assert sides(found.differences) == [("ops.held", "missing"), ("ops.held", "extra")]
    assert found.differences[1].row["detail"] == "for no reason"
    assert found.differences[0].row | {"detail": "for no reason"} == found.differences[1].row


def test_deal_in_the_books_of_another_account_differs(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE core.deal SET account_id = 'beta' WHERE deal_id = 'd-9'")
    for fast in (False, True):
        found = verified(con, fast)
        assert [(one.side, one.row["account_id"]) for one in found.differences] == [("missing", "far"), ("extra", "beta")]


@pytest.mark.parametrize("account_id", ["new", None], ids=["of an account", "without an account"])
def test_sample_misses_no_deal_that_the_books_have_lost(con: duckdb.DuckDBPyConnection, account_id: str | None) -> None:
    """The ledger alone knows of its account then, and a deal that names none has one of its own there."""
    land_events(con, deal("e-alone", deal_id="d-alone", account_id=account_id))
    attribute(con)
    assert verify(con, LINEAR, fast=True).differing == 0
    con.execute("DELETE FROM core.deal WHERE deal_id = 'd-alone'")
    found = verify(con, LINEAR, fast=True)
    assert [(one.table, one.side, one.row["deal_id"]) for one in found.differences] == [("core.deal", "missing", "d-alone")]


def test_sample_compares_what_it_reads_and_nothing_else(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """One account of three is looked at: what differs elsewhere is out of its sight, what differs there is not."""
    monkeypatch.setattr(verification, "SAMPLE", 1)
    seen = []
    for deal_id in ("d-1", "d-2", "d-9"):
        con.execute("UPDATE core.deal SET next_step = 'call' WHERE deal_id = ?", [deal_id])
        found = verify(con, LINEAR, fast=True)
        seen += [one.row["deal_id"] for one in found.differences if one.side == "extra"]
        assert found.rows["deal"] == 1
        con.execute("UPDATE core.deal SET next_step = NULL WHERE deal_id = ?", [deal_id])
    assert len(seen) == 1


def test_differences_are_counted_beyond_those_that_are_shown(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO core.credit_line SELECT c.* FROM core.credit_line AS c, range(40)")
    lines = con.execute("SELECT count(*) FROM core.credit_line").fetchall()[0][0]
    found = verify_books(con, LINEAR)
    assert found.differing == lines - lines // 41
    assert len(found.differences) == verification.SHOWN
    assert {one.side for one in found.differences} == {"extra"}


def test_books_that_are_behind_are_not_called_wrong(con: duckdb.DuckDBPyConnection) -> None:
    other = Config(attribution=Attribution(models=("linear",), default_model="linear", lookback_days=1))
    with pytest.raises(WarehouseError, match="wait for attribution: run `nisba attribute` first"):
        verify(con, other)
    land_events(con, touch("t-new"))
    with pytest.raises(WarehouseError, match="wait for attribution"):
        verify(con, LINEAR)
    attribute(con)
    assert verify_books(con, LINEAR).differing == 0
