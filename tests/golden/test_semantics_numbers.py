"""Every golden number of semantics §10, from wire events: by the product, and by the oracle that judges it elsewhere."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from nisba.attribution import apportionment, fold
from nisba.config import Attribution, Config, Reporting
from tests import oracle
from tests.golden.cases import BOOKS, CASES, COSTS, LATE_SHARES, MONTHS_OF_COST, RANGED_COST, BooksCase, Case, CostCase, state, touches
from tests.oracle import Rows
from tests.oracle.compare import rows_of
from tests.oracle.costs import spread
from tests.oracle.money import split
from tests.strategies import Event, event, facts_of

Keeper = Callable[[list[Event], Config], Rows]


def product(events: list[Event], config: Config) -> Rows:
    return rows_of(fold(facts_of(events), config).tables())


@pytest.fixture(params=[product, oracle.fold], ids=["product", "oracle"])
def keeper(request: pytest.FixtureRequest) -> Keeper:
    """Who keeps the books."""
    found: Keeper = request.param
    return found


def config_of(currency: str) -> Config:
    return Config(reporting=Reporting(currency=currency), attribution=Attribution(default_model="w_30_30_30_10"))


def credits_of(rows: Rows, model: str, column: str) -> list[list[Decimal]]:
    """Return the credits of a model: one list per entry, in journey order."""
    by_entry: dict[int, list[tuple[int, Decimal]]] = defaultdict(list)
    for line in rows["credit_line"]:
        if line["model"] == model:
            by_entry[line["entry_no"]].append((line["ordinal"], line[column]))
    return [[amount for _, amount in sorted(by_entry[number])] for number in sorted(by_entry)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_credits(keeper: Keeper, case: Case) -> None:
    """The sources are named by the cases."""
    rows = keeper(list(case.events), config_of(case.currency))
    expected = [[Decimal(amount) for amount in entry] for entry in case.credits]
    assert credits_of(rows, case.model, "revenue") == expected
    assert credits_of(rows, case.model, "revenue_reporting") == expected
    assert [entry["amount"] for entry in rows["entry"]] == [sum(amounts) for amounts in expected]


def test_a_lost_deal_keeps_its_journey_without_revenue(keeper: Keeper) -> None:
    """A lost path is no revenue, but it stays for models that learn from losses (semantics §3)."""
    rows = keeper([*touches(9, 6), state("lost", "100.00")], config_of("USD"))
    assert {row["ordinal"]: row["position"] for row in rows["journey_touch"]} == {1: "FT", 2: "CW"}
    assert rows["entry"] == rows["credit_line"] == []


@pytest.mark.parametrize("model", LATE_SHARES)
def test_share_of_the_last_quarter_of_a_long_cycle(keeper: Keeper, model: str) -> None:
    """39 % with a half-life of 90 days, 98.8 % with one of 7: the closed form of evenly spread touches."""
    days = [day - 0.5 for day in range(180, 0, -1)]
    rows = keeper([*touches(*days), state("won", "100.00", opened=179)], config_of("USD"))
    late = [line["weight"] for line in rows["credit_line"] if line["model"] == model and line["ordinal"] > 135]
    half_life = float(model.removeprefix("time_decay_").removesuffix("d"))
    assert len(late) == 45
    assert f"{sum(late):.4f}" == f"{(1 - 2 ** (-45 / half_life)) / (1 - 2 ** (-180 / half_life)):.4f}" == LATE_SHARES[model]


def test_a_ranged_cost_adds_up_over_its_months(keeper: Keeper) -> None:
    """18,000.00 over 31, 31, 30 and 17 days: months rounded one by one give the 18,000.01 that a vendor's help page prints."""
    rows = keeper([event("spend", "ads", "s", "2026-10-18T00:00:00Z", RANGED_COST)], config_of("USD"))
    months: dict[int, Decimal] = defaultdict(Decimal)
    for row in rows["cost_daily"]:
        months[row["day"].month] += row["cost_reporting"]
    assert months == {month: Decimal(amount) for month, amount in MONTHS_OF_COST.items()}
    assert sum(months.values()) == 18_000
    assert sum(round(Decimal(18_000 * days) / 109, 2) for days in (31, 31, 30, 17)) == Decimal("18000.01")


