"""Small, dense sets of events for the figures of levels 3 to 5, and configurations to read them by: a function of a seed.

Faster than hypothesis, and with edges that it would rarely find: an answer at the very instant at which it is due, or a microsecond
later; a close on the last microsecond of a quarter; a "now" at which a lead is just overdue. Times gather around a few days of two years.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from nisba.agreements import (
    CHECKS,
    DEFAULT_SLAS,
    Adherence,
    BackdatedRule,
    Benchmarks,
    BusinessHours,
    DiscountRule,
    Exceptions,
    LeadQuality,
    LeadSla,
    PushedRule,
    QuarterEndRule,
    RefundRule,
    Rule,
    SalesProcess,
    StaleRule,
)
from nisba.config import TEAMS, Attribution, Config, Labels, Marketing, Reporting
from tests.oracle.levels.business import due_at
from tests.oracle.levels.passes import EXITS, STAGES
from tests.oracle.settled import EPOCH, day_of, end_of_day, moment, zone_of
from tests.sizes import with_more
from tests.strategies import Event, event

__all__ = ["level_set"]

MICROSECOND = dt.timedelta(microseconds=1)
HOUR = 3_600_000_000
DAY = 24 * HOUR
QUARTER = 91 * DAY

ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana")
"""St. John's jumps at 02:00 and is half an hour off; Lord Howe jumps by half an hour; in Havana a day begins with a jump."""
JUMPS = (
    dt.datetime(2025, 3, 30, 1, tzinfo=dt.timezone.utc),
    dt.datetime(2025, 10, 26, 1, tzinfo=dt.timezone.utc),
    dt.datetime(2025, 3, 9, 5, tzinfo=dt.timezone.utc),
    dt.datetime(2025, 11, 2, 4, 30, tzinfo=dt.timezone.utc),
    dt.datetime(2025, 4, 5, 15, tzinfo=dt.timezone.utc),
)
FIRST_MONTH, MONTHS = (2024, 6), 22

LEADS, PERSONS, VISITORS = ("l1", "l2", "l3", "l4", "x"), ("p1", "p2", "p3", "x"), ("v1", "v2", "v3")
ACCOUNTS = ("a1", "a2", "a3", "x")
DEALS = tuple(f"d{n}" for n in range(1, 13))
CAMPAIGNS = ("c1", "c2", "c3", "c4", "c5")
SOURCES = ("s", "s", "t")
OWNERS = ("Ada", "Ben", "ada", "Cleo", "Dina", "Eve")
SEGMENTS = ("smb", "Enterprise", " enterprise ", "Public", "Mid  Market", "all", "")
CHANNELS = ("paid", "Paid ", "event", "email", "organic", "Direct", "(none)")
KINDS = ("click", "click", "form", "impression", "meeting", "Webinar ")
PRODUCTS, REGIONS, DEAL_TYPES = ("Road", "Rail", "STRASSE"), ("EMEA", "emea", "APAC"), ("new", "renewal", "Expansion")
PROCESS = ("Discovery", "Proposal", "Negotiation", "Signature")
STAGE_NAMES = ("discovery", "Discovery ", "PROPOSAL", "proposal", "negotiation", "Negotiation", "signature", "elsewhere")
AMOUNTS = ("100.00", "1000.00", "250.50", "0.01", "0", "99.99", "12345.67")
REASONS = ("price", "no budget", "timing", "")
SCORES = (None, None, 0, 0.5, 0.7, 50, 70.0, 69.999, 100)
STEPS = (0, 0, 1, HOUR, 8 * HOUR, 24 * HOUR, 24 * HOUR + 1, 40 * HOUR, 3 * DAY, 3 * DAY + 1, 14 * DAY, 14 * DAY + 1, 20 * DAY, 60 * DAY)
"""How long things take, in microseconds: often as long as a rule allows, or a microsecond more."""
WEIGHTS = {"leads": (5, 4, 8), "deals": (2, 11, 6), "mixed": (4, 6, 9)}
"""How many leads, deals and touches a set of each shape has at most."""


