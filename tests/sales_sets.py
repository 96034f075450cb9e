"""Sets of events in which many owners, channels and campaigns can be compared, and configurations to read them by: a function of a seed.

Edges are the business of `tests.level_sets`: in those few things happen. Here many plain ones do, over a year and a half, so that
quarters have peers, months of touches grow, and there is something to say about the latest quarter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

from nisba.agreements import Benchmarks, Exceptions, SalesProcess, StaleRule
from nisba.config import Attribution, Config, Reporting
from tests.strategies import Event, event

__all__ = ["sales_set"]

UTC = dt.timezone.utc
FIRST = dt.datetime(2025, 1, 2, 9, tzinfo=UTC)
DAYS = 540
OWNERS = ("Ada", "Ben", "Cleo", "Dina", "Eve", None)
SEGMENTS = ("smb", "mid", "large", "public", "school", None)
CHANNELS = ("paid", "email", "event", "organic", "phone")
STAGES = ("discovery", "proposal", "negotiation")
COURSE = ("inquiry", "mql", "sal", "sql", "opportunity")
CAMPAIGNS = ("c1", "c2", "c3", "c4", "c5", "c6")


def sales_set(seed: int, accounts: int = 26) -> tuple[list[Event], Config]:
    """Return events, in no order, and a configuration: always the same of a seed and a number of accounts."""
    random = Random(seed)
    events = [*_campaigns(random)]
    for n in range(accounts):
        events += _account(random, n, f"a{n}")
    random.shuffle(events)
    return events, _config(random)


def _config(random: Random) -> Config:
    return Config(
        reporting=Reporting(
            as_of=FIRST + dt.timedelta(days=DAYS - 30), fiscal_year_start_month=_pick(random, 1, 1, 4), gross_margin_pct=Decimal(70)
        ),
        attribution=Attribution(models=("linear", "first_touch", "last_touch"), default_model=_pick(random, "linear", "first_touch")),
        sales_process=SalesProcess(stages=STAGES),
        exceptions=Exceptions(stale=StaleRule(min_won=3)),
        benchmarks=Benchmarks(min_sample=_pick(random, 1, 1, 2), advice_count=_pick(random, 5, 10, 30)),
    )


def _pick(random: Random, *options: Any) -> Any:
    return options[int(random.random() * len(options))]


def _at(day: float) -> str:
    """Return an instant, so many days after the first."""
    return (FIRST + dt.timedelta(hours=round(day * 24))).isoformat()


def _campaigns(random: Random) -> Iterator[Event]:
    """Yield campaigns, some of them parts of others, and what they cost month by month."""
    for n, campaign_id in enumerate(CAMPAIGNS):
        channel = CHANNELS[n % len(CHANNELS)]
        parent_id = _pick(random, None, *CAMPAIGNS[:3])
        yield event(
            "campaign",
            "ads",
            campaign_id,
            _at(0),
            {"campaign_id": campaign_id, "name": campaign_id, "channel": channel, "parent_id": parent_id},
        )
        for month in range(18):
            if random.random() < 0.7:
                day = dt.date(2025 + month // 12, month % 12 + 1, 1 + int(random.random() * 28))
                usual = {"campaign_id": campaign_id, "currency": "USD", "starts_on": day.isoformat()}
                yield event("spend", "ads", f"{campaign_id}/{month}", _at(0), usual | {"amount": f"{random.randrange(10, 400)}.00"})


def _account(random: Random, n: int, account_id: str) -> Iterator[Event]:
    """Yield what happens with an account: touches, a lead that comes some way, and deals."""
    begins = _pick(random, random.random() * (DAYS - 60), DAYS - 180 + random.random() * 70)  # often in the months before the last quarter
    for number in range(random.randrange(1, 5)):
        campaign = int(random.random() * len(CAMPAIGNS))
        data = {
            "account_id": account_id,
            "person_id": f"p{n}",
            "channel": CHANNELS[campaign % len(CHANNELS)],
            "kind": "click",
            "team": _pick(random, "marketing", "marketing", "sales"),
            "campaign_id": CAMPAIGNS[campaign],
        }
        yield event("touch", "web", f"t{n}/{number}", _at(begins + number * random.random() * 12), data)
    yield from _lead(random, n, begins + 1)
    for number in range(random.randrange(1, 4)):
        yield from _deal(random, f"d{n}/{number}", account_id, begins + 2 + _pick(random, 0, random.random() * 120) * number)


def _lead(random: Random, n: int, day: float) -> Iterator[Event]:
    lead_id, owner, segment = f"l{n}", _pick(random, *OWNERS), _pick(random, *SEGMENTS)
    for stage in COURSE[: random.randrange(1, 6)]:
        data = {"lead_id": lead_id, "stage": stage, "person_id": f"p{n}", "owner": owner, "attributes": {"segment": segment or ""}}
        if stage in ("sql", "opportunity"):
            data["deal_id"] = f"d{n}/0"
        yield event("lead-stage", "crm", f"{lead_id}/{stage}", _at(day), data)
        day += random.random() * 6
    if random.random() < 0.3:
        yield event("lead-stage", "crm", f"{lead_id}/x", _at(day), {"lead_id": lead_id, "stage": "rejected", "owner": owner})


def _deal(random: Random, deal_id: str, account_id: str, day: float) -> Iterator[Event]:
    """Yield the states of a deal through its stages, now and then past one of them, until it is won or lost, or not yet."""
    amount = f"{random.randrange(1, 40)}00.00"
    fixed = {
        "deal_id": deal_id,
        "account_id": account_id,
        "opened_at": _at(day),
        "owner": _pick(random, *OWNERS),
        "segment": _pick(random, *SEGMENTS),
        "currency": "USD",
        "contact_ids": _pick(random, None, ["p0"], ["p1"]),
        "list_amount": _pick(random, None, amount, "4000.00"),
        "next_step": _pick(random, None, "call"),
    }
    for number, stage in enumerate(STAGES):
        if random.random() < 0.8:
            states = {"stage": stage, "status": "open", "amount": amount, "closed_at": _at(day + 30)}
            yield event("deal", "crm", f"{deal_id}/{number}", _at(day), fixed | states)
            day += random.random() * 20
    status = _pick(random, "won", "won", "lost", "open")
    if day < DAYS:
        closed = {"stage": "closed", "status": status, "amount": amount, "closed_at": _at(day), "loss_reason": _pick(random, None, "price")}
        yield event("deal", "crm", f"{deal_id}/9", _at(day), fixed | closed)
    if status == "won" and random.random() < 0.2:
        refund = {"adjustment_id": deal_id, "deal_id": deal_id, "amount": "-50.00", "currency": "USD", "effective_at": _at(day + 9)}
        yield event("adjustment", "erp", deal_id, _at(day + 9), refund)
