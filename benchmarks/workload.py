"""The facts that benchmarks run on: many accounts, touches over two years, won deals. Columns from a seed, no files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from nisba.attribution.columns import decimals, dictionary, instants_array
from nisba.attribution.facts import MONEY, SPEND, Facts, ledger_schema

__all__ = ["company", "firm"]

_DAY_US = 86_400_000_000
_START_US = 1_704_067_200_000_000  # 2024-01-01
_CHANNELS = pa.array(["paid_search", "paid_social", "email", "webinar", "event", "organic_search", "direct", "outbound"])
_KINDS = pa.array(["click", "visit", "form", "email_click", "webinar", "meeting"])
_TEAMS = pa.array(["marketing", "sales", "partner"])
_SEGMENTS = pa.array(["enterprise", "mid_market", "smb"])
_REGIONS = pa.array(["DACH", "Nordics", "MENA", "UK"])
_DEAL_TYPES = pa.array(["new_business", "expansion", "renewal"])
_PRODUCTS = pa.array(["core", "plus", "edge"])
_LEAD_SOURCES = pa.array(["web", "event", "partner", "referral"])
_OWNERS = pa.array([f"rep-{number}" for number in range(40)])
_REASONS = pa.array(["no budget", "no fit", "no answer", "duplicate"])
_CAMPAIGNS = 60
_COST_DAYS = 730
_HISTORY = ("Discovery", "Proposal", "Negotiation")
_PASSES = (("inquiry", 1.0), ("mql", 0.4), ("sal", 0.55), ("sql", 0.6))
"""Stages of a lead, and which part of those that reached the one before reach it."""


def company(touches: int, deals: int, accounts: int, seed: int = 1) -> Facts:
    """Return touches (each names its account and one of its persons), won deals in dollars, and one MQL per account."""
    dice = np.random.default_rng(seed)
    return Facts.of(
        touch=_touches(dice, touches, accounts),
        deal=_deals(dice, deals, accounts),
        lead_stage=_mqls(dice, accounts),
    )


def _table(fact_type: str, size: int, **columns: Any) -> pa.Table:
    """Return a table of the fact type; columns that are not named are null."""
    schema = ledger_schema(fact_type, provenance=False)
    return pa.table({field.name: columns[field.name] if field.name in columns else pa.nulls(size, field.type) for field in schema})


def _names(prefix: str, numbers: Any) -> pa.Array:
    return pa.array([f"{prefix}{number:07d}" for number in numbers.tolist()])


def _of(dice: Any, size: int, values: pa.Array) -> pa.Array:
    return dictionary(dice.integers(0, len(values), size), values).cast(pa.string())


def _times(dice: Any, size: int, first_day: int, days: int) -> Any:
    return _START_US + first_day * _DAY_US + dice.integers(0, days * _DAY_US, size)


def _touches(dice: Any, size: int, accounts: int) -> pa.Table:
    account = dice.integers(0, accounts, size)
    return _table(
        "touch",
        size,
        source=pa.array(["web"] * size),
        event_id=_names("t-", np.arange(size)),
        occurred_at=instants_array(np.sort(_times(dice, size, 0, 730))),
        account_id=_names("acct-", account),
        person_id=_names("p-", account * 4 + dice.integers(0, 4, size)),
        campaign_id=_names("c-", dice.integers(0, 60, size)),
        channel=_of(dice, size, _CHANNELS),
        kind=_of(dice, size, _KINDS),
        team=_of(dice, size, _TEAMS),
    )


def _deals(dice: Any, size: int, accounts: int) -> pa.Table:
    opened = _times(dice, size, 200, 400)
    closed = opened + dice.integers(5, 120, size) * _DAY_US
    return _table(
        "deal",
        size,
        source=pa.array(["crm"] * size),
        event_id=_names("e-", np.arange(size)),
        occurred_at=instants_array(closed),
        deal_id=_names("d-", np.arange(size)),
        account_id=_names("acct-", dice.integers(0, accounts, size)),
        stage=pa.array(["Won"] * size),
        status=pa.array(["won"] * size),
        opened_at=instants_array(opened),
        closed_at=instants_array(closed),
        amount=decimals(dice.integers(100_00, 90_000_00, size) * 10, MONEY),
        currency=pa.array(["USD"] * size),
        revision=pa.array(np.zeros(size, dtype=np.int64)),
        deleted=pa.array(np.zeros(size, dtype=bool)),
    )


def _mqls(dice: Any, accounts: int) -> pa.Table:
    number = np.arange(accounts)
    return _table(
        "lead_stage",
        accounts,
        source=pa.array(["crm"] * accounts),
        event_id=_names("l-", number),
        occurred_at=instants_array(_times(dice, accounts, 60, 500)),
        lead_id=_names("lead-", number),
        stage=pa.array(["mql"] * accounts),
        person_id=_names("p-", number * 4),
        account_id=_names("acct-", number),
    )


def firm(touches: int, deals: int, leads: int, accounts: int, seed: int = 1) -> Facts:
    """Return the facts of a whole firm: the touches of `company`, deals with a history of stages that are won, lost or open, leads that
    pass through the stages or are rejected, accounts with names and regions, and campaigns with parents and daily costs.
    """
    dice = np.random.default_rng(seed)
    return Facts.of(
        touch=_touches(dice, touches, accounts),
        deal=_histories(dice, deals, accounts),
        lead_stage=_leads(dice, leads, accounts),
        account=_accounts(dice, accounts),
        campaign=_campaigns(),
        spend=_costs(dice),
    )


def _histories(dice: Any, size: int, accounts: int) -> pa.Table:
    """Four events a deal: three stages on its way, then won, lost, or (a tenth) still in negotiation."""
    opened = _times(dice, size, 30, 600)
    days = dice.integers(5, 120, size)
    account, owner = dice.integers(0, accounts, size), dice.integers(0, len(_OWNERS), size)
    amount = dice.integers(100_00, 90_000_00, size) * 10
    labels = {
        name: dictionary(dice.integers(0, len(values), size), values).cast(pa.string())
        for name, values in (
            ("segment", _SEGMENTS),
            ("region", _REGIONS),
            ("deal_type", _DEAL_TYPES),
            ("product", _PRODUCTS),
            ("lead_source", _LEAD_SOURCES),
        )
    }
    fate = dice.choice(["won", "lost", "open"], size, p=[0.35, 0.55, 0.1])
    discounted = dice.random(size) < 0.3
    steps = []
    for step in range(len(_HISTORY) + 1):
        is_last = step == len(_HISTORY)
        status = fate if is_last else np.full(size, "open")
        occurred = opened + days * _DAY_US * step // len(_HISTORY)
        steps.append(
            _table(
                "deal",
                size,
                source=pa.array(["crm"] * size),
                event_id=_names(f"e{step}-", np.arange(size)),
                occurred_at=instants_array(occurred),
                deal_id=_names("d-", np.arange(size)),
                name=_names("Deal ", np.arange(size)),
                account_id=_names("acct-", account),
                stage=pa.array(np.where(status == "open", _HISTORY[min(step, 2)], status)),
                status=pa.array(status),
                opened_at=instants_array(opened),
                closed_at=instants_array(opened + days * _DAY_US, status != "open"),
                amount=decimals(amount - np.where(discounted & is_last, amount // 40 * 10, 0), MONEY),
                list_amount=decimals(amount, MONEY),
                currency=pa.array(["USD"] * size),
                owner=dictionary(owner, _OWNERS).cast(pa.string()),
                primary_contact_id=_names("p-", account * 4),
                next_step=pa.array(["call"] * size),
                revision=pa.array(np.full(size, step, dtype=np.int64)),
                deleted=pa.array(np.zeros(size, dtype=bool)),
                **labels,
            )
        )
    return pa.concat_tables(steps)


def _leads(dice: Any, size: int, accounts: int) -> pa.Table:
    number, at = np.arange(size), _times(dice, size, 0, 680)
    account = dice.integers(0, accounts, size)
    score, owner = dice.integers(0, 100, size).astype(np.float64), dice.integers(0, len(_OWNERS), size)
    reached, steps = np.arange(size), []
    for stage, part in _PASSES:
        going = dice.random(len(reached)) < part
        at = at + dice.integers(1, 96, size) * 3_600_000_000
        steps.append(_lead_stage(stage, reached[going], at, number, account, score, owner, None))
        if stage == "sal":
            reasons = dictionary(dice.integers(0, len(_REASONS), size), _REASONS).cast(pa.string())
            steps.append(_lead_stage("rejected", reached[~going], at, number, account, score, owner, reasons))
        reached = reached[going]
    return pa.concat_tables(steps)


def _lead_stage(stage: str, chosen: Any, at: Any, number: Any, account: Any, score: Any, owner: Any, reasons: Any) -> pa.Table:
    size = len(chosen)
    return _table(
        "lead_stage",
        size,
        source=pa.array(["crm"] * size),
        event_id=_names(f"{stage}-", chosen),
        occurred_at=instants_array(at[chosen]),
        lead_id=_names("lead-", number[chosen]),
        stage=pa.array([stage] * size),
        person_id=_names("p-", account[chosen] * 4 + number[chosen] % 4),
        account_id=_names("acct-", account[chosen]),
        owner=dictionary(owner[chosen], _OWNERS).cast(pa.string()),
        score=pa.array(score[chosen]),
        reason=pa.nulls(size, pa.string()) if reasons is None else reasons.take(pa.array(chosen)),
    )


def _accounts(dice: Any, size: int) -> pa.Table:
    number = np.arange(size)
    return _table(
        "account",
        size,
        source=pa.array(["crm"] * size),
        event_id=_names("a-", number),
        occurred_at=instants_array(np.full(size, _START_US)),
        account_id=_names("acct-", number),
        name=_names("Firm ", number),
        segment=_of(dice, size, _SEGMENTS),
        region=_of(dice, size, _REGIONS),
        revision=pa.array(np.zeros(size, dtype=np.int64)),
        deleted=pa.array(np.zeros(size, dtype=bool)),
    )


def _campaigns() -> pa.Table:
    """Every tenth campaign is the parent of the nine after it."""
    number = np.arange(_CAMPAIGNS)
    return _table(
        "campaign",
        _CAMPAIGNS,
        source=pa.array(["ads"] * _CAMPAIGNS),
        event_id=_names("c-", number),
        occurred_at=instants_array(np.full(_CAMPAIGNS, _START_US)),
        campaign_id=_names("c-", number),
        name=_names("Campaign ", number),
        channel=_CHANNELS.take(pa.array(number % len(_CHANNELS))),
        parent_id=pa.array([None if place % 10 == 0 else f"c-{place // 10 * 10:07d}" for place in number.tolist()]),
    )


def _costs(dice: Any) -> pa.Table:
    """A cost of each campaign on each day."""
    size = _CAMPAIGNS * _COST_DAYS
    campaign, day = np.arange(size) // _COST_DAYS, np.arange(size) % _COST_DAYS
    days = pa.array((_START_US // _DAY_US + day).astype(np.int32)).cast(pa.date32())
    return _table(
        "spend",
        size,
        source=pa.array(["ads"] * size),
        event_id=_names("s-", np.arange(size)),
        occurred_at=instants_array(_START_US + day * _DAY_US),
        campaign_id=_names("c-", campaign),
        starts_on=days,
        ends_on=days,
        amount=decimals(dice.integers(10_00, 400_00, size) * 10_000, SPEND),
        currency=pa.array(["USD"] * size),
        revision=pa.array(np.zeros(size, dtype=np.int64)),
    )
