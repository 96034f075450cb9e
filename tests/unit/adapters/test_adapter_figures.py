"""Olist and Maven CRM through their adapters: the figures of the sources, found again after decoding and in the books."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from adapters import Conversion
from nisba.attribution.books import Books
from nisba.attribution.facts import Facts
from nisba.config import load_config
from schemas.decoder import decode_block
from schemas.records import RecordBlock
from tests.unit.adapters.running import converted

SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def block_of(topic: str, lines: list[bytes]) -> RecordBlock:
    absent = [None] * len(lines)
    return RecordBlock(topic, 0, list(range(len(lines))), list(lines), list(absent), list(absent), list(absent))


def decoded(directory: Path) -> dict[str, pa.Table]:
    tables: dict[str, pa.Table] = {}
    for file in sorted(directory.glob("*.jsonl")):
        result = decode_block(block_of(file.stem, file.read_bytes().splitlines()))
        assert result.dead_letters.num_rows == 0, result.dead_letters.slice(0, 3).to_pylist()
        tables |= result.facts
    return tables


def books_of(facts: dict[str, pa.Table], currency: str, time_zone: str) -> Books:
    from nisba.attribution import fold

    return fold(Facts.of(**facts), load_config(None, {}, {"reporting.currency": currency, "reporting.time_zone": time_zone}))


@pytest.fixture(scope="module")
def olist(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Conversion, dict[str, pa.Table]]:
    done = converted("olist", sample_data / "olist", tmp_path_factory.mktemp("olist"))
    return done, decoded(done.directory)


@pytest.fixture(scope="module")
def maven(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Conversion, dict[str, pa.Table]]:
    done = converted("maven_crm", sample_data / "maven_crm", tmp_path_factory.mktemp("maven"))
    return done, decoded(done.directory)


@pytest.fixture(scope="module")
def olist_books(olist: tuple[Conversion, dict[str, pa.Table]]) -> Books:
    return books_of(olist[1], "BRL", "America/Sao_Paulo")


@pytest.fixture(scope="module")
def truth(sample_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((sample_data / "olist" / "ground_truth.json").read_text("utf-8"))
    return found


def channel_of(origin: str) -> str:
    return {"direct_traffic": "direct", "(null)": "not_recorded"}.get(origin, origin)


def test_olist_counts(olist: tuple[Conversion, dict[str, pa.Table]], truth: dict[str, Any]) -> None:
    done, facts = olist
    assert done.events == {"campaign": 495, "deal": 842, "lead_stage": 8_842, "touch": 8_000}
    assert done.left_out == {}
    assert facts["touch"].num_rows == truth["mql"][0] == 8_000
    assert facts["deal"].num_rows == truth["deals"][0] == 842


def test_olist_contacts_and_wins_by_origin(olist: tuple[Conversion, dict[str, pa.Table]], truth: dict[str, Any]) -> None:
    contacts = Counter(olist[1]["touch"]["channel"].to_pylist())
    wins = Counter(olist[1]["deal"]["lead_source"].to_pylist())
    expected = {channel_of(origin): (mqls, won) for origin, mqls, won, *_ in truth["by_origin"]}
    assert {channel: (contacts[channel], wins[channel]) for channel in contacts} == expected
    assert (expected["unknown"], expected["not_recorded"]) == ((1_099, 179), (60, 14))


def test_olist_days_to_close(olist: tuple[Conversion, dict[str, pa.Table]], truth: dict[str, Any]) -> None:
    """690 were won within 90 × 24 hours of the first contact and not before it; the time zone changes no one's side."""
    contact = dict(zip(olist[1]["touch"]["person_id"].to_pylist(), olist[1]["touch"]["occurred_at"].to_pylist(), strict=True))
    deals = zip(olist[1]["deal"]["deal_id"].to_pylist(), olist[1]["deal"]["closed_at"].to_pylist(), strict=True)
    waits = [closed - contact[deal] for deal, closed in deals]
    assert sum(timedelta(0) <= wait <= timedelta(days=90) for wait in waits) == truth["won_within_90d_elapsed"] == 690
    assert sum(wait < timedelta(0) for wait in waits) == 1


def test_olist_days_begin_as_the_zone_database_says(olist: tuple[Conversion, dict[str, pa.Table]]) -> None:
    """The offsets written into the SQL are those of São Paulo on every day of the source, summer time's first one included."""
    touches = olist[1]["touch"]
    for instant in set(touches["occurred_at"].to_pylist()):
        local = instant.astimezone(SAO_PAULO)
        before = (instant - timedelta(microseconds=1)).astimezone(SAO_PAULO)
        assert before.date() < local.date()
    months = Counter(instant.astimezone(SAO_PAULO).date() for instant in touches["occurred_at"].to_pylist())
    assert (min(months), max(months)) == (date(2017, 6, 14), date(2018, 5, 31))


