"""Where rules coincide, weights agree with those of the package marketing-attribution-models; where they differ, an example says how."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import mam.models.heuristics as peer
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution import fold
from nisba.config import Attribution, Config, CustomModel
from tests.oracle.compare import rows_of
from tests.strategies import event, facts_of

DAYS = 30
RULES = {
    "first_touch": peer.FirstClickModel,
    "last_touch": peer.LastClickModel,
    "linear": peer.LinearModel,
    "position_40_20_40": peer.PositionBasedModel,
    "time_decay_7d": peer.TimeDecayModel,
}
TEN_MINUTES = CustomModel(id="time_decay_10_minutes", rest=Decimal(100), half_life_days=Decimal(1) / 144)


def _ours(days: Sequence[int], ids: Sequence[str] = (), *models: CustomModel) -> dict[str, dict[str | None, float]]:
    """Return the weight of each channel by model; the touches of 100 dollars have a channel each, named as the touch (`t<day>`)."""
    data = {"account_id": "a", "kind": "click", "team": "sales"}
    named = list(zip(ids or [f"t{day}" for day in days], days, strict=True))
    touches = [event("touch", "web", id_, f"2026-01-{day:02}T00:00:00Z", data | {"channel": id_}) for id_, day in named]
    data = {"deal_id": "d", "account_id": "a", "stage": "won", "status": "won", "amount": "100", "currency": "USD"}
    closed = {"opened_at": "2026-01-15T00:00:00Z", "closed_at": "2026-02-01T00:00:00Z"}
    deal = event("deal", "crm", "e", "2026-02-01T00:00:00Z", data | closed)
    rows = rows_of(fold(facts_of([*touches, deal]), Config(attribution=Attribution(default_model="linear"), model=models)).tables())
    channels = {row["ordinal"]: row["channel"] for row in rows["journey_touch"]}
    weights: dict[str, dict[str | None, float]] = {}
    for line in rows["credit_line"]:
        weights.setdefault(line["model"], {})[channels.get(line["ordinal"])] = float(line["weight"])
    return weights


def _theirs(model: Any, days: Sequence[int], ids: Sequence[str] = (), *, close: int | None = None) -> dict[str | None, float]:
    """Return the weight of each channel; hours count to the last touch, as the peer's own reading of sessions has it, or to a close."""
    hours = [24.0 * ((close or max(days)) - day) for day in days]
    journey = {"journey_id": ["d"], "channels": [list(ids) or [f"t{day}" for day in days]], "time_till_conv": [hours]}
    types = {"channels": polars.List(polars.String), "time_till_conv": polars.List(polars.Float64)}
    table = polars.DataFrame(journey | {"conversion_value": [1.0], "weight": [1.0]}, schema_overrides=types)
    return {row["channels"]: row["attribution"] for row in model.get_aggregated_results(table).to_dicts()}


@given(st.lists(st.integers(1, DAYS), min_size=1, max_size=8, unique=True).map(sorted))
def test_rules_in_common_agree(days: list[int]) -> None:
    ours = _ours(days)
    for model_id, model in RULES.items():
        assert ours[model_id] == pytest.approx(_theirs(model(), days), abs=1e-9), model_id


def test_where_the_clock_of_decay_starts_changes_nothing_until_powers_vanish() -> None:
    """The peer's weights may count from the conversion, ours count from the last touch: the quotients are the same.

    But 2^-x is zero as a float from x = 1,075 on. A half-life of ten minutes and touches ten days before the conversion make the
    peer divide zero by zero: its credits are not numbers. Counted from the last touch, the last touch never vanishes.
    """
    assert _theirs(peer.TimeDecayModel(), [1, 8], close=22) == pytest.approx({"t1": 1 / 3, "t8": 2 / 3})
    assert _ours([1, 8])["time_decay_7d"] == pytest.approx({"t1": 1 / 3, "t8": 2 / 3})
    theirs = _theirs(peer.TimeDecayModel(half_life_hours=1 / 6), [20, 21], close=32)
    assert [math.isnan(weight) for weight in theirs.values()] == [True, True]
    assert _ours([20, 21], (), TEN_MINUTES)[TEN_MINUTES.id] == {"t21": 1.0}


def test_a_deal_without_touches_keeps_its_revenue() -> None:
    """The peer's linear and position models lose the revenue of a journey without touches, and time decay fails.

    Its first and last click give it to the channel null. Here every model has one unattributed row of weight 1 (semantics §5).
    """
    empty = polars.DataFrame({"journey_id": ["d"], "channels": [[]], "time_till_conv": [[]], "conversion_value": [1.0], "weight": [1.0]})
    assert peer.LinearModel().get_aggregated_results(empty).to_dicts() == []
    assert peer.PositionBasedModel().get_aggregated_results(empty).to_dicts() == []
    assert peer.LastClickModel().get_aggregated_results(empty).to_dicts() == [{"channels": None, "attribution": 1.0}]
    with pytest.raises(ValueError, match="Time Decay"):
        peer.TimeDecayModel().get_aggregated_results(empty)
    weights = _ours([])
    assert len(weights) == 15
    assert all(by_channel == {None: 1.0} for by_channel in weights.values())


@pytest.mark.parametrize("ids", [("x", "y"), ("y", "x")])
def test_of_touches_at_one_instant_the_id_decides(ids: tuple[str, str]) -> None:
    """The peer credits whichever row stands first in its input, so that sorting a file anew moves revenue.

    Here touches are in order of (time, source, id), whatever the order of their arrival (semantics §4).
    """
    assert _theirs(peer.FirstClickModel(), [9, 9], ids) == {ids[0]: 1.0}
    ours = _ours([9, 9], ids)
    assert (ours["first_touch"], ours["last_touch"]) == ({"x": 1.0}, {"y": 1.0})
