"""A report as one HTML page without anything from elsewhere, for mail and browsers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reports.render import formats, sentences, tables
from reports.values import Checks, Report
from reports.words import Words

__all__ = ["report_page"]


def report_page(report: Report, checks: Checks, words: Words) -> str:
    """Return the report as one page of HTML; every text is escaped."""
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            language=words.language,
            direction="rtl" if words.is_right_to_left else "ltr",
            words=_marked_up(words),
            period=sentences.period(report.period, words),
            summary=sentences.summary(report, words),
            share=tables.share_table(report, words),
            campaigns=tables.campaign_table(report, words),
            positive=sentences.positive(report, words),
            advice=sentences.advice(report, words),
            about_advice=sentences.about_advice(report, words),
            checked=sentences.checked(checks, words),
            to_look_at=sentences.to_look_at(checks, words),
        )
    )


def _marked_up(words: Words) -> Callable[..., Markup]:
    """Return the catalogue for HTML: its texts and what is filled in are escaped, but for values that are markup already."""

    def in_html(key: str, **values: str) -> Markup:
        plain = {name: value if isinstance(value, Markup) else words.shown(value) for name, value in values.items()}
        return escape(words.pattern(key, values)).format(**plain)

    return in_html


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports.render"), undefined=StrictUndefined, keep_trailing_newline=True, autoescape=True
    )
    environment.filters |= {"code": _code, "first_upper": formats.first_upper, "one_line": formats.one_line}
    return environment
