"""Hosts of referrers, as browsers and logs write them (semantics §4)."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from nisba.attribution import fold
from nisba.attribution.referrers import hosts, is_below, referrer_hosts
from nisba.config import Attribution, Config, CustomModel
from tests.strategies import event, facts_of


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
        ("https://[2001:DB8::1]:8443/", "[2001:db8::1]"),
        ("//[::1]", "[::1]"),
        ("1http://pay.example", "1http"),
        ("https://ÄPFEL.example", "äpfel.example"),
        ("", ""),
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


def test_a_model_may_exclude_referrers_of_its_own() -> None:
    """The default journey has both touches, the model's own one alone."""
    data = {"account_id": "a", "channel": "referral", "kind": "visit", "team": "marketing"}
    touches = [
        event("touch", "web", name, f"2026-03-0{day}T08:00:00Z", data | {"referrer": referrer})
        for name, day, referrer in (("ours", 1, "https://blog.test/"), ("checkout", 2, "https://[::1]:443/done"))
    ]
    won = {"deal_id": "d", "account_id": "a", "stage": "s", "status": "won", "amount": "10.00", "currency": "USD"}
    deal = event("deal", "crm", "d", "2026-03-05T00:00:00Z", won | dict.fromkeys(("opened_at", "closed_at"), "2026-03-05T00:00:00Z"))
    own = CustomModel(id="own", rest=Decimal(100), excluded_referrers=("[::1]",))
    config = Config(attribution=Attribution(models=("linear",), default_model="linear"), model=(own,))
    books = fold(facts_of([*touches, deal]), config)
    found = sorted((row["journey"], row["touch_id"]) for row in books.journey_touch.to_pylist())
    assert found == [("default", "checkout"), ("default", "ours"), ("own", "ours")]
    assert {(row["model"], row["ordinal"], row["revenue"]) for row in books.credit_line.to_pylist()} == {
        ("linear", 1, 5),
        ("linear", 2, 5),
        ("own", 1, 10),
    }
