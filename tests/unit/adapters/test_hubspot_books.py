"""The firm Brio on HubSpot, as Fivetran and dlt write it: its books; and what Fivetran's own samples hold."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nisba.config import Attribution, Config, Reporting, Warehouse
from pipelines.backfill import backfill
from pipelines.catch_up import CatchUp
from tests.unit.adapters.running import converted, events_of, examined
from warehouse.connection import open_reader

BRIO, SEEDS = "adapters/hubspot/brio", "adapters/hubspot/fivetran_seeds"
HOME = {"currency": "EUR"}


@pytest.fixture(scope="module")
def expected(sample_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((sample_data / BRIO / "expected.json").read_text("utf-8"))
    return found


class Books:
    """Brio's events of one layout, and its warehouse after reading them twice."""

    def __init__(self, where: Path, folder: Path) -> None:
        converted("hubspot", where, folder / "events", HOME, time_zone="Europe/Paris")
        self.events = events_of(folder / "events")
        self.path = folder / "warehouse.duckdb"
        reporting = Reporting(currency="EUR", time_zone="Europe/Paris")
        models = Attribution(models=("linear",), default_model="linear")
        config = Config(reporting=reporting, attribution=models, warehouse=Warehouse(path=str(self.path)))
        self.first: CatchUp = backfill(folder / "events", config)
        self.again: CatchUp = backfill(folder / "events", config)

    def rows(self, select: str) -> list[tuple[Any, ...]]:
        with open_reader(self.path) as con:
            return con.execute(select).fetchall()

    def data(self, fact_type: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events if event["type"] == f"nisba.{fact_type}.v1"]


