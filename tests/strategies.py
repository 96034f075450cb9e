"""Hypothesis strategies: small, dense sets of wire events that use every feature at once, and configurations to fold them.

Ids come from tiny pools and times from a coarse grid, so that events collide, tie, and sit exactly on the boundaries of the
rules: at the start of the lookback, thirty minutes after the touch before, at the opening, at the close, on the two days of
the year when clocks jump.

An event is the JSON object of the wire; `facts_of` makes columns of events through the decoder. Each event is read off a few
bytes (`Dice`): one draw instead of ten makes examples cheap, and hypothesis shrinks each byte, hence each field, to its first option.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st

from nisba.attribution.facts import Facts
from nisba.config import BUILT_IN_MODELS, TEAMS, Attribution, Config, CustomModel, Labels, Marketing, Multiplier, Reporting
from schemas.decoder import decode_block
from schemas.encoding import encode_event
from schemas.records import RecordBlock
from schemas.topics import topic_of
from tests.oracle.settled import canonical, instant, type_name_of
from tests.sizes import IS_LARGE, with_more

__all__ = ["Event", "block_of", "configs", "event", "event_sets", "examples", "facts_of", "winners"]

Event = dict[str, Any]

# Ids: the same text is a person, a lead and an account; bytes order differs from the order of UTF-16 and of letters.
SIZE = 3 if IS_LARGE else 1
ACCOUNTS = with_more(("a", "B", "x"), SIZE)
PERSONS = with_more(("p", "x", "Ж:1"), SIZE)
LEADS = with_more(("l", "x"), SIZE)
VISITORS = with_more(("v", "w", "\ufb00", "\U0001f600"), SIZE)
DEALS = with_more(("d1", "d2", "d3"), SIZE)
CAMPAIGNS = with_more(("c1", "c2", "c3"), SIZE)
SOURCES = ("s", "t")
DEAL_ACCOUNTS = ("deal:d1", "deal:d2", "deal:x")
"""Accounts of deals that name none, or that only look so."""

# Labels as people write them; several are one label, some are reserved or mapped.
CHANNELS = ("paid", "direct", "event", " Paid", "EVENT\u00a0", "Trade\u2009 Show", "trade show", "(none)", "(Direct)", "NONE")
KINDS = ("click", "form", "impression", "Click ", "IMPRESSION", "All")
SEGMENTS = ("smb", "Enterprise", " enterprise", "ENTERPRISE", "Caf\u00e9", "Cafe\u0301 ", "(none)", " All", "", "\u3000")
LEAD_SOURCES = ("website", "Website\u00a0", "event", "referral", "Unattributed", "")
STAGES = ("Negotiation", "negotiation ", "Closed  Won", "all")
PRODUCTS = ("Stra\u00dfe", "STRASSE", "(Unattributed)")
NO_CAMPAIGNS = ("(not set)", "(Organic)", "ALL", "")
REFERRERS = (
    "https://www.paypal.com/x",
    "HTTPS://u@PayPal.com.:443",
    "//paypal.com?x",
    "paypal.com:80",
    "https://notpaypal.com",
    "https://shop.test/?to=//paypal.com",
    "/paypal.com",
    "",
)

CURRENCIES = ("USD", "EUR", "JPY", "KWD")

FIRST_DAY = dt.datetime(2026, 3, 27, tzinfo=dt.timezone.utc)  # Berlin's clocks jump on the 29th
MINUTES = (0, 30, 60, 10, 1410, 22 * 60 + 30)
"""Minutes of the day; 22:30 UTC is the next day in Berlin from the 29th of March on."""

AMOUNTS = {
    "USD": ("100.00", "99.99", "0.01", "0", "1000", "33.35", "999999999999.99", "999999999999999.99"),
    "EUR": ("100", "99.90", "0.05", "0", "7.07"),
    "JPY": ("1000", "999", "1", "0", "12345", "999999999999999"),
    "KWD": ("1.000", "100.005", "0.001", "0"),
}
COSTS = (
    ("100.00", "USD"),
    ("211.120966", "USD"),
    ("0.003", "USD"),
    ("0.002034", "USD"),
    ("7.07", "EUR"),
    ("0.000001", "KWD"),
    ("1000", "JPY"),
    ("0.5", "JPY"),
    ("0", "USD"),
    ("999999999999.999999", "USD"),
)
RATES = ("1.1", "0.9", "0.0066667", "150.123456789", "3.25", "20000")

SHARES = (
    ("0", "0", "0", "0", "100"),
    ("33.3", "33.3", "0", "0", "33.4"),
    ("10", "20", "30", "40", "0"),
    ("0", "50", "0", "0", "50"),
    ("0", "0", "100", "0", "0"),
    ("0", "0", "0", "80", "20"),
)
"""Shares of custom models: FT, LC, OC, CW, rest."""


class Dice:
    """Reads choices off a byte string, one byte each; the first option is the simplest."""

    def __init__(self, content: bytes) -> None:
        self._content = iter(content)

    def pick(self, *options: Any) -> Any:
        """Return one of the options."""
        return options[next(self._content) % len(options)]

    def maybe(self, *options: Any) -> Any:
        """Return nothing as often as one of the options."""
        return self.pick(*(None,) * len(options), *options)

    def one_in(self, n: int) -> bool:
        """Return true once in n times."""
        return next(self._content) % n == n - 1

    def number(self, count: int) -> int:
        """Return a number from 1 to `count`."""
        return next(self._content) % count + 1

    def id(self, letter: str, count: int) -> str:
        """Return one of so many ids, of more in larger sets; events that share one are in conflict."""
        return f"{letter}{self.number(count * SIZE)}"

    def time(self, first: int, last: int) -> str:
        """Return an instant of the grid between two days, in one of the ways in which RFC 3339 writes it."""
        return _render(first + self.number(last - first + 1) - 1, self.pick(*MINUTES), self.pick(0, 0, 0, 1, 2, 3))

    def day_or_instant(self, name: str, first: int, last: int) -> dict[str, str]:
        """Return an instant as `<name>_at`, or once in four times its day alone as `<name>_on`."""
        instant = self.time(first, last)
        return {f"{name}_on": self.date(first, last).isoformat()} if self.one_in(4) else {f"{name}_at": instant}

    def date(self, first: int, last: int) -> dt.date:
        """Return a day of the grid."""
        return FIRST_DAY.date() + dt.timedelta(days=first + self.number(last - first + 1) - 1)

    def amount(self) -> tuple[str, str]:
        """Return (amount, currency), dollars more often than others."""
        currency = self.pick("USD", "USD", *CURRENCIES)
        return self.pick(AMOUNTS[currency][0], *AMOUNTS[currency]), currency


def diced(make: Callable[[Dice], Any], size: int) -> st.SearchStrategy[Any]:
    """Return the strategy of what a function reads off `size` bytes."""
    return st.binary(min_size=size, max_size=size).map(lambda content: make(Dice(content)))


def event(type_name: str, source: str, event_id: str, time: str, data: dict[str, Any]) -> Event:
    """Return a wire event; fields of `data` that are None are left out."""
    kept = {name: value for name, value in data.items() if value is not None}
    return {"type": f"nisba.{type_name}.v1", "source": source, "id": event_id, "time": time, "data": kept}


def _render(day: int, minute: int, form: int) -> str:
    """Write an instant: in UTC, with an offset, with digits beyond the microsecond, one microsecond early."""
    moment = FIRST_DAY + dt.timedelta(days=day, minutes=minute)
    if form == 0:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if form == 1:
        return moment.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=45))).isoformat()
    if form == 2:
        return moment.strftime("%Y-%m-%dT%H:%M:%S.000000999Z")
    return (moment - dt.timedelta(microseconds=1)).isoformat()


def touch(dice: Dice) -> Event:
    """Return a touch: of an account, a person, a visitor or several of them."""
    data = {
        "account_id": dice.pick("a", "a", "a", "a", None, None, None, *ACCOUNTS),
        "person_id": dice.pick(*(None,) * 5, *PERSONS),
        "visitor_id": dice.maybe(*VISITORS),
        "channel": dice.pick(*CHANNELS[:3], *CHANNELS),
        "kind": dice.pick("click", "click", *KINDS),
        "team": dice.pick("marketing", *TEAMS),
        "campaign_id": dice.pick(None, None, *CAMPAIGNS, *CAMPAIGNS, *NO_CAMPAIGNS),
        "referrer": dice.pick(*(None,) * len(REFERRERS), *REFERRERS),
    }
    if not any(data[name] for name in ("account_id", "person_id", "visitor_id")):
        data["account_id"] = "a"
    if dice.one_in(6):
        data |= {"utm": dice.pick({}, {"source": "", "medium": "cpc"}), "attributes": dice.pick({}, {"n": 1.0, "s": " x "})}
    return event("touch", dice.pick(*SOURCES), dice.id("t", 30), dice.time(0, 7), data)


def retraction(dice: Dice) -> Event:
    """Return a retraction, perhaps of a touch that does not exist."""
    data = {"touch_source": dice.pick(*SOURCES), "touch_id": dice.id("t", 30)}
    return event("touch-retraction", "s", dice.id("r", 9), dice.time(0, 9), data)


NODES = tuple(
    {"kind": kind, "id": id_}
    for kind, pool in (("visitor", VISITORS), ("person", PERSONS), ("lead", LEADS), ("account", (*ACCOUNTS, *DEAL_ACCOUNTS)))
    for id_ in pool
)
MEMBERS = tuple(node for node in NODES if node["kind"] in ("person", "lead"))
FIRMS = tuple(node for node in NODES if node["kind"] == "account")


def identity(dice: Dice) -> Event:
    """Return a link or an unlink of any two nodes."""
    left = dice.pick(*NODES)
    right = dice.pick(*(node for node in NODES if node != left))
    data = {"op": dice.pick("link", "link", "unlink"), "left": left, "right": right}
    if data["op"] == "unlink" and dice.one_in(4):
        data |= {"since": dice.time(0, 8), "until": dice.time(0, 8)}  # neither checked nor used
    return event("identity", dice.pick(*SOURCES), dice.id("i", 20), dice.time(0, 8), data)


def membership(dice: Dice) -> Event:
    """Return a membership in time: of a person or lead in an account, since or until an instant that may be no real one."""
    ends = [dice.pick(*MEMBERS), dice.pick(*FIRMS[: len(ACCOUNTS)], *FIRMS)]
    window = {
        "since": dice.pick(None, dice.time(0, 3), "0001-01-01T00:00:00Z"),
        "until": dice.pick(None, dice.time(5, 8), "9999-12-31T23:59:59Z"),
    }
    left, right = ends if dice.one_in(2) else ends[::-1]
    data = {"op": dice.pick("link", "link", "link", "unlink"), "left": left, "right": right, **window}
    return event("identity", dice.pick(*SOURCES), dice.id("w", 9), dice.time(0, 8), data)


def lead_stage(dice: Dice) -> Event:
    """Return a lead stage: of a person, of an account, naming a deal (a conversion), or none of them."""
    data = {
        "lead_id": dice.pick(*LEADS),
        "stage": dice.pick("mql", "inquiry", "sql", "opportunity"),
        "person_id": dice.maybe(*PERSONS),
        "account_id": dice.maybe(*ACCOUNTS),
        "deal_id": dice.maybe(*DEALS),
        "score": dice.pick(None, None, 1.0, 0.5),
    }
    return event("lead-stage", dice.pick(*SOURCES), dice.id("l", 20), dice.time(0, 8), data)


def account(dice: Dice) -> Event:
    """Return what an account is called and where it belongs, deleted now and then."""
    data = {
        "account_id": dice.pick(*ACCOUNTS, *ACCOUNTS, *DEAL_ACCOUNTS),
        "name": dice.pick("First", "Second", None, ""),
        "segment": dice.maybe(*SEGMENTS),
        "region": dice.pick(None, "EMEA", " emea"),
        "employees": dice.pick(None, 0, 7),
        "parent_id": dice.pick(None, *ACCOUNTS),
        "revision": dice.pick(None, None, 0, 1),
        "deleted": dice.pick(None, None, None, False, True),
    }
    return event("account", dice.pick(*SOURCES), dice.id("n", 20), dice.time(0, 9), data)


def deal_history(dice: Dice, deal_id: str) -> list[Event]:
    """Return the states of one deal: won more often than not; reopened, amended, in another currency, deleted now and then."""
    fixed = {
        "account_id": dice.pick("a", "a", "a", "a", None, *ACCOUNTS),
        "name": dice.pick(None, "", "A sale"),
        **dice.day_or_instant("opened", 1, 5 if dice.pick(True, True, True, False) else 9),
        "contact_ids": dice.pick([], ["p"], ["x"], ["p", "x"]),
        "primary_contact_id": dice.pick(None, None, None, "", *PERSONS),
        "segment": dice.maybe(*SEGMENTS),
        "region": dice.pick(None, None, "(none)", "APAC"),
        "product": dice.maybe(*PRODUCTS),
        "lead_source": dice.maybe(*LEAD_SOURCES),
    }
    amount, time, events = ("100.00", "USD"), dice.time(2, 9), []
    for _ in range(dice.pick(1, 2, 3, 4, 5)):
        amount = dice.amount() if dice.one_in(3) else amount
        time = dice.pick(time, dice.time(2, 9), dice.time(2, 9))
        events.append(_state(dice, deal_id, fixed, amount, time))
    return events


def _state(dice: Dice, deal_id: str, fixed: dict[str, Any], amount: tuple[str, str], time: str) -> Event:
    status = dice.pick("won", "won", "won", "won", "open", "lost")
    is_partial = dice.one_in(3 if status != "won" else 5)
    data = {
        **fixed,
        "deal_id": deal_id,
        "stage": dice.pick(status, *STAGES),
        "status": status,
        **dice.day_or_instant("closed", 4, 8),
        "amount": None if is_partial else amount[0],
        "currency": None if is_partial else amount[1],
        "revision": dice.pick(None, None, None, 0, 1, 2),
    }
    if status == "open":
        expected = {"closed_at": dice.pick(data.get("closed_at"), None, "9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z")}
        data |= expected if "closed_at" in data else {"closed_on": dice.pick(data["closed_on"], None, "9999-12-31")}
    if dice.one_in(10):
        moved = {"account_id": dice.pick(None, *ACCOUNTS), "opened_on": None, "opened_at": dice.time(1, 5), "deleted": dice.one_in(3)}
        data |= moved
    return event("deal", dice.pick(*SOURCES), f"{deal_id}-{dice.number(40)}", time, data)


def _signed(amount: tuple[str, str], is_negative: bool) -> dict[str, str]:
    return {"amount": f"-{amount[0]}" if is_negative and Decimal(amount[0]) else amount[0], "currency": amount[1]}


def adjustment(dice: Dice) -> Event:
    """Return a refund, partial, full or too large, or a true-up; perhaps of a deal that does not exist."""
    amount = dice.pick(("33.35", "USD"), ("50.01", "USD"), ("0.01", "USD"), ("30", "EUR"), dice.amount())
    data = {
        "adjustment_id": dice.id("adj", 5),
        "deal_id": dice.pick(*DEALS[:1] * 4, *DEALS, "nowhere"),
        **_signed(amount, is_negative=dice.pick(True, True, False)),
        **dice.day_or_instant("effective", 4, 9),
    }
    return event("adjustment", dice.pick(*SOURCES), dice.id("m", 20), dice.time(4, 9), data)


def quote(dice: Dice) -> Event:
    """Return an exchange rate; gaps between them are common."""
    base = dice.pick(*CURRENCIES)
    other = dice.pick(*(currency for currency in CURRENCIES if currency != base))
    data = {"date": dice.date(-4, 9).isoformat(), "base": base, "quote": other, "rate": dice.pick(*RATES)}
    return event("fx", dice.pick(*SOURCES), dice.id("f", 40), dice.time(0, 9), data)


def campaign(dice: Dice) -> Event:
    """Return a campaign, or a later version of one: perhaps another name or a part of a campaign, in chains and in circles."""
    data = {
        "campaign_id": dice.pick(*CAMPAIGNS),
        "name": dice.pick("Spring", "Fair"),
        "channel": dice.pick(*CHANNELS),
        "campaign_type": dice.pick(None, "Webinar ", "all"),
        "same_as": dice.maybe(*CAMPAIGNS, "c9"),
        "starts_on": dice.pick(None, "2026-03-01", "0001-01-01"),
        "ends_on": dice.pick(None, "2026-03-31", "9999-12-31"),
        "parent_id": dice.pick(None, *CAMPAIGNS, "c8", "all"),
    }
    return event("campaign", dice.pick(*SOURCES), dice.id("c", 9), dice.time(0, 9), data)


def spend(dice: Dice) -> Event:
    """Return the cost of a day or a range, in millionths, negative, restated or moved now and then."""
    starts_on, days = dice.date(0, 6), dice.pick(None, 0, 1, 2, 6)
    data = {
        "campaign_id": dice.pick(*CAMPAIGNS, "c9"),
        "spend_id": dice.pick(None, None, "", "r1", "r2"),
        "starts_on": starts_on.isoformat(),
        "ends_on": None if days is None else (starts_on + dt.timedelta(days=days)).isoformat(),
        **_signed(dice.pick(*COSTS), is_negative=dice.one_in(4)),
        "impressions": dice.maybe(1000, 7),
        "clicks": dice.maybe(10, 0),
        "revision": dice.maybe(0, 1),
    }
    return event("spend", dice.pick(*SOURCES), dice.id("k", 20), dice.time(0, 9), data)


@st.composite
def event_sets(draw: st.DrawFn) -> list[Event]:
    """Return a set of events with everything in it; most have won deals with journeys."""
    events: list[Event] = []
    for deal_id in DEALS[: draw(st.integers(1, len(DEALS)))]:
        events += draw(diced(partial(deal_history, deal_id=deal_id), 160))
    kinds = ((touch, 6, 24), (identity, 0, 7), (membership, 0, 3), (lead_stage, 0, 6), (adjustment, 0, 5), (quote, 0, 12))
    for make, least, most in (*kinds, (account, 0, 4), (spend, 0, 4), (campaign, 0, 4), (retraction, 0, 2)):
        events += draw(st.lists(diced(make, 24), min_size=least * SIZE, max_size=most * SIZE))
    return events


EXCLUDED_KINDS = ((), ("form",), ("Impression ",), ("all", "click"))
EXCLUDED_CHANNELS = ((), ("EVENT",), ("direct", "trade  show"))
EXCLUDED_REFERRERS = ((), ("paypal.com",), ("PayPal.com", "shop.test"))
COLLAPSE_BY = (("campaign_id", "channel", "kind"), ("channel",), ("kind", "campaign_id"), ())


def _custom(dice: Dice, number: int) -> CustomModel:
    names = ("first_touch", "lead_creation", "opportunity_creation", "closed_won", "rest")
    multipliers = [
        Multiplier(
            factor=Decimal(dice.pick("1.5", "0.1", "3")),
            channel=dice.pick("paid", "Direct", "event", " Trade Show"),
            kind=dice.maybe("click", "FORM"),
        )
        for _ in range(dice.pick(0, 0, 1, 2))
    ]
    half_life = dice.pick(None, None, "7.25", "0.5", "0.01")
    return CustomModel(
        id=f"own_{number}",
        **dict(zip(names, map(Decimal, dice.pick(*SHARES)), strict=True)),
        half_life_days=None if half_life is None else Decimal(half_life),
        multipliers=tuple(multipliers),
        mapping=dice.pick(None, None, "account", "contacts", "primary_contact"),
        excluded_kinds=dice.pick(*(None,) * 4, *EXCLUDED_KINDS),
        excluded_channels=dice.pick(*(None,) * 3, *EXCLUDED_CHANNELS),
        excluded_referrers=dice.pick(*(None,) * 3, *EXCLUDED_REFERRERS),
        teams=dice.pick(None, None, ("marketing",), ("sales", "marketing")),
        lookback_days=dice.pick(None, None, 0, 2),
        anchor=dice.pick(None, None, "opened_at", "closed_at"),
        session_gap_minutes=dice.pick(None, None, 0, 60),
        collapse_by=dice.pick(*(None,) * 4, *COLLAPSE_BY),
    )


def _labels(dice: Dice) -> Labels:
    """Return the firm's own words: maps that feed each other, give nothing, or override what is built in."""
    return Labels(
        channel=dice.pick(
            {}, {}, {}, {"Paid": "Trade Show", "trade  show": "paid"}, {"(none)": "Unknown"}, {"event": "direct", "NONE": "paid"}
        ),
        kind=dice.pick({}, {}, {"FORM": "click"}, {"click": "Impression"}),
        segment=dice.pick({}, {}, {"smb": "Enterprise", "ENTERPRISE": "smb"}, {"Enterprise": ""}, {"CAF\u00c9": "All", "(none)": "Rest"}),
        region=dice.pick({}, {}, {"emea": "Europe"}),
        product=dice.pick({}, {}, {"strasse": "Road"}),
        lead_source=dice.pick({}, {}, {"referral": "WEBSITE"}),
        stage=dice.pick({}, {}, {"negotiation": "Talking"}),
    )


