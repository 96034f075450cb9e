"""Exchange rates as a central bank publishes them: units per euro, on business days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.catalogue import CURRENCIES
from simulator.clock import DAY, RUN_UP, START_SECONDS, to_date, utc_instant
from simulator.draws import Draws, Ints

__all__ = ["Rates", "build_rates"]

_BEFORE = RUN_UP + 10  # days before START, so that the first deals find a rate
_PUBLISHED = 15 * 3600


@dataclass(frozen=True)
class Rates:
    """Rates to one euro in 10,000ths, per currency and day from `first` on (weekends repeat Friday)."""

    first: int  # seconds of the first day's midnight
    per_euro: dict[str, Ints]

    def in_usd_cents(self, amounts: Ints, currencies: list[str], at: Ints) -> Ints:
        """Convert whole units into US cents at the rate of a day, cut to the cent."""
        days = len(self.per_euro["USD"])
        day = np.clip((at - self.first) // DAY, 0, days - 1)
        quotes = np.stack([self.per_euro[code] for code in self.per_euro])
        row = np.asarray([list(self.per_euro).index(code) for code in currencies], dtype=np.int64)
        return amounts * 100 * self.per_euro["USD"][day] // quotes[row, day] if len(amounts) else amounts

    def events(self) -> list[tuple[int, dict[str, Any]]]:
        """Return (published at, event) of every quote of a business day."""
        midnights = [self.first + number * DAY for number in range(len(self.per_euro["USD"]))]
        business = [(number, midnight) for number, midnight in enumerate(midnights) if (midnight // DAY + 3) % 7 < 5]
        quoted = [code for code in self.per_euro if code != "EUR"]
        return [(midnight + _PUBLISHED, self._event(code, number, midnight)) for number, midnight in business for code in quoted]

    def _event(self, code: str, number: int, midnight: int) -> dict[str, Any]:
        quote = int(self.per_euro[code][number])
        day = to_date(midnight).isoformat()
        return {
            "id": f"fx-{day}-{code}",
            "source": "treasury",
            "type": "nisba.fx.v1",
            "time": utc_instant(midnight + _PUBLISHED, 60),
            "data": {"date": day, "base": "EUR", "quote": code, "rate": f"{quote // 10_000}.{quote % 10_000:04d}"},
        }


def build_rates(seed: int, days: int) -> Rates:
    """Draw a random walk of a quarter of a per cent a day at most."""
    draws, first, total = Draws(seed, "rates"), START_SECONDS - _BEFORE * DAY, days + _BEFORE
    per_euro = {}
    for code, (start, _, _) in CURRENCIES.items():
        steps = draws.below(total, 501) - 250
        per_euro[code] = np.full(total, start, np.int64) if code == "EUR" else _walk(start, steps, first)
    return Rates(first, per_euro)


def _walk(start: int, steps: Ints, first: int) -> Ints:
    rates, rate = [], start
    for number, step in enumerate(steps.tolist()):
        is_weekend = (first // DAY + number + 3) % 7 >= 5
        rate = rate if is_weekend else rate + rate * step // 100_000
        rates.append(rate)
    return np.asarray(rates, dtype=np.int64)
