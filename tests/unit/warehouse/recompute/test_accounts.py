"""Accounts that are described, merged, joined and left: each step makes dirty, reads and replaces all that it moves, and no more."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.strategies import Event, event
from tests.unit.warehouse.landing import LINEAR, attribute, deal, empty_warehouse, land_events, touch
from warehouse.recompute.verification import verify_books


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        yield connection


def account(account_id: str, day: int, **data: object) -> Event:
    return event("account", "crm", f"{account_id}-{day}", f"2026-01-{day:02}T00:00:00Z", {"account_id": account_id} | data)


def link(left: str, right: str, day: int = 1, op: str = "link", **window: str) -> Event:
    ends = {side: dict(zip(("kind", "id"), node.split(":", 1), strict=True)) for side, node in (("left", left), ("right", right))}
    return event("identity", "crm", f"{left}-{right}-{day}", f"2026-01-{day:02}T00:00:00Z", {"op": op, **ends, **window})


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
