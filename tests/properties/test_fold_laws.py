"""Laws of the books that need no oracle: order, neighbours, sums, restriction."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution import fold
from nisba.attribution.books import BOOKS_OF_DEALS
from nisba.attribution.facts import Facts
from nisba.config import Config
from tests.oracle import Rows
from tests.oracle.compare import assert_same_books, assert_same_table, rows_of
from tests.properties.closure import closed_accounts, facts_about
from tests.strategies import ACCOUNTS, NO_CAMPAIGNS, Event, configs, event_sets, facts_of, winners

IDS = {
    "account_id",
    "person_id",
    "visitor_id",
    "lead_id",
    "deal_id",
    "campaign_id",
    "same_as",
    "adjustment_id",
    "touch_source",
    "primary_contact_id",
    "id",
}


def books(events: list[Event], config: Config) -> Rows:
    return rows_of(fold(facts_of(events), config).tables())


def _shuffled(table: pa.Table, dice: random.Random) -> pa.Table:
    return table.take(pa.array(dice.sample(range(table.num_rows), table.num_rows), pa.int64()))


@given(event_sets(), configs(), st.integers(0, 1000))
def test_row_order_does_not_matter(events: list[Event], config: Config, seed: int) -> None:
    facts, dice = facts_of(events), random.Random(seed)
    shuffled = Facts(**{name: _shuffled(table, dice) for name, table in facts.tables().items()})
    assert_same_books(rows_of(fold(facts, config).tables()), rows_of(fold(shuffled, config).tables()))


@given(event_sets(), configs(), st.randoms(use_true_random=False))
def test_order_and_duplicates_of_events_do_not_matter(events: list[Event], config: Config, dice: random.Random) -> None:
    again = [*events, *dice.sample(events, len(events) // 2)]
    dice.shuffle(again)
    assert_same_books(books(events, config), books(again, config))


def _elsewhere(value: Any, name: str = "") -> Any:
    """Give every id of an event a prefix, so that it is about other things."""
    if isinstance(value, dict):
        return {key: _elsewhere(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(id_) for id_ in value]
    return _renamed(value) if name in IDS else value


def _renamed(id_: str) -> str:
    """Return another id that is ordered like the first; words that stand for no id stay, and so do accounts of deals."""
    if id_ in NO_CAMPAIGNS:
        return id_
    return f"deal:n-{id_.removeprefix('deal:')}" if id_.startswith("deal:") else f"n-{id_}"


def _moved(events: list[Event]) -> list[Event]:
    moved = [{**event, "source": f"n-{event['source']}", "data": _elsewhere(event["data"])} for event in events]
    return [event for event in moved if event["type"] != "nisba.fx.v1"]


@given(event_sets(), event_sets(), configs())
def test_neighbours_change_nothing(here: list[Event], there: list[Event], config: Config) -> None:
    quotes = [event for event in here if event["type"] == "nisba.fx.v1"]
    apart, neighbours = books(here, config), books([*_moved(there), *quotes], config)
    together = books([*here, *_moved(there)], config)
    assert_same_books({name: [*apart[name], *neighbours[name]] for name in apart}, together)


@given(event_sets(), configs(), st.sampled_from(ACCOUNTS))
def test_facts_closed_for_an_account_give_its_rows(events: list[Event], config: Config, account_id: str) -> None:
    settled = winners(events)
    accounts = closed_accounts(settled, account_id)
    whole, part = books(settled, config), books(facts_about(settled, accounts), config)
    for name in BOOKS_OF_DEALS:
        expected, found = (_of_accounts(rows, name, {id_ for _, id_ in accounts}) for rows in (whole, part))
        assert_same_table(name, expected, found)


def _of_accounts(rows: Rows, name: str, account_ids: set[str]) -> list[dict[str, Any]]:
    deals = {deal["deal_id"] for deal in rows["deal"] if deal["account_id"] in account_ids}
    return [row for row in rows[name] if row["deal_id"] in deals]


def _sums(rows: list[dict[str, Any]], column: str, *by: str) -> dict[tuple[Any, ...], Decimal]:
    totals: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        if row[column] is not None:
            totals[tuple(row[name] for name in by)] += row[column]
    return totals


@given(event_sets(), configs())
def test_credits_of_an_entry_add_up_to_it(events: list[Event], config: Config) -> None:
    rows = books(events, config)
    models = {line["model"] for line in rows["credit_line"]}
    for column, amount in (("revenue", "amount"), ("revenue_reporting", "amount_reporting")):
        credited = _sums(rows["credit_line"], column, "deal_id", "entry_no", "model")
        entries = [entry for entry in rows["entry"] if entry[amount] is not None]
        booked = {(e["deal_id"], e["entry_no"], model): e[amount] for e in entries for model in models}
        assert credited == booked


@given(event_sets(), configs())
def test_pipeline_created_adds_up_in_every_model(events: list[Event], config: Config) -> None:
    """Each model shares out the same amount, in both currencies, and touches at the opening or before it only."""
    rows = books(events, config)["pipeline_credit"]
    for column in ("weight", "amount", "amount_reporting"):
        of_deals: dict[Any, set[Decimal]] = defaultdict(set)
        for (_, deal_id), total in _sums(rows, column, "model", "deal_id").items():
            of_deals[deal_id].add(round(total, 9))
        assert all(len(totals) == 1 for totals in of_deals.values())
        assert column != "weight" or all(totals == {Decimal(1)} for totals in of_deals.values())
    assert all(row["touched_at"] is not None or row["channel"] == "unattributed" for row in rows)


@given(event_sets(), configs())
def test_weights_add_up_to_one(events: list[Event], config: Config) -> None:
    rows = books(events, config)
    for total in _sums(rows["credit_line"], "weight", "model", "deal_id", "entry_no").values():
        assert abs(total - 1) <= Decimal("1e-10")


@given(event_sets(), configs())
def test_a_deal_reversed_to_nothing_leaves_every_touch_at_zero(events: list[Event], config: Config) -> None:
    rows = books(events, config)
    currency = {(e["deal_id"], e["entry_no"]): e["currency"] for e in rows["entry"]}
    lines = [line | {"currency": currency[line["deal_id"], line["entry_no"]]} for line in rows["credit_line"]]
    net = _sums(rows["entry"], "amount", "deal_id", "currency")
    for column in ("revenue", "revenue_reporting"):
        for (deal_id, code, *_), total in _sums(lines, column, "deal_id", "currency", "model", "ordinal").items():
            if net[deal_id, code] == 0:
                assert total == 0


@given(event_sets(), configs())
def test_final_entries_add_up_to_the_net_revenue(events: list[Event], config: Config) -> None:
    rows = books(events, config)
    net = _sums([entry for entry in rows["entry"] if entry["is_final"]], "amount", "deal_id", "currency")
    adjusted = _sums([entry for entry in rows["entry"] if entry["entry"] == "adjustment"], "amount", "deal_id", "currency")
    for deal in rows["deal"]:
        for (deal_id, code), total in net.items():
            if deal_id == deal["deal_id"]:
                is_current = deal["status"] == "won" and code == deal["currency"]
                assert total == (deal["amount"] + adjusted[deal_id, code] if is_current else 0)


def is_sorted(rows: list[Any], key: Callable[[Any], Any]) -> bool:
    return rows == sorted(rows, key=key)


@given(event_sets(), configs())
def test_journeys_are_numbered_in_their_order(events: list[Event], config: Config) -> None:
    journeys = defaultdict(list)
    for row in books(events, config)["journey_touch"]:
        journeys[row["journey"], row["deal_id"]].append(row)
    for rows in journeys.values():
        rows.sort(key=lambda row: row["ordinal"])
        assert [row["ordinal"] for row in rows] == list(range(1, rows[0]["journey_length"] + 1))
        assert is_sorted(rows, key=lambda row: (row["touched_at"], row["touch_source"], row["touch_id"]))
