"""The records of deals: every twist and habit told from the first state to the last, in amounts worked out here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from simulator.business_hours import BusinessHours
from simulator.catalogue import CURRENCIES, LOSS_REASONS, NEXT_STEPS, OWNER_CARELESSNESS, OWNERS, PRODUCTS, REGIONS, ROUTES, SEGMENTS
from simulator.clock import DAY
from simulator.leads import Leads, build_leads
from simulator.naming import account_id, contact_id, deal_id, old_account_id
from simulator.outcomes import Outcomes
from simulator.plots import COURSES, TWISTS, Plot, deleted_deals, plot_deals
from simulator.scripts import Script, deal_scripts, deal_types
from simulator.world import CURRENCY_CODES, World, build_world
from tests.unit.simulator.stories import Story

TWIST_NO = {name: number for number, (name, _) in enumerate(TWISTS)}
COURSE_NO = {name: number for number, (name, _) in enumerate(COURSES)}
HABITS = ("no_contact", "late_contact", "no_loss_reason", "no_amount", "no_next_step", "rare", "overdue", "no_expected")
LAST_YEAR = 4_000
"""Days after which everything has happened."""


@pytest.fixture(scope="module")
def world() -> World:
    small = build_world(12, 120, 365)
    remembered = replace(small.deals, forgotten=np.zeros(len(small.deals), bool), close=np.minimum(small.deals.close, small.end))
    return replace(small, days=LAST_YEAR, deals=remembered)


@pytest.fixture(scope="module")
def leads(world: World) -> Leads:
    return build_leads(replace(world, days=365), BusinessHours(world.end))


def tidy(
    world: World, twist: str = "none", course: str = "straight", pushes: int = 0, habits: Mapping[str, bool] = MappingProxyType({})
) -> Plot:
    """Return a plot in which every deal has one twist and one course, and nobody a habit but those named."""
    size, plot = len(world.deals), plot_deals(world)
    fixed: dict[str, Any] = {name: np.zeros(size, bool) for name in (*HABITS, "backdated", "late_entry")}
    fixed |= {"twist": np.full(size, TWIST_NO[twist]), "course": np.full(size, COURSE_NO[course]), "pushes": np.full(size, pushes)}
    return replace(plot, **fixed | {name: np.full(size, value) for name, value in habits.items()})


def told(world: World, leads: Leads, plot: Plot, *, won: bool, decided: bool = True) -> list[Script]:
    """Return the script of every deal, all with one end."""
    size = len(world.deals)
    outcomes = Outcomes(np.zeros((size, 1), bool), np.zeros(size, np.int64), np.full(size, decided), np.full(size, won and decided))
    types = deal_types(world, outcomes, np.zeros(size, bool))
    scripts = deal_scripts(world, outcomes, leads, plot, types)
    assert len(scripts) == size > 50
    return scripts


def stages(script: Script) -> list[str]:
    """Return the stages without the looks in between."""
    found = [state.stage for state in script.states]
    return [stage for before, stage in pairwise(["", *found]) if stage != before]


def rules(script: Script) -> set[str]:
    return {rule for rule, _ in script.broken} - {"quarter_end", "discount"}


def in_minor(script: Script, amount: str) -> int:
    exact = Decimal(amount).scaleb(CURRENCIES[script.states[-1].said["currency"]][1])
    assert exact == int(exact)
    return int(exact)


def minor(world: World, number: int) -> int:
    """Return what a deal is worth before anything happens to it, in minor units."""
    digits = CURRENCIES[CURRENCY_CODES[int(world.deals.currency[number])]][1]
    return int(world.deals.amount[number]) * int(10**digits)


def test_an_undecided_deal_stays_open(world: World, leads: Leads) -> None:
    for script in told(world, leads, tidy(world, "refund"), won=True, decided=False):
        assert stages(script) == ["discovery", "proposal", "negotiation"]
        assert {state.status for state in script.states} == {"open"}
        assert script.adjustment is None
        assert not rules(script)


@pytest.mark.parametrize(("won", "stage", "status"), [(True, "closed_won", "won"), (False, "closed_lost", "lost")])
def test_a_plain_deal_ends_at_its_close(world: World, leads: Leads, won: bool, stage: str, status: str) -> None:
    for number, script in enumerate(told(world, leads, tidy(world), won=won)):
        last, close = script.states[-1], int(world.deals.close[number])
        assert stages(script) == ["discovery", "proposal", "negotiation", stage]
        assert (last.status, last.closed) == (status, close)
        assert close + 60 <= last.at < close + 7_060, "the CRM hears of it within two hours"
        assert in_minor(script, last.said["amount"]) == minor(world, number)
        assert ("loss_reason" in last.said) == (not won)
        assert won or last.said["loss_reason"] in LOSS_REASONS
        assert "next_step" not in last.said
        assert not rules(script)


def test_a_deal_is_looked_at_every_two_weeks_and_expected_to_close_later(world: World, leads: Leads) -> None:
    for number, script in enumerate(told(world, leads, tidy(world), won=True)):
        times = [state.at for state in script.states]
        assert times == sorted(set(times))
        assert times[0] == world.deals.opened[number]
        assert max(after - before for before, after in pairwise(times)) <= 13 * DAY + 7_060
        for state in script.states[:-1]:
            assert state.closed == world.deals.close[number] + 4 * DAY
            assert state.said["next_step"] in NEXT_STEPS


def test_a_state_is_the_whole_record(world: World, leads: Leads) -> None:
    """What never changes stands in every state."""
    fixed = ("account_id", "deal_type", "name", "owner", "region", "product", "lead_source", "contact_ids")
    for script in told(world, leads, tidy(world, "amended"), won=True):
        assert len({tuple(str(state.said[name]) for name in fixed) for state in script.states}) == 1


def test_offers_name_the_list_price_behind_the_discount(world: World, leads: Leads) -> None:
    plot = tidy(world)
    for number, script in enumerate(told(world, leads, plot, won=True)):
        said, discount = script.states[-1].said, int(plot.discount[number])
        listed = in_minor(script, said["list_amount"])
        assert listed == minor(world, number) * 100 // (100 - discount)
        assert ("discount", script.states[-1].closed) in script.broken if discount > 15 else "discount" not in dict(script.broken)
        assert all(("list_amount" in state.said) == (state.stage != "discovery") for state in script.states)


@pytest.mark.parametrize("lacks", [True, False])
def test_some_have_no_amount_before_the_offer(world: World, leads: Leads, lacks: bool) -> None:
    for script in told(world, leads, tidy(world, habits={"no_amount": lacks}), won=True):
        for state in script.states:
            assert ("amount" in state.said) == ("currency" in state.said) == (not lacks or state.stage != "discovery")


def test_an_amendment_changes_the_amount_after_the_close_and_its_list_price(world: World, leads: Leads) -> None:
    plot, directions = tidy(world, "amended"), set()
    for number, script in enumerate(told(world, leads, plot, won=True)):
        percent, last, before = int(plot.percent[number]), script.states[-1], script.states[-2]
        amended = minor(world, number) * (100 + percent if number % 3 else 100 - percent) // 100
        assert in_minor(script, last.said["amount"]) == amended
        assert in_minor(script, last.said["list_amount"]) == amended * 100 // (100 - int(plot.discount[number]))
        assert (last.at, last.closed) == (int(world.deals.close[number]) + 20 * DAY, before.closed), "the close stays"
        assert ("amount_changed_after_close", last.at) in script.broken
        directions.add(amended > minor(world, number))
    assert directions == {True, False}


@pytest.mark.parametrize("won", [True, False])
@pytest.mark.parametrize("days", [3, 30])
def test_a_wrong_close_date_is_corrected_but_never_before_the_opening(world: World, leads: Leads, won: bool, days: int) -> None:
    quick = replace(world, deals=replace(world.deals, close=world.deals.opened + days * DAY))
    for number, script in enumerate(told(quick, leads, tidy(quick, "corrected"), won=won)):
        opened, last = int(quick.deals.opened[number]), script.states[-1]
        assert last.closed == opened + max(days - 4, 0) * DAY
        assert last.at == opened + (days + 9) * DAY
        assert last.status == ("won" if won else "lost")
        assert not rules(script)


@pytest.mark.parametrize(("twist", "end"), [("reopened_lost", "closed_lost"), ("reopened_won", "closed_won")])
def test_a_reopened_deal_is_open_and_then_decided_again(world: World, leads: Leads, twist: str, end: str) -> None:
    for number, script in enumerate(told(world, leads, tidy(world, twist), won=True)):
        close, (again, last) = int(world.deals.close[number]), script.states[-2:]
        assert stages(script)[-3:] == ["closed_won", "negotiation", end]
        assert (again.at, again.closed) == (close + 25 * DAY, close + 50 * DAY)
        assert (last.at, last.closed) == (close + 48 * DAY + 3600, close + 48 * DAY)
        part = 90 if twist == "reopened_won" else 100
        assert in_minor(script, last.said["amount"]) == minor(world, number) * part // 100
        assert rules(script) == {"reopened"}


def test_a_deleted_deal_is_what_it_was_and_breaks_no_rule(world: World, leads: Leads) -> None:
    for number, script in enumerate(told(world, leads, tidy(world, "deleted", habits={"no_loss_reason": True}), won=False)):
        last, before = script.states[-1], script.states[-2]
        assert last.at == int(world.deals.close[number]) + 6 * DAY
        assert last.said == before.said | {"deleted": True}
        assert script.is_deleted
        assert not script.broken


@pytest.mark.parametrize(
    ("twist", "days", "is_refund"), [("refund", 40, True), ("credit_note", 40, True), ("late_refund", 130, False), ("true_up", 40, False)]
)
def test_adjustments_are_parts_of_what_was_won(world: World, leads: Leads, twist: str, days: int, is_refund: bool) -> None:
    plot = tidy(world, twist)
    for number, script in enumerate(told(world, leads, plot, won=True)):
        adjustment = script.adjustment
        assert adjustment is not None
        percent = {"credit_note": -100, "true_up": 7}.get(twist, -int(plot.percent[number]))
        size = minor(world, number) * abs(percent) // 100
        assert in_minor(script, adjustment.amount) == (size if percent > 0 else -size)
        assert adjustment.effective == int(world.deals.close[number]) + days * DAY == adjustment.at - DAY // 2
        assert adjustment.currency == script.states[-1].said["currency"]
        assert rules(script) == ({"refund"} if is_refund else set())


@pytest.mark.parametrize("twist", ["amended", "reopened_lost", "reopened_won", "refund", "late_refund", "credit_note", "true_up"])
def test_a_lost_deal_has_nothing_to_amend_or_refund(world: World, leads: Leads, twist: str) -> None:
    for script in told(world, leads, tidy(world, twist), won=False):
        assert stages(script)[-1] == "closed_lost"
        assert script.adjustment is None


@pytest.mark.parametrize(
    ("course", "way", "broken_if_won", "broken_if_lost"),
    [
        ("no_proposal", ["discovery", "negotiation"], {"stage_skipped"}, {"stage_skipped"}),
        ("no_negotiation", ["discovery", "proposal"], {"stage_skipped"}, set()),
        ("back_again", ["discovery", "proposal", "negotiation", "proposal", "negotiation"], {"stage_reverted"}, {"stage_reverted"}),
    ],
)
def test_ways_through_the_stages(
    world: World, leads: Leads, course: str, way: list[str], broken_if_won: set[str], broken_if_lost: set[str]
) -> None:
    for won, broken in ((True, broken_if_won), (False, broken_if_lost)):
        for script in told(world, leads, tidy(world, course=course), won=won):
            assert stages(script)[:-1] == way
            assert rules(script) == broken


@pytest.mark.parametrize(("pushes", "is_pushed"), [(1, False), (2, False), (3, True), (4, True)])
def test_the_expected_close_is_put_later_as_often_as_drawn(world: World, leads: Leads, pushes: int, is_pushed: bool) -> None:
    often = 0
    for script in told(world, leads, tidy(world, pushes=pushes), won=False):
        expected = [state.closed for state in script.states if state.status == "open" and state.closed is not None]
        moved = sum(after > before for before, after in pairwise(expected))
        assert moved == min(pushes, len(expected) - 1)
        assert ("pushed" in dict(script.broken)) == (moved >= 3)
        assert all(state.closed is None or state.closed > state.at for state in script.states[:-1])
        often += moved == pushes
    assert often > 50
    assert is_pushed == (pushes >= 3)


def test_a_deal_may_be_recorded_days_after_its_close(world: World, leads: Leads) -> None:
    for number, script in enumerate(told(world, leads, tidy(world, habits={"backdated": True}), won=True)):
        last = script.states[-1]
        assert last.closed is not None
        assert last.closed == world.deals.close[number]
        assert 5 * DAY <= last.at - last.closed < 25 * DAY
        assert rules(script) == {"closed_backdated"}


def test_a_deal_without_lead_may_be_written_down_after_its_close_in_one_go(world: World, leads: Leads) -> None:
    with_lead, late = set(leads.deal.tolist()), 0
    for number, script in enumerate(told(world, leads, tidy(world, habits={"late_entry": True}), won=True)):
        if number in with_lead:
            assert rules(script) == set()
            continue
        (state,) = script.states
        assert state.closed == world.deals.close[number] < script.opened == state.at
        assert rules(script) == {"closed_before_opened"}
        late += 1
    assert late > 20


@pytest.mark.parametrize("habit", HABITS)
def test_habits_of_whoever_keeps_the_record(world: World, leads: Leads, habit: str) -> None:
    for won in (True, False):
        for script in told(world, leads, tidy(world, habits={habit: True}), won=won):
            first, *_, last = script.states
            assert ("contact_ids" in last.said) == (habit != "no_contact")
            assert ("contact_ids" in first.said) == (habit not in ("no_contact", "late_contact"))
            assert ("loss_reason" in last.said) == (not won and habit != "no_loss_reason")
            assert ("next_step" in first.said) == (habit != "no_next_step")
            assert (first.closed is None) == (habit == "no_expected")
            if habit == "overdue":
                assert last.closed is not None
                assert first.closed == script.opened + (last.closed - script.opened) * 4 // 10
            expected = {("no_contact", True): {"no_contact"}, ("no_loss_reason", False): {"no_loss_reason"}}
            assert rules(script) == expected.get((habit, won), set())


def test_a_forgotten_deal_is_looked_at_twice(world: World, leads: Leads) -> None:
    size = len(world.deals)
    forgotten = replace(world, deals=replace(world.deals, forgotten=np.ones(size, bool)))
    for script in told(forgotten, leads, tidy(forgotten), won=False, decided=False):
        assert [state.at - script.opened for state in script.states] == [0, 12 * DAY]
        assert {state.closed for state in script.states} == {script.opened + 45 * DAY}


def test_contacts_are_people_of_the_account_and_the_first_is_the_primary(world: World, leads: Leads) -> None:
    people, sizes = world.people, set()
    for number, script in enumerate(told(world, leads, tidy(world), won=True)):
        account, said = int(world.deals.account[number]), script.states[-1].said
        first, count = int(people.first[account]), int(people.count[account])
        everybody = {contact_id(person) for person in range(first, first + count)}
        assert said["contact_ids"][0] == said["primary_contact_id"] == contact_id(int(world.deals.contact[number]))
        assert len(set(said["contact_ids"])) == len(said["contact_ids"]) <= count
        assert set(said["contact_ids"]) <= everybody
        sizes.add(len(said["contact_ids"]))
    assert {1, 2, 3} <= sizes


def test_accounts_that_have_bought_expand_and_customers_renew(story: Story) -> None:
    """Of everybody else a deal is new until the first one that was won is closed."""
    world, outcomes = story.world, story.outcomes
    types = deal_types(world, outcomes, story.deleted)
    deals = world.deals
    for number, deal_type in enumerate(types):
        mine = (deals.account == deals.account[number]) & outcomes.won & ~story.deleted & (deals.close <= deals.opened[number])
        if world.accounts.customer[deals.account[number]]:
            assert deal_type == ("renewal" if deals.renewal[number] else "expansion")
        else:
            assert deal_type == ("expansion" if mine.any() else "new")
    assert {types.count(deal_type) > 10 for deal_type in ("new", "expansion", "renewal")} == {True}


def test_most_new_business_begins_as_a_lead(story: Story) -> None:
    types = np.asarray(deal_types(story.world, story.outcomes, story.deleted))
    has_lead = np.isin(np.arange(len(types)), story.leads.deal)
    assert 0.6 < has_lead[types == "new"].mean() < 0.9
    assert has_lead[types == "renewal"].mean() < 0.2


def test_merged_accounts_have_deals_under_their_old_id(world: World, leads: Leads) -> None:
    merged = replace(world, accounts=replace(world.accounts, merged=np.ones(120, bool)))
    for number, script in enumerate(told(merged, leads, tidy(merged), won=True)):
        name = old_account_id if number % 2 else account_id
        assert script.states[-1].said["account_id"] == name(int(merged.deals.account[number]))


def test_labels_are_those_of_the_catalogue(world: World, leads: Leads) -> None:
    deals, plot = world.deals, tidy(world)
    for number, script in enumerate(told(world, leads, plot, won=True)):
        account, said = int(deals.account[number]), script.states[-1].said
        segment = SEGMENTS[int(world.accounts.segment[account])].name
        assert script.id == deal_id(number)
        assert said["owner"] == OWNERS[int(plot.owner[number])]
        assert said["product"] == PRODUCTS[int(plot.product[number])]
        assert said["region"] == REGIONS[int(world.accounts.region[account])].name
        assert said.get("segment") == (segment if plot.has_segment[number] else None)


def test_a_deal_without_lead_comes_from_its_route(world: World, leads: Leads) -> None:
    by_route = {"marketing": "website", "sales": "outbound", "partner": "partner", "customer": "customer"}
    inbound, others = set(leads.deal.tolist()), set()
    for number, script in enumerate(told(world, leads, tidy(world), won=True)):
        source = script.states[-1].said["lead_source"]
        if number in inbound:
            others.add(source)
        else:
            assert source == by_route[ROUTES[int(world.accounts.route[world.deals.account[number]])][0]]
    assert others <= {"website", "social", "webinar", "event", "outbound", "partner", "customer_success"}
    assert {"website", "outbound"} <= others


def test_deleted_deals_are_those_whose_deletion_is_told(story: Story) -> None:
    named = {int(script.id[2:]) for script in story.scripts if script.is_deleted}
    assert named == set(np.flatnonzero(deleted_deals(story.world, story.plot) & story.outcomes.decided).tolist())


def test_nothing_is_told_behind_the_end(story: Story) -> None:
    end = story.world.end
    assert all(state.at < end for script in story.scripts for state in script.states)
    assert all(script.adjustment is None or script.adjustment.at < end for script in story.scripts)


def test_twists_have_their_shares() -> None:
    plot = plot_deals(build_world(2, 4_000, 365))
    counts = np.bincount(plot.twist, minlength=len(TWISTS)) / len(plot.twist)
    assert counts.tolist() == pytest.approx([weight / 10_000 for _, weight in TWISTS], abs=0.015)
    assert 5 <= plot.percent.min() <= plot.percent.max() <= 35
    assert plot.has_segment.mean() == pytest.approx(0.97, abs=0.01)
    assert plot.no_amount.mean() == pytest.approx(0.14, abs=0.02)
    assert (plot.discount > 15).mean() == pytest.approx(0.08, abs=0.02)
    assert 15 not in plot.discount


def test_some_owners_are_more_careless_than_others() -> None:
    """Those with the highest number in the catalogue leave the most gaps."""
    plot = plot_deals(build_world(2, 12_000, 365))
    gaps = np.mean([getattr(plot, habit) for habit in HABITS], axis=0)
    by_owner = [gaps[plot.owner == number].mean() for number in range(len(OWNERS))]
    assert np.argsort(by_owner)[-1] == np.argsort(OWNER_CARELESSNESS)[-1]
    assert by_owner[int(np.argmax(OWNER_CARELESSNESS))] > 2 * min(by_owner)