def _reporting(dice: Dice) -> Reporting:
    pairs = ("EUR/USD", "USD/EUR", "USD/JPY", "EUR/JPY", "KWD/USD", "EUR/KWD")
    return Reporting(
        currency=dice.pick("USD", "USD", "USD", "EUR", "JPY", "KWD"),
        time_zone=dice.pick("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"),
        fiscal_year_start_month=dice.pick(1, 4, 7),
        fx_policy=dice.pick("dated", "dated", "fixed"),
        fx_pivot=dice.pick("EUR", "USD"),
        fixed_rates={dice.pick(*pairs): Decimal(dice.pick(*RATES)) for _ in range(dice.pick(0, 1, 2, 3))},
    )


def _config(dice: Dice) -> Config:
    some = tuple(dict.fromkeys(dice.pick(*BUILT_IN_MODELS) for _ in range(3)))
    attribution = Attribution(
        models=dice.pick(BUILT_IN_MODELS, some),
        default_model=dice.pick("w_30_30_30_10", "linear"),
        lookback_days=dice.pick(180, 180, 180, 180, 0, 1, 2),
        anchor=dice.pick("opened_at", "opened_at", "closed_at"),
        mapping=dice.pick("account", "account", "account", "account", "contacts", "primary_contact"),
        session_gap_minutes=dice.pick(30, 30, 0, 60),
        excluded_kinds=dice.pick(*(("impression",),) * 4, *EXCLUDED_KINDS),
        excluded_channels=dice.pick(*((),) * 5, *EXCLUDED_CHANNELS),
        excluded_referrers=dice.pick((), (), (), *EXCLUDED_REFERRERS),
        collapse_by=dice.pick(*COLLAPSE_BY[:1] * 4, *COLLAPSE_BY),
        direct_channels=dice.pick(("direct",), ("direct",), (), ("Direct", "PAID"), ("unknown",)),
        teams=dice.pick(TEAMS, TEAMS, TEAMS, ("marketing", "sales")),
    )
    custom = tuple(_custom(dice, number) for number in range(dice.pick(0, 1, 2)))
    marketing = Marketing(lead_sources=dice.pick(("website", "event"), ("WEBSITE ",), ()))
    return Config(reporting=_reporting(dice), attribution=attribution, labels=_labels(dice), marketing=marketing, model=custom)


