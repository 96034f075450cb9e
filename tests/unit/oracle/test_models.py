"""Weights as exact fractions (semantics §5): every model on journeys that can be worked out on paper."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.config import BUILT_IN_MODELS, Attribution, Config, CustomModel, Multiplier
from tests.oracle.journeys import Journey
from tests.oracle.models import MODELS, Model, models, weights
from tests.oracle.settled import Event

DAY = 86_400_000_000


def touch(day: float, channel: str = "paid", kind: str = "click") -> Event:
    return Event("touch", "web", f"t{day}", round(day * DAY), {"channel": channel, "kind": kind})


def journey_of(*touches: Event | float, **milestones: int) -> Journey:
    """Return a journey; milestones that are not named are dropped, but FT and CW are always there."""
    made = [each if isinstance(each, Event) else touch(each) for each in touches]
    held = {"FT": 0, **milestones, "CW": len(made) - 1}
    return Journey(made, held, None)


def of(model: str, journey: Journey) -> list[Fraction]:
    return weights(MODELS[model], journey)


def per_cent(*numbers: float | str) -> list[Fraction]:
    return [Fraction(str(number)) / 100 for number in numbers]


FOUR = journey_of(1, 2, 3, 4, LC=1, OC=2)

ON_FOUR = {
    "first_touch": per_cent(100, 0, 0, 0),
    "last_touch": per_cent(0, 0, 0, 100),
    "last_non_direct": per_cent(0, 0, 0, 100),
    "lead_creation": per_cent(0, 100, 0, 0),
    "opportunity_creation": per_cent(0, 0, 100, 0),
    "linear": per_cent(25, 25, 25, 25),
    "position_40_20_40": per_cent(40, 10, 10, 40),
    "u_50_50": per_cent(50, 50, 0, 0),
    "u_40_40_20": per_cent(40, 40, 10, 10),
    "w_30_30_30_10": per_cent(30, 30, 30, 10),
    "full_path_22_10": per_cent(25, 25, 25, 25),
    "j_20_20_60": per_cent(20, 10, 10, 60),
    "inverse_j_60_20_20": per_cent(60, 10, 10, 20),
}
"""FT, LC, OC and CW on a touch each; the full path has no touch left for its rest, so its milestones are scaled up."""


@pytest.mark.parametrize("model", ON_FOUR)
def test_four_touches_that_hold_a_milestone_each(model: str) -> None:
    assert of(model, FOUR) == ON_FOUR[model]


ON_SIX = {
    "u_40_40_20": per_cent(40, 5, 40, 5, 5, 5),
    "w_30_30_30_10": [*per_cent(30), Fraction(1, 30), *per_cent(30, 30), Fraction(1, 30), Fraction(1, 30)],
    "full_path_22_10": per_cent("22.5", 5, "22.5", "22.5", 5, "22.5"),
    "position_40_20_40": per_cent(40, 5, 5, 5, 5, 40),
    "linear": [Fraction(1, 6)] * 6,
}


@pytest.mark.parametrize("model", ON_SIX)
def test_the_rest_goes_to_those_without_a_milestone_of_the_model(model: str) -> None:
    """FT, –, LC, OC, –, CW: the touch of CW is without one for models that give CW nothing."""
    assert of(model, journey_of(1, 2, 3, 4, 5, 6, LC=2, OC=3)) == ON_SIX[model]


@pytest.mark.parametrize(
    ("model", "journey", "expected"),
    [
        ("w_30_30_30_10", journey_of(1, LC=0, OC=0), per_cent(100)),
        ("w_30_30_30_10", journey_of(1, 2, 3, LC=0, OC=0), per_cent(90, 5, 5)),
        ("full_path_22_10", journey_of(1, 2, LC=0, OC=1), per_cent(50, 50)),
        ("u_50_50", journey_of(1, 2, LC=0), per_cent(100, 0)),
        ("j_20_20_60", journey_of(1, 2), per_cent(25, 75)),
        ("inverse_j_60_20_20", journey_of(1, 2), per_cent(75, 25)),
        ("position_40_20_40", journey_of(1, 2), per_cent(50, 50)),
        ("position_40_20_40", journey_of(1), per_cent(100)),
    ],
)
def test_one_touch_may_hold_several(model: str, journey: Journey, expected: list[Fraction]) -> None:
    assert of(model, journey) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("lead_creation", per_cent(100, 0, 0)),
        ("opportunity_creation", per_cent(100, 0, 0)),
        ("u_50_50", per_cent(100, 0, 0)),
        ("u_40_40_20", [Fraction(40, 60), Fraction(10, 60), Fraction(10, 60)]),
        ("w_30_30_30_10", [Fraction(30, 40), Fraction(5, 40), Fraction(5, 40)]),
        ("full_path_22_10", [Fraction(225, 550), Fraction(100, 550), Fraction(225, 550)]),
    ],
)
def test_dropped_milestones_are_shared_out_in_proportion(model: str, expected: list[Fraction]) -> None:
    """Neither lead creation nor opening had a touch before it; nothing left is 100 to the first touch."""
    assert of(model, journey_of(1, 2, 3)) == expected


@pytest.mark.parametrize(
    ("channels", "holder"),
    [
        (["paid", "event", "direct", "direct"], 1),
        (["paid", "direct", "event"], 2),
        (["direct", "direct", "direct"], 2),
        (["paid", "direct"], 0),
        (["direct"], 0),
    ],
)
def test_last_non_direct(channels: list[str], holder: int) -> None:
    found = of("last_non_direct", journey_of(*(touch(day, channel) for day, channel in enumerate(channels))))
    assert found == [Fraction(int(i == holder)) for i in range(len(channels))]


def test_a_half_life_halves() -> None:
    """7, 14 and 21 days before the last touch: a half, a quarter, an eighth."""
    assert of("time_decay_7d", journey_of(0, 7, 14, 21)) == [Fraction(part, 15) for part in (1, 2, 4, 8)]


def test_the_golden_time_decay() -> None:
    """Days 9, 6, 0, 0 before the close; integers of 10^12 parts, so that everybody agrees to the last minor unit."""
    parts = [round(10**12 * 2 ** (-days / 7)) for days in (9, 6, 0, 0)]
    assert of("time_decay_7d", journey_of(0, 3, 9, 9)) == [Fraction(part, sum(parts)) for part in parts]
    assert [round(float(share) * 50, 2) for share in of("time_decay_7d", journey_of(0, 3, 9, 9))] == [6.92, 9.32, 16.88, 16.88]


def test_what_is_too_old_for_the_integers_weighs_nothing() -> None:
    old = 7 * (log2(10**12) + 2)
    assert of("time_decay_7d", journey_of(0, old)) == [0, 1]


def test_a_custom_rest_that_has_all_decayed_goes_to_the_milestones() -> None:
    own = CustomModel(id="own", closed_won=Decimal(20), rest=Decimal(80), half_life_days=Decimal("0.001"))
    (model,) = models(Config(attribution=Attribution(models=(), default_model=""), model=(own,)))
    assert weights(model, journey_of(0, 100)) == [0, 1]


@pytest.mark.parametrize(
    ("multipliers", "expected"),
    [
        ([], [Fraction(1, 3)] * 3),
        ([("event", None, "2")], [Fraction(1, 4), Fraction(2, 4), Fraction(1, 4)]),
        ([(None, "form", "2")], [Fraction(1, 4), Fraction(1, 4), Fraction(2, 4)]),
        ([("event", "form", "2")], [Fraction(1, 3)] * 3),
        ([("paid", None, "3"), (None, "click", "2")], [Fraction(6, 11), Fraction(2, 11), Fraction(3, 11)]),
        ([("event", None, "0.1")], [Fraction(10, 21), Fraction(1, 21), Fraction(10, 21)]),
    ],
    ids=["none", "a channel", "a kind", "both at once match nothing", "all that match apply", "a decimal is exact"],
)
def test_multipliers(multipliers: list[tuple[str | None, str | None, str]], expected: list[Fraction]) -> None:
    own = CustomModel(
        id="own",
        rest=Decimal(100),
        multipliers=tuple(Multiplier(factor=Decimal(factor), channel=channel, kind=kind) for channel, kind, factor in multipliers),
    )
    (model,) = models(Config(attribution=Attribution(models=(), default_model=""), model=(own,)))
    assert weights(model, journey_of(touch(1), touch(2, "event"), touch(3, "paid", "form"))) == expected


def test_numbers_of_the_configuration_are_decimals() -> None:
    own = CustomModel(id="own", first_touch=Decimal("33.3"), closed_won=Decimal("33.3"), rest=Decimal("33.4"))
    (model,) = models(Config(attribution=Attribution(models=(), default_model=""), model=(own,)))
    assert weights(model, journey_of(1, 2, 3)) == [Fraction(333, 1000), Fraction(334, 1000), Fraction(333, 1000)]


def test_which_models_are_computed() -> None:
    """Those that are named and the default one, once each; every custom one, on its own journey where it has one."""
    own = (CustomModel(id="same", rest=Decimal(100)), CustomModel(id="wider", rest=Decimal(100), lookback_days=365))
    found = models(Config(attribution=Attribution(models=("linear", "j_20_20_60"), default_model="linear"), model=own))
    assert [(model.id, model.journey) for model in found] == [
        ("linear", "default"),
        ("j_20_20_60", "default"),
        ("same", "default"),
        ("wider", "wider"),
    ]
    assert set(MODELS) == set(BUILT_IN_MODELS)


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_shares_are_a_hundred(model: Model) -> None:
    assert sum(model.shares.values()) + model.rest == 100


@given(
    st.sampled_from(sorted(MODELS)),
    st.lists(st.tuples(st.floats(0, 400), st.sampled_from(["paid", "direct"])), min_size=1, max_size=8).map(sorted),
    st.data(),
)
def test_weights_are_a_whole_and_never_negative(model: str, touches: list[tuple[float, str]], data: st.DataObject) -> None:
    places = st.integers(0, len(touches) - 1)
    held = {name: data.draw(places) for name in ("LC", "OC") if data.draw(st.booleans())}
    found = of(model, journey_of(*(touch(day, channel) for day, channel in touches), **held))
    assert sum(found) == 1
    assert min(found) >= 0


def test_the_direct_channels_are_a_setting() -> None:
    attribution = Attribution(models=("last_non_direct",), default_model="last_non_direct", direct_channels=("DIRECT", "typed  in"))
    (model,) = models(Config(attribution=attribution))
    touches = [touch(1, "email"), touch(2, "direct"), touch(3, "typed in")]
    assert weights(model, journey_of(*touches)) == per_cent(100, 0, 0)
    assert weights(model, journey_of(*touches[1:])) == per_cent(0, 100), "all are direct: plain last touch"


def test_a_multiplier_meets_its_label_in_any_case() -> None:
    own = CustomModel(id="own", rest=Decimal(100), multipliers=(Multiplier(factor=Decimal(3), channel=" EVENT", kind="Click"),))
    (model,) = [model for model in models(Config(model=(own,))) if model.id == "own"]
    assert weights(model, journey_of(touch(1, "event"), touch(2, "event", "form"))) == per_cent(75, 25)
