"""Labels: one form for every spelling, the firm's own words, and the words that are reserved (semantics: "Facts", Labels).

The door brings labels into their form; the ledger holds them so. `[labels.<field>]` and the reserved words are applied where facts are
read for the books (`nisba.attribution.preparation`), never to what is kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from nisba.attribution.columns import dictionary, encode
from nisba.config import RESERVED, Labels

__all__ = [
    "CHANNEL_NAMES",
    "LOWERED",
    "PLACEHOLDERS",
    "REQUIRED",
    "RESERVED",
    "folded",
    "is_no_campaign",
    "is_reserved",
    "labels_of",
    "normalised",
    "relabelled",
]

PLACEHOLDERS = frozenset({"(not set)", "(direct)", "(organic)", "(referral)", "(data not available)"})
"""What analytics tools write where a touch has no campaign."""

LOWERED = frozenset({"channel", "kind"})
"""Labels that are lower-cased as well."""

REQUIRED = frozenset({"channel", "kind", "stage"})
"""Labels that may be neither empty nor, as the result of a map, nothing; `kind` and `stage` may be reserved words."""

_WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
"""The characters that Unicode calls white space; Python's `split` knows four control characters more."""

CHANNEL_NAMES: Mapping[str, str] = MappingProxyType({"(none)": "direct", "none": "direct", "(direct)": "direct"})
"""The built-in map of channels."""


def normalised(label: str, field: str) -> str:
    """Return a label in its one form: NFC, trimmed, inner white space as single spaces; channels and kinds in lower case.

    >>> normalised("  Paid\\u00a0 Search ", "channel"), normalised(" Mid  Market", "segment")
    ('paid search', 'Mid Market')
    """
    plain = _WHITE_SPACE.sub(" ", unicodedata.normalize("NFC", label)).strip(" ")
    return unicodedata.normalize("NFC", plain.lower()) if field in LOWERED else plain


def folded(label: str) -> str:
    """Return what a label is compared by: its case does not matter."""
    return unicodedata.normalize("NFC", label).casefold()


def is_reserved(text: str) -> bool:
    """Tell whether a text is a reserved word, in any case. Labels are trimmed before; ids are taken as they are."""
    return folded(text) in RESERVED


def is_no_campaign(campaign_id: str) -> bool:
    """Tell whether the campaign of a touch stands for none: a reserved word or a placeholder, in any case."""
    return folded(campaign_id) in RESERVED | PLACEHOLDERS


def relabelled(column: Any, field: str, labels: Labels) -> Any:
    """Return a column of labels of a field as the books know them: normalised, mapped once, reserved words as null.

    A dictionary column; only its distinct values are looked at.
    """
    codes, values = encode(column)
    names = _names(field, labels)
    return dictionary(codes, pa.array([_known(label, field, names) for label in values.to_pylist()], pa.string())).cast(pa.string())


def labels_of(maps: Iterable[Mapping[str, str]]) -> Labels:
    """Return the maps of the configuration from rows of `field`, `label` and `name`, as `core.label` has them.

    >>> labels_of([{"field": "channel", "label": "linkedin", "name": "paid_social"}]).channel
    {'linkedin': 'paid_social'}
    """
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in maps:
        found[row["field"]][row["label"]] = row["name"]
    return Labels(**found)


def _names(field: str, labels: Labels) -> dict[str, str]:
    own: Mapping[str, str] = getattr(labels, field, {})
    built_in: Mapping[str, str] = CHANNEL_NAMES if field == "channel" else {}
    pairs: Iterable[tuple[str, str]] = [*built_in.items(), *own.items()]
    return {folded(normalised(old, field)): normalised(new, field) for old, new in pairs}


def _known(label: str, field: str, names: Mapping[str, str]) -> str | None:
    plain = normalised(label, field)
    found = names.get(folded(plain), plain)
    if field in REQUIRED:
        return found
    return None if not found or is_reserved(found) else found