@dataclass
class Draw:
    """A source of choices, with the few instants around which everything happens."""

    random: Random
    config: Config = field(default_factory=Config)
    anchors: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    count: int = 0
    size: int = 1

    def of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return names of things, more of them in a larger set."""
        return with_more(names, self.size)

    def pick(self, *options: Any) -> Any:
        """Return one of the options."""
        return options[int(self.random.random() * len(options))]

    def maybe(self, *options: Any) -> Any:
        """Return nothing as often as one of the options."""
        return self.pick(*options) if self.one_in(2) else None

    def one_in(self, n: int) -> bool:
        """Return true once in n times."""
        return int(self.random.random() * n) == 0

    def number(self, least: int, most: int) -> int:
        """Return a whole number between two, both included."""
        return least + int(self.random.random() * (most - least + 1))

    def time(self) -> int:
        """Return an instant, in microseconds: near an anchor, or one that there is already, or next to one."""
        if self.seen and self.one_in(4):
            return self.remember(self.pick(*self.seen) + self.pick(0, 0, 1, -1))
        return self.remember(self.pick(*self.anchors) + self.pick(0, 1, -1, HOUR, -HOUR, 9 * HOUR) + self.number(-12, 12) * DAY)

    def after(self, time: int) -> int:
        """Return an instant at which something may follow: at once, a microsecond later, or after a time that a rule knows."""
        return self.remember(time + self.pick(*STEPS))

    def remember(self, time: int) -> int:
        """Let other events happen at an instant too."""
        self.seen.append(time)
        return time

    def event(self, type_name: str, time: int, data: dict[str, Any]) -> Event:
        """Return an event with an id of its own; ids do not follow time, and times are written in several ways."""
        self.count += 1
        event_id = f"{self.number(0, 9)}{type_name[0]}{self.count}"
        return event(type_name, self.pick(*SOURCES), event_id, self.written(time), data)

    def written(self, time: int) -> str:
        """Return an instant as RFC 3339 writes it, in UTC or by some other clock."""
        zone = self.pick(
            dt.timezone.utc, dt.timezone.utc, dt.timezone(dt.timedelta(hours=5, minutes=45)), dt.timezone(-3 * dt.timedelta(hours=1))
        )
        return moment(time).astimezone(zone).isoformat()

    def day_or_instant(self, name: str, time: int) -> dict[str, str]:
        """Return an instant, or now and then its day alone."""
        if self.one_in(6):
            return {f"{name}_on": day_of(time, zone_of(self.config)).isoformat()}
        return {f"{name}_at": self.written(time)}

    def instant_of(self, name: str, data: dict[str, str]) -> int:
        """Return the instant that `day_or_instant` means."""
        if f"{name}_at" in data:
            return (dt.datetime.fromisoformat(data[f"{name}_at"]) - EPOCH) // MICROSECOND
        return end_of_day(dt.date.fromisoformat(data[f"{name}_on"]), zone_of(self.config))

    def date(self) -> dt.date:
        """Return a day."""
        return day_of(self.time(), zone_of(self.config))


def level_set(seed: int, size: int = 1) -> tuple[list[Event], Config]:
    """Return events, in no order, and a configuration: always the same of a seed. A larger size has as many times more of everything."""
    draw = Draw(Random(seed), size=size)
    draw.config = _config(draw)
    draw.anchors = _anchors(draw)
    leads, deals, touches = (size * most for most in WEIGHTS[draw.pick(*WEIGHTS)])
    deal_ids = draw.of(DEALS)[: draw.number(size, deals)]
    events = [one for lead_id in draw.of(LEADS)[: draw.number(size, leads)] for one in _lead(draw, lead_id, deal_ids)]
    events += [one for deal_id in deal_ids for one in _deal(draw, deal_id)]
    events += [_touch(draw) for _ in range(draw.number(size, touches))]
    for make, most in ((_campaign, 4), (_spend, 4), (_link, 3), (_membership, 2), (_account, 2), (_retraction, 1)):
        events += [make(draw) for _ in range(draw.number(0, most))]
    events += [_adjustment(draw, deal_ids) for _ in range(draw.number(0, size * 3))]
    events += _quotes(draw, events)
    events += _again(draw, events)
    draw.random.shuffle(events)
    return events, _with_now(draw)


def _anchors(draw: Draw) -> list[int]:
    """Return the instants around which everything happens: ends of months, days on which clocks jump, and a plain Tuesday."""
    zone, year, month = zone_of(draw.config), *FIRST_MONTH
    ends = []
    for _ in range(draw.pick(1, 2, 4, 6)):
        number = year * 12 + month - 1 + draw.number(0, MONTHS)
        first = dt.date(number // 12, number % 12 + 1, 1)
        ends.append(end_of_day(first - dt.timedelta(days=1), zone))
    others = [(draw.pick(*JUMPS) - EPOCH) // MICROSECOND, (dt.datetime(2025, 7, 8, 9, tzinfo=dt.timezone.utc) - EPOCH) // MICROSECOND]
    return [*ends, *(others[: draw.number(0, 2)])]


def _with_now(draw: Draw) -> Config:
    """Return the configuration, now and then with a "now" of its own: often an instant at which something happens."""
    if not draw.one_in(3):
        return draw.config
    now = moment(draw.pick(*draw.seen) + draw.pick(0, 0, 1, -1, 30 * DAY))
    reporting = replace(draw.config.reporting, as_of=now.astimezone(ZoneInfo("Asia/Riyadh")))
    return replace(draw.config, reporting=reporting)


# Leads


def _lead(draw: Draw, lead_id: str, deal_ids: tuple[str, ...]) -> list[Event]:
    """Return the events of a lead: one pass after the other, stages skipped, turned away and back again."""
    time, rank, events = draw.time(), draw.pick(0, 0, 1, 1, 2), []
    person = draw.pick(None, *draw.of(PERSONS))
    for _ in range(draw.number(1, 8)):
        if draw.one_in(5):
            stage, rank = draw.pick(*EXITS), draw.pick(0, 1, 1, rank)
        else:
            stage, rank = STAGES[min(rank, 5)], rank + draw.pick(1, 1, 1, 2, 0)
        events.append(draw.event("lead-stage", time, {"lead_id": lead_id, "stage": stage, **_of_lead(draw, person, deal_ids, stage)}))
        time = _next(draw, time, stage)
    return events


def _of_lead(draw: Draw, person: str | None, deal_ids: tuple[str, ...], stage: str) -> dict[str, Any]:
    """Return what a lead's event says besides its stage."""
    names_deal = stage in STAGES[3:] or draw.one_in(6)
    attributes = {
        "segment": draw.maybe(*SEGMENTS),
        "industry": draw.maybe("retail", "", "Bank"),
        "size": draw.maybe(0, 12, False),
    }
    return {
        "person_id": draw.pick(person, person, None, *draw.of(PERSONS)[:1]),
        "account_id": draw.pick(None, None, None, *draw.of(ACCOUNTS)),
        "deal_id": draw.pick(None, *deal_ids[-4 * draw.size :], "nowhere") if names_deal else None,
        "owner": draw.pick(None, None, "", *OWNERS),
        "team": draw.pick(None, None, "marketing", "sales"),
        "reason": draw.maybe(*REASONS) if stage in EXITS else None,
        "score": draw.pick(*SCORES),
        "attributes": draw.pick(None, {}, {"segment": draw.pick(*SEGMENTS)}, {k: v for k, v in attributes.items() if v is not None}),
    }


