"""Which deals are won, and what each campaign truly caused.

Every deal draws its luck once. It is won when the luck is below its own probability plus the uplifts of the campaigns
that its account truly saw (a touch that is neither an impression nor a bot's, from 180 days before the opening to the
decision, whether or not the books can tell whose touch it was). Without campaign *c* the same luck meets a smaller
probability: the deals that are won with *c* and not without it are what *c* caused. So the world without a campaign is
known exactly, which no real data set offers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.catalogue import CAMPAIGNS, STREAMS
from simulator.clock import DAY
from simulator.draws import Bools, Ints
from simulator.rates import Rates
from simulator.touches import Touches
from simulator.world import CURRENCY_CODES, World

__all__ = ["MAX_WIN", "Outcomes", "decide", "effects"]

MAX_WIN = 9_500
"""No deal is surer than this, in parts of 10,000."""

_LOOKBACK = 180 * DAY


@dataclass(frozen=True)
class Outcomes:
    """One row per deal: what its account saw, how sure it was, and what became of it."""

    seen: Bools  # deal × campaign
    win: Ints  # probability in parts of 10,000
    decided: Bools  # before the end of the simulation
    won: Bools


def decide(world: World, touches: Touches) -> Outcomes:
    """Decide every deal."""
    seen = _seen(world, touches)
    uplift = np.asarray([campaign.uplift for campaign in CAMPAIGNS], dtype=np.int64)
    win = np.minimum(world.deals.base_win + (seen * uplift).sum(axis=1), MAX_WIN)
    decided = world.deals.close < world.end - DAY
    return Outcomes(seen, win, decided, decided & (world.deals.luck < win))


def _seen(world: World, touches: Touches) -> Bools:
    impression = np.asarray([stream.kinds[0][0] == "impression" for stream in STREAMS])[touches.stream]
    counts = ~impression & ~touches.retracted
    deals = world.deals
    span = np.int64(1) << 33  # wider than any instant: account and time in one sortable number
    low, high = deals.account * span + deals.opened - _LOOKBACK, deals.account * span + deals.close
    columns = []
    for number in range(len(CAMPAIGNS)):
        mine = counts & (touches.campaign == number)
        key = np.sort(touches.account[mine] * span + touches.at[mine])
        columns.append(np.searchsorted(key, high, side="right") > np.searchsorted(key, low, side="left"))
    return np.stack(columns, axis=1)


def effects(world: World, outcomes: Outcomes, rates: Rates, deleted: Bools) -> dict[str, Any]:
    """Return the ground truth per campaign and of all campaigns together, in US cents at each close date's rate.

    Amounts are those of the first close: amendments, refunds and reopenings come after the decision.
    """
    deals = world.deals
    cents = rates.in_usd_cents(deals.amount, [CURRENCY_CODES[code] for code in deals.currency.tolist()], deals.close)
    counted = outcomes.decided & ~deleted
    campaigns = [_effect_of(number, world, outcomes, counted, cents) for number in range(len(CAMPAIGNS))]
    won = counted & outcomes.won
    return {
        "campaigns": campaigns,
        "all_campaigns": _caused(deals.base_win, outcomes, counted, deals.luck, cents),
        "decided_deals": int(counted.sum()),
        "won_deals": int(won.sum()),
        "won_revenue_usd_cents": int(cents[won].sum()),
    }


def _effect_of(number: int, world: World, outcomes: Outcomes, counted: Bools, cents: Ints) -> dict[str, Any]:
    campaign, deals = CAMPAIGNS[number], world.deals
    others = np.asarray([each.uplift if i != number else 0 for i, each in enumerate(CAMPAIGNS)], dtype=np.int64)
    without = np.minimum(deals.base_win + (outcomes.seen * others).sum(axis=1), MAX_WIN)
    saw = counted & outcomes.seen[:, number]
    return {
        "campaign_id": campaign.id,
        "uplift_per_10k": campaign.uplift,
        "deals_that_saw_it": int(saw.sum()),
        "won_deals_that_saw_it": int((saw & outcomes.won).sum()),
        **_caused(without, outcomes, counted, deals.luck, cents),
    }


def _caused(without: Ints, outcomes: Outcomes, counted: Bools, luck: Ints, cents: Ints) -> dict[str, int]:
    """Compare this world with the one in which the probabilities were `without`."""
    gain = np.where(counted, outcomes.win - without, 0)
    caused = counted & outcomes.won & (luck >= without)
    return {
        "expected_incremental_deals_per_10k": int(gain.sum()),
        "expected_incremental_revenue_usd_cents": int((gain * cents // 10_000).sum()),
        "realised_incremental_deals": int(caused.sum()),
        "realised_incremental_revenue_usd_cents": int(cents[caused].sum()),
    }
