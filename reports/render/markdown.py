"""A report as GitHub-flavoured Markdown, for Prefect's artifact and for repositories."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.render import formats, sentences, tables
from reports.values import Checks, Report
from reports.words import Words

__all__ = ["cell", "code", "report_page"]


def report_page(report: Report, checks: Checks, words: Words) -> str:
    """Return the report as one page of Markdown."""
    return (
        _environment()
        .get_template("report.md.j2")
        .render(
            report=report,
            words=words,
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


def cell(text: str) -> str:
    """Escape a text that is not ours, so that it stays one cell of a table and says what it says.

    >>> cell("a|b <b>*bold*</b>")
    'a\\\\|b &lt;b>\\\\*bold\\\\*&lt;/b>'
    """
    text = re.sub(r"&(?=#?\w+;)", "&amp;", formats.one_line(text))  # an & that is none of an entity stays
    text = re.sub(r"([\\|*`\[\]~]|(?<!\w)_|_(?!\w))", r"\\\1", text)  # an underscore within a word emphasizes nothing
    return text.replace("<", "&lt;")


def code(text: str) -> str:
    """Return a text as a code span, however many backticks it has.

    >>> code("linear"), code("a`b")
    ('`linear`', '`` a`b ``')
    """
    text = formats.one_line(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " * bool(longest)
    return f"{fence}{space}{text}{space}{fence}"


@cache
def _environment() -> Environment:
    # Markdown is no HTML: its own filters escape
    loader = PackageLoader("reports.render")
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    environment.filters |= {"cell": cell, "code": code, "first_upper": formats.first_upper}
    return environment
