"""Who is who (semantics §2), by hand: components, claims, shared devices, unlinks, and which account a touch belongs to."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.oracle.identity import Components, Identity, contacts_of, current_states
from tests.strategies import Event, event
from tests.unit.oracle.facts import at, deal, link, settled, stage, touch


def identity(*events: Event) -> Identity:
    return Identity(settled(*events))


def account_of(*events: Event, touch_id: str = "t") -> set[str]:
    """Return the accounts of the touch of that name."""
    facts = settled(*events)
    (found,) = [each for each in facts.of("touch") if each.id == touch_id]
    return Identity(facts).accounts_of_touch(found)


def person_of(*events: Event, touch_id: str = "t") -> str | None:
    facts = settled(*events)
    (found,) = [each for each in facts.of("touch") if each.id == touch_id]
    return Identity(facts).person_of_touch(found)


def test_components_by_painting() -> None:
    nodes = [("person", id_) for id_ in "abcde"]
    pairs = [frozenset({nodes[0], nodes[1]}), frozenset({nodes[3], nodes[2]}), frozenset({nodes[1], nodes[2]})]
    for order in permutations(pairs):
        of = Components(nodes, order).of
        assert of[nodes[0]] == of[nodes[3]] == set(nodes[:4])
        assert of[nodes[4]] == {nodes[4]}


def test_a_persons_name_is_its_smallest_person_before_any_lead() -> None:
    chain = [link("1", "lead:a", "person:z"), link("2", "person:z", "person:y"), link("3", "lead:a", "lead:b")]
    found = identity(*chain)
    for node in (("lead", "a"), ("lead", "b"), ("person", "z"), ("person", "y")):
        assert found.person(node) == "person:y"
    assert identity(link("3", "lead:b", "lead:a")).person(("lead", "b")) == "lead:a"


def test_an_accounts_name_is_the_smallest_by_bytes() -> None:
    found = identity(link("1", "account:b", "account:B"), link("2", "account:b", "account:Ж"))
    assert {found.account(name) for name in ("b", "B", "Ж")} == {"B"}


def test_a_visitor_never_joins_two_persons() -> None:
    found = identity(link("1", "visitor:v", "person:p"), link("2", "visitor:v", "person:q"))
    assert (found.person(("person", "p")), found.person(("person", "q"))) == ("person:p", "person:q")


@pytest.mark.parametrize(
    ("days_before_close", "person"),
    [(60, "person:p"), (50, "person:p"), (40, "person:p"), (30, "person:q"), (20, "person:q")],
    ids=["before any claim: the earliest after it", "at the first", "between", "at the second", "after both"],
)
def test_a_shared_device_belongs_to_whom_claimed_it_last(days_before_close: float, person: str) -> None:
    claims = [link("1", "visitor:v", "person:p", 50), link("2", "visitor:v", "person:q", 30)]
    assert person_of(*claims, touch("t", days_before_close, visitor_id="v")) == person


def test_a_touch_that_names_its_person_needs_no_claim() -> None:
    claims = [link("1", "visitor:v", "person:p", 50)]
    assert person_of(*claims, touch("t", 20, visitor_id="v", person_id="q")) == "person:q"


def test_touches_claim_the_device_they_were_made_on() -> None:
    login = touch("login", 40, visitor_id="v", person_id="p")
    assert person_of(login, touch("t", 45, visitor_id="v")) == "person:p"
    assert person_of(login, touch("t", 35, visitor_id="v")) == "person:p"
    assert person_of(touch("t", 35, visitor_id="v")) is None


def test_claims_of_one_instant_go_by_source_and_id() -> None:
    """Before them the smaller one counts, at and after them the larger one."""
    claims = [link("1", "visitor:v", "person:p", 30), link("2", "visitor:v", "person:q", 30)]
    assert person_of(*claims, touch("t", 31, visitor_id="v")) == "person:p"
    assert person_of(*claims, touch("t", 29, visitor_id="v")) == "person:q"


def test_linked_devices_share_their_claims() -> None:
    events = [link("1", "visitor:v", "visitor:w"), link("2", "visitor:w", "person:p", 30)]
    assert person_of(*events, touch("t", 10, visitor_id="v")) == "person:p"


def test_an_unlink_voids_the_link_and_its_claims() -> None:
    made = [link("1", "visitor:v", "person:p", 50), touch("login", 45, visitor_id="v", person_id="p")]
    voided = link("2", "visitor:v", "person:p", 40, op="unlink")
    assert person_of(*made, touch("t", 10, visitor_id="v")) == "person:p"
    assert person_of(*made, voided, touch("t", 10, visitor_id="v")) is None
    again = link("3", "person:p", "visitor:v", 35)
    assert person_of(*made, voided, again, touch("t", 10, visitor_id="v")) == "person:p"


def test_a_pair_has_no_direction() -> None:
    one = identity(link("1", "person:p", "account:a", 50), link("2", "account:a", "person:p", 40, op="unlink"))
    assert one.accounts_of_person("person:p", None) == set()


@pytest.mark.parametrize(
    ("events", "accounts"),
    [
        ([touch("t", 5, account_id="a", person_id="p"), link("1", "person:p", "account:b")], {"a"}),
        ([touch("t", 5, person_id="p"), link("1", "person:p", "account:b")], {"b"}),
        ([touch("t", 5, person_id="p"), stage("s", "mql", 9, person_id="p", account_id="b")], {"b"}),
        ([touch("t", 5, person_id="p"), stage("s", "mql", 9, person_id="p"), stage("r", "sql", 8, account_id="b")], {"b"}),
        ([touch("t", 5, person_id="p"), deal(account_id="b", contact_ids=["p"])], {"b"}),
        ([touch("t", 5, person_id="p"), deal(account_id="b", primary_contact_id="p")], {"b"}),
        ([touch("t", 5, visitor_id="v"), link("1", "visitor:v", "account:b")], {"b"}),
        ([touch("t", 5, visitor_id="v"), link("1", "visitor:w", "account:b"), link("2", "visitor:v", "visitor:w")], {"b"}),
        ([touch("t", 5, visitor_id="v"), link("1", "visitor:v", "account:b"), touch("u", 9, visitor_id="v", person_id="p")], {"b"}),
        ([touch("t", 5, person_id="p"), link("1", "person:p", "account:b"), link("2", "person:p", "account:c")], {"b", "c"}),
        ([touch("t", 5, person_id="p"), link("1", "person:p", "account:c"), link("2", "account:b", "account:c")], {"b"}),
        ([touch("t", 5, account_id="c"), link("2", "account:b", "account:c")], {"b"}),
        ([touch("t", 5, person_id="p")], set()),
        ([touch("t", 5, visitor_id="v")], set()),
    ],
    ids=[
        "its own account first",
        "its person's",
        "by a lead stage",
        "by the lead behind the person",
        "by a deal's contact",
        "by a deal's primary contact",
        "its browser's",
        "of its group of browsers",
        "the browser's where the person has none",
        "all of its person's",
        "merged: the person's account",
        "merged: its own account",
        "a person of nowhere",
        "a browser of nowhere",
    ],
)
def test_the_accounts_of_a_touch(events: list[Event], accounts: set[str]) -> None:
    assert account_of(*events) == accounts


def test_the_accounts_of_a_lead_stage() -> None:
    stages = [stage("1", "mql", 9, lead="l", person_id="p"), stage("2", "mql", 8, lead="k", account_id="b")]
    facts = settled(*stages, link("3", "person:p", "account:a"))
    found = Identity(facts)
    by_id = {each.id: found.accounts_of_stage(each) for each in facts.of("lead-stage")}
    assert by_id == {"1": {"a"}, "2": {"b"}}


def test_actors() -> None:
    facts = settled(
        touch("known", 9, person_id="p"),
        touch("claimed", 8, visitor_id="v"),
        link("1", "visitor:v", "person:q"),
        touch("grouped", 7, visitor_id="y"),
        link("2", "visitor:y", "visitor:x"),
        touch("nobody", 6, account_id="a"),
    )
    found = Identity(facts)
    assert {each.id: found.actor(each) for each in facts.of("touch")} == {
        "known": "person:p",
        "claimed": "person:q",
        "grouped": "visitor:x",
        "nobody": None,
    }


def test_past_states_and_deleted_deals_imply_nothing() -> None:
    """Only the current state's contacts count, and only of a deal that is there."""
    past = [deal("1", changed=9, contact_ids=["p"]), deal("2", changed=8, contact_ids=["q"])]
    assert identity(*past).accounts_of_person("person:q", None) == {"a"}
    assert ("person", "p") not in identity(*past).nodes
    deleted = identity(*past, deal("3", changed=7, contact_ids=["q"], deleted=True))
    assert deleted.nodes == set()
    assert current_states(settled(*past, deal("3", changed=7, deleted=True))) == {}


