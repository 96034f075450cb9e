"""The books of a simulated company are readable: marketing earns its part, some campaigns pay and some do not."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from nisba.attribution import fold
from nisba.attribution.books import Books
from nisba.attribution.facts import Facts
from nisba.config import load_config
from schemas.decoder import decode_block
from schemas.records import RecordBlock
from simulator import CAMPAIGNS, Noise, Summary, simulate

MODEL = "w_30_30_30_10"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """The company of `nisba demo`'s size, without accidents on the way: one row per event."""
    return simulate(7, 400, 365, tmp_path_factory.mktemp("told"), noise=Noise(0, 0, 0, 0, oversized=False))


@pytest.fixture(scope="module")
def books(told: Summary) -> Books:
    return fold(Facts.of(**facts_of(told.directory)), load_config(None, {}, {"attribution.models": [MODEL, "last_touch"]}))


def facts_of(directory: Path) -> dict[str, pa.Table]:
    tables: dict[str, pa.Table] = {}
    for file in sorted(directory.glob("*.jsonl")):
        lines = file.read_bytes().splitlines()
        absent = [None] * len(lines)
        block = RecordBlock(file.stem, 0, list(range(len(lines))), list(lines), list(absent), list(absent), list(absent))
        tables |= decode_block(block).facts
    return tables


def rows(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def final_credit(books: Books, column: str) -> dict[str | None, Decimal]:
    """Return the final reporting revenue of the model per value of a touch's column."""
    touches = {(deal, ordinal): value for deal, ordinal, value in rows(books.journey_touch, "deal_id", "ordinal", column)}
    final = {(deal, number) for deal, number, is_final in rows(books.entry, "deal_id", "entry_no", "is_final") if is_final}
    credit: dict[str | None, Decimal] = defaultdict(Decimal)
    for model, deal, ordinal, number, revenue in rows(books.credit_line, "model", "deal_id", "ordinal", "entry_no", "revenue_reporting"):
        if model == MODEL and (deal, number) in final:
            credit[touches.get((deal, ordinal))] += revenue
    return credit


def test_marketing_earns_between_a_seventh_and_two_fifths(books: Books) -> None:
    by_team = final_credit(books, "team")
    total = sum(by_team.values())
    assert Decimal("0.15") < by_team["marketing"] / total < Decimal("0.40")
    assert all(by_team[team] > 0 for team in ("marketing", "sales", "partner", "customer"))


def test_some_campaigns_pay_and_some_do_not(books: Books) -> None:
    revenue = final_credit(books, "campaign_id")
    cost: dict[str, Decimal] = defaultdict(Decimal)
    for campaign, amount in rows(books.cost_daily, "campaign_id", "cost_reporting"):
        cost[campaign] += amount
    assert set(cost) == {campaign.id for campaign in CAMPAIGNS}
    pays = [campaign for campaign in cost if revenue[campaign] > cost[campaign]]
    assert 4 <= len(pays) <= len(CAMPAIGNS) - 3


def test_nothing_is_held_and_every_rate_is_known(books: Books) -> None:
    assert books.held.num_rows == 0
    assert None not in books.entry["amount_reporting"].to_pylist()


def test_identity_finds_most_and_not_all_of_what_was_seen(books: Books, told: Summary) -> None:
    """Merged accounts are one; the books credit fewer touches than truly were there, never more."""
    names = {account for kind, account in rows(books.identity, "kind", "account_id") if kind == "account"}
    assert "acct-00000" in names
    assert not any(name.endswith("-old") for name in names)
    touched = len(set(rows(books.journey_touch, "touch_source", "touch_id")))
    assert 0 < touched < told.touches


def test_the_books_know_the_accidents_of_deals(books: Books) -> None:
    kinds = set(books.entry["entry"].to_pylist())
    assert kinds >= {"booking", "amendment", "adjustment", "pending"}
    assert books.deal.num_rows > 250
