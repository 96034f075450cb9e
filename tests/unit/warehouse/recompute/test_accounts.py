"""Accounts that are described, merged, joined and left: each step makes dirty, reads and replaces all that it moves, and no more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from tests.strategies import Event, event
from tests.unit.warehouse.landing import LINEAR, attribute, deal, decoded, empty_warehouse, land_events, touch
from warehouse.recompute.invalidation import invalidate
from warehouse.recompute.scope import plan_accounts, plan_scope
from warehouse.recompute.verification import verify_books


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        yield connection


def account(account_id: str, day: int, **data: Any) -> Event:
    return event("account", "crm", f"{account_id}-{day}", f"2026-01-{day:02}T00:00:00Z", {"account_id": account_id} | data)


def link(left: str, right: str, day: int = 1, op: str = "link", **window: str) -> Event:
    ends = {side: dict(zip(("kind", "id"), node.split(":", 1), strict=True)) for side, node in (("left", left), ("right", right))}
    return event("identity", "crm", f"{left}-{right}-{day}", f"2026-01-{day:02}T00:00:00Z", {"op": op, **ends, **window})


NOW = dt.datetime(2026, 7, 1, tzinfo=dt.timezone.utc)
OTHERS = [deal(f"o-{number}", deal_id=f"o-{number}", account_id=f"other-{number}") for number in range(9)]
"""So many others that what is dirty is not read with everything."""


def planned(con: duckdb.DuckDBPyConnection, *events: Event) -> list[str]:
    """Return the accounts that events make dirty, and let a full recompute find nothing to complain of after them."""
    land_events(con, *events)
    scope = plan_scope(con, LINEAR)
    assert scope is not None
    assert not scope.everything
    told(con)
    return sorted(scope.accounts["id"].to_pylist())


def told(con: duckdb.DuckDBPyConnection, *events: Event) -> None:
    """Land, attribute what is dirty, and let a full recompute find nothing to complain of."""
    land_events(con, *events)
    attribute(con)
    assert verify_books(con, LINEAR).differences == []


def ask(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return con.execute(sql).fetchall()


DEALS = "SELECT deal_id, account_id, segment FROM core.deal ORDER BY ALL"
CREDITED = "SELECT deal_id, touch_id, revenue FROM core.credit_line JOIN core.journey_touch USING (journey, deal_id, ordinal) ORDER BY ALL"


def test_what_describes_an_account_changes_the_deals_of_all_its_names(con: duckdb.DuckDBPyConnection) -> None:
    # others beside it, so that not everything is dirty
    others = [deal(f"o-{number}", deal_id=f"o-{number}", account_id=f"other-{number}") for number in range(5)]
    told(con, *others, deal("e-1"), deal("e-2", deal_id="d-2", account_id="zeta"), link("account:acme", "account:zeta"))
    told(con, account("zeta", 2, name="Zeta", segment="SMB"))
    assert ask(con, DEALS)[:2] == [("d-1", "acme", "SMB"), ("d-2", "acme", "SMB")]
    assert ask(con, "SELECT account_id, name FROM core.account") == [("acme", "Zeta")]
    told(con, account("acme", 3, name="Acme", segment="Mid"))
    assert [segment for *_, segment in ask(con, DEALS)[:2]] == ["Mid", "Mid"]
    told(con, account("acme", 4, deleted=True), link("account:acme", "account:zeta", 5, "unlink"))
    assert ask(con, DEALS)[:2] == [("d-1", "acme", None), ("d-2", "zeta", "SMB")]
    assert ask(con, "SELECT account_id, name FROM core.account") == [("zeta", "Zeta")]


def test_a_membership_that_ends_moves_the_touches_after_it(con: duckdb.DuckDBPyConnection) -> None:
    others = [deal(f"o-{number}", deal_id=f"o-{number}", account_id=f"other-{number}") for number in range(5)]
    visits = [touch(f"t-{day}", f"2026-01-{day:02}T00:00:00Z", account_id=None, person_id="p") for day in (5, 15)]
    told(con, *others, *visits, deal("e-1"), deal("e-2", deal_id="d-2", account_id="zeta"), link("person:p", "account:acme"))
    both = [("d-1", "t-15", 50), ("d-1", "t-5", 50)]
    assert ask(con, CREDITED) == both
    told(con, link("person:p", "account:acme", 2, until="2026-01-10T00:00:00Z"))
    assert ask(con, CREDITED) == [("d-1", "t-5", 100)]
    told(con, link("person:p", "account:zeta", 3, since="2026-01-10T00:00:00Z"))
    assert ask(con, CREDITED) == [("d-1", "t-5", 100), ("d-2", "t-15", 100)]
    told(con, link("person:p", "account:acme", 4), link("person:p", "account:zeta", 5, "unlink"))
    assert ask(con, CREDITED) == both


def test_a_deal_that_gets_its_company_later(con: duckdb.DuckDBPyConnection) -> None:
    others = [deal(f"o-{number}", deal_id=f"o-{number}", account_id=f"other-{number}") for number in range(5)]
    told(con, *others, touch("t-1"), deal("e-1", account_id=None))
    assert (ask(con, DEALS)[0], ask(con, CREDITED)) == (("d-1", "deal:d-1", None), [])
    told(con, deal("e-2", account_id="acme", revision=1))
    assert (ask(con, DEALS)[0], ask(con, CREDITED)) == (("d-1", "acme", None), [("d-1", "t-1", 100)])
    told(con, deal("e-3", account_id=None, revision=2), link("account:deal:d-1", "account:acme"))
    assert (ask(con, DEALS)[0], ask(con, CREDITED)) == (("d-1", "acme", None), [("d-1", "t-1", 100)])
    told(con, link("account:deal:d-1", "account:acme", 2, "unlink"))
    assert (ask(con, DEALS)[0], ask(con, CREDITED)) == (("d-1", "deal:d-1", None), [])


NAMED = "SELECT account_id, name, segment FROM core.account ORDER BY ALL"


def test_a_name_alone_that_changes_reaches_an_account_by_any_of_its_ids(con: duckdb.DuckDBPyConnection) -> None:
    merged = [link("account:acme", "account:beta"), link("account:beta", "account:zeta")]
    told(con, *OTHERS, *merged, deal("e-1"), account("zeta", 1, name="Zeta", segment="SMB"))
    assert planned(con, account("zeta", 2, name="Zeta & Sons", segment="SMB")) == ["acme", "beta", "zeta"]
    assert ask(con, NAMED) == [("acme", "Zeta & Sons", "SMB")]
    assert planned(con, account("beta", 3, name="Beta", segment="Mid")) == ["acme", "beta", "zeta"]
    assert (ask(con, NAMED), ask(con, DEALS)[0]) == ([("acme", "Beta", "Mid")], ("d-1", "acme", "Mid"))
    assert planned(con, account("nobody", 3, name="Nobody")) == ["nobody"], "an account that nothing else names"
    assert ask(con, NAMED) == [("acme", "Beta", "Mid"), ("nobody", "Nobody", None)]
    assert planned(con, account("beta", 4, deleted=True)) == ["acme", "beta", "zeta"]
    assert ask(con, NAMED)[0] == ("acme", "Zeta & Sons", "SMB")


def test_two_accounts_that_turn_out_to_be_one_share_deals_touches_and_a_name(con: duckdb.DuckDBPyConnection) -> None:
    alone = deal("e-1", account_id=None, contact_ids=["p"])
    visit = touch("t-p", account_id=None, person_id="p")
    told(con, *OTHERS, alone, visit, touch("t-z", account_id="zeta"), account("deal:d-1", 1, name="Its own", segment="Deals"))
    assert (ask(con, DEALS)[0], ask(con, CREDITED)) == (("d-1", "deal:d-1", "Deals"), [("d-1", "t-p", 100)])
    assert planned(con, link("account:deal:d-1", "account:zeta")) == ["deal:d-1", "zeta"]
    both = [("d-1", "t-p", 50), ("d-1", "t-z", 50)]
    assert (ask(con, DEALS)[0], ask(con, CREDITED)) == (("d-1", "zeta", "Deals"), both)
    assert ask(con, NAMED) == [("zeta", "Its own", "Deals")]
    assert planned(con, account("zeta", 2, name="Zeta")) == ["deal:d-1", "zeta"]
    assert (ask(con, DEALS)[0], ask(con, NAMED)) == (("d-1", "zeta", None), [("zeta", "Zeta", None)])
    assert planned(con, link("account:deal:d-1", "account:zeta", 3, "unlink")) == ["deal:d-1", "zeta"]
    assert (ask(con, DEALS)[0], ask(con, CREDITED)) == (("d-1", "deal:d-1", "Deals"), [("d-1", "t-p", 100)])
    assert ask(con, NAMED) == [("deal:d-1", "Its own", "Deals"), ("zeta", "Zeta", None)]


def test_a_deal_that_gets_its_company_takes_its_contacts_along(con: duckdb.DuckDBPyConnection) -> None:
    visit = touch("t-p", account_id=None, person_id="p")
    second = deal("e-2", deal_id="d-2", account_id="zeta")
    told(con, *OTHERS, visit, deal("e-1", account_id=None, contact_ids=["p"]), second, account("zeta", 1, segment="SMB"))
    assert ask(con, CREDITED) == [("d-1", "t-p", 100)]
    assert planned(con, deal("e-3", account_id="zeta", contact_ids=["p"], revision=1)) == ["deal:d-1", "zeta"]
    assert (ask(con, DEALS)[0], ask(con, CREDITED)) == (("d-1", "zeta", "SMB"), [("d-1", "t-p", 100), ("d-2", "t-p", 100)])
    assert ask(con, "SELECT id, account_id FROM core.identity WHERE id IN ('p', 'deal:d-1')") == [("p", "zeta")]
    assert planned(con, deal("e-4", account_id="zeta", deleted=True, revision=2)) == ["deal:d-1", "zeta"]
    assert (ask(con, DEALS)[0], ask(con, CREDITED)) == (("d-2", "zeta", "SMB"), [])


def test_a_window_of_a_lead_moves_what_its_person_did_and_when_the_lead_was_made(con: duckdb.DuckDBPyConnection) -> None:
    visits = [touch(f"t-{day}", f"2026-01-{day:02}T00:00:00Z", account_id=None, person_id="p") for day in (5, 15)]
    stage = event("lead-stage", "crm", "s", "2026-01-07T00:00:00Z", {"lead_id": "l", "stage": "mql"})
    told(con, *OTHERS, *visits, stage, deal("e-1"), link("account:acme", "account:zeta"), link("person:p", "lead:l"))
    created = "SELECT lead_created_at::DATE::VARCHAR FROM core.deal WHERE deal_id = 'd-1'"
    assert (ask(con, CREDITED), ask(con, created)) == ([], [(None,)])
    planned(con, link("lead:l", "account:zeta", 2, since="2026-01-10T00:00:00Z"))
    assert (ask(con, CREDITED), ask(con, created)) == ([("d-1", "t-15", 100)], [(None,)])
    planned(con, link("lead:l", "account:zeta", 3, until="2026-01-10T00:00:00Z"))
    assert (ask(con, CREDITED), ask(con, created)) == ([("d-1", "t-5", 100)], [("2026-01-07",)])
    planned(con, link("person:p", "account:acme", 4, since="2026-01-15T00:00:00Z"))
    assert (ask(con, CREDITED), ask(con, created)) == ([("d-1", "t-15", 50), ("d-1", "t-5", 50)], [("2026-01-07",)])
    planned(con, link("account:acme", "account:zeta", 5, "unlink"))
    assert (ask(con, CREDITED), ask(con, created)) == ([("d-1", "t-15", 100)], [(None,)])


def test_a_merge_that_bounds_a_membership_leaves_touches_to_the_device_they_came_from(con: duckdb.DuckDBPyConnection) -> None:
    """The window of p in acme holds for zeta too once both are one; what came from p's device outside of it is the device's firm's."""
    member = [link("person:p", "account:acme", until="2026-01-10T00:00:00Z"), touch("t-z", account_id="zeta", person_id="p")]
    device = [link("visitor:v", "person:p"), link("visitor:v", "account:gamma")]
    visit = touch("t-p", "2026-01-15T00:00:00Z", account_id=None, person_id="p")
    anonymous = touch("t-v", "2026-01-16T00:00:00Z", account_id=None, visitor_id="v")
    told(con, *OTHERS, *member, *device, visit, anonymous, deal("e-1", account_id="gamma"), deal("e-2", deal_id="d-2", account_id="zeta"))
    of_zeta = [("d-2", "t-p"), ("d-2", "t-v"), ("d-2", "t-z")]
    assert [row[:2] for row in ask(con, CREDITED)] == of_zeta
    assert planned(con, link("account:acme", "account:zeta", 2)) == ["acme", "gamma", "zeta"]
    assert ask(con, CREDITED) == [("d-1", "t-v", 100), ("d-2", "t-z", 100)]
    assert planned(con, link("account:acme", "account:zeta", 3, "unlink")) == ["acme", "gamma", "zeta"]
    assert [row[:2] for row in ask(con, CREDITED)] == of_zeta


