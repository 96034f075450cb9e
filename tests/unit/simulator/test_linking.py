"""Identity events: each kind of link, for whom it is made, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pytest

from simulator.clock import DAY, FIRST_SECONDS, RUN_UP, utc_instant
from simulator.draws import Bools
from simulator.linking import identity_events
from simulator.naming import account_id, contact_id, has_contact_twin, lead_id, old_account_id, person_id
from tests.unit.simulator.stories import Story, story_of

Link = tuple[int, str, tuple[str, str], tuple[str, str]]


def told_of(story: Story) -> Bools:
    return np.asarray([bool(steps) for steps in story.paths])


def links_of(story: Story) -> Iterator[Link]:
    for at, event in identity_events(story.world, story.leads, told_of(story)):
        data = event["data"]
        yield at, data["op"], *((data[side]["kind"], data[side]["id"]) for side in ("left", "right"))


@pytest.fixture(scope="module")
def links(story: Story) -> list[Link]:
    return list(links_of(story))


def between(links: list[Link], left: str, right: str, op: str = "link") -> list[Link]:
    return [link for link in links if (link[1], link[2][0], link[3][0]) == (op, left, right)]


def test_events_are_well_formed_and_numbered(story: Story) -> None:
    rows = list(identity_events(story.world, story.leads, told_of(story)))
    ids = [event["id"] for _, event in rows]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)
    for at, event in rows:
        assert (event["source"], event["type"], event["time"]) == ("cdp", "nisba.identity.v1", utc_instant(at))
        assert event["data"]["left"] != event["data"]["right"]
        assert FIRST_SECONDS <= at < story.world.end
        assert dt.datetime.fromisoformat(event["time"]).timestamp() == at


def test_people_with_two_ids_are_joined(story: Story, links: list[Link]) -> None:
    twins = [number for number in range(len(story.world.people.account)) if has_contact_twin(number)]
    joined = between(links, "person", "person")
    assert [(left[1], right[1]) for _, _, left, right in joined] == [(person_id(number), contact_id(number)) for number in twins]
    assert all(at == FIRST_SECONDS + (n * 7 % (365 + RUN_UP)) * DAY + 3 * 3600 for (at, *_), n in zip(joined, twins, strict=True))


def test_a_quarter_logs_in_on_their_own_browser(story: Story, links: list[Link]) -> None:
    people = story.world.people
    logins = between(links, "visitor", "person")
    assert len(logins) / len(people.account) == pytest.approx(0.25, abs=0.04)
    for _, _, visitor, person in logins:
        assert int(visitor[1].removeprefix("v-")) == people.visitor[int(person[1].removeprefix("p-"))]


def test_a_wrong_login_is_taken_back_after_two_days() -> None:
    wide = story_of(8, 2_000, 365)
    found = list(links_of(wide))
    made = {(left, right): at for at, _, left, right in between(found, "visitor", "person")}
    taken_back = between(found, "person", "visitor", op="unlink")
    assert len(taken_back) / len(made) == pytest.approx(0.02, abs=0.01)
    assert all(at == made[right, left] + 2 * DAY for at, _, left, right in taken_back)
    assert {op for _, op, *_ in found} == {"link", "unlink"}


def test_devices_that_belong_together_are_one_persons(story: Story, links: list[Link]) -> None:
    people = story.world.people
    owners = {(int(people.visitor[n]), int(people.second_visitor[n])): n for n in range(len(people.account))}
    pairs = between(links, "visitor", "visitor")
    assert len(pairs) > 20
    for _, _, left, right in pairs:
        one, other = (int(side[1].removeprefix("v-")) for side in (left, right))
        assert one != other
        assert (one, other) in owners


def test_every_merged_account_is_joined_under_its_new_id(story: Story, links: list[Link]) -> None:
    merged = np.flatnonzero(story.world.accounts.merged).tolist()
    assert len(merged) > 2
    joined = [(left[1], right[1]) for _, _, left, right in between(links, "account", "account")]
    assert joined == [(old_account_id(number), account_id(number)) for number in merged]


def test_the_companies_behind_some_strangers_are_known(story: Story, links: list[Link]) -> None:
    named = between(links, "visitor", "account")
    assert len(named) / len(story.world.accounts) == pytest.approx(0.08, abs=0.04)
    for _, _, visitor, account in named:
        stranger = int(visitor[1].removeprefix("v-")) - story.world.people.visitors
        assert (stranger % 2, account[1]) == (0, account_id(stranger // 2))


def test_leads_become_persons_four_days_after_their_inquiry(story: Story, links: list[Link]) -> None:
    leads = story.leads
    mine = np.flatnonzero((leads.conversion == 1) & told_of(story)).tolist()
    due = [n for n in mine if leads.inquiry[n] + 4 * DAY < story.world.end]
    expected = [(int(leads.inquiry[n]) + 4 * DAY, lead_id(n), person_id(int(leads.person[n]))) for n in due]
    assert [(at, left[1], right[1]) for at, _, left, right in between(links, "lead", "person")] == expected
    assert len(due) > 20


def test_no_other_kinds_of_links(links: list[Link]) -> None:
    kinds = {(op, left[0], right[0]) for _, op, left, right in links}
    assert kinds <= {
        ("link", "person", "person"),
        ("link", "visitor", "person"),
        ("unlink", "person", "visitor"),
        ("link", "visitor", "visitor"),
        ("link", "account", "account"),
        ("link", "visitor", "account"),
        ("link", "lead", "person"),
    }
