"""Hosts of referrers, and which of them are excluded (semantics: "Journeys")."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.columns import Bools, Vocabulary, dictionary, encode

__all__ = ["host", "hosts", "within"]

_AUTHORITY = r"^(?:(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//)?(?P<authority>[^/?#]*)"
"""What stands between `//`, or the beginning, and the next `/`, `?` or `#`: user, host and port."""


def hosts(referrers: Any) -> Any:
    """Return the host of each referrer, a dictionary column; null where there is none.

    Long addresses are cut by Arrow, and only the distinct ones; what is left of them are few.
    """
    codes, values = encode(referrers)
    places, authorities = encode(pc.struct_field(pc.extract_regex(values, _AUTHORITY), "authority"))
    names = Vocabulary.of(found := pa.array([host(authority) or None for authority in authorities.to_pylist()], pa.string()))
    return dictionary(np.append(np.append(names.codes(found), -1)[places], -1)[codes], names.values)


def host(authority: str) -> str:
    """Return the host of an authority: without user, port and brackets, in lower case, without a dot at the end.

    >>> host("me:secret@WWW.Example.com.:8443"), host("[::1]:80"), host("")
    ('www.example.com', '::1', '')
    """
    place = authority.rpartition("@")[2]
    if place.startswith("[") and "]" in place:
        return place[1 : place.index("]")].lower()
    name, colon, port = place.rpartition(":")
    return (name if colon and not port.strip("0123456789") else place).lower().rstrip(".")


def within(names: Collection[str | None], excluded: Collection[str]) -> Bools:
    """Tell which hosts are one of the excluded ones or below one of them.

    >>> within(["www.paypal.com", "paypal.com", "notpaypal.com", None], {"paypal.com"}).tolist()
    [True, True, False, False]
    """
    return np.array([name is not None and _ancestors_meet(name, excluded) for name in names], dtype=bool)


def _ancestors_meet(name: str, excluded: Collection[str]) -> bool:
    """Look up a host and everything above it: `www.paypal.com`, `paypal.com`, `com`."""
    while name:
        if name in excluded:
            return True
        name = name.partition(".")[2]
    return False
