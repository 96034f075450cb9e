"""Every expectation holds on sound books, on books of no deals at all, and breaks where it should."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from expectations.run import check
from expectations.suites import Suite, suites
from expectations.validation import validate
from nisba.agreements import Incentive, LeadQuality
from nisba.config import Attribution, Config, Labels, Publish, Reporting
from nisba.errors import CheckFailed
from tests.strategies import event
from tests.unit.warehouse.landing import deal, decoded, empty_warehouse, touch
from tests.unit.warehouse.small_books import ROWS, books
from warehouse.loader import land, replace_books
from warehouse.locks.lock import lock
from warehouse.models.build import build
from warehouse.models.check_files import Check, checks_of
from warehouse.models.declarations import tables
from warehouse.models.publication import prepare
from warehouse.recompute.scope import Scope

CONFIG = Config(
    attribution=Attribution(models=("linear",), default_model="linear"),
    labels=Labels(channel={"email": "email"}),
    lead_quality=(LeadQuality(id="scored", min_score=Decimal(10)),),
    reporting=Reporting(as_of=dt.datetime(2026, 1, 31, tzinfo=dt.timezone.utc)),
)
LOCKING = msgspec.structs.replace(
    CONFIG,
    reporting=Reporting(as_of=dt.datetime(2026, 4, 1, tzinfo=dt.timezone.utc)),
    incentive=(Incentive(id="p", model="linear", pool_pct=Decimal(10)),),
)
"""The same books, and a plan that pays for their first quarter."""
CHECKS = {check.name: check for table in tables().values() for check in checks_of(table)}

# what goes wrong in the tables, and the checks that must notice: the first by its purpose, the others because it follows
BREAKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "credits_add_up": ("UPDATE core.credit_line SET revenue = 50.01 WHERE ordinal = 1", ()),
    "weights_of_a_deal_add_up_to_one": ("UPDATE core.credit_line SET weight = 0.49999999 WHERE ordinal = 1", ()),
    "pipeline_adds_up_to_first_amounts": ("UPDATE core.deal_history SET amount = 81", ()),
    "final_entry_has_a_date": (
        "UPDATE core.entry SET booked_on = NULL",
        ("campaigns_add_up_to_won_revenue", "won_revenue_is_what_was_booked"),
    ),
    "entry_is_converted": (
        "UPDATE core.entry SET amount_reporting = NULL",
        ("campaigns_add_up_to_won_revenue", "credits_add_up", "revenue_adds_up_to_entries", "won_revenue_is_what_was_booked"),
    ),
    "won_deal_has_currency_and_close": ("UPDATE core.deal SET currency = NULL", ()),
    "deal_closes_after_it_opens": ("UPDATE core.deal SET closed_at = opened_at - INTERVAL 1 DAY", ()),
    "segment_is_no_reserved_word": ("UPDATE core.deal SET segment = 'Unattributed'", ()),
    "nothing_to_look_at": ("INSERT INTO ops.unknown_field VALUES ('nisba.touch.v1', 'gclid', 2)", ()),
    "day_lies_within_its_period": ("UPDATE core.period SET ends_on = starts_on WHERE period_kind = 'year'", ()),
    "campaigns_add_up_to_won_revenue": (
        "UPDATE marts.campaign_roi SET revenue = revenue + 1; UPDATE marts.channel_roi SET revenue = revenue + 1",
        ("campaigns_add_up_to_marketing_share", "channels_add_up_to_campaigns", "trees_add_up_to_their_campaigns"),
    ),
    "campaigns_add_up_to_marketing_share": (
        "DELETE FROM marts.marketing_share WHERE period_kind = 'year'",
        ("deals_add_up_to_marketing_share", "won_revenue_is_what_was_booked"),
    ),
    "costs_add_up_to_spend": (
        "DELETE FROM marts.campaign_roi WHERE campaign_id = 'c-1'",
        ("budgets_are_held_against_all_costs", "channels_add_up_to_campaigns", "trees_add_up_to_their_campaigns"),
    ),
    "roi_or_its_reason": ("UPDATE marts.campaign_roi SET roi_reason = NULL", ()),
    "unattributed_revenue_is_not_realized": (
        "UPDATE marts.campaign_roi SET campaign_id = '(unattributed)' WHERE realized_revenue <> 0",
        (),
    ),
    "channels_add_up_to_campaigns": ("UPDATE marts.channel_roi SET realized_revenue = realized_revenue + 1", ()),
    "channel_roi_or_its_reason": ("UPDATE marts.channel_roi SET roi = 0, roi_reason = 'no_cost'", ()),
    "segments_add_up_to_all": (
        "DELETE FROM marts.marketing_share WHERE segment_kind = 'region' AND period_kind = 'year'",
        ("deals_add_up_to_marketing_share",),
    ),
    "won_revenue_is_what_was_booked": (
        "DELETE FROM marts.marketing_share WHERE period_kind = 'quarter'",
        ("campaigns_add_up_to_marketing_share", "deals_add_up_to_marketing_share"),
    ),
    "percentages_follow_from_their_amounts": ("UPDATE marts.marketing_share SET influenced_pct = 99", ()),
    "deals_are_nested": (
        "UPDATE marts.marketing_share SET influenced_deals = 0, influenced_deals_pct = 0",
        ("deals_add_up_to_marketing_share",),
    ),
    "run_has_all_its_entries": ("DELETE FROM locked.entry WHERE team = 'sales'", ()),
    "statement_lines_add_up": ("UPDATE locked.statement_line SET amount = amount + 0.01", ()),
    "statement_pays_or_carries": ("UPDATE locked.statement SET paid = paid - 0.01", ()),
    "target_is_reached": ("UPDATE marts.marketing_share SET gap_to_target = -1", ()),
    "deals_add_up_to_marketing_share": ("UPDATE marts.deal_share SET is_influenced = false WHERE period_kind = 'month'", ()),
    "flags_of_a_deal_are_nested": ("UPDATE core.deal_flag SET is_coverage = false", ()),
    "dimensions_add_up_to_pipeline_created": (
        "DELETE FROM marts.pipeline_created WHERE dimension_kind = 'team' AND period_kind = 'year'",
        (),
    ),
    "revenue_adds_up_to_entries": ("DELETE FROM core.deal_flag", ()),
    "activity_adds_up_to_touches": ("UPDATE marts.touch_activity SET touches = touches + 1", ()),
    "every_deal_is_there_once": ("DELETE FROM marts.deal", ()),
    "people_of_a_deal_touched_it": ("UPDATE marts.deal SET people = touches + 1", ()),
    "budgets_are_held_against_all_costs": ("UPDATE marts.campaign_budget SET cost = cost + 1", ()),
    "ages_ripen_by_their_growth": ("UPDATE marts.maturation SET matured_pct = 50 WHERE age = 3", ()),
    "median_lies_between_lowest_and_highest": ("UPDATE marts.model_range SET median = highest + 1", ()),
    "trees_add_up_to_their_campaigns": ("UPDATE marts.campaign_tree SET cost = cost + 1 WHERE period_kind = 'year'", ()),
    "velocity_of_segments_adds_up": ("UPDATE marts.velocity SET opened = opened + 1 WHERE segment_kind = 'region'", ()),
    "deals_of_months_add_up_to_years": ("UPDATE marts.velocity SET won = won + 1 WHERE period_kind = 'month'", ()),
    "velocity_follows_from_its_parts": ("UPDATE marts.velocity SET velocity_per_day = 1", ()),
    "customers_cost_all_that_was_spent": ("DELETE FROM marts.cac WHERE period_kind = 'month'", ()),
    "account_becomes_a_customer_once": ("UPDATE marts.cac SET new_customers = 2", ("payback_or_its_reason",)),
    "payback_or_its_reason": ("UPDATE marts.cac SET reason = NULL", ()),
    "exception_is_of_a_rule_that_is_on": ("UPDATE marts.sales_exception SET rule_version = '0'", ()),
    "no_exception_before_the_agreement": ("UPDATE core.agreement SET exceptions_since = DATE '2026-02-01'", ()),
    "deal_of_an_exception_is_there": ("UPDATE marts.sales_exception SET deal_id = 'd-0'", ()),
    "exceptions_of_segments_add_up": ("UPDATE marts.exception_cost SET exceptions = exceptions + 1 WHERE segment_kind = 'segment'", ()),
    "every_exception_is_counted": ("DELETE FROM marts.sales_exception", ()),
    "deal_counts_once_for_all_rules": (
        "UPDATE marts.exception_cost SET money_at_risk = 101, share_of_revenue = 101 / won_revenue WHERE rule = 'all'",
        (),
    ),
    "exception_share_follows_from_its_money": ("UPDATE marts.exception_cost SET share_of_revenue = 2", ()),
    "records_of_segments_add_up": (
        "UPDATE marts.crm_adherence SET passed = 2 * passed, applicable = 2 * applicable WHERE segment_kind = 'segment'",
        (),
    ),
    "records_of_checks_add_up": (
        "UPDATE marts.crm_adherence SET passed = 2 * passed, applicable = 2 * applicable WHERE \"check\" = 'all'",
        (),
    ),
    "adherence_score_follows_from_its_counts": ("UPDATE marts.crm_adherence SET score = 1", ()),
    "adherence_failures_are_listed": ("DELETE FROM marts.crm_adherence_failure", ()),
}


FACTS = [
    event("campaign", "ads", "c-1", "2026-01-01T00:00:00Z", {"campaign_id": "c-1", "name": "Fair", "channel": "email", "parent_id": "c-0"}),
    event("fx", "ecb", "f-1", "2026-01-02T00:00:00Z", {"date": "2026-01-02", "base": "EUR", "quote": "USD", "rate": "1.1"}),
    *(touch(f"t-{n}", "2026-01-03T00:00:00Z", url="https://acme.example/tour", campaign_id="c-1") for n in (1, 2)),
    deal("e-1"),
    *(event("lead-stage", "crm", f"l-{s}", "2026-01-03T00:00:00Z", {"lead_id": "l-1", "stage": s, "score": 9}) for s in ("mql", "sal")),
]
"""What the ledger has of the small books, for the tables that are not made of books alone."""


def _filled(con: duckdb.DuckDBPyConnection, **changed: list[dict[str, Any]]) -> None:
    land(con, facts=decoded(FACTS), dead_letters=None, offsets=[])
    replace_books(con, scope=Scope(everything=True), books=books(**changed), config=CONFIG)
    build(con)
    if not changed:
        lock(con, LOCKING, "2026-Q1")


@pytest.fixture(scope="module")
def filled() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        _filled(connection)
        yield connection


@pytest.fixture
def con(filled: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Sound books; what a test does to them is rolled back."""
    filled.execute("BEGIN")
    yield filled
    filled.execute("ROLLBACK")


