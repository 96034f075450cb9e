"""What replacing leaves in the books: the scope's rows anew, all others as they were, unknown deals held by the core's rule."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution import fold
from nisba.attribution.books import BOOK_SCHEMAS, BOOKS_OF_DEALS
from nisba.config import Attribution, Config, Labels, Marketing
from tests.strategies import Event, event_sets, examples
from tests.unit.warehouse.landing import LINEAR, attribute, deal, empty_warehouse, every_row, land_events, touch
from tests.unit.warehouse.recompute.company import COMPANY, adjustment, spend
from tests.unit.warehouse.small_books import ROWS, books
from warehouse.recompute import scope as planning
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import CAMPAIGNS, FACTS, Scope, plan_accounts
from warehouse.recompute.traversal import NODES
from warehouse.recompute.verification import verify_books
from warehouse.replacement import Replaced, replace_rows
from warehouse.settings import write_settings

HELD = ", ".join(BOOK_SCHEMAS["held"].names)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        yield connection


@pytest.fixture(autouse=True)
def _choose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose accounts, though so few would be recomputed whole."""
    monkeypatch.setattr(planning, "EVERYTHING_FROM", 2.0)


def scope_of(*nodes: tuple[str, str], campaigns: tuple[str, ...] = ()) -> Scope:
    replaced = pa.Table.from_pylist([{"kind": kind, "id": id_} for kind, id_ in nodes], NODES)
    return Scope(
        False, replaced=replaced, read=replaced, campaigns=pa.Table.from_pylist([{"campaign_id": c} for c in campaigns], CAMPAIGNS)
    )


def of_another(table: str, **changed: Any) -> list[dict[str, Any]]:
    """Return the rows of the small books as if they were of the deal d-2."""
    return [row | {"deal_id": "d-2"} | changed for row in ROWS[table]]


def both() -> dict[str, pa.Table]:
    """Return the books of d-1 of acme and of d-2 of beta."""
    tables = {name: ROWS[name] + of_another(name) for name in ("deal_history", "journey_touch", "entry", "credit_line")}
    return books(**tables, deal=ROWS["deal"] + of_another("deal", account_id="beta"))