def _next(draw: Draw, time: int, stage: str) -> int:
    """Return when the next event of a lead comes: where a rule says until when, often at that instant or a microsecond later."""
    rules = [rule for rule in draw.config.lead_sla if rule.from_stage == stage]
    if rules and draw.one_in(2):
        due = due_at(time, Fraction(draw.pick(*rules).hours), draw.config)
        return draw.remember(due + draw.pick(0, 1, -1))
    if draw.one_in(8):
        return draw.time()
    return draw.after(time)


# Deals


def _deal(draw: Draw, deal_id: str) -> list[Event]:
    """Return the states of a deal: open, pushed, amended, won or lost, reopened, deleted."""
    opened = draw.day_or_instant("opened", draw.time())
    begins = draw.instant_of("opened", opened)
    fixed = {"deal_id": deal_id, **opened, **_of_deal(draw)}
    time, events, worth = draw.pick(begins, begins, draw.after(begins)), [], _amount(draw)
    expected = begins + draw.pick(30, 60, 90) * DAY
    for status in draw.pick(*COURSES):
        worth = _amount(draw, worth["currency"]) if draw.one_in(3) else worth
        expected = max(expected, time) + draw.pick(0, 0, 1, 10 * DAY, 30 * DAY, -10 * DAY)
        closes = draw.day_or_instant("closed", _close(draw, status, begins, time, expected))
        data = {**fixed, "status": status, **closes, **_of_state(draw, status, worth)}
        if status == "open" and draw.one_in(4):
            data |= {"closed_at": None, "closed_on": None}
        events.append(draw.event("deal", time, data))
        time = draw.after(time)
    if events and draw.one_in(9):
        events[draw.pick(-1, -1, 0)]["data"]["deleted"] = True
    return events


