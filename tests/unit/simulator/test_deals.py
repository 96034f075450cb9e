"""The records of deals: every twist told from the first state to the last, in amounts worked out here."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from simulator.catalogue import CURRENCIES, LOSS_REASONS, OWNERS, PRODUCTS, REGIONS, ROUTES, SEGMENTS
from simulator.clock import DAY, utc_instant
from simulator.deals import TWISTS, deal_events, deleted_deals, plot_deals
from simulator.leads import build_leads
from simulator.naming import account_id, contact_id, deal_id, old_account_id
from simulator.outcomes import Outcomes
from simulator.world import CURRENCY_CODES, World, build_world
from tests.unit.simulator.stories import Story

TWIST_NO = {name: number for number, (name, _) in enumerate(TWISTS)}
LAST_YEAR = 4_000
"""Days after which everything has happened."""

Told = dict[int, list[tuple[int, dict[str, Any]]]]


@pytest.fixture(scope="module")
def world() -> World:
    return replace(build_world(12, 120, 365), days=LAST_YEAR)


def told(world: World, twist: str, *, won: bool, decided: bool = True) -> Told:
    """Return the events of every deal, all with one twist and one end."""
    size = len(world.deals)
    outcomes = Outcomes(np.zeros((size, 1), bool), np.zeros(size, np.int64), np.full(size, decided), np.full(size, won and decided))
    plot = replace(plot_deals(world), twist=np.full(size, TWIST_NO[twist]))
    found: Told = defaultdict(list)
    for at, event in deal_events(world, outcomes, build_leads(world), plot):
        found[int(event["data"]["deal_id"].removeprefix("D-"))].append((at, event))
    assert len(found) == size > 50
    return found


def stages(rows: list[tuple[int, dict[str, Any]]]) -> list[str]:
    return [event["data"].get("stage", event["data"].get("reason")) for _, event in rows]


def last(rows: list[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    data: dict[str, Any] = rows[-1][1]["data"]
    return data


def minor(world: World, number: int) -> int:
    """Return what a deal is worth before anything happens to it, in minor units."""
    digits = CURRENCIES[CURRENCY_CODES[int(world.deals.currency[number])]][1]
    return int(world.deals.amount[number]) * int(10**digits)


def in_minor(world: World, number: int, amount: str) -> int:
    exact = Decimal(amount).scaleb(CURRENCIES[CURRENCY_CODES[int(world.deals.currency[number])]][1])
    assert exact == int(exact)
    return int(exact)


def test_an_undecided_deal_stays_open(world: World) -> None:
    for number, rows in told(world, "refund", won=True, decided=False).items():
        long = int(world.deals.close[number] - world.deals.opened[number]) > 20 * DAY
        assert stages(rows) == ["discovery", "proposal", *(["negotiation"] if long else [])]
        assert {event["data"]["status"] for _, event in rows} == {"open"}
        assert not any("closed_at" in event["data"] for _, event in rows)


@pytest.mark.parametrize(("won", "stage", "status"), [(True, "closed_won", "won"), (False, "closed_lost", "lost")])
def test_a_plain_deal_ends_at_its_close(world: World, won: bool, stage: str, status: str) -> None:
    for number, rows in told(world, "none", won=won).items():
        data, close = last(rows), int(world.deals.close[number])
        offset = int(world.accounts.offset[world.deals.account[number]])
        assert (data["stage"], data["status"]) == (stage, status)
        assert data["closed_at"] == utc_instant(close, offset)
        assert close + 60 <= rows[-1][0] < close + 7_060, "the CRM hears of it within two hours"
        assert in_minor(world, number, data["amount"]) == minor(world, number)
        assert ("loss_reason" in data) == (not won)
        assert won or data["loss_reason"] in LOSS_REASONS
        assert "next_step" not in data


def test_states_are_numbered_in_order_of_time(world: World) -> None:
    for number, rows in told(world, "reopened_won", won=True).items():
        assert [event["id"] for _, event in rows] == [f"{deal_id(number)}/{revision}" for revision in range(len(rows))]
        assert [event["data"]["revision"] for _, event in rows] == list(range(len(rows)))
        instants = [dt.datetime.fromisoformat(event["time"]).timestamp() for _, event in rows]
        assert instants == sorted(instants) == [at for at, _ in rows]


def test_a_state_is_the_whole_record(world: World) -> None:
    """What never changes stands in every state."""
    fixed = ("deal_id", "account_id", "opened_at", "deal_type", "owner", "region", "product", "lead_source", "contact_ids")
    for rows in told(world, "amended", won=True).values():
        assert len({tuple(str(event["data"][name]) for name in fixed) for _, event in rows}) == 1


def test_offers_name_the_list_price_behind_the_discount(world: World) -> None:
    plot = plot_deals(world)
    for number, rows in told(world, "none", won=True).items():
        data = rows[1][1]["data"]
        listed, discount = in_minor(world, number, data["list_amount"]), int(plot.discount[number])
        assert listed == minor(world, number) * 100 // (100 - discount)
        assert 0 <= discount <= 30
        assert (listed == minor(world, number)) == (discount == 0)


def test_seven_of_ten_have_an_amount_from_the_first_day(world: World) -> None:
    firsts = [rows[0][1]["data"] for rows in told(world, "none", won=True).values()]
    assert np.mean(["amount" in data for data in firsts]) == pytest.approx(0.7, abs=0.12)
    assert all(("amount" in data) == ("currency" in data) for data in firsts)


def test_an_amendment_changes_the_amount_after_the_close(world: World) -> None:
    plot = plot_deals(world)
    directions = set()
    for number, rows in told(world, "amended", won=True).items():
        percent = int(plot.percent[number])
        amended = minor(world, number) * (100 + percent if number % 3 else 100 - percent) // 100
        assert in_minor(world, number, last(rows)["amount"]) == amended
        assert rows[-1][0] == int(world.deals.close[number]) + 20 * DAY
        assert last(rows)["closed_at"] == rows[-2][1]["data"]["closed_at"], "the close stays"
        directions.add(amended > minor(world, number))
    assert directions == {True, False}


@pytest.mark.parametrize("won", [True, False])
@pytest.mark.parametrize("days", [3, 30])
def test_a_wrong_close_date_is_corrected_but_never_before_the_opening(world: World, won: bool, days: int) -> None:
    quick = replace(world, deals=replace(world.deals, close=world.deals.opened + days * DAY))
    for number, rows in told(quick, "corrected", won=won).items():
        opened, offset = int(quick.deals.opened[number]), int(quick.accounts.offset[quick.deals.account[number]])
        assert last(rows)["closed_at"] == utc_instant(opened + max(days - 4, 0) * DAY, offset)
        assert rows[-1][0] == opened + (days + 9) * DAY
        assert last(rows)["status"] == ("won" if won else "lost")
        assert ("loss_reason" in last(rows)) == (not won)


@pytest.mark.parametrize(("twist", "end"), [("reopened_lost", "closed_lost"), ("reopened_won", "closed_won")])
def test_a_reopened_deal_is_open_and_then_decided_again(world: World, twist: str, end: str) -> None:
    for number, rows in told(world, twist, won=True).items():
        close = int(world.deals.close[number])
        assert stages(rows)[-3:] == ["closed_won", "negotiation", end]
        assert "closed_at" not in rows[-2][1]["data"]
        assert rows[-2][0] == close + 25 * DAY
        assert rows[-1][0] == close + 48 * DAY + 3600
        part = 90 if twist == "reopened_won" else 100
        assert in_minor(world, number, last(rows)["amount"]) == minor(world, number) * part // 100


def test_a_deleted_deal_is_what_it_was_and_deleted(world: World) -> None:
    for number, rows in told(world, "deleted", won=False).items():
        assert rows[-1][0] == int(world.deals.close[number]) + 6 * DAY
        before = rows[-2][1]["data"]
        assert last(rows) == before | {"deleted": True, "revision": before["revision"] + 1}


@pytest.mark.parametrize("twist", ["refund", "credit_note", "true_up"])
def test_adjustments_are_parts_of_what_was_won(world: World, twist: str) -> None:
    plot = plot_deals(world)
    for number, rows in told(world, twist, won=True).items():
        at, event = rows[-1]
        percent = {"refund": -int(plot.percent[number]), "credit_note": -100, "true_up": 7}[twist]
        size = minor(world, number) * abs(percent) // 100
        assert in_minor(world, number, event["data"]["amount"]) == (size if percent > 0 else -size)
        assert event["type"] == "nisba.adjustment.v1"
        assert event["data"]["adjustment_id"] == event["id"] == f"adj-{number:05d}"
        assert event["data"]["reason"] == twist
        effective = dt.datetime.fromisoformat(event["data"]["effective_at"]).timestamp()
        assert effective == int(world.deals.close[number]) + 40 * DAY == at - DAY // 2
        assert event["data"]["currency"] == rows[-2][1]["data"]["currency"]


@pytest.mark.parametrize("twist", ["amended", "reopened_lost", "reopened_won", "refund", "credit_note", "true_up"])
def test_a_lost_deal_has_nothing_to_amend_or_refund(world: World, twist: str) -> None:
    for rows in told(world, twist, won=False).values():
        assert stages(rows)[-1] == "closed_lost"
        assert {event["type"] for _, event in rows} == {"nisba.deal.v1"}


def test_contacts_are_people_of_the_account_and_the_first_is_the_primary(world: World) -> None:
    people = world.people
    sizes = set()
    for number, rows in told(world, "none", won=True).items():
        account, data = int(world.deals.account[number]), last(rows)
        first, count = int(people.first[account]), int(people.count[account])
        everybody = {contact_id(person) for person in range(first, first + count)}
        assert data["contact_ids"][0] == data["primary_contact_id"] == contact_id(int(world.deals.contact[number]))
        assert len(set(data["contact_ids"])) == len(data["contact_ids"]) <= count
        assert set(data["contact_ids"]) <= everybody
        sizes.add(len(data["contact_ids"]))
    assert {1, 2, 3} <= sizes


def test_the_first_deal_of_an_account_is_new(world: World) -> None:
    types = {True: set[str](), False: set[str]()}
    for number, rows in told(world, "none", won=True).items():
        types[bool(world.deals.nth[number] == 0)].add(last(rows)["deal_type"])
    assert types == {True: {"new"}, False: {"renewal", "expansion"}}


def test_merged_accounts_have_deals_under_their_old_id() -> None:
    world = build_world(12, 120, 365)
    world = replace(world, days=LAST_YEAR, accounts=replace(world.accounts, merged=np.ones(120, bool)))
    for number, rows in told(world, "none", won=True).items():
        name = old_account_id if number % 2 else account_id
        assert last(rows)["account_id"] == name(int(world.deals.account[number]))


def test_labels_are_those_of_the_catalogue(world: World) -> None:
    deals, plot = world.deals, plot_deals(world)
    for number, rows in told(world, "none", won=True).items():
        account, data = int(deals.account[number]), last(rows)
        segment = SEGMENTS[int(world.accounts.segment[account])].name
        assert data["owner"] == OWNERS[int(plot.owner[number])]
        assert data["product"] == PRODUCTS[int(plot.product[number])]
        assert data["region"] == REGIONS[int(world.accounts.region[account])].name
        assert data.get("segment") == (segment if plot.has_segment[number] else None)


def test_a_deal_without_lead_comes_from_its_route(world: World) -> None:
    leads, deals = build_leads(world), world.deals
    by_route = {"marketing": "website", "sales": "outbound", "partner": "partner", "customer": "customer"}
    inbound = set(leads.deal.tolist())
    others = set()
    for number, rows in told(world, "none", won=True).items():
        source = last(rows)["lead_source"]
        if number in inbound:
            others.add(source)
        else:
            assert source == by_route[ROUTES[int(world.accounts.route[deals.account[number]])][0]]
    assert others <= {"website", "social", "webinar", "event"}
    assert "website" in others


def test_deleted_deals_are_those_whose_deletion_is_told(story: Story) -> None:
    deleted = deleted_deals(story.world, story.plot)
    named = set()
    for _, event in deal_events(story.world, story.outcomes, story.leads, story.plot):
        if event["data"].get("deleted"):
            named.add(int(event["data"]["deal_id"].removeprefix("D-")))
    assert named == set(np.flatnonzero(deleted & story.outcomes.decided).tolist())


def test_twists_have_their_shares() -> None:
    plot = plot_deals(build_world(2, 4_000, 365))
    counts = np.bincount(plot.twist, minlength=len(TWISTS)) / len(plot.twist)
    assert counts.tolist() == pytest.approx([weight / 10_000 for _, weight in TWISTS], abs=0.01)
    assert 5 <= plot.percent.min() <= plot.percent.max() <= 35
    assert plot.has_segment.mean() == pytest.approx(0.97, abs=0.01)
    assert plot.has_first_amount.mean() == pytest.approx(0.70, abs=0.02)
