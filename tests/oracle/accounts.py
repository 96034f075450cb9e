"""Accounts by name (semantics §3): one row per canonical account that an `account` event describes."""

from __future__ import annotations

from typing import Any

from tests.oracle.identity import Identity
from tests.oracle.settled import Event, Settled

__all__ = ["account_rows", "accounts"]

FIELDS = ("name", "segment", "region", "industry", "employees", "owner", "parent_id")


def accounts(settled: Settled, who: Identity) -> dict[str, Event]:
    """Return the event that describes each canonical account: that of its canonical id, else of its smallest id that has one."""
    winners = settled.register("account", lambda event: event.get("account_id"))
    living = {account_id: event for account_id, event in winners.items() if not event.get("deleted")}
    described = {}
    for canonical in {who.account(account_id) for account_id in living}:
        described[canonical] = next(living[account_id] for account_id in who.same_accounts(canonical) if account_id in living)
    return described


def account_rows(described: dict[str, Event]) -> list[dict[str, Any]]:
    """Return `core.account`."""
    return [{"account_id": canonical, **{name: event.get(name) for name in FIELDS}} for canonical, event in described.items()]