def held(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT id, reason, deal_id FROM ops.held WHERE kind = 'adjustment' ORDER BY ALL").fetchall()


def held_by_fold(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return what the core holds of all facts that count."""
    rows: list[dict[str, Any]] = fold(read_facts(con, Scope(everything=True)), LINEAR).held.select(BOOK_SCHEMAS["held"].names).to_pylist()
    return sorted(rows, key=lambda row: (row["kind"], row["id"]))


def test_everything_is_replaced_and_counted(con: duckdb.DuckDBPyConnection) -> None:
    replace_rows(con, Scope(everything=True), both())
    replaced = replace_rows(con, Scope(everything=True), books())
    assert replaced == Replaced(accounts=1, deals=1, credits=2, deal_ids=None)
    for name in ("deal", "entry", "credit_line", "journey_touch", "deal_history"):
        assert con.execute(f"SELECT DISTINCT deal_id FROM core.{name}").fetchall() == [("d-1",)]


def test_rows_of_other_accounts_stay_as_they_are(con: duckdb.DuckDBPyConnection) -> None:
    """Their facts may have been read, but not all of them: what was made of these is left out."""
    replace_rows(con, Scope(everything=True), both())
    before = every_row(con)
    incomplete = both() | {"credit_line": books()["credit_line"]}
    replaced = replace_rows(con, scope_of(("account", "acme")), incomplete)
    assert (replaced.deals, replaced.credits) == (1, 2)
    assert replaced.deal_ids is not None
    assert replaced.deal_ids.to_pylist() == []
    assert every_row(con) == before
    dearer = incomplete | {"deal": books(deal=[ROWS["deal"][0] | {"amount": Decimal(101)}])["deal"]}
    replaced = replace_rows(con, scope_of(("account", "acme")), dearer)
    assert replaced.deal_ids is not None
    assert replaced.deal_ids.to_pylist() == [{"deal_id": "d-1"}]
    assert con.execute("SELECT deal_id, amount FROM core.deal ORDER BY ALL").fetchall() == [("d-1", Decimal(101)), ("d-2", Decimal(100))]


def test_deal_that_is_no_longer_there_goes_with_all_its_rows(con: duckdb.DuckDBPyConnection) -> None:
    replace_rows(con, Scope(everything=True), both())
    nothing = {name: schema.empty_table() for name, schema in BOOK_SCHEMAS.items()}
    replaced = replace_rows(con, scope_of(("account", "beta")), nothing)
    assert (replaced.deals, replaced.credits) == (0, 0)
    for name in ("deal", "entry", "credit_line", "journey_touch", "deal_history"):
        assert con.execute(f"SELECT DISTINCT deal_id FROM core.{name}").fetchall() == [("d-1",)]


def test_deal_that_moved_into_the_scope_is_there_once(con: duckdb.DuckDBPyConnection) -> None:
    replace_rows(con, Scope(everything=True), books())
    moved = books(deal=[ROWS["deal"][0] | {"account_id": "beta"}])
    replace_rows(con, scope_of(("account", "beta")), moved)
    assert con.execute("SELECT deal_id, account_id FROM core.deal").fetchall() == [("d-1", "beta")]
    assert con.execute("SELECT count(*) FROM core.credit_line").fetchall() == [(2,)]


def places(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], set[int]]:
    """Return where the rows of each deal lie in each book: what is written anew lies elsewhere."""
    found: dict[tuple[str, str], set[int]] = {}
    for name in BOOKS_OF_DEALS:
        for deal_id, place in con.execute(f"SELECT deal_id, rowid FROM core.{name}").fetchall():
            found.setdefault((name, deal_id), set()).add(place)
    return found


@pytest.mark.parametrize("everything", [True, False])
def test_only_the_deals_whose_rows_changed_are_written(
    con: duckdb.DuckDBPyConnection, everything: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A touch inside the window of one deal of three, then one that is in no window, then an amount."""
    monkeypatch.setattr(planning, "EVERYTHING_FROM", 0.5 if everything else 2.0)
    years = {2024: "d-1", 2025: "d-2", 2026: "d-3"}
    for year, deal_id in years.items():
        times = {"opened_at": f"{year}-03-01T00:00:00Z", "closed_at": f"{year}-04-01T00:00:00Z"}
        land_events(con, touch(f"t-{year}", f"{year}-02-01T00:00:00Z"), deal(f"e-{year}", deal_id=deal_id, **times))
    attribute(con)
    before = places(con)
    land_events(con, touch("t-new", "2025-02-02T00:00:00Z"))
    attribute(con)
    moved = {key for key in before if places(con)[key].isdisjoint(before[key])}
    stayed = {key for key in before if places(con)[key] == before[key]}
    of_touches = ("journey_touch", "credit_line", "pipeline_credit")
    assert moved == {(name, "d-2") for name in of_touches}
    assert stayed == before.keys() - moved
    before = places(con)
    land_events(con, touch("t-late", "2025-12-31T00:00:00Z", channel="event"))
    counts = attribute(con)
    assert counts is not None
    assert (counts.accounts, counts.deals, counts.credits) == (1, 3, 5)  # the latest is in the journey of none but d-3
    assert {key for key in before if places(con)[key] != before[key]} == {(name, "d-3") for name in of_touches}
    before = places(con)
    land_events(con, touch("t-after", "2027-01-01T00:00:00Z"))
    attribute(con)
    assert places(con) == before


def test_deals_are_compared_whatever_the_order_of_their_rows(con: duckdb.DuckDBPyConnection) -> None:
    replace_rows(con, Scope(everything=True), both())
    before = places(con)
    turned = {name: table.take(pa.array(range(len(table) - 1, -1, -1), pa.int64())) for name, table in both().items()}
    replaced = replace_rows(con, Scope(everything=True, why=FACTS), turned)
    assert replaced.deal_ids is not None
    assert len(replaced.deal_ids) == 0
    assert places(con) == before


@pytest.mark.parametrize("cause", ["journey_touch", "entry"])
def test_credits_are_written_with_the_journeys_and_entries_that_they_follow_from(con: duckdb.DuckDBPyConnection, cause: str) -> None:
    """They are most of the rows, and are not compared themselves."""
    replace_rows(con, Scope(everything=True), books())
    credited = ROWS["credit_line"][1:]
    replace_rows(con, scope_of(("account", "acme")), books(credit_line=credited))
    assert con.execute("SELECT count(*) FROM core.credit_line").fetchall() == [(len(ROWS["credit_line"]),)]
    replace_rows(con, scope_of(("account", "acme")), books(credit_line=credited, **{cause: ROWS[cause] + ROWS[cause][:1]}))
    assert con.execute("SELECT count(*) FROM core.credit_line").fetchall() == [(len(credited),)]


@pytest.mark.parametrize("name", ["deal_history", "journey_touch", "entry", "pipeline_credit"])
def test_row_that_is_there_twice_or_no_longer_is_a_change(con: duckdb.DuckDBPyConnection, name: str) -> None:
    for changed in (ROWS[name] + ROWS[name][:1], ROWS[name][1:]):
        replace_rows(con, Scope(everything=True), books())
        replaced = replace_rows(con, scope_of(("account", "acme")), books(**{name: changed}))
        assert replaced.deal_ids is not None
        assert replaced.deal_ids.to_pylist() == [{"deal_id": "d-1"}]
        assert con.execute(f"SELECT count(*) FROM core.{name}").fetchall() == [(len(changed),)]


def test_accounts_are_replaced_by_account(con: duckdb.DuckDBPyConnection) -> None:
    named = ROWS["account"][0]
    replace_rows(con, Scope(everything=True), books(account=[named, named | {"account_id": "beta", "name": "Beta"}]))
    replace_rows(con, scope_of(("account", "beta")), books(account=[named | {"name": "No"}, named | {"account_id": "beta", "name": "B"}]))
    assert con.execute("SELECT account_id, name FROM core.account ORDER BY ALL").fetchall() == [("acme", "Acme"), ("beta", "B")]
    replace_rows(con, scope_of(("account", "beta")), books(account=[]))
    assert con.execute("SELECT account_id FROM core.account").fetchall() == [("acme",)]


def test_identities_are_replaced_by_node(con: duckdb.DuckDBPyConnection) -> None:
    replace_rows(con, Scope(everything=True), books())
    changed = books(identity=[row | {"account_id": "other"} for row in ROWS["identity"]])
    replace_rows(con, scope_of(("person", "person-jane"), ("visitor", "never-seen")), changed)
    found = dict(con.execute("SELECT kind, account_id FROM core.identity").fetchall())
    assert found == {"visitor": "acme", "person": "other", "lead": "acme", "account": "acme"}


def test_costs_are_replaced_by_campaign(con: duckdb.DuckDBPyConnection) -> None:
    cost = ROWS["cost_daily"][0]
    replace_rows(con, Scope(everything=True), books(cost_daily=[cost, cost | {"campaign_id": "c-2"}]))
    replace_rows(con, scope_of(campaigns=("c-2", "c-9")), books(cost_daily=[cost | {"campaign_id": "c-2", "clicks": 7}]))
    assert con.execute("SELECT campaign_id, clicks FROM core.cost_daily ORDER BY ALL").fetchall() == [("c-1", None), ("c-2", 7)]
    replace_rows(con, scope_of(("account", "acme")), books())
    assert con.execute("SELECT count(*) FROM core.cost_daily").fetchall() == [(2,)]


ADJUSTMENTS: dict[str, tuple[list[Any], list[tuple[str, str, str]]]] = {
    "of_a_known_deal": ([adjustment("m-1", "d-1")], []),
    "of_a_deal_that_never_came": ([adjustment("m-1", "nowhere")], [("a-1", "unknown_deal", "nowhere")]),
    "of_a_deleted_deal": (
        [adjustment("m-1", "d-1"), deal("e-1b", deal_id="d-1", account_id="acme", deleted=True, revision=5)],
        [("a-1", "unknown_deal", "d-1")],
    ),
    "whose_latest_event_names_a_known_deal": ([adjustment("m-1", "nowhere"), adjustment("m-2", "d-1", time="2026-04-01T00:00:00Z")], []),
    "whose_latest_event_names_none": (
        [adjustment("m-1", "d-1"), adjustment("m-2", "nowhere", time="2026-04-01T00:00:00Z")],
        [("a-1", "unknown_deal", "nowhere")],
    ),
    "of_which_one_version_lost": ([adjustment("m-1", "nowhere"), adjustment("m-1", "d-1", time="2026-04-01T00:00:00Z")], []),
    "of_a_deal_that_is_not_won": (
        [adjustment("m-1", "d-1"), deal("e-1b", deal_id="d-1", account_id="acme", status="lost", revision=5)],
        [("a-1", "not_won", "d-1")],
    ),
}


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("name", ADJUSTMENTS)
def test_adjustment_is_held_as_the_core_holds_it(con: duckdb.DuckDBPyConnection, name: str, at_once: bool) -> None:
    events, expected = ADJUSTMENTS[name]
    batches = [[deal("e-1", account_id="acme"), *events]] if at_once else [[deal("e-1", account_id="acme")], *([one] for one in events)]
    for batch in batches:
        land_events(con, *batch)
        attribute(con)
    assert held(con) == expected
    found = [dict(zip(BOOK_SCHEMAS["held"].names, row, strict=True)) for row in con.execute(f"SELECT {HELD} FROM ops.held").fetchall()]
    assert found == held_by_fold(con)


def test_held_rows_of_the_books_are_those_of_the_core_after_every_batch(con: duckdb.DuckDBPyConnection) -> None:
    more = adjustment("z-1", "d-2", "a-9"), deal("z-2", deal_id="nowhere", account_id="far"), spend("z-3", "c-2", "2026-02-09")
    land_events(con, *COMPANY, *more)
    attribute(con)
    land_events(con, adjustment("z-4", "nobody", "a-4"), touch("z-5"))
    attribute(con)
    found = con.execute(f"SELECT {HELD} FROM ops.held ORDER BY kind, id").fetchall()
    assert [dict(zip(BOOK_SCHEMAS["held"].names, row, strict=True)) for row in found] == held_by_fold(con)
    assert {"a-4"} <= {row[1] for row in found}


def test_scope_that_was_planned_before_another_is_the_one_that_is_replaced(con: duckdb.DuckDBPyConnection) -> None:
    land_events(con, *COMPANY)
    attribute(con)
    before = every_row(con)
    far = plan_accounts(con, ["far"])
    made = fold(read_facts(con, far), LINEAR).tables()
    plan_accounts(con, ["acme"])
    replaced = replace_rows(con, far, made)
    assert (replaced.accounts, replaced.deals) == (1, 1)
    assert every_row(con) == before


def test_setting_is_one_row_and_the_models_are_in_words(con: duckdb.DuckDBPyConnection) -> None:
    write_settings(con, Config())
    write_settings(
        con,
        Config(
            attribution=Attribution(models=("linear", "first_touch"), default_model="linear"), marketing=Marketing(target_pct=Decimal(40))
        ),
    )
    assert con.execute("SELECT default_model, models, target_pct::INTEGER FROM core.setting").fetchall() == [
        ("linear", ["linear", "first_touch"], 40)
    ]
    rules = dict(con.execute("FROM core.model").fetchall())
    assert sorted(rules) == ["first_touch", "linear"]
    assert all(len(rule.split()) > 2 for rule in rules.values())


def test_lead_sources_of_the_setting_are_those_that_deals_have(con: duckdb.DuckDBPyConnection) -> None:
    """Compared without case as Unicode folds it, where `lower` would not; another spelling is another label."""
    sources = ("WEBSITE", "Messe STRASSE", "Web site", None)
    deals = [ROWS["deal"][0] | {"deal_id": f"d-{number}", "lead_source": source} for number, source in enumerate(sources)]
    replace_rows(con, Scope(everything=True), books(deal=deals))
    marketing = Marketing(lead_sources=("website", "messe \u00a0straße ", "fair"))
    write_settings(con, Config(attribution=LINEAR.attribution, marketing=marketing))
    assert con.execute("SELECT lead_sources FROM core.setting").fetchall() == [(["Messe STRASSE", "WEBSITE"],)]


def test_labels_of_the_configuration_are_written_down(con: duckdb.DuckDBPyConnection) -> None:
    labels = Labels(channel={"ppc": "paid search", "cpc": "paid search"}, stage={"Closed Won": "Won"})
    for config, expected in ((Config(attribution=LINEAR.attribution, labels=labels), LABELS), (LINEAR, [])):
        write_settings(con, config)
        assert con.execute("FROM core.label ORDER BY ALL").fetchall() == expected


LABELS = [("channel", "cpc", "paid search"), ("channel", "ppc", "paid search"), ("stage", "Closed Won", "Won")]


@examples(3, of_profile=0.02)
@given(event_sets(), st.randoms(use_true_random=False), st.integers(1, 4), st.booleans())
def test_books_are_those_of_all_facts_after_every_batch(events: list[Event], dice: random.Random, batches: int, everything: bool) -> None:
    """Whether accounts are chosen or all are read, and whatever stayed where it was."""
    before, planning.EVERYTHING_FROM = planning.EVERYTHING_FROM, 0.5 if everything else 2.0
    dice.shuffle(events)
    try:
        with empty_warehouse() as con:
            attribute(con)
            for number in range(batches):
                land_events(con, *events[number::batches])
                attribute(con)
                assert verify_books(con, LINEAR).differences == []
    finally:
        planning.EVERYTHING_FROM = before
