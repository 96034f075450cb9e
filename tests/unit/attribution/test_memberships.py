"""To which accounts a person belongs at an instant (semantics §2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nisba.attribution import fold
from nisba.attribution.memberships import FOR_EVER, Memberships, Windows
from nisba.config import Attribution, Config, Labels
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


def test_a_window_has_its_first_microsecond_and_not_that_of_its_end() -> None:
    window = link("link", "person:p", "account:a", since="2026-02-10T00:00:00.000001Z", until="2026-02-12T00:00:00.000001Z")
    times = ("2026-02-10T00:00:00Z", "2026-02-10T00:00:00.000001Z", "2026-02-12T00:00:00Z", "2026-02-12T00:00:00.000001Z")
    visits = [touch(f"t{number}", 1, person_id="p") | {"time": time} for number, time in enumerate(times)]
    assert journey(books(window, *visits, deal("a"))) == ["t1", "t2"]


def days_of_journey(*events: Event) -> list[int]:
    """Return the days of February on which a touch of p is one of account a: one each on 5, 15 and 25."""
    visits = [touch(f"{day}", day, person_id="p") for day in (5, 15, 25)]
    return [int(touch_id) for touch_id in journey(books(*events, *visits, deal("a", closed_at="2026-02-28T00:00:00Z")))]


MIDDLE: dict[str, Any] = {"since": "2026-02-10T00:00:00Z", "until": "2026-02-20T00:00:00Z"}
LATE: dict[str, Any] = {"since": "2026-02-20T00:00:00Z"}
ONE_PERSON = link("link", "lead:l", "person:p")
ONE_ACCOUNT = link("link", "account:a", "account:b")


def named_together(**data: str) -> Event:
    """Return a lead stage, which implies links of what it names."""
    return event("lead-stage", "crm", "-".join(data.values()), "2026-02-01T00:00:00Z", {"stage": "sql", "lead_id": "far", **data})


@pytest.mark.parametrize(
    ("events", "days"),
    [
        ([link("link", "person:p", "account:a", **MIDDLE)], [15]),
        ([link("link", "account:a", "person:p", **MIDDLE)], [15]),
        ([link("link", "person:p", "account:a", **MIDDLE), link("link", "lead:l", "account:b", **LATE), ONE_PERSON, ONE_ACCOUNT], [15, 25]),
        ([link("link", "person:p", "account:a", **MIDDLE), named_together(person_id="p", account_id="a")], [15]),
        ([link("link", "person:p", "account:a", **MIDDLE), named_together(lead_id="l", account_id="b"), ONE_PERSON, ONE_ACCOUNT], [15]),
        ([link("link", "person:p", "account:a", **MIDDLE), named_together(lead_id="l", account_id="b"), ONE_PERSON], [15]),
        ([link("link", "lead:l", "account:b", **MIDDLE), named_together(person_id="p", account_id="a"), ONE_PERSON], [5, 15, 25]),
        ([link("link", "person:p", "account:a", **MIDDLE), link("link", "lead:l", "account:b"), ONE_PERSON, ONE_ACCOUNT], [5, 15, 25]),
        ([link("link", "person:p", "account:a", **MIDDLE), link("link", "person:p", "account:a", 1)], [5, 15, 25]),
        ([link("link", "person:p", "account:a"), link("link", "account:a", "person:p", 1, **MIDDLE)], [15]),
        ([link("unlink", "person:p", "account:a", **MIDDLE), named_together(lead_id="l", account_id="a"), ONE_PERSON], [5, 15, 25]),
        ([link("link", "person:p", "account:a", until="9999-12-31T00:00:00Z"), named_together(person_id="p", account_id="a")], [5, 15, 25]),
    ],
    ids=[
        "a window",
        "the account first",
        "the union over nodes of one person and of one account",
        "the same pair implied",
        "another pair of both, implied",
        "another account, implied",
        "not one account: implied alone",
        "said without a window beside it",
        "a later event about the pair, without one",
        "a later event about the pair, with one",
        "an unlink has none, and voids its own pair alone",
        "an end that is no real one",
    ],
)
def test_when_a_person_belongs_to_an_account(events: list[Event], days: list[int]) -> None:
    assert days_of_journey(*events) == days


def test_contacts_of_a_deal_belong_to_its_account_inside_windows_alone_where_there_are_any() -> None:
    visits = [touch(f"{day}", day, person_id="p") for day in (5, 15)]
    own = deal("a", contact_ids=["p"])
    assert journey(books(own, *visits)) == ["5", "15"]
    assert journey(books(own, *visits, link("link", "person:p", "account:a", **MIDDLE))) == ["15"]
    assert journey(books(own, *visits, link("link", "person:p", "account:z", **MIDDLE))) == ["5", "15"], "on the 15th it is in both"


def test_a_touch_that_names_its_account_asks_no_window() -> None:
    window = link("link", "person:p", "account:a", **MIDDLE)
    assert journey(books(window, touch("t", 5, person_id="p", account_id="a"), deal("a"))) == ["t"]


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


def created(*events: Event, day: int = 5, **data: str) -> dt.datetime | None:
    """Return when the lead of a deal of account a was created, by an inquiry of a day of February."""
    stage = event("lead-stage", "crm", "s", f"2026-02-{day:02}T00:00:00Z", {"lead_id": "l", "stage": "inquiry", **data})
    found: dt.datetime | None = books(*events, stage, deal("a"))["deal"][0]["lead_created_at"]
    return found


@pytest.mark.parametrize(
    ("events", "data", "is_known"),
    [
        ([link("link", "lead:l", "account:a", **MIDDLE)], {}, False),
        ([link("link", "lead:l", "account:a", until="2026-02-05T00:00:00Z")], {}, False),
        ([link("link", "lead:l", "account:a", until="2026-02-05T00:00:00.000001Z")], {}, True),
        ([link("link", "lead:l", "account:a", since="2026-02-05T00:00:00Z")], {}, True),
        ([link("link", "person:p", "account:a", since="2026-02-05T00:00:00Z"), ONE_PERSON], {}, True),
        ([link("link", "person:p", "account:a", **MIDDLE), ONE_PERSON], {}, False),
        ([link("link", "person:p", "account:a", **MIDDLE)], {"person_id": "p"}, False),
        ([link("link", "lead:l", "account:a", **MIDDLE)], {"account_id": "a"}, True),
        ([link("link", "lead:l", "account:a", **MIDDLE)], {"deal_id": "d"}, True),
    ],
    ids=[
        "before its beginning",
        "at its end",
        "a microsecond before its end",
        "at its beginning",
        "of its person",
        "of its person, before its beginning",
        "of the person that it names",
        "its own account asks none",
        "nor does a stage that names the deal",
    ],
)
def test_a_lead_was_created_at_an_account_where_it_belonged_to_it_then(events: list[Event], data: dict[str, Any], is_known: bool) -> None:
    assert created(*events, **data) == (dt.datetime(2026, 2, 5, tzinfo=dt.timezone.utc) if is_known else None)


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


def described(*events: Event) -> list[tuple[str, str]]:
    return [(row["account_id"], row["name"]) for row in books(*events)["account"]]


def test_accounts_that_deals_have_for_themselves_describe_after_all_others() -> None:
    own, zeta = account("deal:d", name="By its deal"), account("zeta", name="Zeta")
    merged = [link("link", "account:deal:d", "account:zeta"), link("link", "account:zeta", "account:acme")]
    assert described(own, deal(None)) == [("deal:d", "By its deal")]
    assert described(own, zeta, *merged) == [("acme", "Zeta")]
    assert described(own, *merged, account("zeta", "2026-01-02T00:00:00Z", deleted=True), zeta) == [("acme", "By its deal")]


def test_of_the_events_about_an_account_the_one_that_wins_describes_it() -> None:
    first, second = account("a", name="First", revision=1), account("a", "2026-01-02T00:00:00Z", name="Second")
    assert described(first, second) == [("a", "First")]
    assert described(first, account("a", "2026-01-03T00:00:00Z", deleted=True)) == [("a", "First")], "an earlier revision deletes nothing"
    assert described(second, account("a", "2026-01-03T00:00:00Z", deleted=True)) == []


def test_fields_of_other_ids_fill_nothing_in() -> None:
    merged = link("link", "account:a", "account:b")
    rows = books(merged, account("a", name="A"), account("b", segment="SMB", region="EMEA", owner="o"), deal("b"))
    assert [(row["account_id"], row["name"], row["segment"], row["owner"]) for row in rows["account"]] == [("a", "A", None, None)]
    assert [(row["account_id"], row["segment"], row["region"]) for row in rows["deal"]] == [("a", None, None)]


def test_parents_and_every_field_stay_as_they_came() -> None:
    fields: dict[str, Any] = {
        "name": "A",
        "segment": "SMB",
        "region": "EMEA",
        "industry": "Steel",
        "employees": 12,
        "owner": "o-1",
        "parent_id": "zz",
    }
    rows = books(account("a", **fields))
    assert rows["account"] == [{"account_id": "a", **fields}]
    assert [row["id"] for row in rows["identity"]] == ["a"], "a parent is named, not linked"


def labels_of(labels: Labels, *events: Event) -> list[tuple[Any, ...]]:
    config = Config(attribution=Attribution(models=("linear",), default_model="linear"), labels=labels)
    tables = rows_of(fold(facts_of(events), config).tables())
    return [(row["deal_id"], row["segment"], row["region"]) for row in sorted(tables["deal"], key=lambda row: row["deal_id"])]


def test_labels_of_deals_and_accounts_go_by_the_firms_words_before_one_stands_for_the_other() -> None:
    maps = Labels(segment={"small": "SMB", "SMB": "Never", "old": ""}, region={"emea": "(none)"})
    of_account = account("a", segment=" Small", region="AMER")
    assert labels_of(maps, of_account, deal("a")) == [("d", "SMB", "AMER")]
    assert labels_of(maps, of_account, deal("a", segment="Old", region="EMEA")) == [("d", "SMB", "AMER")], "mapped to nothing: it has none"
    assert labels_of(maps, of_account, deal("a", segment="(None)", region=" ALL ")) == [("d", "SMB", "AMER")], "reserved: it has none"
    assert labels_of(maps, account("a", segment="all", region="EMEA"), deal("a")) == [("d", None, None)]


@pytest.mark.parametrize("account_id", ["a", "c", "e", None])
def test_a_deal_has_no_labels_of_accounts_beside_its_own(account_id: str | None) -> None:
    beside = [account(other, segment=other, region=other) for other in "bd"]
    assert labels_of(Labels(), *beside, deal(account_id)) == [("d", None, None)]


def test_each_deal_has_the_labels_of_its_own_account_and_of_its_current_state() -> None:
    later = deal("a", deal_id="d2", segment="Own") | {"id": "e2"}
    now = deal("b", deal_id="d2") | {"id": "e3", "time": "2026-02-28T00:00:00Z"}
    told = [account("a", segment="A", region="AA"), account("b", segment="B"), account("deal:d3", region="DD")]
    alone = deal(None, deal_id="d3") | {"id": "e4"}
    assert labels_of(Labels(), *told, deal("a"), later, now, alone) == [("d", "A", "AA"), ("d2", "B", None), ("d3", None, "DD")]


def test_a_deal_has_its_accounts_segment_and_region_where_it_has_none() -> None:
    described = account("a", segment="SMB", region="EMEA")
    assert [(row["segment"], row["region"]) for row in books(described, deal("a"))["deal"]] == [("SMB", "EMEA")]
    assert [(row["segment"], row["region"]) for row in books(described, deal("a", segment="Mid"))["deal"]] == [("Mid", "EMEA")]
    assert [(row["segment"], row["region"]) for row in books(described, deal("b"))["deal"]] == [(None, None)]
