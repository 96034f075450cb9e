"""The rule models: shares of milestones and of the rest (semantics: "Models").

An id means one thing for ever: a changed rule is a new id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from types import MappingProxyType
from typing import Any

from nisba.attribution.books import DEFAULT_JOURNEY
from nisba.attribution.dates import DAY_US
from nisba.attribution.labels import folded, normalised
from nisba.attribution.referrers import host
from nisba.config import Attribution, Config, CustomModel

__all__ = ["RULE_MODELS", "Factor", "JourneySpec", "Model", "default_journey", "journey_specs", "selected_models"]

_MINUTE_US = 60_000_000


@dataclass(frozen=True)
class JourneySpec:
    """What makes a journey: which touches are eligible, and when several count as one (semantics: "Journeys").

    Two that are equal make the same journeys: labels are folded, hosts are as `referrers.host` has them, and no order counts.
    """

    mapping: str
    excluded_kinds: frozenset[str]
    teams: frozenset[str]
    lookback_us: int
    anchor: str
    session_gap_us: int
    """0: no touches count as one."""
    excluded_channels: frozenset[str] = frozenset()
    excluded_referrers: frozenset[str] = frozenset()
    """Hosts; those below them are meant too."""
    collapse_by: frozenset[str] = frozenset({"campaign_id", "channel", "kind"})
    """What touches of one actor must be equal in to count as one."""


@dataclass(frozen=True)
class Factor:
    """Multiply the weights of touches of a channel, a kind, or both together."""

    factor: Fraction
    channel: str | None
    kind: str | None

    def matches(self, channel: str, kind: str) -> bool:
        """Tell whether a touch of this channel and kind is meant; case does not matter."""
        return _is_meant(self.channel, channel) and _is_meant(self.kind, kind)


def _is_meant(named: str | None, label: str) -> bool:
    return named is None or folded(named) == folded(label)


@dataclass(frozen=True)
class Model:
    """A rule model. Shares are integers in lowest terms; only their proportion counts."""

    id: str
    milestones: tuple[int, int, int, int]
    """Shares of FT, LC, OC and CW."""
    rest: int
    half_life_days: float | None = None
    factors: tuple[Factor, ...] = ()
    skips: frozenset[str] = frozenset()
    """Channels, folded: CW is taken among touches of other ones; where there are none, it is the plain last touch."""
    journey: str = DEFAULT_JOURNEY


def _model(
    model_id: str,
    ft: str = "0",
    lc: str = "0",
    oc: str = "0",
    cw: str = "0",
    rest: str = "0",
    half_life_days: float | None = None,
    skips: frozenset[str] = frozenset(),
) -> Model:
    shares = _in_lowest_terms([Decimal(share) for share in (ft, lc, oc, cw, rest)])
    return Model(model_id, (shares[0], shares[1], shares[2], shares[3]), shares[4], half_life_days, (), skips)


def _in_lowest_terms(shares: list[Decimal]) -> list[int]:
    """Return integers in the same proportion: 22.5, 22.5, 22.5, 22.5, 10 → 9, 9, 9, 9, 4."""
    fractions = [Fraction(share) for share in shares]
    scale = lcm(*(share.denominator for share in fractions))
    whole = [int(share * scale) for share in fractions]
    return [share // gcd(*whole) for share in whole]


RULE_MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.id: model
        for model in (
            _model("first_touch", ft="100"),
            _model("last_touch", cw="100"),
            _model("last_non_direct", cw="100", skips=frozenset({"direct"})),
            _model("lead_creation", lc="100"),
            _model("opportunity_creation", oc="100"),
            _model("linear", rest="100"),
            _model("position_40_20_40", ft="40", cw="40", rest="20"),
            _model("u_50_50", ft="50", lc="50"),
            _model("u_40_40_20", ft="40", lc="40", rest="20"),
            _model("w_30_30_30_10", ft="30", lc="30", oc="30", rest="10"),
            _model("full_path_22_10", ft="22.5", lc="22.5", oc="22.5", cw="22.5", rest="10"),
            _model("j_20_20_60", ft="20", cw="60", rest="20"),
            _model("inverse_j_60_20_20", ft="60", cw="20", rest="20"),
            _model("time_decay_90d", rest="100", half_life_days=90.0),
            _model("time_decay_7d", rest="100", half_life_days=7.0),
        )
    }
)
"""The built-in models by id."""


def default_journey(config: Config) -> JourneySpec:
    """Return the journey of `[attribution]`: that of `core.journey` and of every built-in model."""
    return _spec(config.attribution, None)


def _spec(base: Attribution, model: CustomModel | None) -> JourneySpec:
    def value(name: str) -> Any:
        own = getattr(model, name) if model is not None else None
        return getattr(base, name) if own is None else own

    return JourneySpec(
        mapping=str(value("mapping")),
        excluded_kinds=_folded("kind", value("excluded_kinds")),
        teams=frozenset(value("teams")),
        lookback_us=int(value("lookback_days")) * DAY_US,
        anchor=str(value("anchor")),
        session_gap_us=int(value("session_gap_minutes")) * _MINUTE_US,
        excluded_channels=_folded("channel", value("excluded_channels")),
        excluded_referrers=frozenset(map(host, value("excluded_referrers"))),
        collapse_by=frozenset(value("collapse_by")),
    )


def _folded(field: str, labels: Iterable[str]) -> frozenset[str]:
    """Return labels of the configuration as those of touches are compared with them."""
    return frozenset(folded(normalised(label, field)) for label in labels)


def journey_specs(config: Config) -> dict[str, JourneySpec]:
    """Return the journeys by name: `default`, and one for each custom model whose values differ from it."""
    default = default_journey(config)
    specs = {DEFAULT_JOURNEY: default}
    for model in config.model:
        spec = _spec(config.attribution, model)
        if spec != default:
            specs[model.id] = spec
    return specs


def selected_models(config: Config) -> tuple[Model, ...]:
    """Return the models to compute: the configured ones, the default model and every custom model, each once."""
    journeys = journey_specs(config)
    customs = {custom.id: _custom(custom, custom.id if custom.id in journeys else DEFAULT_JOURNEY) for custom in config.model}
    skips = _folded("channel", config.attribution.direct_channels)
    built_in = {id_: replace(model, skips=skips) if model.skips else model for id_, model in RULE_MODELS.items()}
    known = {**built_in, **customs}
    wanted = [*config.attribution.models, config.attribution.default_model, *customs]
    return tuple(known[model_id] for model_id in dict.fromkeys(wanted) if model_id)


def _custom(model: CustomModel, journey: str) -> Model:
    shares = [model.first_touch, model.lead_creation, model.opportunity_creation, model.closed_won, model.rest]
    ft, lc, oc, cw, rest = _in_lowest_terms(shares)
    factors = tuple(Factor(Fraction(m.factor), _label("channel", m.channel), _label("kind", m.kind)) for m in model.multipliers)
    half_life = None if model.half_life_days is None else float(model.half_life_days)
    return Model(model.id, (ft, lc, oc, cw), rest, half_life, factors, journey=journey)


def _label(field: str, label: str | None) -> str | None:
    return None if label is None else normalised(label, field)