def test_olist_midnights_are_local(olist: tuple[Conversion, dict[str, pa.Table]]) -> None:
    closes = [instant.astimezone(SAO_PAULO) for instant in olist[1]["deal"]["closed_at"].to_pylist()]
    assert sum((close.hour, close.minute, close.second) == (0, 0, 0) for close in closes) == 61


def test_olist_wins_by_month(olist: tuple[Conversion, dict[str, pa.Table]], truth: dict[str, Any]) -> None:
    closes = olist[1]["deal"]["closed_at"].to_pylist()
    assert Counter(f"{close:%Y-%m}" for close in closes) == {month: won for month, won, _ in truth["won_by_month"]}


def test_olist_revenue_by_origin_is_that_of_the_items(olist: tuple[Conversion, dict[str, pa.Table]], truth: dict[str, Any]) -> None:
    deal = olist[1]["deal"]
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    sellers: Counter[str] = Counter()
    for source, amount in zip(deal["lead_source"].to_pylist(), deal["amount"].to_pylist(), strict=True):
        revenue[source] += amount
        sellers[source] += amount > 0
    assert sum(revenue.values()) == Decimal("676851.48")
    assert sum(sellers.values()) == 380
    for origin, sold, _, amount in truth["revenue_by_origin"]:
        assert (sellers[channel_of(origin)], revenue[channel_of(origin)]) == (sold, Decimal(str(amount)))


def test_olist_credits_add_up_to_the_revenue_for_every_model(olist_books: Books) -> None:
    """Every deal's credits are its amount; only the deal that was won before its first contact has none to credit."""
    lines, entries = olist_books.credit_line, olist_books.entry
    amounts = {
        (deal, number): amount
        for deal, number, amount in zip(*(entries[name].to_pylist() for name in ("deal_id", "entry_no", "amount")), strict=True)
    }
    assert sum(amounts.values()) == Decimal("676851.48")
    totals: dict[str, Decimal] = defaultdict(Decimal)
    columns = (lines[name].to_pylist() for name in ("model", "ordinal", "revenue"))
    unattributed: dict[str, Decimal] = defaultdict(Decimal)
    for model, ordinal, revenue in zip(*columns, strict=True):
        totals[model] += revenue
        unattributed[model] += revenue if ordinal == 0 else 0
    assert len(totals) == 15
    assert set(totals.values()) == {Decimal("676851.48")}
    assert set(unattributed.values()) == {Decimal("22.90")}


def test_maven_counts_and_what_is_left_out(maven: tuple[Conversion, dict[str, pa.Table]]) -> None:
    done, facts = maven
    assert done.events == {"deal": 15_011}
    assert done.left_out == {"opportunities without an engage date (Prospecting)": 500}
    assert Counter(facts["deal"]["status"].to_pylist()) == {"open": 8_300, "won": 4_238, "lost": 2_473}
    assert sum(account.startswith("unnamed-") for account in facts["deal"]["account_id"].to_pylist()) == 1_088
    assert set(facts["deal"]["product"].to_pylist()) == {
        "GTK 500",
        "GTX Basic",
        "GTX Plus Basic",
        "GTX Plus Pro",
        "GTX Pro",
        "MG Advanced",
        "MG Special",
    }


def test_maven_revenue_in_total_and_by_quarter(maven: tuple[Conversion, dict[str, pa.Table]]) -> None:
    books = books_of(maven[1], "USD", "UTC")
    deal = books.deal
    assert Counter(deal["status"].to_pylist()) == {"open": 1_589, "won": 4_238, "lost": 2_473}
    quarters: dict[int, Decimal] = defaultdict(Decimal)
    columns = (books.entry[name].to_pylist() for name in ("booked_at", "amount_reporting"))
    for booked, amount in zip(*columns, strict=True):
        assert booked.year == 2017
        quarters[(booked.month + 2) // 3] += amount
    assert quarters == {1: 1_134_672, 2: 3_086_111, 3: 2_982_255, 4: 2_802_496}
    assert sum(quarters.values()) == 10_005_534
    assert datetime(2017, 3, 1, tzinfo=timezone.utc) == min(books.entry["booked_at"].to_pylist())