COURSES = (
    ("won",),
    ("won",),
    ("lost",),
    ("open",),
    ("open", "won"),
    ("open", "won"),
    ("open", "lost"),
    ("open", "open", "open"),
    ("open", "open", "open", "open", "won"),
    ("open", "open", "won", "won"),
    ("won", "won", "won"),
    ("won", "open", "won"),
    ("won", "lost"),
    ("lost", "open"),
)


def _close(draw: Draw, status: str, begins: int, time: int, expected: int) -> int:
    """Return when a deal closes: about when its state says so, days before, before it was opened, or when it is expected to."""
    if status == "open":
        return expected
    if draw.one_in(10):
        return draw.remember(begins - draw.pick(1, DAY))
    return draw.remember(time - draw.pick(0, 0, 0, HOUR, 3 * DAY, 3 * DAY + 1, -DAY))


def _amount(draw: Draw, currency: str | None = None) -> dict[str, str | None]:
    """Return an amount, most often in the currency of the one before."""
    if draw.one_in(10):
        return {"amount": None, "currency": None}
    another = draw.pick(*("USD",) * 6, "EUR", "EUR", "GBP")
    return {"amount": draw.pick(*AMOUNTS), "currency": another if currency is None or draw.one_in(6) else currency}


def _of_deal(draw: Draw) -> dict[str, Any]:
    """Return what all states of a deal say."""
    return {
        "account_id": draw.pick(None, *draw.of(ACCOUNTS), *draw.of(ACCOUNTS)),
        "segment": draw.maybe(*SEGMENTS),
        "region": draw.maybe(*REGIONS),
        "product": draw.maybe(*PRODUCTS),
        "deal_type": draw.maybe(*DEAL_TYPES),
        "lead_source": draw.maybe("website", "Referral"),
        "owner": draw.pick(None, "", *OWNERS),
    }


def _of_state(draw: Draw, status: str, worth: dict[str, str | None]) -> dict[str, Any]:
    """Return what one state of a deal says; its owner and segment change now and then."""
    changed = {"owner": draw.pick(*OWNERS), "segment": draw.pick(*SEGMENTS)} if draw.one_in(7) else {}
    return changed | {
        "stage": draw.pick(*STAGE_NAMES) if status == "open" else f"Closed {status}",
        **worth,
        "list_amount": None if worth["currency"] is None else draw.pick(None, None, "100.00", "117.65", "1000", "200"),
        "revision": draw.pick(*(None,) * 6, 1, 2),
        "contact_ids": draw.pick(None, None, [], ["p1"], ["p2", "x"]),
        "primary_contact_id": draw.pick(None, None, None, "", "p1", "p3"),
        "next_step": draw.maybe("call", "  ", ""),
        "loss_reason": draw.maybe(*REASONS) if status == "lost" else None,
    }


# Everything else


