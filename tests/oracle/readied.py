"""Settled facts as the figures read them: labels of the firm, instants where a date stood, an account for every deal (§1, §3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nisba.config import Config
from tests.oracle.labels import LABELS, is_no_campaign, mapped
from tests.oracle.settled import Event, Settled, end_of_day, zone_of

__all__ = ["readied"]

ENDS_OF_DAYS = {"opened_on": "opened_at", "closed_on": "closed_at", "effective_on": "effective_at"}


def readied(settled: Settled, config: Config) -> Settled:
    """Return the same events as everything below the door reads them."""
    return Settled({name: [_readied(event, config) for event in events] for name, events in settled.events.items()})


def _readied(event: Event, config: Config) -> Event:
    data: dict[str, Any] = dict(event.data)
    for field in LABELS.get(event.type, ()):
        data[field] = mapped(data.get(field), field, config)
    for date, instant in ENDS_OF_DAYS.items():
        if data.get(date) is not None:
            data[instant] = end_of_day(data[date], zone_of(config))
    if event.type == "touch" and data.get("campaign_id") is not None and is_no_campaign(data["campaign_id"]):
        data["campaign_id"] = None
    if event.type == "deal" and data.get("account_id") is None:
        data["account_id"] = f"deal:{data['deal_id']}"
    return replace(event, data=data)
