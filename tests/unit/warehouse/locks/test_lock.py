"""Locking: what is frozen, what is adjusted, what is refused, and that all runs together are the truth."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import msgspec
import pyarrow as pa
import pytest

from nisba.attribution import RULES_EDITION
from nisba.config import Attribution, Config, CustomModel, Reporting, config_hash
from nisba.errors import ConfigError, WarehouseError
from tests.strategies import event
from tests.unit.warehouse.landing import decoded, empty_warehouse, every_row, touch
from tests.unit.warehouse.locks.closing import (
    CONFIG,
    FIRST,
    add_up_to_the_truth,
    campaign,
    changed,
    closed_books,
    lands,
    refund,
    rows_of,
    state,
)
from warehouse.loader import OffsetRange, land
from warehouse.locks import lock as locking
from warehouse.locks.lock import lock
from warehouse.locks.runs import read_runs
from warehouse.query import rows_as_dicts


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with closed_books() as connection:
        yield connection


def _as_of(instant: str, **reporting: object) -> Config:
    of = msgspec.structs.replace(CONFIG.reporting, as_of=dt.datetime.fromisoformat(instant), **reporting)
    return msgspec.structs.replace(CONFIG, reporting=of)


def test_a_period_is_frozen_credit_by_credit(con: duckdb.DuckDBPyConnection) -> None:
    locked = lock(con, CONFIG, "2026-Q1")
    assert (locked.run.run_id, locked.locked, locked.adjusted) == ("2026-Q1-1", 8, 0)
    first, *_, last = rows_of(con, "2026-Q1-1")
    assert first == {
        "run_id": "2026-Q1-1",
        "period": "2026-Q1",
        "kind": "locked",
        "model": "linear",
        "deal_id": "d-1",
        "touch_source": "web",
        "touch_id": "t-1",
        "entry": "booking",
        "booked_on": dt.date(2026, 2, 10),
        "run_booked_on": dt.date(2026, 2, 10),
        "team": "marketing",
        "campaign_id": "spring",
        "campaign_owner": "Ada",
        "deal_owner": "rep of d-1",
        "revenue_reporting": Decimal("33.340"),
    }
    assert (last["deal_id"], last["touch_id"], last["team"], last["campaign_id"], last["campaign_owner"]) == (
        "d-2",
        "t-3",
        "sales",
        None,
        None,
    )
    assert add_up_to_the_truth(con)


def test_a_run_says_by_what_it_was_made(con: duckdb.DuckDBPyConnection) -> None:
    lock(con, CONFIG, "2026-02")
    (row,) = rows_as_dicts(con, "FROM locked.run")
    assert (row["period_kind"], row["period_start"], row["period_end"]) == ("month", dt.date(2026, 2, 1), dt.date(2026, 2, 28))
    assert (row["run_no"], row["is_first"], row["entries"], row["models"]) == (1, True, 4, ["linear", "first_touch"])
    assert (row["config_hash"], row["rules_edition"], row["as_of"]) == (config_hash(CONFIG), RULES_EDITION, CONFIG.reporting.as_of)
    assert row["code_version"][0].isdigit()
    assert len(row["content_hash"]) == 64
    kept = read_runs(con)[0].config
    assert (kept.attribution, kept.incentive, kept.reporting) == (CONFIG.attribution, CONFIG.incentive, CONFIG.reporting)


def test_the_cut_off_is_offsets_of_topics_and_counts_of_what_came_from_files(con: duckdb.DuckDBPyConnection) -> None:
    lands(con, touch("t-1", "2026-01-06T00:00:00Z", campaign_id="fair") | {"time": "2026-01-06T00:00:01Z"})  # another version counts, too
    facts = decoded([touch("t-9")])["touch"]
    facts = facts.set_column(facts.schema.get_field_index("topic"), "topic", pa.array(["web.touches"], pa.string()))
    land(con, facts={"touch": facts}, dead_letters=None, offsets=[OffsetRange("web.touches", 2, None, 41)], records=1)
    lands(con)
    cut = lock(con, CONFIG, "2026-Q1").run
    assert json.loads(cut.ledger_cutoff) == {"offsets": {"web.touches": {"2": 41}}, "facts": {"touch": 4, "campaign": 2, "deal": 2}}
    assert [(cut.recorded_until,)] == con.execute("SELECT max(recorded_at) FROM ledger.touch").fetchall()


def test_what_changed_in_a_locked_period_is_adjusted_and_never_rewritten(con: duckdb.DuckDBPyConnection) -> None:
    lock(con, CONFIG, "2026-Q1")
    before = rows_of(con, "2026-Q1-1")
    lands(
        con, touch("t-4", "2026-01-09T00:00:00Z", campaign_id="spring", channel="chat"), state("d-3", "2026-05-01T00:00:00Z", amount="8.00")
    )
    locked = lock(con, CONFIG, "2026-Q2")
    assert rows_of(con, "2026-Q1-1") == before
    adjusted = {
        (row["deal_id"], row["touch_id"]): f"{row['revenue_reporting']:.2f}"
        for row in rows_of(con, "2026-Q2-1")
        if row["kind"] == "adjusted"
    }
    assert adjusted == {
        ("d-1", "t-1"): "-8.34",
        ("d-1", "t-2"): "-8.33",
        ("d-1", "t-3"): "-8.33",
        ("d-1", "t-4"): "25.00",
        ("d-2", "t-1"): "-5.00",
        ("d-2", "t-2"): "-5.00",
        ("d-2", "t-3"): "-5.00",
        ("d-2", "t-4"): "15.00",
    }
    assert {(row["period"], row["kind"]) for row in rows_of(con, "2026-Q2-1")} == {("2026-Q1", "adjusted"), ("2026-Q2", "locked")}
    assert (locked.locked, locked.adjusted) == (5, 8)  # the first touch is the same: first_touch has nothing to adjust
    assert add_up_to_the_truth(con)


def test_a_period_locked_again_is_adjusted_alone(con: duckdb.DuckDBPyConnection) -> None:
    lock(con, CONFIG, "2026-Q1")
    assert len(rows_of(con, "2026-Q1-1")) == 6
    nothing = lock(con, CONFIG, "2026-Q1")
    assert (nothing.run.run_id, nothing.locked, nothing.adjusted, nothing.statements) == ("2026-Q1-2", 0, 0, ())
    lands(con, refund("r-1", "d-1", "-30.00", "2026-03-20T00:00:00Z"))
    again = lock(con, CONFIG, "2026-Q1")
    assert (again.run.run_id, again.locked, again.adjusted, again.run.is_first) == ("2026-Q1-3", 0, 4, False)
    assert changed(con, "2026-Q1-3") == {("d-1", "adjustment", touch_id): "-10.00" for touch_id in ("t-1", "t-2", "t-3")}
    assert add_up_to_the_truth(con)


def test_a_deleted_deal_is_taken_back_under_its_old_keys(con: duckdb.DuckDBPyConnection) -> None:
    lock(con, CONFIG, "2026-Q1")
    lands(con, state("d-2", "2026-04-10T00:00:00Z", deleted=True))
    lock(con, CONFIG, "2026-Q2")
    assert changed(con, "2026-Q2-1") == {("d-2", "booking", touch_id): "-20.00" for touch_id in ("t-1", "t-2", "t-3")}
    assert {row["campaign_owner"] for row in rows_of(con, "2026-Q2-1")} == {"Ada", "Bo", None}
    assert add_up_to_the_truth(con)


def test_team_and_owners_are_those_of_the_first_lock(con: duckdb.DuckDBPyConnection) -> None:
    lock(con, CONFIG, "2026-Q1")
    lands(
        con,
        campaign("spring", "Cem", "2026-04-01T00:00:00Z"),
        touch("t-2", "2026-01-07T00:00:00Z", campaign_id="spring", channel="event", team="partner") | {"time": "2026-01-07T00:00:01Z"},
        refund("r-1", "d-1", "-30.00", "2026-03-20T00:00:00Z"),
        state("d-1", "2026-04-01T00:00:00Z", closed_at="2026-02-11T00:00:00Z", owner="somebody else"),
    )
    lock(con, CONFIG, "2026-Q1")
    booked = {row["touch_id"]: row for row in rows_of(con, "2026-Q1-2") if row["booked_on"] == dt.date(2026, 2, 10)}
    assert {name: (row["team"], row["campaign_owner"], row["deal_owner"]) for name, row in booked.items()} == {
        "t-1": ("marketing", "Ada", "rep of d-1"),
        "t-2": ("marketing", "Bo", "rep of d-1"),
        "t-3": ("sales", None, "rep of d-1"),
    }
    refunded = {row["touch_id"]: row for row in rows_of(con, "2026-Q1-2") if row["entry"] == "adjustment"}
    assert {name: (row["team"], row["campaign_owner"], row["deal_owner"]) for name, row in refunded.items()} == {
        "t-1": ("marketing", "Cem", "somebody else"),
        "t-2": ("partner", "Cem", "somebody else"),
        "t-3": ("sales", None, "somebody else"),
    }
    assert add_up_to_the_truth(con)


def test_a_campaign_of_two_names_has_the_owner_of_the_one_it_counts_for() -> None:
    with closed_books(campaign("spring", "Ada", "2026-01-02T00:00:00Z", same_as="fair")) as con:
        lock(con, CONFIG, "2026-Q1")
        assert {(row["campaign_id"], row["campaign_owner"]) for row in rows_of(con, "2026-Q1-1")} == {("fair", "Bo"), (None, None)}


def test_an_entry_says_which_booking_it_belongs_to() -> None:
    events = [
        state("d-3", "2026-01-20T00:00:00Z", amount="10.00"),
        state("d-3", "2026-01-25T00:00:00Z", amount="12.00", closed_at="2026-01-20T00:00:00Z"),
        state("d-3", "2026-02-20T00:00:00Z", "open", amount="12.00"),
        state("d-3", "2026-03-20T00:00:00Z", amount="9.00"),
        refund("r-1", "d-3", "-4.00", "2026-03-25T00:00:00Z"),
    ]
    with closed_books(*events) as con:
        lock(con, CONFIG, "2026-Q1")
        found = {(row["entry"], row["booked_on"], row["run_booked_on"]) for row in rows_of(con, "2026-Q1-1") if row["deal_id"] == "d-3"}
    first, second = dt.date(2026, 1, 20), dt.date(2026, 3, 20)
    assert found == {
        ("booking", first, first),
        ("amendment", dt.date(2026, 1, 25), first),
        ("reversal", dt.date(2026, 2, 20), first),
        ("rebooking", second, second),
        ("adjustment", dt.date(2026, 3, 25), second),
    }


def test_credits_of_one_key_are_one_row() -> None:
    """Two amendments of one day belong to one booking: nobody could tell their rows apart."""
    steps = ((1, "106.00"), (2, "112.00"))
    amended = [state("d-1", f"2026-02-20T0{hour}:00:00Z", amount=amount, closed_at="2026-02-10T00:00:00Z") for hour, amount in steps]
    with closed_books(*amended) as con:
        lock(con, CONFIG, "2026-Q1")
        found = [(row["touch_id"], row["revenue_reporting"]) for row in rows_of(con, "2026-Q1-1") if row["entry"] == "amendment"]
        assert found == [("t-1", 4), ("t-2", 4), ("t-3", 4)]
        assert add_up_to_the_truth(con)


def test_unattributed_credit_is_locked_and_held_credit_is_not() -> None:
    events = [
        state("d-8", "2026-02-01T00:00:00Z", account_id="nobody-knows"),
        state("d-9", "2026-02-01T00:00:00Z", currency="EUR"),
    ]
    with closed_books(*events) as con:
        lock(con, CONFIG, "2026-Q1")
        rows = {row["deal_id"]: row for row in rows_of(con, "2026-Q1-1")}
        assert rows.keys() == {"d-1", "d-2", "d-8"}
        unattributed = rows["d-8"]
        assert [unattributed[name] for name in ("touch_source", "touch_id", "team", "campaign_id", "campaign_owner")] == [None] * 5
        assert unattributed["revenue_reporting"] == 100
        quote = {"date": "2026-02-01", "base": "EUR", "quote": "USD", "rate": "1.5"}
        lands(con, event("fx", "bank", "f-1", "2026-04-01T00:00:00Z", quote))
        lock(con, CONFIG, "2026-Q1")
        assert sum(row["revenue_reporting"] for row in rows_of(con, "2026-Q1-2")) == 150
        assert add_up_to_the_truth(con)


def test_a_period_has_the_models_of_its_first_lock(con: duckdb.DuckDBPyConnection) -> None:
    own = CustomModel(id="mine", rest=Decimal(100), teams=("marketing",))
    first = msgspec.structs.replace(CONFIG, attribution=Attribution(models=("linear",), default_model="linear"), model=(own,))
    lands(con, config=first)
    lock(con, first, "2026-02")
    later = msgspec.structs.replace(CONFIG, attribution=Attribution(models=("last_touch",), default_model="last_touch"), incentive=())
    lands(con, touch("t-4", "2026-01-09T00:00:00Z"), config=later)
    lock(con, later, "2026-03")
    rows = con.execute("SELECT DISTINCT period, kind, model FROM locked.entry WHERE run_id = '2026-03-1' ORDER BY ALL").fetchall()
    assert rows == [("2026-02", "adjusted", "linear"), ("2026-02", "adjusted", "mine"), ("2026-03", "locked", "last_touch")]
    assert add_up_to_the_truth(con, later)


def test_a_locked_period_keeps_its_days_when_the_fiscal_year_moves(con: duckdb.DuckDBPyConnection) -> None:
    lock(con, CONFIG, "2026-Q1")
    moved = _as_of("2027-06-01T00:00:00+00:00", fiscal_year_start_month=4)
    lands(con, refund("r-1", "d-1", "-30.00", "2026-03-20T00:00:00Z"), config=moved)
    with pytest.raises(WarehouseError, match=r"2026-Q4 \(2026-01-01 to 2026-03-31\) shares days with 2026-Q1 \(2026-01-01 to 2026-03-31\)"):
        lock(con, moved, "2026-Q4")
    assert lock(con, moved, "2027-Q1").adjusted == 4  # April to June
    assert {row["period"] for row in rows_of(con, "2027-Q1-1")} == {"2026-Q1"}
    assert add_up_to_the_truth(con, moved)


def test_a_name_that_means_other_days_now_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    lock(con, CONFIG, "2026-Q1")
    moved = _as_of("2027-06-01T00:00:00+00:00", fiscal_year_start_month=4)
    lands(con, config=moved)
    before = every_row(con)
    said = r"^2026-Q1 is 2025-04-01 to 2025-06-30 now, and was 2026-01-01 to 2026-03-31 when 2026-Q1-1 locked it: .* month by month\.$"
    with pytest.raises(WarehouseError, match=said):
        lock(con, moved, "2026-Q1")
    assert every_row(con) == before
    assert lock(con, moved, "2025-05").run.is_first


def test_days_are_those_of_the_reporting_time_zone() -> None:
    riyadh = _as_of("2027-01-01T00:00:00+00:00", time_zone="Asia/Riyadh")
    with closed_books(state("d-3", "2026-03-31T21:30:00Z"), config=riyadh) as con:
        lock(con, riyadh, "2026-Q1")
        assert {row["deal_id"] for row in rows_of(con, "2026-Q1-1")} == {"d-1", "d-2"}


REFUSED = {
    "2026-13": "'2026-13' is no period: expected a month, quarter or year, such as 2026-03, 2026-Q1 or 2026",
    "2026-q1": "'2026-q1' is no period",
    "0001": "'0001' is no period",
    "2027-Q1": "2027-Q1 has not ended: its last day is 2027-03-31, [reporting] as_of is 2027-01-01T00:00:00+00:00; lock it when",
    "2026-02": "2026-02 (2026-02-01 to 2026-02-28) shares days with 2026-Q1 (2026-01-01 to 2026-03-31), which 2026-Q1-1 locked",
    "2026": "2026 (2026-01-01 to 2026-12-31) shares days with 2026-Q1",
}


@pytest.mark.parametrize("period", REFUSED)
def test_what_cannot_be_locked_is_said_in_one_sentence_and_nothing_is_written(con: duckdb.DuckDBPyConnection, period: str) -> None:
    lock(con, CONFIG, "2026-Q1")
    before = every_row(con)
    with pytest.raises((ConfigError, WarehouseError)) as refused:
        lock(con, CONFIG, period)
    assert REFUSED[period] in str(refused.value)
    assert str(refused.value).endswith(".")
    assert every_row(con) == before


def test_a_period_ends_with_its_last_microsecond_by_the_clock_of_the_reports(con: duckdb.DuckDBPyConnection) -> None:
    for instant, zone in (("2026-03-31T23:59:59.999998+00:00", "UTC"), ("2026-03-31T23:59:59.999999+00:00", "America/New_York")):
        config = _as_of(instant, time_zone=zone)
        lands(con, config=config)
        with pytest.raises(WarehouseError, match="2026-Q1 has not ended"):
            lock(con, config, "2026-Q1")
    assert lock(con, _as_of("2026-04-01T03:59:59.999999+00:00", time_zone="America/New_York"), "2026-Q1").locked


def test_the_latest_event_of_a_deal_or_a_lead_says_that_a_period_has_ended() -> None:
    config = msgspec.structs.replace(CONFIG, reporting=Reporting())
    with empty_warehouse() as con:
        lands(con, *FIRST[:-2], config=config)
        with pytest.raises(WarehouseError, match="no event of a deal or a lead says that it has ended"):
            lock(con, config, "2026-Q1")
        lands(con, *FIRST[-2:], config=config)
        with pytest.raises(WarehouseError, match=r"the latest event of a deal or a lead is of 2026-03-10T00:00:00\+00:00"):
            lock(con, config, "2026-Q1")
        lands(con, event("lead-stage", "crm", "l-1", "2026-04-02T00:00:00Z", {"lead_id": "l-1", "stage": "inquiry"}), config=config)
        assert lock(con, config, "2026-Q1").locked == 8


def test_facts_that_wait_for_attribution_are_not_locked_around(con: duckdb.DuckDBPyConnection) -> None:
    land(con, facts=decoded([touch("t-4", "2026-01-09T00:00:00Z")]), dead_letters=None, offsets=[])
    with pytest.raises(WarehouseError, match="wait for attribution: run `nisba attribute` first"):
        lock(con, CONFIG, "2026-Q1")


def test_a_lock_that_fails_midway_has_written_nothing(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    before = every_row(con)

    def on_a_full_disk(*_: object) -> None:
        raise duckdb.TransactionException("Could not write file: No space left on device")

    monkeypatch.setattr(locking, "make_statements", on_a_full_disk)
    with pytest.raises(duckdb.TransactionException):
        lock(con, CONFIG, "2026-Q1")
    assert every_row(con) == before
    monkeypatch.undo()
    assert lock(con, CONFIG, "2026-Q1").run.run_id == "2026-Q1-1"
