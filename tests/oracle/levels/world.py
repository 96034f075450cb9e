"""What the figures of levels 3 to 5 are read from: the facts, who is who, the deals, "now", and the spans of periods (figures).

Small numbers too: the Wilson interval and the interpolated quantile.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from nisba.config import Config
from tests.oracle import Rows, accounts, fold_settled
from tests.oracle.entries import Deal, deals
from tests.oracle.figures import periods
from tests.oracle.identity import Identity, resolve
from tests.oracle.readied import readied
from tests.oracle.settled import EPOCH, Event, Settled, day_of, end_of_day, register_order, settle, zone_of

__all__ = [
    "MICROSECOND",
    "NONE",
    "World",
    "as_of",
    "begins_at",
    "ends_at",
    "quantile",
    "ratio",
    "span",
    "state_at",
    "ttm",
    "wilson",
    "world",
]

MICROSECOND = dt.timedelta(microseconds=1)
NONE = "(none)"
"""What a segment, a channel or a campaign is called where there is none."""
Z = Decimal("1.959963984540054")
"""The two-sided 95 % quantile of the normal distribution, as figures writes it."""


def as_of(settled: Settled, config: Config) -> int | None:
    """Return the "now" of the figures, in microseconds: as configured, else the latest event of a deal or a lead; None without any."""
    if config.reporting.as_of is not None:
        return (config.reporting.as_of - EPOCH) // MICROSECOND
    return max((event.time for name in ("deal", "lead-stage") for event in settled.of(name)), default=None)


def state_at(deal: Deal, time: int) -> Event | None:
    """Return the state of a deal at an instant: the highest of those until then; None where it is deleted or there is none yet."""
    states = [state for state in deal.states if state.time <= time]
    state = max(states, key=register_order, default=None)
    return None if state is None or state.get("deleted") else state


@dataclass(frozen=True)
class World:
    """Settled facts in the firm's own words, and what everything else asks of them."""

    unread: Settled
    """As the ledger holds them."""
    config: Config

    @cached_property
    def settled(self) -> Settled:
        """Return the facts with labels mapped and instants where days stood."""
        return readied(self.unread, self.config)

    @cached_property
    def who(self) -> Identity:
        """Return who is who."""
        return resolve(self.settled)

    @cached_property
    def as_of(self) -> int | None:
        """Return "now"."""
        return as_of(self.unread, self.config)

    @cached_property
    def deals(self) -> dict[str, Deal]:
        """Return the deals that are known and not deleted now, with all their states in register order."""
        return {deal.id: deal for deal in deals(self.settled)}

    @cached_property
    def books(self) -> Rows:
        """Return the tables of semantics.md."""
        return fold_settled(self.unread, self.config)

    @cached_property
    def _described(self) -> dict[str, Event]:
        return accounts.accounts(self.settled, self.who)

    def field(self, state: Event, name: str) -> Any:
        """Return a field of a deal's state; a segment or region that it does not say is that of its account (semantics §3)."""
        said, account_id = state.get(name), state.get("account_id")
        is_known = ("account", account_id) in self.who.accounts  # not that of a past state that nothing else names
        if said is not None or name not in ("segment", "region") or not is_known:
            return said
        account = self._described.get(self.who.account(account_id))
        return None if account is None else account.get(name)

    @cached_property
    def persons(self) -> dict[tuple[str, str], str | None]:
        """Return the person that `core.identity` has beside each node (kind, id)."""
        return {(f"{row['kind']}", f"{row['id']}"): row["person_id"] for row in self.who.rows()}

    def day(self, time: int) -> dt.date:
        """Return the day of an instant in the reporting time zone."""
        return day_of(time, zone_of(self.config))

    def periods(self, time: int) -> list[tuple[str, str]]:
        """Return the month, quarter and year of an instant."""
        return periods(self.day(time), self.config)


def world(events: Iterable[dict[str, Any]], config: Config) -> World:
    """Return the world of wire events."""
    return World(settle(events), config)


def span(kind: str, period: str, config: Config) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of a period (`ttm`: the twelve months that end with the one that it is labelled by).

    >>> from nisba.config import Reporting
    >>> april = Config(reporting=Reporting(fiscal_year_start_month=4))
    >>> [f"{day}" for day in (*span("quarter", "2026-Q4", april), *span("year", "2026", april), *span("ttm", "2026-02", april))]
    ['2026-01-01', '2026-03-31', '2025-04-01', '2026-03-31', '2025-03-01', '2026-02-28']
    """
    year = int(period[:4])
    firsts = [dt.date(year - 1 + n // 12, n % 12 + 1, 1) for n in range(36)]
    if kind == "ttm":
        last = firsts.index(dt.date(year, int(period[5:]), 1))
        return firsts[last - 11], firsts[last + 1] - dt.timedelta(days=1)
    inside = [i for i, first in enumerate(firsts) if (kind, period) in periods(first, config)]
    return firsts[inside[0]], firsts[inside[-1] + 1] - dt.timedelta(days=1)


def begins_at(kind: str, period: str, config: Config) -> int:
    """Return the first instant of a period."""
    return end_of_day(span(kind, period, config)[0] - dt.timedelta(days=1), zone_of(config)) + 1


def ends_at(kind: str, period: str, config: Config) -> int:
    """Return the last microsecond of a period."""
    return end_of_day(span(kind, period, config)[1], zone_of(config))


def ttm(months: Iterable[str]) -> dict[str, list[str]]:
    """Return the twelve months of each `ttm` period of a table whose rows are of these months.

    >>> {label: (of[0], len(of)) for label, of in ttm(["2025-01", "2026-01"]).items()}
    {'2025-12': ('2025-01', 12), '2026-01': ('2025-02', 12)}
    """
    numbers = [int(month[:4]) * 12 + int(month[5:]) - 1 for month in months]
    if not numbers:
        return {}
    return {_month(last): [_month(n) for n in range(last - 11, last + 1)] for last in range(min(numbers) + 11, max(numbers) + 1)}


def _month(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"


def ratio(part: Any, whole: Any) -> Fraction | None:
    """Return a quotient; None where there is nothing to divide by."""
    return Fraction(part) / Fraction(whole) if whole else None


def wilson(part: int, whole: int) -> tuple[float | None, float | None]:
    """Return the Wilson 95 % interval of a share; nothing is said of no cases.

    >>> [f"{end:.4f}" for end in wilson(7, 20)], wilson(0, 0)
    (['0.1812', '0.5671'], (None, None))
    """
    if whole == 0:
        return None, None
    with decimal.localcontext() as context:
        context.prec = 60
        n, share = Decimal(whole), Decimal(part) / Decimal(whole)
        middle = share + Z * Z / (2 * n)
        reach = Z * (share * (1 - share) / n + Z * Z / (4 * n * n)).sqrt()
        whole_width = 1 + Z * Z / n
        return float((middle - reach) / whole_width), float((middle + reach) / whole_width)


def quantile(values: Sequence[Any], q: str) -> Fraction | None:
    """Return a quantile between the two values around it, in proportion.

    >>> quantile([4, 1, 2], "0.5"), quantile([0, 10], "0.9"), quantile([], "0.5")
    (Fraction(2, 1), Fraction(9, 1), None)
    """
    if not values:
        return None
    ordered = sorted(Fraction(value) for value in values)
    place = (len(ordered) - 1) * Fraction(q)
    below = place.numerator // place.denominator
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
