"""Rules in words, for people who have to defend a number."""

from __future__ import annotations

from fractions import Fraction

from nisba.attribution.models import Model

__all__ = ["rule_in_words"]

_MILESTONES = ("first touch", "lead creation", "opportunity creation", "last touch")


def rule_in_words(model: Model) -> str:
    """Say what a model does in one line.

    >>> from nisba.attribution.models import RULE_MODELS
    >>> rule_in_words(RULE_MODELS["w_30_30_30_10"])
    'first touch 30 %, lead creation 30 %, opportunity creation 30 %, other touches 10 % in equal parts'
    """
    whole = sum(model.milestones) + model.rest
    parts = [
        f"{name} {_percent(share, whole)}" + (f" ({', '.join(sorted(model.passed_over))} passed over)" if model.passed_over else "")
        for name, share in zip(_MILESTONES, model.milestones, strict=True)
        if share
    ]
    if model.rest:
        how = "in equal parts" if model.half_life_days is None else f"halving every {model.half_life_days:g} days before the last touch"
        who = "other touches" if parts else "all touches"
        parts.append(f"{who} {_percent(model.rest, whole)} {how}")
    parts += [f"× {float(factor.factor):g} for {factor.channel or factor.kind}" for factor in model.factors]
    return ", ".join(parts)


def _percent(share: int, whole: int) -> str:
    return f"{float(Fraction(100 * share, whole)):g} %"