@pytest.mark.parametrize("case", BOOKS, ids=lambda case: case.id)
def test_entries(keeper: Keeper, case: BooksCase) -> None:
    rows = keeper([*touches(40), *case.events], config_of("USD"))
    entries = sorted(rows["entry"], key=lambda entry: entry["entry_no"])
    expected = [(entry, Decimal(amount)) for entry, amount in case.entries]
    assert [(entry["entry"], entry["amount_reporting"]) for entry in entries] == expected
    assert credits_of(rows, "linear", "revenue_reporting") == [[amount] for _, amount in expected]
    held = [(id_, reason, Decimal(amount)) for id_, reason, amount in case.held]
    assert [(row["id"], row["reason"], row["amount"]) for row in rows["held"]] == held


@pytest.mark.parametrize("case", COSTS, ids=lambda case: case.id)
def test_costs(keeper: Keeper, case: CostCase) -> None:
    rows = keeper(list(case.events), config_of("EUR"))
    assert sorted((row["day"].day, row["cost_reporting"]) for row in rows["cost_daily"]) == [
        (day, Decimal(cost)) for day, cost in case.costs
    ]


@pytest.mark.parametrize("ids", [("evt_9", "evt_1"), ("evt_1", "evt_9")])
def test_of_two_states_of_one_second_the_further_one_is_current(keeper: Keeper, ids: tuple[str, str]) -> None:
    """Open and won in one second: won, whatever the ids. A deletion that has the time of the state before it deletes."""
    opened, won = ({**state(status, "100.00"), "id": id_} for status, id_ in zip(("open", "won"), ids, strict=True))
    (found,) = keeper([opened, won], config_of("USD"))["deal"]
    assert found["status"] == "won"
    removed = {**state("won", "100.00", deleted=True), "id": "evt_0"}
    assert keeper([opened, won, removed], config_of("USD"))["deal"] == []


def test_an_imported_deal_is_dated_by_its_close(keeper: Keeper) -> None:
    """Created on 2024-01-22, closed on 2023-06-01: the touch thirty days before the close holds every milestone."""
    data = {"account_id": "a", "channel": "paid", "kind": "click", "team": "marketing"}
    clicked = event("touch", "web", "t", "2023-05-02T00:00:00Z", data)
    dates: dict[str, Any] = {"opened_at": "2024-01-22T00:00:00Z", "closed_at": "2023-06-01T00:00:00Z"}
    rows = keeper([clicked, state("won", "100.00", **dates)], config_of("USD"))
    assert [(row["touch_id"], row["position"]) for row in rows["journey_touch"]] == [("t", "FT+LC+OC+CW")]
    assert {line["revenue"] for line in rows["credit_line"]} == {100}
    assert [row["opened_at"] for row in rows["deal"]] == [dt.datetime(2024, 1, 22, tzinfo=dt.timezone.utc)], "as the state says"


def _split(total: int, weights: list[Fraction]) -> list[int]:
    return apportionment.split(total, [int(weight * 60) for weight in weights])


@pytest.mark.parametrize("method", [_split, split], ids=["product", "oracle"])
@pytest.mark.parametrize(
    ("total", "expected"), [(10_000, [3334, 3333, 3333]), (1000, [334, 333, 333]), (2, [1, 1, 0]), (1, [1, 0, 0]), (0, [0, 0, 0])]
)
def test_thirds(method: Any, total: int, expected: list[int]) -> None:
    """Largest remainder, ties to the earlier touch (semantics §6)."""
    assert method(total, [Fraction(1, 3)] * 3) == expected


def _spread(total: int, days: int) -> list[int]:
    return [int(share) for share in apportionment.split_evenly(np.array([total]), np.array([days]))]


@pytest.mark.parametrize("method", [_spread, spread], ids=["product", "oracle"])
def test_negative_spend_is_spread_as_the_negative_of_its_absolute_value(method: Any) -> None:
    """A platform's credit note of 0.10 over three days (semantics §9)."""
    assert method(-10, 3) == [-4, -3, -3]
    assert method(10, 3) == [4, 3, 3]
