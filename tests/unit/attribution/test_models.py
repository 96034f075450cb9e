"""Rule models: their shares, custom ones, their journeys, and what they say in words."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from fractions import Fraction
from math import gcd

import pytest

from nisba.attribution.books import DEFAULT_JOURNEY
from nisba.attribution.models import RULE_MODELS, Factor, Model, default_journey, journey_specs, selected_models
from nisba.attribution.wording import rule_in_words
from nisba.config import BUILT_IN_MODELS, Attribution, Config, CustomModel, Multiplier

PERCENT = {
    "first_touch": (100, 0, 0, 0, 0),
    "last_touch": (0, 0, 0, 100, 0),
    "last_non_direct": (0, 0, 0, 100, 0),
    "lead_creation": (0, 100, 0, 0, 0),
    "opportunity_creation": (0, 0, 100, 0, 0),
    "linear": (0, 0, 0, 0, 100),
    "position_40_20_40": (40, 0, 0, 40, 20),
    "u_50_50": (50, 50, 0, 0, 0),
    "u_40_40_20": (40, 40, 0, 0, 20),
    "w_30_30_30_10": (30, 30, 30, 0, 10),
    "full_path_22_10": (Fraction(45, 2), Fraction(45, 2), Fraction(45, 2), Fraction(45, 2), 10),
    "j_20_20_60": (20, 0, 0, 60, 20),
    "inverse_j_60_20_20": (60, 0, 0, 20, 20),
    "time_decay_90d": (0, 0, 0, 0, 100),
    "time_decay_7d": (0, 0, 0, 0, 100),
}
"""FT, LC, OC, CW and rest of every id, as semantics §5 has them: an id means one thing for ever."""


def shares(model: Model) -> tuple[int, ...]:
    return (*model.milestones, model.rest)


@pytest.mark.parametrize("model_id", RULE_MODELS)
def test_shares_are_those_of_the_table(model_id: str) -> None:
    found = shares(RULE_MODELS[model_id])
    assert [Fraction(100 * share, sum(found)) for share in found] == list(PERCENT[model_id])
    assert gcd(*found) == 1


def test_all_ids_are_known_to_the_configuration() -> None:
    assert tuple(RULE_MODELS) == tuple(PERCENT) == BUILT_IN_MODELS
    assert [model.id for model in RULE_MODELS.values()] == list(RULE_MODELS)


def test_what_else_sets_models_apart() -> None:
    assert {id_: model.half_life_days for id_, model in RULE_MODELS.items() if model.half_life_days} == {
        "time_decay_90d": 90.0,
        "time_decay_7d": 7.0,
    }
    assert {id_: model.passed_over for id_, model in RULE_MODELS.items() if model.passed_over} == {"last_non_direct": {"direct"}}
    assert all(model.factors == () and model.journey == DEFAULT_JOURNEY for model in RULE_MODELS.values())


def custom(**values: object) -> CustomModel:
    return CustomModel(**{"id": "own", "first_touch": Decimal(0), "rest": Decimal(100), **values})  # type: ignore[arg-type]


def config(*models: CustomModel, **attribution: object) -> Config:
    chosen = {"models": ("linear",), "default_model": "linear", **attribution}
    return Config(attribution=Attribution(**chosen), model=models)  # type: ignore[arg-type]


def test_a_custom_model_is_exact() -> None:
    """33.3 is 333/10, never a float."""
    model = custom(first_touch=Decimal("33.3"), rest=Decimal("66.7"), half_life_days=Decimal("7.25"))
    (_, own) = selected_models(config(model))
    assert (shares(own), own.half_life_days) == ((333, 0, 0, 0, 667), 7.25)


def test_models_are_selected_once_and_in_order() -> None:
    chosen = config(custom(), models=("first_touch", "linear"), default_model="first_touch")
    assert [model.id for model in selected_models(chosen)] == ["first_touch", "linear", "own"]
    other = config(custom(), models=("linear",), default_model="own")
    assert [model.id for model in selected_models(other)] == ["linear", "own"]


def test_units_of_a_journey() -> None:
    spec = default_journey(config(lookback_days=2, session_gap_minutes=3))
    assert (spec.lookback_us, spec.session_gap_us) == (2 * 86_400_000_000, 180_000_000)
    assert default_journey(config(lookback_days=0, session_gap_minutes=0)).lookback_us == 0


@pytest.mark.parametrize(
    ("values", "is_own"),
    [
        ({}, False),
        ({"lookback_days": 180}, False),
        ({"lookback_days": 0}, True),
        ({"session_gap_minutes": 0}, True),
        ({"mapping": "contacts"}, True),
        ({"anchor": "closed_at"}, True),
        ({"teams": ("sales",)}, True),
        ({"excluded_kinds": ()}, True),
        ({"excluded_kinds": ("impression",)}, False),
    ],
)
def test_only_other_values_make_a_journey_of_its_own(values: dict[str, object], is_own: bool) -> None:
    chosen = config(custom(**values), lookback_days=180)
    assert list(journey_specs(chosen)) == ([DEFAULT_JOURNEY, "own"] if is_own else [DEFAULT_JOURNEY])
    assert selected_models(chosen)[-1].journey == ("own" if is_own else DEFAULT_JOURNEY)


def test_a_journey_of_its_own_keeps_what_it_does_not_say() -> None:
    specs = journey_specs(config(custom(lookback_days=7), session_gap_minutes=5, teams=("sales",)))
    own, default = specs["own"], specs[DEFAULT_JOURNEY]
    assert (own.session_gap_us, own.teams, own.lookback_us) == (default.session_gap_us, default.teams, 7 * 86_400_000_000)


@pytest.mark.parametrize(
    ("factor", "matching"),
    [
        (Factor(Fraction(2), "event", None), {("event", "click"), ("event", "form")}),
        (Factor(Fraction(2), None, "form"), {("event", "form"), ("email", "form")}),
        (Factor(Fraction(2), "email", "click"), {("email", "click")}),
    ],
)
def test_factors_match_a_channel_a_kind_or_both(factor: Factor, matching: set[tuple[str, str]]) -> None:
    pairs = {(channel, kind) for channel in ("event", "email") for kind in ("click", "form")}
    assert {pair for pair in pairs if factor.matches(*pair)} == matching


def test_models_travel_between_processes() -> None:
    (_, own) = selected_models(config(custom(multipliers=(Multiplier(factor=Decimal("1.5"), channel="event"),))))
    assert pickle.loads(pickle.dumps(own)) == copy.deepcopy(own) == own
    assert own.factors == (Factor(Fraction(3, 2), "event", None),)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (RULE_MODELS["linear"], "all touches 100 % in equal parts"),
        (RULE_MODELS["last_non_direct"], "last touch 100 % (direct passed over)"),
        (RULE_MODELS["time_decay_7d"], "all touches 100 % halving every 7 days before the last touch"),
        (
            RULE_MODELS["full_path_22_10"],
            "first touch 22.5 %, lead creation 22.5 %, opportunity creation 22.5 %, last touch 22.5 %, other touches 10 % in equal parts",
        ),
        (
            Model("x", (1, 0, 0, 0), 2, 0.5, (Factor(Fraction(3, 2), "event", None), Factor(Fraction(1, 10), None, "form"))),
            "first touch 33.3333 %, other touches 66.6667 % halving every 0.5 days before the last touch, × 1.5 for event, × 0.1 for form",
        ),
    ],
)
def test_rules_in_words(model: Model, words: str) -> None:
    assert rule_in_words(model) == words