def _touch(draw: Draw) -> Event:
    data = {
        "account_id": draw.pick(None, None, *draw.of(ACCOUNTS)),
        "person_id": draw.pick(None, *draw.of(PERSONS)),
        "visitor_id": draw.pick(None, *draw.of(VISITORS)),
        "channel": draw.pick(*CHANNELS),
        "kind": draw.pick(*KINDS),
        "team": draw.pick("marketing", "marketing", "sales", *TEAMS),
        "campaign_id": draw.pick(None, *draw.of(CAMPAIGNS), *draw.of(CAMPAIGNS), "(not set)"),
    }
    if not any(data[name] for name in ("account_id", "person_id", "visitor_id")):
        data["person_id"] = "p1"
    lookback = draw.config.attribution.lookback_days * DAY
    time = draw.pick(*draw.seen) - lookback + draw.pick(0, -1, 1) if draw.one_in(8) else draw.time() - draw.pick(0, 0, 1, DAY)
    return draw.event("touch", time, data)


def _retraction(draw: Draw) -> Event:
    touch_id = f"{draw.number(0, 9)}t{draw.number(20, 50 * draw.size)}"
    return draw.event("touch-retraction", draw.time(), {"touch_source": draw.pick(*SOURCES), "touch_id": touch_id})


def _campaign(draw: Draw) -> Event:
    data = {
        "campaign_id": draw.pick(*draw.of(CAMPAIGNS)),
        "name": "Spring",
        "channel": draw.pick(*CHANNELS),
        "same_as": draw.pick(*(None,) * 9, *draw.of(CAMPAIGNS), "c9"),
        "parent_id": draw.pick(None, None, *draw.of(CAMPAIGNS), "c9"),
        "owner": draw.maybe(*OWNERS),
    }
    return draw.event("campaign", draw.time(), data)


def _spend(draw: Draw) -> Event:
    starts_on = draw.date()
    days = draw.pick(None, 0, 6, 30, 100)
    data = {
        "campaign_id": draw.pick(*draw.of(CAMPAIGNS), "c9"),
        "spend_id": draw.maybe("r1", "r2"),
        "starts_on": starts_on.isoformat(),
        "ends_on": None if days is None else (starts_on + dt.timedelta(days=days)).isoformat(),
        "amount": draw.pick("10.00", "100.00", "33.333333", "0", "-5.00", "250"),
        "currency": draw.pick("USD", "USD", "USD", "EUR"),
    }
    return draw.event("spend", draw.time(), data)


def _adjustment(draw: Draw, deal_ids: tuple[str, ...]) -> Event:
    """Return a refund or a true-up: of a deal, most often, and as late after something happened as a rule allows."""
    data = {
        "adjustment_id": f"adj{draw.number(1, 4 * draw.size)}",
        "deal_id": draw.pick(*deal_ids, "nowhere"),
        "amount": draw.pick("-10.00", "-10.00", "-100.00", "-0.01", "25.00", "-99999"),
        "currency": draw.pick("USD", "USD", "EUR"),
    }
    effective = draw.pick(*draw.seen) + draw.pick(0, 90 * DAY, 90 * DAY + 1, 5 * DAY)
    return draw.event("adjustment", draw.time(), data | draw.day_or_instant("effective", effective))


def _node(kind: str, node_id: str) -> dict[str, str]:
    return {"kind": kind, "id": node_id}


def _link(draw: Draw) -> Event:
    """Return a link, or one that is taken back: of a device and a person, of two leads, of a lead and a person, of two accounts."""
    left, right = draw.pick(
        (_node("visitor", draw.pick(*draw.of(VISITORS))), _node("person", draw.pick(*draw.of(PERSONS)))),
        (_node("visitor", draw.pick(*draw.of(VISITORS))), _node("lead", draw.pick(*draw.of(LEADS)))),
        (_node("lead", "l1"), _node("lead", draw.pick(*draw.of(LEADS)[1:]))),
        (_node("lead", draw.pick(*draw.of(LEADS))), _node("person", draw.pick(*draw.of(PERSONS)))),
        (_node("account", "a1"), _node("account", draw.pick(*draw.of(ACCOUNTS)[1:]))),
    )
    return draw.event("identity", draw.time(), {"op": draw.pick("link", "link", "link", "unlink"), "left": left, "right": right})


