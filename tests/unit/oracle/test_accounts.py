"""Accounts (semantics §2, §3), by hand: memberships in time, deals without an account, who describes an account."""

from __future__ import annotations

from typing import Any

import pytest

from nisba.config import Config
from tests import oracle
from tests.oracle.identity import Identity
from tests.strategies import Event
from tests.unit.oracle.facts import account, at, deal, link, settled, stage, touch

US = 1 / 86_400_000_000


def accounts_at(days_before_close: float | None, *events: Event, person: str = "person:p") -> set[str]:
    """Return the accounts of a person so many days before the close; None: ever."""
    time = None if days_before_close is None else settled(touch("x", days_before_close, account_id="x")).of("touch")[0].time
    return Identity(settled(*events)).accounts_of_person(person, time)


def member(event_id: str, node: str, account_id: str, since: float | None, until: float | None, **data: Any) -> Event:
    window: dict[str, Any] = {"since": None if since is None else at(since), "until": None if until is None else at(until)}
    return link(event_id, node, f"account:{account_id}", **window, **data)


@pytest.mark.parametrize(
    ("since", "until", "days", "holds"),
    [
        (20, 10, 20, True),
        (20, 10, 20 + US, False),
        (20, 10, 10, False),
        (20, 10, 10 + US, True),
        (20, None, 0, True),
        (20, None, 21, False),
        (None, 10, 99, True),
        (None, 10, 9, False),
        (20, 10, None, True),
    ],
)
def test_edges_of_a_membership(since: float | None, until: float | None, days: float | None, holds: bool) -> None:
    assert accounts_at(days, member("1", "person:p", "a", since, until)) == ({"a"} if holds else set())


IMPLIED = touch("t", 5, person_id="q", account_id="a")
JOINED = link("j", "person:p", "person:q")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([member("1", "person:p", "a", 20, 10), IMPLIED, JOINED], set()),
        ([member("1", "person:p", "a", 20, None), IMPLIED, JOINED], {"a"}),
        ([member("1", "person:p", "a", 20, 10), link("2", "person:q", "account:a"), JOINED], {"a"}),
        ([member("1", "person:p", "a", 20, 10), member("2", "person:q", "a", 6, None), JOINED], {"a"}),
        ([member("1", "person:p", "a", 20, 10), IMPLIED], set()),
        ([member("1", "person:p", "a", 20, 10), touch("t", 5, person_id="q", account_id="b"), JOINED], {"b"}),
        (
            [
                member("1", "person:p", "a", 20, 10),
                touch("t", 5, person_id="q", account_id="b"),
                JOINED,
                link("k", "account:a", "account:b"),
            ],
            set(),
        ),
        ([member("1", "person:p", "a", 20, 10, op="unlink"), IMPLIED, JOINED], {"a"}),
        ([member("1", "lead:p", "a", 20, 10), IMPLIED, link("j", "lead:p", "person:q"), link("i", "person:q", "person:p")], set()),
    ],
    ids=[
        "an implied link of another node is only inside the window",
        "inside it",
        "a link without a window holds always",
        "one of several windows",
        "of another person",
        "another account",
        "another id of the account",
        "an unlink has no window",
        "a lead's",
    ],
)
def test_what_a_window_does_to_the_other_links_of_a_person(events: list[Event], expected: set[str]) -> None:
    """Five days before the close, when the window of `p` (20 to 10 days before) is over."""
    assert accounts_at(5, *events) == expected


def test_touches_and_lead_stages_ask_at_their_own_time() -> None:
    events = [member("1", "person:p", "a", 20, 10), member("2", "lead:l", "b", 8, None), link("3", "person:p", "lead:l")]
    touches = [touch("early", 15, person_id="p"), touch("late", 5, person_id="p")]
    stages = [stage("inside", "mql", 15), stage("after", "mql", 5)]
    facts = settled(*events, *touches, *stages)
    who = Identity(facts)
    assert {each.id: who.accounts_of_touch(each) for each in facts.of("touch")} == {"early": {"a"}, "late": {"b"}}
    assert {each.id: who.accounts_of_stage(each) for each in facts.of("lead-stage")} == {"inside": {"a"}, "after": {"b"}}


def test_after_the_membership_the_device_decides() -> None:
    events = [member("1", "person:p", "a", 20, 10), link("2", "visitor:v", "account:w"), link("3", "visitor:v", "person:p")]
    facts = settled(*events, touch("early", 15, visitor_id="v"), touch("late", 5, visitor_id="v"))
    assert {each.id: Identity(facts).accounts_of_touch(each) for each in facts.of("touch")} == {"early": {"a"}, "late": {"w"}}


def test_the_table_of_identities_lists_every_membership_there_ever_was() -> None:
    events = [member("1", "person:p", "a", 20, 10), member("2", "person:p", "b", 8, None), link("3", "visitor:v", "person:p")]
    rows = oracle.fold(events, Config())["identity"]
    assert sorted((row["kind"], row["id"], row["account_id"]) for row in rows) == [
        ("account", "a", "a"),
        ("account", "b", "b"),
        ("person", "p", "a"),
        ("person", "p", "b"),
        ("visitor", "v", "a"),
        ("visitor", "v", "b"),
    ]


def test_a_deal_without_an_account_has_one_of_its_own() -> None:
    """Its contacts are members of it; linked to a firm it is the firm's, whatever the ids."""
    alone = [deal(account_id=None, contact_ids=["p"]), touch("t", 5, person_id="p")]
    rows = oracle.fold(alone, Config())
    assert [(row["account_id"], row["deal_id"]) for row in rows["deal"]] == [("deal:d", "d")]
    assert [row["touch_id"] for row in rows["journey_touch"]] == ["t"]
    assert [row["account_id"] for row in rows["deal_history"]] == ["deal:d"]
    assert ("account", "deal:d", "deal:d") in {(row["kind"], row["id"], row["account_id"]) for row in rows["identity"]}
    merged = oracle.fold([*alone, link("m", "account:deal:d", "account:z")], Config())
    assert [row["account_id"] for row in merged["deal"]] == ["z"], "deal: comes after all others"


def test_an_account_is_described_under_its_canonical_id_or_else_its_smallest() -> None:
    merged = link("m", "account:a", "account:b"), link("n", "account:b", "account:c")

    def named(*events: Event) -> list[tuple[str, str, str | None]]:
        rows = oracle.fold([*events, *merged], Config())["account"]
        return [(row["account_id"], row["name"], row["segment"]) for row in rows]

    assert named(account("a"), account("b", segment="smb")) == [("a", "a Ltd", None)], "empty fields are not filled from others"
    assert named(account("c"), account("b", segment="smb")) == [("a", "b Ltd", "smb")]
    assert named(account("a", 5, deleted=True), account("b", segment="smb")) == [("a", "b Ltd", "smb")]
    assert named(account("a", 5), account("a", 4, deleted=True)) == []
    assert named(account("a", 4, revision=1), account("a", 3, name="older")) == [("a", "a Ltd", None)]


def test_a_deal_has_the_segment_and_region_of_its_account() -> None:
    events = [account("b", segment="smb", region="EMEA"), link("m", "account:a", "account:b")]
    (without,) = oracle.fold([*events, deal()], Config())["deal"]
    assert (without["segment"], without["region"]) == ("smb", "EMEA")
    (own,) = oracle.fold([*events, deal(segment="large", region="(none)")], Config())["deal"]
    assert (own["segment"], own["region"]) == ("large", "EMEA"), "a reserved word is none of its own"