def configs() -> st.SearchStrategy[Config]:
    """Return configurations, with none to two custom models."""
    return diced(_config, 128)


def examples(least: int, *, of_profile: float = 1) -> settings:
    """Ask for so many examples, a fifth of them where they are larger, or this part of the profile's where that is more."""
    profile = settings.default
    assert profile is not None, "conftest.py loads one"
    return settings(max_examples=max(least // 5 if IS_LARGE else least, int(profile.max_examples * of_profile), 1))


def winners(events: Sequence[Event]) -> list[Event]:
    """Return one event per identity: what the ledger holds after conflicts are settled."""
    best: dict[tuple[str, str, str], tuple[tuple[int, bytes], Event]] = {}
    for one in events:
        name = type_name_of(one)
        content = (instant(one["time"]), canonical(name, one["data"]))
        key = (name, one["source"], one["id"])
        if key not in best or content > best[key][0]:
            best[key] = (content, one)
    return [one for _, one in best.values()]


def facts_of(events: Sequence[Event]) -> Facts:
    """Return the facts of events, through the encoder and the decoder; conflicts settled. No event may be refused."""
    by_topic: dict[str, list[tuple[bytes, bytes]]] = {}
    for one in winners(events):
        record = encode_event(one["type"], one["id"], one["source"], one["time"], one["data"])
        by_topic.setdefault(topic_of(one["type"]).name, []).append(record)
    tables: dict[str, list[pa.Table]] = {}
    for topic, records in by_topic.items():
        decoded = decode_block(block_of(topic, records))
        assert decoded.dead_letters.num_rows == 0, decoded.dead_letters.select(["error_class", "message"]).to_pylist()
        for fact_type, table in decoded.facts.items():
            tables.setdefault(fact_type, []).append(table)
    return Facts.of(**{fact_type: pa.concat_tables(parts) for fact_type, parts in tables.items()})


def block_of(topic: str, records: Sequence[tuple[bytes, bytes]]) -> RecordBlock:
    """Return records of one topic as the block that a source would read."""
    count = len(records)
    keys, values = [key for key, _ in records], [value for _, value in records]
    return RecordBlock(topic, 0, list(range(count)), list(values), list(keys), [None] * count, [None] * count)
