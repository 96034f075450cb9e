"""What a report says in sentences, in any medium."""

from __future__ import annotations

from reports.render import formats
from reports.values import Arrivals, Checks, Report
from reports.words import Words
from warehouse.data_issues import DataIssue

__all__ = ["arrived", "checked", "positive", "share_against_target", "summary", "to_look_at", "warnings"]

NAMED = 10
"""The most campaigns that a sentence names."""


def summary(report: Report, words: Words) -> str:
    """Say in one sentence what marketing drove, beside the target."""
    share = report.share
    if not share or share["attributed_pct"] is None:
        return words("report.nothing_won", period=report.period)
    gap = share["gap_to_target"]
    return words(
        "report.driven_above" if gap >= 0 else "report.driven_below",
        share=formats.percent(share["attributed_pct"]),
        revenue=formats.money(share["won_revenue"], report.currency),
        currency=report.currency,
        period=report.period,
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
    named = {"models": formats.count(report.models), "campaigns": ", ".join(report.positive[:NAMED])}
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
    found = ", ".join(_kind(issue, words) for issue in checks.data_issues)
    lines = [adding_up] * bool(checks.wrong_entries) + [held] * bool(checks.held)
    return lines + [words("data_issue.short", found=found)] * bool(found)


def to_look_at(checks: Checks, words: Words) -> list[str]:
    """Say what was found in the data, a line for each kind."""
    return [words("data_issue.line", kind=_kind(issue, words), sentence=issue.first) for issue in checks.data_issues]


def _kind(issue: DataIssue, words: Words) -> str:
    return words("data_issue.count", count=formats.count(issue.findings), kind=words.named("data_issue_kind", issue.kind))


def arrived(checks: Checks, arrivals: Arrivals, currency: str, words: Words) -> list[str]:
    """Say what the demo proves: credits add up, duplicates are harmless, nothing that was refused is lost."""
    booked = {"booked": formats.money(checks.booked, currency), "currency": currency}
    classes = ", ".join(f"{formats.count(records)} {name}" for name, records in arrivals.dead_letters.items())
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
