"""What changed since a lock, and why: a case for each cause, several at once, and what is none."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import msgspec
import pytest

from nisba.config import Attribution, Config
from nisba.errors import ConfigError, NotFound, WarehouseError
from tests.strategies import Event, event
from tests.unit.warehouse.landing import decoded, every_row, touch
from tests.unit.warehouse.locks.closing import CONFIG, campaign, closed_books, lands, refund, state
from warehouse.loader import land
from warehouse.locks.causes import CAUSES
from warehouse.locks.diff import Difference, diff
from warehouse.locks.lock import lock


def quote(number: int, rate: str) -> Event:
    data = {"date": "2026-02-12", "base": "EUR", "quote": "USD", "rate": rate}
    return event("fx", "bank", f"f-{number}", f"2026-04-0{number}T00:00:00Z", data)


def link(op: str, left: tuple[str, str], right: tuple[str, str], time: str) -> Event:
    ends = {side: {"kind": kind, "id": id_} for side, (kind, id_) in (("left", left), ("right", right))}
    return event("identity", "crm", f"i-{time}", time, {"op": op, **ends})


def retraction(touch_id: str) -> Event:
    return event("touch-retraction", "web", f"r-{touch_id}", "2026-04-01T00:00:00Z", {"touch_source": "web", "touch_id": touch_id})


MORE: tuple[Event, ...] = (
    state("d-euro", "2026-02-12T00:00:00Z", currency="EUR", account_id="europe"),
    touch("t-euro", "2026-01-08T00:00:00Z", account_id="europe"),
    quote(1, "1.1"),
    touch("t-person", "2026-01-08T00:00:00Z", account_id=None, person_id="jane"),
    state("d-other", "2026-02-12T00:00:00Z", account_id="other"),
    state("d-gone", "2026-02-12T00:00:00Z", account_id="other", deleted=True),
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with closed_books(*MORE) as connection:
        lock(connection, CONFIG, "2026-Q1")
        yield connection


def why(found: Difference) -> dict[str, tuple[str, ...]]:
    return {deal.deal_id: deal.causes for deal in found.deals}


CASES: dict[str, tuple[list[Event], dict[str, tuple[str, ...]]]] = {
    "a_late_touch": ([touch("t-4", "2026-01-09T00:00:00Z")], {"d-1": ("new_touch",), "d-2": ("new_touch",)}),
    # after the close of the first deal, before that of the second
    "a_corrected_touch": ([touch("t-2", "2026-03-01T00:00:00Z", campaign_id="fair", channel="event")], {"d-1": ("new_touch",)}),
    "a_touch_that_makes_two_one": (
        [
            touch("t-chain-1", "2026-01-09T10:00:00Z", account_id="other", visitor_id="v"),
            touch("t-chain-3", "2026-01-09T10:50:00Z", account_id="other", visitor_id="v"),
            touch("t-chain-2", "2026-01-09T10:25:00Z", account_id="other", visitor_id="v"),
        ],
        {"d-other": ("new_touch",)},
    ),
    "a_touch_that_was_taken_back": ([retraction("t-2")], {"d-1": ("retraction",), "d-2": ("retraction",)}),
    "a_person_of_the_account": (
        [link("link", ("person", "jane"), ("account", "other"), "2026-04-01T00:00:00Z")],
        {"d-other": ("identity",)},
    ),
    "a_lead_that_became_the_deal": (
        [
            event(
                "lead-stage",
                "crm",
                "l-1",
                "2026-04-01T00:00:00Z",
                {"lead_id": "l", "stage": "sql", "person_id": "jane", "account_id": "other"},
            )
        ],
        {"d-other": ("identity",)},
    ),
    "a_contact_of_another_deal": (
        [state("d-new", "2026-05-01T00:00:00Z", account_id="other", contact_ids=["jane"])],
        {"d-other": ("identity",)},
    ),
    "an_amount_dated_back": (
        [state("d-1", "2026-03-15T00:00:00Z", amount="90.00", closed_at="2026-02-10T00:00:00Z")],
        {"d-1": ("amendment",)},
    ),
    "an_amount_of_a_later_day": (
        [state("d-1", "2026-05-15T00:00:00Z", amount="90.00", closed_at="2026-02-10T00:00:00Z")],
        {"d-1": ("amendment",)},
    ),
    "a_close_date": ([state("d-1", "2026-03-15T00:00:00Z", closed_at="2026-02-11T00:00:00Z")], {"d-1": ("amendment",)}),
    "a_corrected_state": (
        [state("d-1", "2026-02-10T00:00:00Z", amount="70.00") | {"time": "2026-02-10T00:00:01Z"}],
        {"d-1": ("amendment",)},
    ),
    "a_currency": (
        [state("d-1", "2026-02-16T00:00:00Z", currency="EUR", amount="80.00", closed_at="2026-02-10T00:00:00Z")],
        {"d-1": ("amendment",)},
    ),
    "a_deal_that_nobody_knew": ([state("d-late", "2026-02-20T00:00:00Z", account_id="late")], {"d-late": ("amendment",)}),
    "reopened_dated_back": ([state("d-1", "2026-03-15T00:00:00Z", "open")], {"d-1": ("reopened",)}),
    "lost_later": ([state("d-1", "2026-05-15T00:00:00Z", "lost")], {"d-1": ("reopened",)}),
    "reopened_and_won_for_less": (
        [state("d-1", "2026-03-15T00:00:00Z", "open"), state("d-1", "2026-03-20T00:00:00Z", amount="90.00")],
        {"d-1": ("reopened",)},
    ),
    "a_refund_dated_back": ([refund("r-1", "d-1", "-30.00", "2026-03-20T00:00:00Z")], {"d-1": ("adjustment",)}),
    "a_refund_of_a_later_day": ([refund("r-1", "d-1", "-30.00", "2026-05-20T00:00:00Z")], {"d-1": ("adjustment",)}),
    "deleted": ([state("d-2", "2026-04-01T00:00:00Z", deleted=True)], {"d-2": ("deletion",)}),
    "brought_back": (
        [state("d-gone", "2026-04-01T00:00:00Z", closed_at="2026-02-12T00:00:00Z", account_id="other")],
        {"d-gone": ("deletion",)},
    ),
    "a_rate": ([quote(2, "1.2")], {"d-euro": ("fx",)}),
    "amended_and_refunded": (
        [
            state("d-1", "2026-03-15T00:00:00Z", amount="90.00", closed_at="2026-02-10T00:00:00Z"),
            refund("r-1", "d-1", "-30.00", "2026-03-20T00:00:00Z"),
        ],
        {"d-1": ("amendment", "adjustment")},
    ),
    "amended_and_then_reopened": (
        [
            state("d-1", "2026-03-15T00:00:00Z", amount="90.00", closed_at="2026-02-10T00:00:00Z"),
            state("d-1", "2026-03-16T00:00:00Z", "open"),
        ],
        {"d-1": ("amendment", "reopened")},
    ),
    "a_touch_that_only_a_link_brings_in": (
        [
            touch("t-joe", "2026-01-09T00:00:00Z", account_id=None, person_id="joe"),
            link("link", ("person", "joe"), ("account", "other"), "2026-04-01T00:00:00Z"),
        ],
        {"d-other": ("new_touch", "identity")},
    ),
    "taken_back_twice_over": (
        [
            retraction("t-euro"),
            touch("t-euro", "2026-01-08T00:00:01Z", account_id="elsewhere"),
        ],
        {"d-euro": ("new_touch", "retraction")},
    ),
    "each_deal_for_its_own_reason": (
        [quote(2, "1.2"), refund("r-1", "d-2", "-30.00", "2026-03-20T00:00:00Z"), retraction("t-nobody-has-it")],
        {"d-2": ("adjustment",), "d-euro": ("fx",)},
    ),
    "what_changes_no_credit": (
        [
            touch("t-after", "2026-03-20T00:00:00Z"),
            campaign("spring", "Cem", "2026-04-01T00:00:00Z", name="Another name"),
            state("d-1", "2026-03-15T00:00:00Z", closed_at="2026-02-10T00:00:00Z", next_step="celebrate"),
            state("d-new", "2026-05-01T00:00:00Z", account_id="new"),
            touch("t-1", "2026-01-06T00:00:00Z", campaign_id="spring"),
        ],
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_why_credits_changed(con: duckdb.DuckDBPyConnection, name: str) -> None:
    events, expected = CASES[name]
    lands(con, *events)
    before = every_row(con)
    now = diff(con, CONFIG, "2026-Q1-1")
    assert why(now) == expected
    assert every_row(con) == before
    lock(con, CONFIG, "2026-Q2")
    lands(con, touch("t-much-later", "2026-01-12T00:00:00Z"), touch("t-elsewhere", "2026-01-12T00:00:00Z", account_id="other"))
    later = diff(con, CONFIG, "2026-Q1-1", "2026-Q2-1")
    assert why(later) == expected
    assert later.deals == now.deals


def test_every_cause_has_a_case() -> None:
    named = {cause for _, expected in CASES.values() for causes in expected.values() for cause in causes}
    assert named == set(CAUSES) - {"configuration"}


def other_models(**attribution: object) -> Config:
    base = msgspec.structs.asdict(CONFIG.attribution) | attribution
    return msgspec.structs.replace(CONFIG, attribution=Attribution(**base))


def test_other_settings_are_a_cause_where_they_change_credits(con: duckdb.DuckDBPyConnection) -> None:
    shorter = other_models(lookback_days=3)  # the deals were opened on the fifth of January; later touches stay
    lands(con, touch("t-early", "2026-01-01T00:00:00Z", account_id="other"), config=CONFIG)
    assert why(diff(con, CONFIG, "2026-Q1-1")) == {"d-other": ("new_touch",)}
    lands(con, config=shorter)
    assert why(diff(con, shorter, "2026-Q1-1")) == {}  # the new touch is outside the shorter window
    without_events = other_models(excluded_channels=("event",))
    lands(con, config=without_events)
    found = why(diff(con, without_events, "2026-Q1-1"))
    assert found == {"d-1": ("configuration",), "d-2": ("configuration",), "d-other": ("new_touch",)}


def test_a_model_that_is_no_longer_configured_is_no_change(con: duckdb.DuckDBPyConnection) -> None:
    fewer = other_models(models=("last_touch",), default_model="last_touch")
    fewer = msgspec.structs.replace(fewer, incentive=())
    lands(con, config=fewer)
    assert diff(con, fewer, "2026-Q1-1").deals == ()
    lock(con, fewer, "2026-Q2")
    assert diff(con, fewer, "2026-Q1-1", "2026-Q2-1").deals == ()


def test_another_edition_of_the_rules_is_told_as_configuration(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE locked.entry SET revenue_reporting = revenue_reporting + 1 WHERE deal_id = 'd-2' AND model = 'first_touch'")
    con.execute("UPDATE locked.run SET rules_edition = rules_edition - 1")
    assert why(diff(con, CONFIG, "2026-Q1-1")) == {"d-2": ("configuration",)}


def test_each_credit_is_there_before_and_after(con: duckdb.DuckDBPyConnection) -> None:
    lands(
        con,
        touch("t-4", "2026-01-09T00:00:00Z", account_id="other"),
        state("d-other", "2026-05-15T00:00:00Z", "lost", account_id="other"),
    )
    (deal,) = diff(con, CONFIG, "2026-Q1-1").deals
    rows = {(row.model, row.period, row.entry, row.touch_id): (int(row.before), int(row.after)) for row in deal.changes}
    assert rows == {
        ("first_touch", "2026-Q1", "booking", None): (100, 0),
        ("first_touch", "2026-Q1", "booking", "t-4"): (0, 100),
        ("linear", "2026-Q1", "booking", None): (100, 0),
        ("linear", "2026-Q1", "booking", "t-4"): (0, 100),
        ("first_touch", None, "reversal", "t-4"): (0, -100),
        ("linear", None, "reversal", "t-4"): (0, -100),
    }
    assert (deal.in_periods("linear"), deal.on_later_days("linear")) == ((Decimal(100), Decimal(-100)), Decimal(-100))
    assert deal.causes == ("new_touch", "reopened")


def test_periods_that_were_locked_later_are_not_changes(con: duckdb.DuckDBPyConnection) -> None:
    lands(con, state("d-3", "2026-05-01T00:00:00Z"))
    lock(con, CONFIG, "2026-Q2")
    lands(con, refund("r-1", "d-3", "-10.00", "2026-05-02T00:00:00Z"))
    assert diff(con, CONFIG, "2026-Q1-1", "2026-Q2-1").deals == ()
    assert why(diff(con, CONFIG, "2026-Q1-1")) == {}
    assert why(diff(con, CONFIG, "2026-Q2-1")) == {"d-3": ("adjustment",)}
    assert diff(con, CONFIG, "2026-Q2-1").periods == ("2026-Q1", "2026-Q2")


def test_a_run_beside_itself_has_no_difference(con: duckdb.DuckDBPyConnection) -> None:
    lands(con, touch("t-4", "2026-01-09T00:00:00Z"))
    assert diff(con, CONFIG, "2026-Q1-1", "2026-Q1-1").deals == ()


def test_what_cannot_be_compared_is_said_in_a_sentence(con: duckdb.DuckDBPyConnection) -> None:
    lock(con, CONFIG, "2026-Q2")
    with pytest.raises(NotFound, match="there is no run '2026-Q3-1'; there are: 2026-Q1-1, 2026-Q2-1"):
        diff(con, CONFIG, "2026-Q3-1")
    with pytest.raises(NotFound, match="there is no run 'then'"):
        diff(con, CONFIG, "2026-Q1-1", "then")
    with pytest.raises(ConfigError, match="2026-Q1-1 is older than 2026-Q2-1: name the older run first"):
        diff(con, CONFIG, "2026-Q2-1", "2026-Q1-1")
    land(con, facts=decoded([touch("t-4", "2026-01-09T00:00:00Z")]), dead_letters=None, offsets=[])
    with pytest.raises(WarehouseError, match="run `nisba attribute` first"):
        diff(con, CONFIG, "2026-Q1-1")
    assert diff(con, CONFIG, "2026-Q1-1", "2026-Q2-1").deals == ()