def _membership(draw: Draw) -> Event:
    """Return where a person or a lead worked, and since or until when."""
    member = draw.pick(_node("person", draw.pick(*draw.of(PERSONS))), _node("lead", draw.pick(*draw.of(LEADS))))
    since = draw.time()
    window = {"since": draw.maybe(draw.written(since)), "until": draw.maybe(draw.written(since + draw.pick(1, DAY, 200 * DAY)))}
    data = {"op": draw.pick("link", "link", "unlink"), "left": member, "right": _node("account", draw.pick(*draw.of(ACCOUNTS))), **window}
    return draw.event("identity", draw.time(), data)


def _account(draw: Draw) -> Event:
    data = {
        "account_id": draw.pick(*draw.of(ACCOUNTS)),
        "name": "A firm",
        "segment": draw.maybe(*SEGMENTS),
        "region": draw.maybe(*REGIONS),
        "deleted": draw.pick(None, None, None, True),
    }
    return draw.event("account", draw.time(), data)


def _quotes(draw: Draw, events: list[Event]) -> list[Event]:
    """Return rates of most of the days on which euros are converted."""
    days = set()
    for one in events:
        if one["data"].get("currency") not in (None, draw.config.reporting.currency) and not draw.one_in(5):
            named = [one["data"].get(name) for name in ("closed_at", "closed_on", "opened_at", "effective_at", "starts_on")]
            days |= {text[:10] for text in (*named, one["time"]) if text is not None}
    return [
        draw.event("fx", draw.time(), {"date": day, "base": "EUR", "quote": "USD", "rate": draw.pick("1.1", "1.25", "0.9")})
        for day in draw.random.sample(sorted(days), min(len(days), 8))
    ]


def _again(draw: Draw, events: list[Event]) -> list[Event]:
    """Return events that come twice: as they were, or with another time, which of the two is settled by content."""
    chosen = draw.random.sample(events, draw.pick(0, 0, 1, 2))
    return [one if draw.one_in(2) else one | {"time": draw.written(draw.time())} for one in chosen]


# The configuration


def _config(draw: Draw) -> Config:
    zone = draw.pick(*ZONES)
    return Config(
        reporting=Reporting(
            currency=draw.pick(*("USD",) * 5, "EUR"),
            time_zone=zone,
            fiscal_year_start_month=draw.pick(1, 1, 4, 2, 12),
            fx_policy=draw.pick("dated", "fixed"),
            fixed_rates={"EUR/USD": Decimal("1.10")},
            gross_margin_pct=draw.maybe(Decimal(80), Decimal("33.3"), Decimal(0)),
        ),
        attribution=_attribution(draw),
        labels=_labels(draw),
        marketing=Marketing(lead_sources=("website",)),
        lead_quality=tuple(_lead_quality(draw, number) for number in range(draw.pick(0, 1, 1, 2, 3))),
        lead_sla=_lead_slas(draw),
        business_hours=_business_hours(draw),
        sales_process=SalesProcess(stages=draw.pick((), PROCESS, PROCESS[:3], tuple(name.upper() for name in PROCESS[1:]))),
        exceptions=_exceptions(draw),
        adherence=Adherence(checks=draw.pick(CHECKS, CHECKS, CHECKS, CHECKS[:4], CHECKS[5:]), update_days=draw.pick(14, 14, 3, 0)),
        benchmarks=Benchmarks(min_sample=draw.pick(0, 1, 1, 2), advice_count=draw.pick(10, 3, 1)),
    )


def _attribution(draw: Draw) -> Attribution:
    models = draw.pick(("linear",), ("linear", "first_touch"), ("w_30_30_30_10", "last_touch"))
    return Attribution(
        models=models,
        default_model=models[0],
        lookback_days=draw.pick(180, 180, 14, 3, 0),
        excluded_kinds=draw.pick(("impression",), ("impression",), (), ("IMPRESSION", "form")),
        excluded_channels=draw.pick((), (), ("email",), ("PAID",)),
    )


def _labels(draw: Draw) -> Labels:
    return Labels(
        channel=draw.pick({}, {}, {"event": "Trade Show", "paid": "Search"}),
        segment=draw.pick({}, {}, {"SMB": "Small"}, {"public": "(none)", "smb": "enterprise"}),
        stage=draw.pick({}, {}, {"elsewhere": "Discovery"}, {"signature": "Closing"}),
    )


