"""To which accounts a person belongs at an instant (semantics §2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nisba.attribution import fold
from nisba.attribution.memberships import FOR_EVER, Memberships, Windows
from nisba.config import Attribution, Config
from tests.oracle.compare import rows_of
from tests.strategies import Event, event, facts_of

EVER, NEVER = FOR_EVER


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def members(*links: tuple[int, int, bool, int, int]) -> Memberships:
    """Return memberships of links (person, account, whether an event says it, since, until)."""
    person, account, said, since, until = (list(column) for column in zip(*links, strict=True)) if links else ([], [], [], [], [])
    windows = Windows(ints(*since), ints(*until))
    return Memberships.of(ints(*person), ints(*account), np.array(said, dtype=bool), windows, 10, 100)


def at(memberships: Memberships, person: int, *instants: int) -> list[list[int]]:
    return [memberships.at(ints(person), ints(instant))[1].tolist() for instant in instants]


def test_a_window_holds_from_its_beginning_to_just_before_its_end() -> None:
    found = members((1, 50, True, 10, 20))
    assert at(found, 1, 9, 10, 19, 20) == [[], [50], [50], []]
    assert found.at(ints(1), None)[1].tolist() == [50], "it lists what there ever was"


@pytest.mark.parametrize(
    ("links", "inside"),
    [
        ([(1, 50, True, 10, 20), (1, 50, True, 30, NEVER)], [False, True, False, True]),
        ([(1, 50, True, 10, 20), (1, 50, False, EVER, NEVER)], [False, True, False, False]),
        ([(1, 50, True, 10, 20), (1, 50, True, EVER, NEVER)], [True, True, True, True]),
        ([(1, 50, False, EVER, NEVER)], [True, True, True, True]),
        ([(1, 50, True, EVER, 20)], [True, True, False, False]),
    ],
    ids=["the union of windows", "implied beside a window", "said for ever beside a window", "implied alone", "without a beginning"],
)
def test_several_links_of_a_person_with_an_account(links: Sequence[tuple[int, int, bool, int, int]], inside: list[bool]) -> None:
    assert at(members(*links), 1, 5, 15, 25, 35) == [[50] if holds else [] for holds in inside]


def test_other_persons_and_accounts_are_not_bounded() -> None:
    found = members((1, 50, True, 10, 20), (1, 51, False, EVER, NEVER), (2, 50, False, EVER, NEVER))
    assert at(found, 1, 5, 15) == [[51], [50, 51]]
    assert at(found, 2, 5) == [[50]]


def test_rows_keep_their_places_and_nobody_belongs_nowhere() -> None:
    found = members((1, 50, True, 10, 20), (3, 60, False, EVER, NEVER))
    row, account = found.at(ints(-1, 3, 1, 1), ints(15, 15, 15, 25))
    assert (row.tolist(), account.tolist()) == ([1, 2], [60, 50])
    assert members().at(ints(-1, 2), ints(0, 0))[0].tolist() == []


def link(op: str, left: str, right: str, number: int = 0, **window: str) -> Event:
    ends = {side: dict(zip(("kind", "id"), node.split(":", 1), strict=True)) for side, node in (("left", left), ("right", right))}
    return event("identity", "crm", f"i-{left}-{right}-{number}", f"2026-01-0{number + 1}T00:00:00Z", {"op": op, **ends, **window})


def touch(touch_id: str, day: int, **data: Any) -> Event:
    fixed = {"channel": "email", "kind": "click", "team": "marketing"}
    return event("touch", "web", touch_id, f"2026-02-{day:02}T00:00:00Z", fixed | data)


def deal(account_id: str | None, **data: Any) -> Event:
    fixed = {"deal_id": "d", "stage": "s", "status": "won", "opened_at": "2026-02-25T00:00:00Z", "closed_at": "2026-02-27T00:00:00Z"}
    fixed |= {} if account_id is None else {"account_id": account_id}
    return event("deal", "crm", "e", "2026-02-27T00:00:00Z", {**fixed, "amount": "1.00", "currency": "USD", **data})


def books(*events: Event) -> dict[str, list[dict[str, Any]]]:
    return rows_of(fold(facts_of(events), Config(attribution=Attribution(models=("linear",), default_model="linear"))).tables())


def journey(rows: dict[str, list[dict[str, Any]]]) -> list[str]:
    return [row["touch_id"] for row in sorted(rows["journey_touch"], key=lambda row: row["ordinal"])]


def test_what_somebody_did_for_a_former_employer_stays_there() -> None:
    rows = books(
        link("link", "person:p", "account:old", until="2026-02-10T00:00:00Z"),
        link("link", "lead:l", "account:new", since="2026-02-10T00:00:00Z"),
        link("link", "person:p", "lead:l"),
        touch("then", 9, person_id="p"),
        touch("now", 10, person_id="p"),
        deal("new"),
    )
    assert journey(rows) == ["now"]
    assert {(row["kind"], row["account_id"]) for row in rows["identity"] if row["kind"] in ("person", "lead")} == {
        (kind, account) for kind in ("person", "lead") for account in ("old", "new")
    }


def test_after_the_membership_the_device_decides() -> None:
    rows = books(
        link("link", "person:p", "account:old", until="2026-02-10T00:00:00Z"),
        link("link", "visitor:v", "person:p"),
        link("link", "visitor:v", "account:new"),
        touch("then", 9, visitor_id="v"),
        touch("now", 11, visitor_id="v"),
        deal("new"),
    )
    assert journey(rows) == ["now"]


def test_a_lead_stage_asks_at_its_time() -> None:
    stages = [event("lead-stage", "crm", f"s{day}", f"2026-02-{day:02}T00:00:00Z", {"lead_id": "l", "stage": "mql"}) for day in (5, 15)]
    rows = books(link("link", "lead:l", "account:a", since="2026-02-10T00:00:00Z"), *stages, deal("a"))
    assert rows["deal"][0]["lead_created_at"] == dt.datetime(2026, 2, 15, tzinfo=dt.timezone.utc)


def test_a_window_of_an_unlink_is_nothing() -> None:
    unlinked = link("unlink", "person:p", "account:a", 1, since="2026-02-01T00:00:00Z", until="2026-01-01T00:00:00Z")
    assert journey(books(touch("t", 9, person_id="p"), deal("a", contact_ids=["p"]), unlinked)) == []


def test_a_deal_without_an_account_has_its_contacts_and_gives_its_account_away() -> None:
    """`deal:` accounts come after all others, even after ids that are larger."""
    alone = deal(None, contact_ids=["p"])
    rows = books(touch("t", 9, person_id="p"), touch("o", 9, account_id="zeta"), alone)
    assert (journey(rows), rows["deal"][0]["account_id"]) == (["t"], "deal:d")
    merged = books(touch("t", 9, person_id="p"), touch("o", 9, account_id="zeta"), alone, link("link", "account:zeta", "account:deal:d"))
    assert (journey(merged), merged["deal"][0]["account_id"]) == (["o", "t"], "zeta")


def account(account_id: str, at: str = "2026-01-01T00:00:00Z", **data: Any) -> Event:
    return event("account", "crm", f"a-{account_id}-{at}", at, {"account_id": account_id} | data)


def test_an_account_is_described_by_its_canonical_id_else_by_the_smallest_that_is_described() -> None:
    merged = [link("link", "account:a", "account:b"), link("link", "account:b", "account:c")]
    rows = books(*merged, account("c", name="C", region="EMEA"), account("b", name="B", employees=7))
    assert [(row["account_id"], row["name"], row["employees"], row["region"]) for row in rows["account"]] == [("a", "B", 7, None)]
    rows = books(*merged, account("b", name="B"), account("a", name="A"))
    assert [(row["account_id"], row["name"]) for row in rows["account"]] == [("a", "A")]


def test_a_deleted_account_event_describes_nothing_but_names_its_account() -> None:
    gone = account("a", "2026-01-02T00:00:00Z", deleted=True)
    rows = books(account("a", name="A"), gone)
    assert rows["account"] == []
    assert [row["id"] for row in rows["identity"]] == ["a"]
    rows = books(account("a", name="A"), gone, account("b", name="B"), link("link", "account:a", "account:b"))
    assert [(row["account_id"], row["name"]) for row in rows["account"]] == [("a", "B")]


def test_a_deal_has_its_accounts_segment_and_region_where_it_has_none() -> None:
    described = account("a", segment="SMB", region="EMEA")
    assert [(row["segment"], row["region"]) for row in books(described, deal("a"))["deal"]] == [("SMB", "EMEA")]
    assert [(row["segment"], row["region"]) for row in books(described, deal("a", segment="Mid"))["deal"]] == [("Mid", "EMEA")]
    assert [(row["segment"], row["region"]) for row in books(described, deal("b"))["deal"]] == [(None, None)]
