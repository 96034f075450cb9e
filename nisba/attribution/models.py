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

import pyarrow as pa

from nisba.attribution.books import DEFAULT_JOURNEY
from nisba.attribution.dates import DAY_US
from nisba.attribution.labels import folded, normalised
from nisba.attribution.referrers import hosts
from nisba.config import Attribution, Config, CustomModel

__all__ = ["RULE_MODELS", "Factor", "JourneySpec", "Model", "default_journey", "journey_specs", "selected_models"]

_MINUTE_US = 60_000_000


@dataclass(frozen=True)
class JourneySpec:
    """What makes a journey: which touches are eligible, and when several count as one (semantics: "Journeys")."""

    mapping: str
    excluded_kinds: frozenset[str]
    """Folded, as all labels here."""
    excluded_channels: frozenset[str]
    excluded_referrers: frozenset[str]
    """Hosts."""
    teams: frozenset[str]
    lookback_us: int
    anchor: str
    session_gap_us: int
    collapse_by: tuple[str, ...]
    """What touches must have in common, besides their actor, to count as one."""


@dataclass(frozen=True)
class Factor:
    """Multiply the weights of touches of a channel, a kind, or both together."""

    factor: Fraction
    channel: str | None
    """Folded, as `kind`."""
    kind: str | None

    def matches(self, channel: str, kind: str) -> bool:
        """Tell whether a touch of this channel and kind is meant."""
        return self.channel in (None, folded(channel)) and self.kind in (None, folded(kind))


@dataclass(frozen=True)
class Model:
    """A rule model. Shares are integers in lowest terms; only their proportion counts."""

    id: str
    milestones: tuple[int, int, int, int]
    """Shares of FT, LC, OC and CW."""
    rest: int
    half_life_days: float | None = None
    factors: tuple[Factor, ...] = ()
    passed_over: frozenset[str] = frozenset()
    """CW is taken among touches whose channel is none of these (folded); if all are, the plain last touch."""
    journey: str = DEFAULT_JOURNEY


def _model(
    model_id: str,
    ft: str = "0",
    lc: str = "0",
    oc: str = "0",
    cw: str = "0",
    rest: str = "0",
    half_life_days: float | None = None,
    passed_over: frozenset[str] = frozenset(),
) -> Model:
    shares = _in_lowest_terms([Decimal(share) for share in (ft, lc, oc, cw, rest)])
    return Model(model_id, (shares[0], shares[1], shares[2], shares[3]), shares[4], half_life_days, (), passed_over)


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
            _model("last_non_direct", cw="100", passed_over=frozenset({"direct"})),
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
"""The built-in models by id; which channels `last_non_direct` passes over is configured."""


def default_journey(config: Config) -> JourneySpec:
    """Return the journey of `[attribution]`: that of `core.journey` and of every built-in model."""
    return _spec(config.attribution, None)


def _spec(base: Attribution, model: CustomModel | None) -> JourneySpec:
    def value(name: str) -> Any:
        own = getattr(model, name) if model is not None else None
        return getattr(base, name) if own is None else own

    return JourneySpec(
        mapping=value("mapping"),
        excluded_kinds=_labels(value("excluded_kinds"), "kind"),
        excluded_channels=_labels(value("excluded_channels"), "channel"),
        excluded_referrers=frozenset(hosts(pa.array(value("excluded_referrers"), pa.string())).to_pylist()),
        teams=frozenset(value("teams")),
        lookback_us=value("lookback_days") * DAY_US,
        anchor=value("anchor"),
        session_gap_us=value("session_gap_minutes") * _MINUTE_US,
        collapse_by=tuple(sorted(set(value("collapse_by")))),
    )


def _labels(labels: Iterable[str], field: str) -> frozenset[str]:
    """Return labels of the configuration as labels of facts are compared with them."""
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
    direct = _labels(config.attribution.direct_channels, "channel")
    built_in = {id_: replace(model, passed_over=direct) if model.passed_over else model for id_, model in RULE_MODELS.items()}
    known = {**built_in, **customs}
    wanted = [*config.attribution.models, config.attribution.default_model, *customs]
    return tuple(known[model_id] for model_id in dict.fromkeys(wanted) if model_id)


def _label(label: str | None, field: str) -> str | None:
    return None if label is None else folded(normalised(label, field))


def _custom(model: CustomModel, journey: str) -> Model:
    shares = [model.first_touch, model.lead_creation, model.opportunity_creation, model.closed_won, model.rest]
    ft, lc, oc, cw, rest = _in_lowest_terms(shares)
    factors = tuple(Factor(Fraction(m.factor), _label(m.channel, "channel"), _label(m.kind, "kind")) for m in model.multipliers)
    half_life = None if model.half_life_days is None else float(model.half_life_days)
    return Model(model.id, (ft, lc, oc, cw), rest, half_life, factors, journey=journey)
