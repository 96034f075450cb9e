"""Facts as the books read them: days made instants, accounts for deals, campaigns that are none, the firm's labels (semantics §1, §3)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from nisba.attribution.facts import Facts, ledger_schema
from nisba.attribution.preparation import LABELS, prepare
from nisba.config import Config, Labels, Reporting
from tests.unit.attribution.fact_rows import NOON, fact_rows

UTC = dt.timezone.utc
DEAL = {"deal_id": "d", "stage": "s", "status": "open", "opened_at": NOON}


def prepared(fact_type: str, *rows: dict[str, Any], zone: str = "UTC", labels: Labels | None = None) -> list[dict[str, Any]]:
    config = Config(reporting=Reporting(time_zone=zone), labels=labels or Labels())
    facts = prepare(Facts.of(**{fact_type: fact_rows(fact_type, *rows)}), config)
    table = getattr(facts, fact_type)
    assert table.schema.names == ledger_schema(fact_type, provenance=False).names
    found: list[dict[str, Any]] = table.to_pylist()
    return found


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("UTC", dt.date(2026, 2, 1), dt.datetime(2026, 2, 1, 23, 59, 59, 999999, UTC)),
        ("Asia/Riyadh", dt.date(2026, 2, 1), dt.datetime(2026, 2, 1, 20, 59, 59, 999999, UTC)),
        # on 15 October 2017 clocks in São Paulo went from 23:59:59 to 01:00: the day before ends at its midnight all the same
        ("America/Sao_Paulo", dt.date(2017, 10, 14), dt.datetime(2017, 10, 15, 2, 59, 59, 999999, UTC)),
        ("America/Sao_Paulo", dt.date(2017, 10, 15), dt.datetime(2017, 10, 16, 1, 59, 59, 999999, UTC)),
        # on 18 February 2018 they went back from midnight to 23:00, so that the 17th had an hour more
        ("America/Sao_Paulo", dt.date(2018, 2, 17), dt.datetime(2018, 2, 18, 2, 59, 59, 999999, UTC)),
        # a minute past midnight they went back in St. John's: the 7th of November 2010 had begun, and its evening before came again
        ("America/St_Johns", dt.date(2010, 11, 6), dt.datetime(2010, 11, 7, 2, 29, 59, 999999, UTC)),
        ("America/St_Johns", dt.date(2010, 11, 7), dt.datetime(2010, 11, 8, 3, 29, 59, 999999, UTC)),
        # Samoa had no 30 December 2011: it begins and ends where the 31st begins
        ("Pacific/Apia", dt.date(2011, 12, 29), dt.datetime(2011, 12, 30, 9, 59, 59, 999999, UTC)),
        ("Pacific/Apia", dt.date(2011, 12, 30), dt.datetime(2011, 12, 30, 9, 59, 59, 999999, UTC)),
        ("Pacific/Apia", dt.date(2011, 12, 31), dt.datetime(2011, 12, 31, 9, 59, 59, 999999, UTC)),
        # both ends of the time that events may have
        ("Asia/Tokyo", dt.date(1970, 1, 1), dt.datetime(1970, 1, 1, 14, 59, 59, 999999, UTC)),
        ("America/New_York", dt.date(2199, 12, 31), dt.datetime(2200, 1, 1, 4, 59, 59, 999999, UTC)),
    ],
)
def test_a_day_stands_for_its_last_microsecond(zone: str, day: dt.date, end: dt.datetime) -> None:
    row = {**DEAL, "status": "won", "opened_at": None, "opened_on": day, "closed_on": day}
    (found,) = prepared("deal", row, zone=zone)
    assert (found["opened_at"], found["closed_at"]) == (end, end)
    (refund,) = prepared("adjustment", {"adjustment_id": "r", "deal_id": "d", "effective_on": day}, zone=zone)
    assert refund["effective_at"] == end


def test_instants_stay_as_they_are() -> None:
    with_day, without = prepared("deal", {**DEAL, "opened_at": None, "opened_on": dt.date(2026, 2, 1)}, DEAL)
    assert (without["opened_at"], without["closed_at"], with_day["closed_at"]) == (NOON, None, None)


def test_days_and_instants_stand_side_by_side_in_tables_of_several_parts() -> None:
    day = dt.date(2026, 2, 1)
    rows = [{"adjustment_id": "r", "deal_id": "d", **when} for when in ({"effective_at": NOON}, {"effective_on": day}, {})]
    parts = pa.concat_tables([fact_rows("adjustment", *rows[:1]), fact_rows("adjustment", *rows[1:])])
    found = prepare(Facts.of(adjustment=parts), Config()).adjustment
    assert found["effective_at"].to_pylist() == [NOON, dt.datetime(2026, 2, 1, 23, 59, 59, 999999, UTC), None]
    assert found["effective_on"].to_pylist() == [None, day, None], "what came stays beside it"


def test_a_deal_without_an_account_has_one_of_its_own() -> None:
    alone, owned = prepared("deal", DEAL, {**DEAL, "account_id": "acme"})
    assert (alone["account_id"], owned["account_id"]) == ("deal:d", "acme")


def test_accounts_of_deals_are_by_their_whole_ids_in_tables_of_several_parts() -> None:
    ids = ["d:1", "deal:d", " d", "Ж"]
    parts = [fact_rows("deal", *({**DEAL, "deal_id": deal_id} for deal_id in half)) for half in (ids[:1], ids[1:])]
    found = prepare(Facts.of(deal=pa.concat_tables(parts)), Config()).deal
    assert found["account_id"].to_pylist() == ["deal:d:1", "deal:deal:d", "deal: d", "deal:Ж"]


def test_placeholders_are_no_campaign_and_ids_stay_as_they_are() -> None:
    touch = {"account_id": "a", "channel": "email", "kind": "click", "team": "marketing"}
    ids = ["c-1", "(Not Set)", "all", " all", "C-1", None, "(ORGANIC)", "(unattributed)", "(direct) ", "direct", "(Data Not Available)"]
    found = prepared("touch", *({**touch, "campaign_id": campaign_id} for campaign_id in ids))
    assert [row["campaign_id"] for row in found] == ["c-1", None, None, " all", "C-1", None, None, None, "(direct) ", "direct", None]


def test_every_label_goes_by_the_name_of_the_firm() -> None:
    rows: dict[str, dict[str, Any]] = {
        "touch": {"account_id": "a", "channel": "old", "kind": "old", "team": "marketing"},
        "campaign": {"campaign_id": "c", "name": "C", "channel": "old"},
        "account": {"account_id": "a", "segment": "old", "region": "old"},
        "deal": {**DEAL, **dict.fromkeys(("stage", "deal_type", "segment", "region", "product", "lead_source"), "old")},
    }
    names = {
        field: {"OLD": f"new {field}"} for field in ("channel", "kind", "segment", "region", "product", "deal_type", "lead_source", "stage")
    }
    for fact_type, row in rows.items():
        (found,) = prepared(fact_type, row, labels=Labels(**names))
        mapped = [field for field in LABELS[fact_type] if field in names]
        assert {field: found[field] for field in mapped} == {field: f"new {field}" for field in mapped}


def test_reserved_words_are_no_labels() -> None:
    (found,) = prepared("deal", {**DEAL, "segment": "(None)", "lead_source": "all", "next_step": "ALL", "loss_reason": "unattributed"})
    assert [found[name] for name in ("segment", "lead_source", "next_step", "loss_reason")] == [None] * 4


def test_nothing_is_prepared_from_nothing() -> None:
    assert all(len(table) == 0 for table in prepare(Facts.of(), Config()).tables().values())
    assert isinstance(prepare(Facts.of(), Config()).deal, pa.Table)