def _breaking(con: duckdb.DuckDBPyConnection, check: Check) -> int:
    return len(con.execute(check.select).fetchall())


def test_every_check_has_a_break() -> None:
    assert BREAKS.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", BREAKS)
def test_check_holds_until_it_is_broken_and_no_other_is_needed(con: duckdb.DuckDBPyConnection, name: str) -> None:
    assert {other for other, check in CHECKS.items() if _breaking(con, check)} == set()
    sql, following = BREAKS[name]
    con.execute(sql)
    assert {other for other, check in CHECKS.items() if _breaking(con, check)} == {name, *following}


def test_credits_that_are_all_gone_are_noticed(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM core.credit_line")
    assert con.execute(CHECKS["credits_add_up"].select).fetchall() == [("d-1", 1, "linear", 100, None, 100, None)]


@pytest.mark.parametrize(
    ("sql", "row"),
    [
        ("DELETE FROM core.pipeline_credit", ("d-1", "linear", 80, None, None)),
        ("UPDATE core.pipeline_credit SET amount = 79.99", ("d-1", "linear", 80, Decimal("79.99"), 1)),
        ("UPDATE core.pipeline_credit SET weight = 0.99", ("d-1", "linear", 80, 80, Decimal("0.99"))),
        ("DELETE FROM core.deal_history", ("d-1", "linear", None, 80, 1)),
    ],
)
def test_pipeline_that_is_lost_or_invented_is_noticed(con: duckdb.DuckDBPyConnection, sql: str, row: tuple[Any, ...]) -> None:
    con.execute(sql)
    assert con.execute(CHECKS["pipeline_adds_up_to_first_amounts"].select).fetchall() == [row]


def test_the_first_amount_above_zero_is_owed(con: duckdb.DuckDBPyConnection) -> None:
    states = "('d-1', 0, NULL), ('d-1', 2, 0), ('d-1', 3, 80), ('d-1', 4, 90), ('d-0', 1, NULL)"
    con.execute(f"DELETE FROM core.deal_history; INSERT INTO core.deal_history (deal_id, state_no, amount) VALUES {states}")
    assert _breaking(con, CHECKS["pipeline_adds_up_to_first_amounts"]) == 0


def test_journey_of_thousands_of_touches_is_not_held_against_its_rounding(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM core.credit_line")
    con.execute("""
        INSERT INTO core.credit_line
        SELECT 'linear', 'default', 'd-1', touch, 1, (1 / 7958)::DECIMAL(18, 12), 0, 0 FROM range(1, 7958 + 1) AS touches(touch)
    """)
    off = con.execute("SELECT abs(sum(weight) - 1) > 1e-9 FROM core.credit_line").fetchone()
    assert off == (True,)
    assert _breaking(con, CHECKS["weights_of_a_deal_add_up_to_one"]) == 0


@pytest.fixture(scope="module")
def sound(filled: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The candidate of sound books, its views turned into tables that can be spoilt."""
    config = Config(attribution=CONFIG.attribution, publish=Publish(directory=str(tmp_path_factory.mktemp("sound"))))
    candidate = prepare(filled, config)
    with duckdb.connect(str(candidate)) as con:
        views = con.execute("SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        for (view,) in views:
            con.execute(f"CREATE TABLE {view}_made AS FROM {view}")
        for (view,) in views:
            con.execute(f"DROP VIEW {view}; ALTER TABLE {view}_made RENAME TO {view.split('.')[1]}")
    return candidate


def _native(prefix: str) -> list[Suite]:
    """Return the suites with only those native expectations whose name begins so."""
    chosen = [
        replace(suite, expected=tuple(one for one in suite.expected if one.name not in CHECKS and one.name.startswith(prefix)))
        for suite in suites()
    ]
    return [suite for suite in chosen if suite.expected]


SPOILT: dict[str, str] = {
    "not_null_": 'UPDATE {table} SET "{column}" = NULL',
    "accepted_values_": "UPDATE {table} SET \"{column}\" = 'nonsense'",
    "accepted_range_": 'UPDATE {table} SET "{column}" = -1',
    "unique_": "INSERT INTO {table} FROM {table}",
    "relationships_": "UPDATE {table} SET \"{column}\" = 'nobody'",
}


def _columns(expected: Any) -> list[str]:
    return [expected.arguments["column"]] if "column" in expected.arguments else [expected.name.removeprefix("relationships_")]


def test_every_native_expectation_is_of_a_kind_that_is_spoilt_here() -> None:
    native = {one.name for suite in suites() for one in suite.expected} - CHECKS.keys()
    assert native == {one.name for prefix in SPOILT for suite in _native(prefix) for one in suite.expected}
    assert len(native) > 60


def _copied(sound: Path, tmp_path: Path) -> Path:
    spoilt = tmp_path / f"spoilt-{len(list(tmp_path.iterdir()))}.duckdb"
    spoilt.write_bytes(sound.read_bytes())
    return spoilt


def _in_order(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["table"], row["name"]) for row in found if row["success"] and row["error"] is None]


ALL_EXPECTED = [(suite.table, one.name) for suite in suites() for one in suite.expected]


def test_sound_snapshot_passes_every_expectation(sound: Path, tmp_path: Path) -> None:
    assert _in_order(validate(_copied(sound, tmp_path))) == ALL_EXPECTED


@pytest.mark.parametrize("prefix", SPOILT)
def test_native_expectations_break_when_their_columns_are_spoilt(sound: Path, tmp_path: Path, prefix: str) -> None:
    """All of one kind in one run: each names the rows that break it."""
    chosen, spoilt = _native(prefix), _copied(sound, tmp_path)
    with duckdb.connect(str(spoilt)) as con:
        con.execute("INSERT INTO ops.data_issue (kind, sentence) VALUES ('tie', 'Sound books have no finding.')")
        con.execute("INSERT INTO ops.held (kind, id, reason) VALUES ('deal', 'd-9', 'fx_missing')")  # nor is anything held
        con.execute("INSERT INTO marts.advice (rank, entity) VALUES (1, 'fair')")  # nor is there anything to advise
        for suite in chosen:
            done = set()
            for one in suite.expected:
                for column in _columns(one) if prefix != "unique_" else ["all"]:
                    if column not in done:
                        con.execute(SPOILT[prefix].format(table=suite.table, column=column))
                        done.add(column)
    found = validate(spoilt, chosen)
    assert [(row["table"], row["name"]) for row in found if row["success"] or row["error"]] == []
    assert all(row["count"] > 0 and row["rows"] for row in found)


def test_a_native_expectation_breaks_alone(sound: Path, tmp_path: Path) -> None:
    """One status that nobody knows: of all that is expected of the table, only its accepted values fail, and its row is named."""
    spoilt = _copied(sound, tmp_path)
    with duckdb.connect(str(spoilt)) as con:
        con.execute("UPDATE core.deal_history SET status = 'dreamt'")
    found = [row for row in validate(spoilt, [_suite("core.deal_history")]) if not row["success"]]
    assert [(row["table"], row["name"], row["count"], row["severity"]) for row in found] == [
        ("core.deal_history", "accepted_values_status", 1, "critical")
    ]
    assert found[0]["rows"] == [{"status": "dreamt", "deal_id": "d-1", "state_no": 1}]


def _suite(table: str, *names: str) -> Suite:
    (suite,) = (suite for suite in suites() if suite.table == table)
    return replace(suite, expected=tuple(one for one in suite.expected if one.name in names)) if names else suite


@pytest.mark.parametrize(("rows", "holds"), [("SELECT NULL", True), ("SELECT unnest([NULL, NULL])", False)])
def test_rows_whose_keys_have_nulls_are_told_apart_by_them(sound: Path, tmp_path: Path, rows: str, holds: bool) -> None:
    spoilt = _copied(sound, tmp_path)
    with duckdb.connect(str(spoilt)) as con:
        con.execute(f"INSERT INTO core.pipeline_credit (model, ordinal) SELECT 'linear', * FROM ({rows})")
    assert [row["success"] for row in validate(spoilt, [_suite("core.pipeline_credit", "unique_grain")])] == [holds]


def test_expectation_that_cannot_be_asked_says_why(sound: Path, tmp_path: Path) -> None:
    spoilt = _copied(sound, tmp_path)
    with duckdb.connect(str(spoilt)) as con:
        con.execute("ALTER TABLE core.model DROP COLUMN rule")
    found = {row["name"]: row for row in validate(spoilt, [_suite("core.model")])}
    assert found["unique_model"]["success"]
    assert not found["not_null_rule"]["success"]
    assert "rule" in found["not_null_rule"]["error"]


def test_warehouse_without_deals_passes_every_check(tmp_path: Path) -> None:
    config = Config(attribution=CONFIG.attribution, publish=Publish(directory=str(tmp_path)))
    with empty_warehouse() as made:
        replace_books(made, scope=Scope(everything=True), books=books(**{name: [] for name in ROWS}), config=config)
        build(made)
        assert _in_order(validate(prepare(made, config))) == ALL_EXPECTED


def test_file_that_cannot_be_checked_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match=r"longer than 0.01 s; nothing was published"):
        check(tmp_path / "candidate.duckdb", timeout_seconds=0.01)
