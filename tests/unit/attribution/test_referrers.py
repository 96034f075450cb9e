"""Hosts of referrers, as browsers and logs write them (semantics §4)."""

from __future__ import annotations

import pyarrow as pa
import pytest

from nisba.attribution.referrers import hosts, is_below, referrer_hosts


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://www.Google.com/search?q=a//b", "www.google.com"),
        ("http://paypal.com", "paypal.com"),
        ("//t.co/x", "t.co"),
        ("news.example/2026?x=//other.example", "news.example"),
        ("news.example:8080#top", "news.example"),
        ("https://user:secret@pay.example:443/back", "pay.example"),
        ("https://a@b@pay.example/", "pay.example"),
        ("https://pay.example.?x", "pay.example"),
        ("https://pay.example.:443", "pay.example"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("http:/pay.example", "http"),
        ("https://?q=1", ""),
        ("https://[2001:db8::1]:8443/", "[2001:db8::1]"),
        ("/relative/path", ""),
    ],
)
def test_the_host_of_a_referrer(referrer: str, host: str) -> None:
    assert hosts(pa.array([referrer])).to_pylist() == [host]


def test_nothing_has_no_host() -> None:
    codes, names = referrer_hosts(pa.chunked_array([["https://a.example/1", None], ["https://A.example/2"]], pa.string()))
    assert (codes.tolist(), names.to_pylist()) == ([0, -1, 0], ["a.example"])


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("paypal.com", True),
        ("www.paypal.com", True),
        ("notpaypal.com", False),
        ("paypal.com.example", False),
        ("com", False),
        ("", False),
        (None, False),
    ],
)
def test_a_host_is_excluded_with_those_below_it(host: str | None, inside: bool) -> None:
    assert is_below([host], ["PayPal.com.", "other.example"]).tolist() == [inside]


def test_nothing_is_below_nothing() -> None:
    assert is_below(["a.example", None, ""], []).tolist() == [False, False, False]