def test_contacts_and_the_primary_one() -> None:
    (state,) = settled(deal(contact_ids=["p", "q"], primary_contact_id="r")).of("deal")
    assert contacts_of(state) == ["p", "q", "r"]
    (state,) = settled(deal()).of("deal")
    assert contacts_of(state) == []


def test_a_retracted_touch_names_nobody_and_an_unlink_does() -> None:
    taken_back = event("touch-retraction", "bots", "r", at(1), {"touch_source": "web", "touch_id": "t"})
    found = identity(touch("t", 9, person_id="p", visitor_id="v"), taken_back, link("1", "person:x", "account:y", op="unlink"))
    assert found.nodes == {("person", "x"), ("account", "y")}


def test_the_table_has_a_row_per_node_and_account() -> None:
    found = identity(
        touch("t", 9, visitor_id="v", person_id="p"),
        link("1", "person:p", "account:a"),
        link("2", "person:p", "account:b"),
        link("3", "lead:l", "person:p"),
        touch("u", 8, visitor_id="w"),
    )
    rows = {(row["kind"], row["id"], row["person_id"], row["account_id"]) for row in found.rows()}
    assert rows == {
        ("account", "a", None, "a"),
        ("account", "b", None, "b"),
        ("lead", "l", "person:p", "a"),
        ("lead", "l", "person:p", "b"),
        ("person", "p", "person:p", "a"),
        ("person", "p", "person:p", "b"),
        ("visitor", "v", "person:p", "a"),
        ("visitor", "v", "person:p", "b"),
        ("visitor", "w", None, None),
    }
