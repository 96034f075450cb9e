"""Labels (semantics §1, *Labels*): one form for every spelling, the firm's own words, and the words that are reserved."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from nisba.config import Config

__all__ = ["LABELS", "folded", "is_among", "is_no_campaign", "mapped", "normal_label"]

LABELS = {
    "touch": ("channel", "kind"),
    "campaign": ("channel", "campaign_type"),
    "account": ("segment", "region"),
    "deal": ("stage", "segment", "region", "product", "deal_type", "lead_source", "loss_reason", "next_step"),
}
"""The fields of each type that are labels. The stage of a lead is one of a closed list, and none."""

WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
"""What has Unicode's property White_Space."""

NEVER_NULL = ("channel", "kind", "stage")
RESERVED = ("all", "(none)", "unattributed", "(unattributed)")
PLACEHOLDERS = ("(not set)", "(direct)", "(organic)", "(referral)", "(data not available)")
DIRECT = {"(none)": "direct", "none": "direct", "(direct)": "direct"}


def normal_label(label: str, field: str) -> str:
    """Return a label as the door writes it; empty where nothing is left.

    >>> normal_label("\u3000Paid\u00a0\u2009Search ", "channel"), normal_label("Cafe\u0301", "segment")
    ('paid search', 'Café')
    """
    plain = WHITE_SPACE.sub(" ", unicodedata.normalize("NFC", label)).strip(" ")
    return unicodedata.normalize("NFC", plain.lower()) if field in ("channel", "kind") else plain


def folded(label: str, field: str) -> str:
    """Return what a label is compared by with one of the configuration."""
    return normal_label(label, field).casefold()


def is_among(label: str | None, named: Iterable[str], field: str) -> bool:
    """Tell whether the configuration names a label."""
    return label is not None and folded(label, field) in {folded(name, field) for name in named}


def mapped(label: str | None, field: str, config: Config) -> str | None:
    """Return a label as the books know it: mapped once; a reserved word or nothing is null where null may be."""
    if label is None:
        return None
    built_in = DIRECT if field == "channel" else {}
    own = getattr(config.labels, field, {})
    names = {folded(old, field): normal_label(new, field) for old, new in [*built_in.items(), *own.items()]}
    plain = normal_label(label, field)
    found = names.get(folded(plain, field), plain)
    if field in NEVER_NULL:
        return found
    return None if found == "" or found.casefold() in RESERVED else found


def is_no_campaign(campaign_id: str) -> bool:
    """Tell whether the campaign of a touch stands for none; ids are not trimmed."""
    return campaign_id.casefold() in (*RESERVED, *PLACEHOLDERS)
