"""The facts that benchmarks run on: many accounts, touches over two years, won deals. Columns from a seed, no files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from nisba.attribution.columns import decimals, dictionary, instants_array
from nisba.attribution.facts import MONEY, Facts, ledger_schema

__all__ = ["company"]

_DAY_US = 86_400_000_000
_START_US = 1_704_067_200_000_000  # 2024-01-01
_CHANNELS = pa.array(["paid_search", "paid_social", "email", "webinar", "event", "organic_search", "direct", "outbound"])
_KINDS = pa.array(["click", "visit", "form", "email_click", "webinar", "meeting"])
_TEAMS = pa.array(["marketing", "sales", "partner"])


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
