"""A report as a page: Markdown for Prefect's artifact and for repositories, HTML for mail and browsers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from reports.values import MEASURES, Checks, Report

__all__ = ["html", "markdown", "summary"]

_CAMPAIGN = ("Campaign", "Channel", "Cost", "Revenue", "ROI", "Realized ROI", "Won deals")
_SHARE = ("Marketing-driven revenue", "Revenue", "Share", "Deals", "Share of deals")

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{padding:.3rem .6rem;border-bottom:1px solid #ddd;text-align:left}"
    ".w1 :is(td,th):nth-child(n+2),.w2 :is(td,th):nth-child(n+3){text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}"
)


_NOTE = (
    "(none): touches that belong to no campaign; (unattributed): deals without any touch. ROI: revenue booked in the period over cost. "
    "Realized ROI: revenue of touches made in the period, whenever it is booked; it grows as their deals close."
)
"""What a reader of the campaigns asks first."""


def markdown(report: Report, checks: Checks) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    parts = [f"# {_title(report)}", summary(report), _markdown_table(_SHARE, _shares(report), words=1), "## Campaign ROI"]
    parts += [_markdown_table(_CAMPAIGN, _campaigns(report), words=2), f"Model `{report.model}`: {report.rule}.", _NOTE]
    parts += ["## What was checked", "\n".join(f"- {line}" for line in _checked(checks))]
    return "\n\n".join(parts) + "\n"


def html(report: Report, checks: Checks) -> str:
    """Return the report as one HTML page without anything from elsewhere."""
    body = [f"<h1>{escape(_title(report))}</h1>", f"<p>{escape(summary(report))}</p>", _html_table(_SHARE, _shares(report), words=1)]
    body += ["<h2>Campaign ROI</h2>", _html_table(_CAMPAIGN, _campaigns(report), words=2)]
    body += [f"<p>Model <code>{escape(report.model)}</code>: {escape(report.rule)}.</p>", f"<p>{escape(_NOTE)}</p>"]
    body += ["<h2>What was checked</h2><ul>", *(f"<li>{escape(line)}</li>" for line in _checked(checks)), "</ul>"]
    head = f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(_title(report))}</title><style>{_STYLE}</style>'
    return head + "\n".join(body) + "</html>\n"


def summary(report: Report) -> str:
    """Say in one sentence what marketing drove, beside the target."""
    share = report.share
    if not share or share["attributed_pct"] is None:
        return f"No revenue was won in {report.period}."
    gap = float(share["gap_to_target"])
    return (
        f"Marketing drove {float(share['attributed_pct']):.1f} % "
        f"of {_money(share['won_revenue'])} {report.currency} won in {report.period}: "
        f"{abs(gap):.1f} points {'above' if gap >= 0 else 'below'} the target of {report.target_pct:g} %."
    )


def _title(report: Report) -> str:
    return f"Revenue and its causes, {report.period}"


def _shares(report: Report) -> list[list[str]]:
    share = report.share
    return [
        [
            words,
            _money(share[name]),
            _percent(share[f"{name}_pct"]),
            f"{float(share[f'{name}_deals']):,.4g}",
            _percent(share[f"{name}_deals_pct"]),
        ]
        for name, words in (MEASURES.items() if share else ())
    ]


def _campaigns(report: Report) -> list[list[str]]:
    return [
        [
            str(row["campaign_name"]),
            row["channel"] or "–",
            _money(row["cost"]),
            _money(row["revenue"]),
            _ratio(row["roi"]) if row["roi"] is not None else (row["roi_reason"] or "–").replace("_", " "),
            _ratio(row["realized_roi"]),
            str(row["won_deals"]),
        ]
        for row in report.campaigns
    ]


def _checked(checks: Checks) -> list[str]:
    verdict = "add up to them" if not checks.wrong_entries else f"do NOT add up in {checks.wrong_entries:,} cases"
    return [
        f"{checks.entries:,} entries of {checks.deals:,} deals, {checks.models} models: the credits {verdict}.",
        f"{checks.held:,} entries are held for want of an exchange rate, and are in no figure.",
    ]


def _markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, words: int) -> str:
    """Draw a table; the first `words` columns hold words, the others numbers."""
    lines = [headers, [*["---"] * words, *["---:"] * (len(headers) - words)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _html_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, words: int) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in headers)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table class=w{words}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _money(amount: Any) -> str:
    return "–" if amount is None else f"{amount:,.2f}"


def _percent(part: Any) -> str:
    return "–" if part is None else f"{part:.1f} %"


def _ratio(number: Any) -> str:
    return "–" if number is None else f"{100 * float(number):+,.0f} %"
