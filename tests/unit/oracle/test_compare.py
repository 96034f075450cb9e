"""The oracle beside the core: a comparison that cannot pass on a difference, and facts that are the same from both sides."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.config import Config
from tests import oracle
from tests.oracle import Rows
from tests.oracle.compare import assert_same_books, assert_same_table, rows_of
from tests.oracle.ledger import fold_facts, settled_facts
from tests.oracle.settled import settle
from tests.strategies import Event, event, facts_of
from tests.unit.oracle.facts import account, at, deal, link, quote, refund, spend, stage, touch

EVENTS: list[Event] = [
    touch("t1", 9, account_id="a", person_id="p", campaign_id="c"),
    touch("t2", 8, visitor_id="v"),
    link("i", "visitor:v", "person:p"),
    stage("s", "mql", 20, person_id="p", account_id="a"),
    account("a", segment=" Mid\u00a0 Market", employees=7),
    deal("e1", 2, contact_ids=["p"], revision=1),
    deal("e2", 1, amount="90.5", revision=2, list_amount="120.00", name="A sale", opened_at=None, opened_on="2026-03-01"),
    link("j", "person:q", "account:a", since=at(20), until=at(10)),
    refund("r1", "-10.00"),
    refund("r2", "-500.00", effective_at=None, effective_on="2026-04-03"),
    quote("2026-03-30", "EUR", "USD", "1.0834"),
    spend("k", "7.00", "2026-03-01", "2026-03-03", clicks=5, spend_id="row"),
    event(
        "campaign",
        "plan",
        "c",
        at(90),
        {"campaign_id": "c", "name": "n", "channel": "email", "budget": "100", "currency": "USD", "same_as": "d"},
    ),
    event("touch-retraction", "bots", "x", at(1), {"touch_source": "web", "touch_id": "t0"}),
]


@pytest.fixture(scope="module")
def rows() -> Rows:
    return oracle.fold(EVENTS, Config())


def test_books_are_the_same_as_themselves_in_another_order(rows: Rows) -> None:
    assert all(rows.values()), "every table has a row"
    assert_same_books(rows, {name: table[::-1] for name, table in rows.items()})


def doubled(table: list[dict[str, Any]]) -> None:
    table.append(dict(table[0]))


def shortened(table: list[dict[str, Any]]) -> None:
    table.pop()


def altered(table: list[dict[str, Any]]) -> None:
    column = next(name for name, value in table[-1].items() if value is not None and name != "detail")
    table[-1] = table[-1] | {column: None}


@pytest.mark.parametrize("change", [doubled, shortened, altered])
@pytest.mark.parametrize("name", BOOK_SCHEMAS)
def test_one_row_too_many_too_few_or_too_different_is_found(rows: Rows, name: str, change: Callable[[Any], None]) -> None:
    other = copy.deepcopy(rows)
    change(other[name])
    with pytest.raises(AssertionError, match=rf"^{name}: "):
        assert_same_books(rows, other)
    with pytest.raises(AssertionError, match=rf"^{name}: "):
        assert_same_table(name, other[name], rows[name])


def test_prose_is_not_compared(rows: Rows) -> None:
    assert_same_table("held", rows["held"], [row | {"detail": "other words"} for row in rows["held"]])


def test_a_missing_table_is_found(rows: Rows) -> None:
    with pytest.raises(AssertionError):
        assert_same_books(rows, {name: table for name, table in rows.items() if name != "entry"})


def test_facts_read_back_from_the_ledger_are_those_of_the_wire() -> None:
    """Two ways into the oracle: wire events as they are, and through encoder and decoder."""
    direct, through = settle(EVENTS), settled_facts(facts_of(EVENTS))
    for type_name, events in direct.events.items():
        found = through.events[type_name]
        assert {(each.source, each.id, each.time) for each in found} == {(each.source, each.id, each.time) for each in events}
        by_id = {each.id: each for each in found}
        for each in events:
            assert each.data.items() <= by_id[each.id].data.items(), (type_name, each.id)


def test_both_ways_make_the_same_books(rows: Rows) -> None:
    assert_same_books(rows, rows_of(fold_facts(facts_of(EVENTS), Config())))
