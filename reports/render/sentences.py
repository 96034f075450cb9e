"""What a report says in sentences, in any medium."""

from __future__ import annotations

import re
from decimal import Decimal

from reports.render import formats
from reports.values import Advice, Arrivals, Checks, Report
from reports.words import Figure, Words
from warehouse.data_issues import DataIssue

__all__ = [
    "about_advice",
    "advice",
    "arrived",
    "checked",
    "period",
    "positive",
    "share_against_target",
    "summary",
    "to_look_at",
    "warnings",
]

NAMED = 10
"""The most campaigns that a sentence names."""


_QUARTERS = {"1": "period.first_quarter", "2": "period.second_quarter", "3": "period.third_quarter", "4": "period.fourth_quarter"}


def period(name: str, words: Words) -> str:
    """Return a month, quarter or year as the language says it; of another name nothing is known.

    >>> from reports.words import words
    >>> period("2026-Q1", words("en")), period("2026-Q1", words("ar"))
    ('2026-Q1', 'الربع الأول من ٢٠٢٦')
    """
    if quarter := re.fullmatch(r"(\d+)-Q([1-4])", name):
        return words(_QUARTERS[quarter[2]], year=Figure(quarter[1]))
    if month := re.fullmatch(r"(\d+)-(\d\d)", name):
        return words("period.month", year=Figure(month[1]), month=Figure(month[2]))
    return Figure(name) if name.isdecimal() else name


def summary(report: Report, words: Words) -> str:
    """Say in one sentence what marketing drove, beside the target."""
    share = report.share
    if not share or share["attributed_pct"] is None:
        return words("report.nothing_won", period=period(report.period, words))
    gap = share["gap_to_target"]
    return words(
        "report.driven_above" if gap >= 0 else "report.driven_below",
        share=formats.percent(share["attributed_pct"]),
        revenue=formats.money(share["won_revenue"], report.currency),
        currency=report.currency,
        period=period(report.period, words),
        gap=formats.points(gap),
        target=formats.target(report.target_pct),
    )


def share_against_target(report: Report, words: Words) -> str:
    """Say what the target is, and how far the attributed share is from it where there is one."""
    gap, target = report.share["gap_to_target"], formats.target(report.target_pct)
    if gap is None:
        return words("share.target", target=target)
    return words("share.target_above" if gap >= 0 else "share.target_below", target=target, gap=formats.points(gap))


def positive(report: Report, words: Words) -> list[str]:
    """Say which campaigns earned more than they cost whatever the model, the first ten of them; nothing where there is one model."""
    if report.models < 2:
        return []
    if not report.positive:
        return [words("campaigns.positive_none", models=formats.count(report.models))]
    named = {"models": formats.count(report.models), "campaigns": words.listed(report.positive[:NAMED])}
    hidden = len(report.positive) - NAMED
    if hidden > 0:
        return [words("campaigns.positive_more", count=formats.count(hidden), **named)]
    return [words("campaigns.positive", **named)]


def checked(checks: Checks, words: Words) -> list[str]:
    """Say whether the credits add up, and what is in no figure."""
    return [_adding_up(checks, words), words("checks.held", held=formats.count(checks.held))]


def warnings(checks: Checks, words: Words) -> list[str]:
    """Say of the checks only what somebody must know: nothing, where credits add up, nothing is held and nothing was found."""
    adding_up, held = checked(checks, words)
    found = words.listed(_kind(issue, words) for issue in checks.data_issues)
    lines = [adding_up] * bool(checks.wrong_entries) + [held] * bool(checks.held)
    return lines + [words("data_issue.short", found=found)] * bool(found)


def to_look_at(checks: Checks, words: Words) -> list[str]:
    """Say what was found in the data, a line for each kind."""
    return [words("data_issue.line", kind=_kind(issue, words), sentence=issue.first) for issue in checks.data_issues]


def _kind(issue: DataIssue, words: Words) -> str:
    return words("data_issue.count", count=formats.count(issue.findings), kind=words.named("data_issue_kind", issue.kind))


def advice(report: Report, words: Words) -> list[str]:
    """Say what reaching the best of its kind would be worth, one sentence for each piece of advice."""
    return [_piece(piece, report.currency, words) for piece in report.advice]


def about_advice(report: Report, words: Words) -> list[str]:
    """Say how far advice can be relied upon, and which quarter it is of where the report is of another period; nothing without advice."""
    quarters = {piece.period for piece in report.advice}
    elsewhere = [
        words("advice.other_period", quarter=period(name, words), period=period(report.period, words))
        for name in sorted(quarters - {report.period})
    ]
    return [*elsewhere, words("advice.note")] if quarters else []


def _piece(piece: Advice, currency: str, words: Words) -> str:
    value, best = _apart(piece, currency)
    return words(
        piece.sentence_key,
        kind=words.named("entity_kind", piece.entity_kind),
        peers=words.named("peers", piece.entity_kind),
        entity=piece.name,
        period=period(piece.period, words),
        value=value,
        best=best,
        money=formats.estimate(piece.money, currency),
        currency=currency,
        **_stages(piece, words),
    )


def _stages(piece: Advice, words: Words) -> dict[str, str]:
    """Return the stages of a conversion rate, `rate_mql_customer`; no other metric has any."""
    if piece.sentence_key != "advice.conversion":
        return {}
    _, from_stage, to_stage = piece.metric.split("_")
    return {"from_stage": words.named("stage", from_stage), "to_stage": words.named("stage", to_stage)}


def _apart(piece: Advice, currency: str) -> tuple[str, str]:
    """Return value and best quartile with as many decimals as it takes to tell them apart, four at most."""
    for decimals in range(4):
        value, best = (_measured(number, decimals, piece.sentence_key, currency) for number in (piece.value, piece.best_quartile))
        if value != best:
            break
    return value, best


def _measured(number: float, decimals: int, sentence_key: str, currency: str) -> str:
    if sentence_key == "advice.cost_per_mql":
        return formats.money(Decimal(number), currency)
    return formats.ratio(number, decimals) if sentence_key == "advice.roi" else formats.percent(100 * number, 1 + decimals)


def arrived(checks: Checks, arrivals: Arrivals, currency: str, words: Words) -> list[str]:
    """Say what the demo proves: credits add up, duplicates are harmless, nothing that was refused is lost."""
    booked = {"booked": formats.money(checks.booked, currency), "currency": currency}
    classes = words.listed(
        words("demo.dead_letters_of", count=formats.count(records), error_class=name) for name, records in arrivals.dead_letters.items()
    )
    return [
        words("demo.differ", wrong=formats.count(checks.wrong_entries), **_counts(checks), **booked)
        if checks.wrong_entries
        else words("demo.add_up", **_counts(checks), **booked),
        words("demo.duplicates", duplicates=formats.count(arrivals.duplicates), conflicts=formats.count(arrivals.conflicts)),
        words(
            "demo.dead_letters",
            count=formats.count(sum(arrivals.dead_letters.values())),
            classes=classes or words("demo.no_dead_letters"),
        ),
    ]


def _adding_up(checks: Checks, words: Words) -> str:
    if checks.wrong_entries:
        return words("checks.differ", wrong=formats.count(checks.wrong_entries), **_counts(checks))
    return words("checks.add_up", **_counts(checks))


def _counts(checks: Checks) -> dict[str, str]:
    return {name: formats.count(getattr(checks, name)) for name in ("entries", "deals", "models")}