def chain_of_merges(length: int) -> list[Event]:
    return [link(f"account:a:{number:04}", f"account:a:{number + 1:04}") for number in range(length)]


class Counting:
    """A connection that counts the statements it is asked."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con, self.statements = con, 0

    def execute(self, *arguments: Any) -> Any:
        self.statements += 1
        return self.con.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.con, name)


def test_a_scope_of_an_account_of_a_thousand_names_is_planned_in_as_many_statements_as_one_of_twenty() -> None:
    asked = {}
    for length in (20, 999):
        with empty_warehouse() as con:
            land_events(con, *OTHERS, *chain_of_merges(length), deal("e-1", account_id="a:0010"))
            counting: Any = Counting(con)
            scope = plan_accounts(counting, [f"a:{length:04}"])
            assert sorted(scope.accounts["id"].to_pylist()) == [f"a:{number:04}" for number in range(length + 1)]
            assert ("deal", "d-1") in {(row["kind"], row["id"]) for row in scope.replaced.to_pylist()}
            asked[length] = counting.statements
    assert asked[999] == asked[20] < 60


def test_what_a_merge_makes_dirty_is_found_in_as_many_statements_for_a_thousand_names_as_for_twenty() -> None:
    asked = {}
    for length in (20, 999):
        with empty_warehouse() as con:
            land_events(con, *OTHERS, *chain_of_merges(length), deal("e-1", account_id="a:0010", contact_ids=["p"]))
            con.execute("DELETE FROM ops.dirty_account")
            counting: Any = Counting(con)
            invalidate(counting, decoded([link(f"account:a:{length:04}", "account:last")]), NOW)
            assert ask(con, "SELECT count(*) FROM ops.dirty_account") == [(length + 2,)]
            asked[length] = counting.statements
    assert asked[999] == asked[20] < 60


def test_an_account_of_a_thousand_names_has_its_smallest_in_the_books_and_is_dirty_whole(con: duckdb.DuckDBPyConnection) -> None:
    told(con, *OTHERS, *chain_of_merges(999), deal("e-1", account_id="a:0999"))
    assert ask(con, DEALS)[0] == ("d-1", "a:0000", None)
    land_events(con, account("a:0500", 2, segment="SMB"))
    assert ask(con, "SELECT count(*), min(account_id), max(account_id) FROM ops.dirty_account") == [(1_000, "a:0000", "a:0999")]
    told(con)
    assert ask(con, DEALS)[0] == ("d-1", "a:0000", "SMB")
    told(con, link("account:a:0499", "account:a:0500", 2, "unlink"))
    assert ask(con, DEALS)[0] == ("d-1", "a:0500", "SMB")
