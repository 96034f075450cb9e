"""The hosts of referrers: who sent a visitor (semantics: "Journeys")."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.columns import Bools, Ints, encode, text

__all__ = ["hosts", "is_below", "referrer_hosts"]

_AUTHORITY = r"^(?:(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//)?(?P<host>[^/?#]*)"
_USER, _PORT = r"(?s)^.*@", r":[0-9]*$"


def hosts(referrers: Any) -> Any:
    """Return the host of each referrer, a text column: without user and port, in lower case, no dot at the end.

    >>> hosts(pa.array(["https://me@Www.PayPal.com.:443/pay?x", "//t.co", "news.example/2026", None])).to_pylist()
    ['www.paypal.com', 't.co', 'news.example', None]
    """
    authority = pc.struct_field(pc.extract_regex(text(referrers), pattern=_AUTHORITY), "host")
    without_user = pc.replace_substring_regex(authority, pattern=_USER, replacement="")
    without_port = pc.replace_substring_regex(without_user, pattern=_PORT, replacement="")
    return pc.utf8_rtrim(pc.utf8_lower(without_port), characters=".")


def referrer_hosts(referrers: Any) -> tuple[Ints, Any]:
    """Return (codes, distinct hosts) of a column of referrers; -1 for none. Only distinct referrers are read."""
    codes, values = encode(referrers)
    places, names = encode(hosts(values))
    return np.append(places, -1)[codes], names


def is_below(names: Iterable[str | None], excluded: Iterable[str]) -> Bools:
    """Tell which hosts are one of the excluded ones or below one.

    >>> is_below(["paypal.com", "www.paypal.com", "notpaypal.com"], ["PayPal.com"]).tolist()
    [True, True, False]
    """
    wanted = [host for host in hosts(pa.array(list(excluded), pa.string())).to_pylist() if host]
    return np.array([name is not None and any(name == host or name.endswith(f".{host}") for host in wanted) for name in names], dtype=bool)