def _valid_from(draw: Draw) -> dt.date | None:
    return draw.pick(None, None, dt.date(2025, 1, 1), dt.date(2025, 4, 1), dt.date(2025, 7, 8))  # type: ignore[no-any-return]


def _lead_quality(draw: Draw, number: int) -> LeadQuality:
    return LeadQuality(
        id=f"good-lead-{number}",
        valid_from=_valid_from(draw),
        min_score=draw.maybe(Decimal("0.7"), Decimal(70), Decimal("0.5")),
        required=draw.pick((), ("owner",), ("attributes.industry", "person_id"), ("attributes.size", "account_id", "team")),
        segments=draw.pick(None, None, ("SMB", "Enterprise"), ("(None)", "public"), ("Small",)),
        channels=draw.pick(None, None, ("PAID", "search", "email"), ("(none)",)),
    )


def _lead_slas(draw: Draw) -> tuple[LeadSla, ...]:
    """Return the rules that come with nisba, or some of their own: in versions, over stages between, over hours of one or all days."""
    if draw.one_in(3):
        return DEFAULT_SLAS
    pairs = (
        ("mql", "sal"),
        ("inquiry", "mql"),
        ("sal", "sql"),
        ("mql", "opportunity"),
        ("inquiry", "customer"),
        ("opportunity", "customer"),
    )
    chosen = [draw.pick(*pairs) for _ in range(draw.number(1, 4))]
    return tuple(
        LeadSla(
            id=f"{pair[0]}_{pair[1]}_{number}",
            from_stage=pair[0],
            to_stage=pair[1],
            hours=Decimal(draw.pick("0", "1", "8", "24", "40", "0.5", "7.333333")),
            valid_from=_valid_from(draw),
        )
        for number, pair in enumerate(chosen)
    )


def _business_hours(draw: Draw) -> BusinessHours:
    if draw.one_in(3):
        return BusinessHours()
    week = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    opens, closes = draw.pick(
        ("00:00", "24:00"), ("02:15", "02:45"), ("02:30", "10:00"), ("22:00", "24:00"), ("09:00", "17:30"), ("00:00", "01:30")
    )
    some_days = (dt.date(2025, 7, 8), dt.date(2025, 12, 31), dt.date(2025, 1, 1), dt.date(2025, 3, 31))
    return BusinessHours(
        time_zone=draw.pick("", "", *ZONES, "Asia/Riyadh"),
        days=draw.pick(week[:5], week, (*week[:4], week[6]), week[5:]),
        opens=opens,
        closes=closes,
        holidays=draw.pick((), (), some_days, "DE", "DE-BE", "SA"),
        closed_days=(dt.date(2025, 7, 9), dt.date(2025, 12, 30)) if opens in ("00:00", "09:00") else (),
    )


def _exceptions(draw: Draw) -> Exceptions:
    """Return rules near what the sets can show: few times, few days, few deals won."""

    def rule() -> Rule:
        return Rule(enabled=not draw.one_in(8), version=draw.pick("1", "2"))

    return Exceptions(
        since=draw.pick(None, None, None, dt.date(2025, 1, 1)),
        stage_skipped=rule(),
        stage_reverted=rule(),
        closed_backdated=BackdatedRule(days=draw.pick(3, 3, 0)),
        closed_before_opened=rule(),
        amount_changed_after_close=rule(),
        reopened=rule(),
        discount=DiscountRule(max_pct=draw.pick(Decimal(15), Decimal("0.5"), Decimal(0))),
        refund=RefundRule(days=draw.pick(90, 90, 5)),
        no_contact=rule(),
        no_loss_reason=rule(),
        pushed=PushedRule(times=draw.pick(3, 2, 1)),
        quarter_end=QuarterEndRule(days=draw.pick(5, 20, 0)),
        stale=StaleRule(factor=draw.pick(Decimal(2), Decimal("0.5"), Decimal(0)), min_won=draw.pick(1, 2, 10)),
        bypassed_lead=rule(),
    )
