"""Hosts of referrers: what a referrer names, and what is excluded with a host."""

from __future__ import annotations

import pyarrow as pa
import pytest

from nisba.attribution import fold
from nisba.attribution.referrers import host, hosts, within
from nisba.config import Attribution, Config, CustomModel
from tests.strategies import event, facts_of

REFERRERS = {
    "https://www.shop.test/pay?to=//other.test": "www.shop.test",
    "HTTPS://Shop.Test": "shop.test",
    "//shop.test#top": "shop.test",
    "shop.test/pay": "shop.test",
    "shop.test?x=https://other.test": "shop.test",
    "https://me:secret@shop.test:8443/": "shop.test",
    "https://a@b@shop.test": "shop.test",
    "shop.test:80": "shop.test",
    "https://shop.test./": "shop.test",
    "https://shop.test.:443/": "shop.test",
    "android-app://com.mail.test/inbox": "com.mail.test",
    "https://[2001:DB8::1]:8080/x": "2001:db8::1",
    "https://ÄPFEL.test/": "äpfel.test",
    "https:/shop.test": "https",
    "1http://shop.test": "1http",
    "/pay": None,
    "": None,
    "https:///pay": None,
}


@pytest.mark.parametrize(("referrer", "expected"), REFERRERS.items())
def test_the_host_of_a_referrer(referrer: str, expected: str | None) -> None:
    assert hosts(pa.array([referrer])).to_pylist() == [expected]


def test_hosts_of_a_column() -> None:
    """Equal and missing ones too, however the column is encoded."""
    referrers = pa.array(["https://b.test/1", None, "a.test", "//b.test/2", "https://b.test/1", "/x"])
    assert hosts(referrers).to_pylist() == ["b.test", None, "a.test", "b.test", "b.test", None]
    assert hosts(referrers.dictionary_encode()).to_pylist() == ["b.test", None, "a.test", "b.test", "b.test", None]
    assert hosts(pa.array([], pa.string())).to_pylist() == []
    assert hosts(pa.nulls(2, pa.string())).to_pylist() == [None, None]


def test_what_is_no_port_stays() -> None:
    assert (host("shop.test:"), host("shop.test:pay"), host("[::x"), host("u:p@[::1]")) == ("shop.test", "shop.test:pay", "[::x", "::1")


def test_a_host_is_excluded_with_all_below_it() -> None:
    names = ["pay.test", "a.b.pay.test", "xpay.test", "test", None, "pay.test.shop.test"]
    assert within(names, {"pay.test", "other.test"}).tolist() == [True, True, False, False, False, False]


def test_a_model_may_exclude_referrers_of_its_own() -> None:
    """The default journey has both touches, the model's own one alone."""
    data = {"account_id": "a", "channel": "referral", "kind": "visit", "team": "marketing"}
    touches = [
        event("touch", "web", name, f"2026-03-0{day}T08:00:00Z", data | {"referrer": referrer})
        for name, day, referrer in (("ours", 1, "https://blog.test/"), ("checkout", 2, "https://WWW.Pay.test:443/done"))
    ]
    won = {"deal_id": "d", "account_id": "a", "stage": "s", "status": "won", "amount": "10.00", "currency": "USD"}
    deal = event("deal", "crm", "d", "2026-03-05T00:00:00Z", won | dict.fromkeys(("opened_at", "closed_at"), "2026-03-05T00:00:00Z"))
    own = CustomModel(id="own", rest=100, excluded_referrers=("pay.test",))  # type: ignore[arg-type]
    config = Config(attribution=Attribution(models=("linear",), default_model="linear"), model=(own,))
    books = fold(facts_of([*touches, deal]), config)
    found = sorted((row["journey"], row["touch_id"]) for row in books.journey_touch.to_pylist())
    assert found == [("default", "checkout"), ("default", "ours"), ("own", "ours")]
    assert {(row["model"], row["ordinal"], row["revenue"]) for row in books.credit_line.to_pylist()} == {
        ("linear", 1, 5),
        ("linear", 2, 5),
        ("own", 1, 10),
    }
