"""What campaigns, channels and trees of campaigns cost and bring (figures §2): `marts.campaign_roi`, `campaign_tree`, `channel_roi`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from tests.oracle.costs import named_campaigns
from tests.oracle.figures import credits, periods
from tests.oracle.labels import is_no_campaign
from tests.oracle.levels.leads import Row
from tests.oracle.levels.maturation import Ripeness, ripeness
from tests.oracle.levels.segments import Key, named
from tests.oracle.levels.world import World, ratio
from tests.oracle.models import models

__all__ = ["UNATTRIBUTED", "campaign_cycles", "campaign_of", "campaign_roi", "campaign_tree", "channel_of", "channel_roi", "parents"]

UNATTRIBUTED = "(unattributed)"
"""What stands in the marts for the touch that a deal does not have."""
ZERO = Decimal(0)

# Which campaign each campaign is a part of


def _said_parents(world: World) -> dict[str, str]:
    """Return the parent that each campaign names, other names of a campaign followed on both sides."""
    names = named_campaigns(world.settled)
    campaigns = world.settled.register("campaign", lambda event: event.get("campaign_id"))
    said = {}
    for campaign_id, event in campaigns.items():
        parent_id = event.get("parent_id")
        is_itself = names.get(campaign_id, campaign_id) == campaign_id
        if is_itself and parent_id is not None and not is_no_campaign(parent_id):
            said[campaign_id] = names.get(parent_id, parent_id)
    return said


def campaign_cycles(world: World) -> set[frozenset[str]]:
    """Return the campaigns that are parts of each other, one set per circle."""
    said, found = _said_parents(world), set()
    for start in said:
        path = [start]
        while path[-1] in said and said[path[-1]] not in path:
            path.append(said[path[-1]])
        if path[-1] in said:
            found.add(frozenset(path[path.index(said[path[-1]]) :]))
    return found


def parents(world: World) -> dict[str, str]:
    """Return the parent of each campaign that has one; a circle is cut at its smallest id."""
    cut = {min(cycle) for cycle in campaign_cycles(world)}
    return {campaign_id: parent_id for campaign_id, parent_id in _said_parents(world).items() if campaign_id not in cut}


def _trees(world: World) -> Callable[[str], list[str]]:
    """Return the function that says in which trees a campaign counts: its own, where it has children, and all above."""
    above = parents(world)
    with_children = set(above.values())

    def trees(campaign_id: str) -> list[str]:
        path = [campaign_id]
        while path[-1] in above:
            path.append(above[path[-1]])
        return [tree for tree in path if tree in with_children]

    return trees


def campaign_of(row: Row, names: dict[str, str]) -> str:
    """Return the campaign that a credit counts for, or what stands in its place."""
    if not row["ordinal"]:
        return UNATTRIBUTED
    campaign_id = row["campaign_id"]
    return named(None if campaign_id is None else names.get(campaign_id, campaign_id))  # type: ignore[no-any-return]


def channel_of(row: Row) -> str:
    """Return the channel that a credit counts for."""
    return row["channel"] if row["ordinal"] else UNATTRIBUTED


# What they cost and bring


@dataclass
class Account:
    """What a campaign, a tree or a channel cost and brought in a period, by one model."""

    cost: Decimal | None = None
    revenue: Decimal = ZERO
    realized_revenue: Decimal = ZERO
    pipeline: Decimal = ZERO
    won: dict[tuple[str, int], Decimal] = field(default_factory=dict)
    """Weight of each touch (deal, ordinal) of the deals won."""


@dataclass
class Accounts:
    """All of them, by (period kind, period, entity, model), and what is known besides money."""

    world: World
    of: Callable[[str, str], list[str]]
    """(campaign, channel) → the entities for which something counts."""
    by_key: dict[Key, Account] = field(default_factory=dict)
    costs: dict[str, dict[int, Decimal]] = field(default_factory=dict)
    """Cost of each entity by number of the month."""
    leads: dict[Key, int] = field(default_factory=dict)
    """Passes by (period kind, period, entity, stage)."""

    @cached_property
    def models(self) -> list[str]:
        """Return the ids of all models."""
        return [model.id for model in models(self.world.config)]

    def at(self, day: dt.date, campaign_id: str, channel: str) -> Iterator[tuple[str, Account]]:
        """Yield the accounts, of every model, in which something of a day counts."""
        for entity in self.of(campaign_id, channel):
            for period in periods(day, self.world.config):
                for model in self.models:
                    yield model, self.by_key.setdefault((*period, entity, model), Account())


def _accounts(world: World, lead_stage: Iterable[Row], of: Callable[[str, str], list[str]]) -> Accounts:
    accounts = Accounts(world, of)
    for cost in world.books["cost_daily"]:
        _add_cost(accounts, cost)
    names = named_campaigns(world.settled)
    for credit in credits(world.books):
        _add_credit(accounts, credit, campaign_of(credit, names), channel_of(credit))
    for row in lead_stage:
        _add_lead(accounts, row)
    return accounts


def _add_cost(accounts: Accounts, cost: Row) -> None:
    amount, day = cost["cost_reporting"], cost["day"]
    for _, account in accounts.at(day, cost["campaign_id"], named(cost["channel"])):
        account.cost = (account.cost or ZERO) + amount
    for entity in accounts.of(cost["campaign_id"], named(cost["channel"])):
        months = accounts.costs.setdefault(entity, {})
        number = day.year * 12 + day.month - 1
        months[number] = months.get(number, ZERO) + amount


def _add_credit(accounts: Accounts, credit: Row, campaign_id: str, channel: str) -> None:
    amount = credit["revenue_reporting"] or ZERO  # what is held counts as nothing
    days = (
        {"revenue": credit["booked_on"], "realized_revenue": credit["touched_on"]}
        if credit["is_final"]
        else {"pipeline": credit["opened_on"]}
    )
    for measure, day in days.items():
        if day is not None:
            for model, account in accounts.at(day, campaign_id, channel):
                if model == credit["model"]:
                    setattr(account, measure, getattr(account, measure) + amount)
    if credit["status"] == "won":
        for model, account in accounts.at(credit["closed_on"], campaign_id, channel):
            if model == credit["model"]:
                account.won[credit["deal_id"], credit["ordinal"]] = credit["weight"]


def _add_lead(accounts: Accounts, row: Row) -> None:
    """Count a pass in a stage; a pass alone makes no row."""
    if row["stage"] in ("mql", "sql"):
        for entity in accounts.of(row["campaign_id"], row["channel"]):
            for period in periods(row["entered_on"], accounts.world.config):
                key = (*period, entity, row["stage"])
                accounts.leads[key] = accounts.leads.get(key, 0) + 1


def _rows(accounts: Accounts, name: str) -> list[Row]:
    ripe = ripeness(accounts.world)
    return [_row(accounts, key, account, name, ripe) for key, account in accounts.by_key.items()]


def _row(accounts: Accounts, key: Key, account: Account, name: str, ripe: Ripeness | None) -> Row:
    kind, period, entity, model = key
    mqls, sqls = (accounts.leads.get((kind, period, entity, stage), 0) for stage in ("mql", "sql"))
    weight = sum(account.won.values(), ZERO)
    return {
        "period_kind": kind,
        "period": period,
        name: entity,
        "model": model,
        "cost": account.cost,
        "revenue": account.revenue,
        "realized_revenue": account.realized_revenue,
        "pipeline": account.pipeline,
        "won_deals": len({deal_id for deal_id, _ in account.won}),
        "attributed_deals": weight,
        "mqls": mqls,
        "sqls": sqls,
        "cost_per_mql": _each(account.cost, mqls),
        "cost_per_sql": _each(account.cost, sqls),
        "cost_per_won_deal": _each(account.cost, weight),
        "matured_pct": None if ripe is None else ripe.matured_pct(accounts.world, kind, period, accounts.costs.get(entity, {})),
        **_returns(account),
    }


def _each(cost: Decimal | None, number: Any) -> Fraction | None:
    return None if cost is None else ratio(cost, number)


def _returns(account: Account) -> Row:
    cost = account.cost
    if cost is None or cost <= 0:
        reason = "no_cost" if cost is None else "zero_cost" if cost == 0 else "negative_cost"
        return {"roi": None, "realized_roi": None, "roas": None, "roi_reason": reason}
    return {
        "roi": ratio(account.revenue - cost, cost),
        "realized_roi": ratio(account.realized_revenue - cost, cost),
        "roas": ratio(account.revenue, cost),
        "roi_reason": None,
    }


def campaign_roi(world: World, lead_stage: Iterable[Row]) -> list[Row]:
    """Return what each campaign cost and brought by itself, by period and model."""
    above = parents(world)
    accounts = _accounts(world, lead_stage, lambda campaign_id, _: [campaign_id])
    return [{**row, "parent_id": above.get(row["campaign_id"])} for row in _rows(accounts, "campaign_id")]


def campaign_tree(world: World, lead_stage: Iterable[Row]) -> list[Row]:
    """Return the same of every campaign that has children, with all of its descendants."""
    above, trees = parents(world), _trees(world)
    accounts = _accounts(world, lead_stage, lambda campaign_id, _: trees(campaign_id))
    return [{**row, "parent_id": above.get(row["campaign_id"])} for row in _rows(accounts, "campaign_id")]


def channel_roi(world: World, lead_stage: Iterable[Row]) -> list[Row]:
    """Return the same by channel: of the touch, of the pass, and, for costs, of the campaign."""
    return _rows(_accounts(world, lead_stage, lambda _, channel: [channel]), "channel")