@pytest.fixture(scope="module", params=["fivetran", "dlt"])
def brio(request: pytest.FixtureRequest, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Books:
    return Books(sample_data / BRIO / request.param, tmp_path_factory.mktemp(request.param))


def test_nothing_is_refused_and_reading_again_is_nothing_new(brio: Books) -> None:
    first, again = brio.first.read, brio.again.read
    assert (first.conflicts, first.dead_letters, first.duplicates) == (0, 0, 0)
    assert (again.conflicts, again.dead_letters, again.facts) == (0, 0, 0)
    assert again.duplicates == first.facts == len(brio.events)
    assert brio.rows("FROM ops.conflict") == []


def test_deals_are_what_they_are_now(brio: Books, expected: dict[str, Any]) -> None:
    found: dict[str, int] = dict(brio.rows("SELECT status, count(*) FROM core.deal GROUP BY ALL"))
    gone = {data["deal_id"] for data in brio.data("deal") if data.get("deleted")}
    assert {**found, "gone": len(gone)} == expected["deals_now"]


def test_won_deals_have_their_own_currencies(brio: Books, expected: dict[str, Any]) -> None:
    rows = brio.rows("SELECT currency, sum(amount)::DECIMAL(18, 2)::VARCHAR FROM core.deal WHERE status = 'won' GROUP BY ALL")
    assert dict(rows) == expected["won_now_by_currency"]


def test_what_is_booked_is_booked_once_and_in_its_quarter(brio: Books, expected: dict[str, Any]) -> None:
    """With the history of the deal that a merge made there would be a false reopening, and money in another quarter."""
    rows = brio.rows("""
        SELECT currency || ' ' || year(booked_on) || '-Q' || quarter(booked_on), sum(amount)::DECIMAL(18, 2)::VARCHAR
        FROM core.entry WHERE is_final GROUP BY ALL HAVING sum(amount) <> 0
    """)
    assert dict(rows) == expected["booked_by_currency_and_quarter"]
    booked = {row[0] for row in brio.rows("SELECT deal_id FROM core.entry WHERE is_final")}
    assert not booked & {"hs:9000001010", "hs:9000001020", "hs:9000001024"}


def test_merges_take_away_what_they_merged(brio: Books, expected: dict[str, Any]) -> None:
    merged = {data["deal_id"] for data in brio.data("deal") if data["stage"] == "merged"}
    assert merged == {"hs:9000001010", "hs:9000001020"}
    assert len(merged) == expected["merges"]
    made = [event for event in brio.events if event["data"].get("deal_id") == "hs:9000001024"]
    assert [(event["id"], event["data"]["status"]) for event in made] == [("hs:9000001024@1759814341845/now", "open")]


def test_both_layouts_have_the_same_states(sample_data: Path, tmp_path: Path) -> None:
    """dlt exported no companies and contacts of the deals, and no owner; all else is the same."""
    found = {}
    for layout in ("fivetran", "dlt"):
        converted("hubspot", sample_data / BRIO / layout, tmp_path / layout, HOME)
        deals = events_of(tmp_path / layout, "deal")
        for event in deals:
            for name in ("account_id", "contact_ids", "owner"):
                event["data"].pop(name, None)
            event.pop("partitionkey")
        found[layout] = deals
    assert found["fivetran"] == found["dlt"]
    assert len(found["dlt"]) == 81


@pytest.fixture(scope="module")
def fivetran(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("events")
    converted("hubspot", sample_data / BRIO / "fivetran", folder, HOME)
    return events_of(folder)


def test_leads_touches_and_links_of_brio(fivetran: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    by_type = {
        fact_type: [event["data"] for event in fivetran if event["type"] == f"nisba.{fact_type}.v1"]
        for fact_type in ("lead-stage", "touch", "identity")
    }
    assert Counter(data["stage"] for data in by_type["lead-stage"]) == expected["lead_stages"]
    kinds = Counter(data["kind"] for data in by_type["touch"])
    assert kinds == {"form": expected["form_touches"], "email_click": expected["email_clicks_not_filtered"]}
    merges = [
        data
        for data in by_type["identity"]
        if data["left"]["kind"] == data["right"]["kind"] == "person" and not data["right"]["id"].startswith("email:")
    ]
    assert [(data["left"]["id"], data["right"]["id"]) for data in merges] == [("hs:9000001040", "hs:9000001055")]
    assert len(merges) == expected["contact_merge_links"]
    channels = Counter(data["channel"] for data in by_type["touch"] if data["kind"] == "form")
    assert sum(channels.values()) == 48
    assert set(channels) == {"website", "paid_search", "paid_social"}


def test_opened_mails_of_brio_where_they_are_asked_for(sample_data: Path, tmp_path: Path, expected: dict[str, Any]) -> None:
    converted("hubspot", sample_data / BRIO / "fivetran", tmp_path, {**HOME, "email_opens": True})
    kinds = Counter(event["data"]["kind"] for event in events_of(tmp_path, "touch"))
    assert kinds["email_open"] == expected["email_opens_not_filtered"]


def test_every_touch_of_brio_finds_its_contact(sample_data: Path, tmp_path: Path) -> None:
    books = Books(sample_data / BRIO / "fivetran", tmp_path)
    ((touches,),) = books.rows("SELECT count(*) FROM core.touch")
    persons = books.rows("SELECT count(DISTINCT person_id) FROM core.identity WHERE kind = 'person' AND id LIKE 'hs:%'")
    assert touches > 0
    assert persons == [(24,)]


@pytest.fixture
def seeds(sample_data: Path, tmp_path: Path) -> Path:
    """Fivetran's samples under the names that its tables have."""
    for file in (sample_data / SEEDS).glob("*_data.csv"):
        shutil.copy(file, tmp_path / f"{file.stem.removesuffix('_data')}.csv")
    return tmp_path


def test_samples_without_stages_make_no_deals_and_say_so(seeds: Path, tmp_path: Path) -> None:
    told = examined("hubspot", seeds, HOME)
    assert told.unmapped == ()
    assert told.events["deal"] == 0
    assert told.left_out["deals without a stage"] == 44
    assert told.left_out["merged deals of which the export holds neither side"] == 14
    identity = told.events["identity"]
    assert told.events == {"account": 24, "campaign": 100, "identity": identity, "touch": 5} | dict.fromkeys(
        ("deal", "lead_stage", "retraction", "spend"), 0
    )


def test_samples_of_stages_know_no_lost_one(sample_data: Path) -> None:
    """71 stages, 5 of them won; the flags say so, where the odds of 0 of open stages would say lost."""
    with duckdb.connect() as con:
        file = sample_data / SEEDS / "deal_pipeline_stage_data.csv"
        found = con.execute(
            f"SELECT count(*), count(*) FILTER (closed_won), count(*) FILTER (is_closed AND NOT closed_won) FROM '{file}'"
        ).fetchone()
    assert found == (71, 5, 0)


def test_samples_of_merges_and_mails(seeds: Path, tmp_path: Path) -> None:
    converted("hubspot", seeds, tmp_path / "events", {**HOME, "email_opens": True})
    events = events_of(tmp_path / "events")
    assert Counter(event["data"].get("kind") for event in events if event["type"] == "nisba.touch.v1") == {"email_open": 90, "form": 5}
    merged = {event["data"]["right"]["id"] for event in events if event["id"].startswith("hs:78971951/") and "email:" not in event["id"]}
    assert merged == {"hs:76340251", "hs:46897301", "hs:76226001"}
    told = examined("hubspot", seeds, HOME).left_out
    assert told["e-mail events that are neither clicks nor opens"] == 4 + 3 + 3
