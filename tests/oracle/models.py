"""The weights of a journey (semantics §5), as exact fractions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from nisba.config import Attribution, Config, CustomModel
from tests.oracle.journeys import Journey, Spec
from tests.oracle.labels import is_among
from tests.oracle.settled import Event

__all__ = ["MODELS", "Model", "models", "weights"]

MILESTONES = ("FT", "LC", "OC", "CW")


@dataclass(frozen=True)
class Model:
    """Shares of the milestones and of the rest, out of 100."""

    id: str
    shares: dict[str, Fraction]
    rest: Fraction = Fraction(0)
    half_life_days: float | None = None
    direct: tuple[str, ...] | None = None  # the channels that CW passes over
    multipliers: tuple[tuple[str | None, str | None, Fraction], ...] = ()
    journey: str = "default"
    spec: Spec | None = field(default=None, compare=False)


def _rule(id_: str, ft: str = "0", lc: str = "0", oc: str = "0", cw: str = "0", rest: str = "0", **more: Any) -> Model:
    shares = dict(zip(MILESTONES, map(Fraction, (ft, lc, oc, cw)), strict=True))
    return Model(id_, shares, Fraction(rest), **more)


MODELS = {
    model.id: model
    for model in (
        _rule("first_touch", ft="100"),
        _rule("last_touch", cw="100"),
        _rule("last_non_direct", cw="100", direct=("direct",)),
        _rule("lead_creation", lc="100"),
        _rule("opportunity_creation", oc="100"),
        _rule("linear", rest="100"),
        _rule("position_40_20_40", ft="40", cw="40", rest="20"),
        _rule("u_50_50", ft="50", lc="50"),
        _rule("u_40_40_20", ft="40", lc="40", rest="20"),
        _rule("w_30_30_30_10", ft="30", lc="30", oc="30", rest="10"),
        _rule("full_path_22_10", ft="22.5", lc="22.5", oc="22.5", cw="22.5", rest="10"),
        _rule("j_20_20_60", ft="20", cw="60", rest="20"),
        _rule("inverse_j_60_20_20", ft="60", cw="20", rest="20"),
        _rule("time_decay_90d", rest="100", half_life_days=90.0),
        _rule("time_decay_7d", rest="100", half_life_days=7.0),
    )
}


def models(config: Config) -> list[Model]:
    """Return the models that a configuration asks for: the named ones, the default one, and every custom one."""
    named = [*config.attribution.models, config.attribution.default_model]
    built_in = [MODELS[id_] for id_ in dict.fromkeys(named) if id_ in MODELS]
    direct = config.attribution.direct_channels
    built_in = [model if model.direct is None else replace(model, direct=direct) for model in built_in]
    return [*built_in, *(_custom(model, config.attribution) for model in config.model)]


def _custom(custom: CustomModel, base: Attribution) -> Model:
    own, default = Spec.of(base, custom), Spec.of(base)
    return _rule(
        custom.id,
        *(str(share) for share in (custom.first_touch, custom.lead_creation, custom.opportunity_creation, custom.closed_won, custom.rest)),
        half_life_days=None if custom.half_life_days is None else float(custom.half_life_days),
        multipliers=tuple((m.channel, m.kind, Fraction(m.factor)) for m in custom.multipliers),
        journey="default" if own == default else custom.id,
        spec=own,
    )


def weights(model: Model, journey: Journey) -> list[Fraction]:
    """Return the weights of a journey's touches, in journey order; they sum to 1."""
    touches = journey.touches
    holders = dict(journey.milestones)
    if model.direct is not None:
        not_direct = [i for i, touch in enumerate(touches) if not is_among(touch.get("channel"), model.direct, "channel")]
        holders["CW"] = not_direct[-1] if not_direct else len(touches) - 1
    # 1. dropped milestones lose their share, the others are scaled up
    shares = {name: share for name, share in model.shares.items() if share > 0 and name in holders}
    rest = model.rest
    if sum(shares.values()) + rest == 0:
        shares = {"FT": Fraction(100)}
    whole = sum(shares.values()) + rest
    # 2. each milestone's share goes to its touch
    result = [Fraction(0)] * len(touches)
    for name, share in shares.items():
        result[holders[name]] += share / whole
    # 3. the rest goes to the touches without a milestone of this model
    others = [i for i in range(len(touches)) if i not in {holders[name] for name in shares}]
    proportions = {i: _decay(model, journey, i) for i in others}
    if rest > 0 and sum(proportions.values()) > 0:
        for i in others:
            result[i] += rest / whole * Fraction(proportions[i], sum(proportions.values()))
    # 4. multipliers
    for i, touch in enumerate(touches):
        for channel, kind, factor in model.multipliers:
            if _matches(touch, "channel", channel) and _matches(touch, "kind", kind):
                result[i] *= factor
    total = sum(result)  # below 1 where the rest found nobody (3), other than 1 after multipliers (4)
    return [weight / total for weight in result]


def _matches(touch: Event, field: str, name: str | None) -> bool:
    return name is None or is_among(touch.get(field), [name], field)


def _decay(model: Model, journey: Journey, i: int) -> int:
    if model.half_life_days is None:
        return 1
    microseconds: int = journey.touches[-1].time - journey.touches[i].time
    left: float = 2.0 ** (-(microseconds / 86_400_000_000) / model.half_life_days)
    return round(1e12 * left)
