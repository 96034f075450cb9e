"""Values of reports made by hand: one of every case that a page can show, and the names that an enemy would choose."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

from reports.explain import Explanation
from reports.values import MEASURES, Advice, Arrivals, Campaign, Checks, Report
from warehouse.data_issues import DataIssue
from warehouse.status import Status

D = Decimal


def _at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+00:00")


EXPO = Campaign(
    campaign_id="c-expo",
    campaign_name="Spring & summer expo",
    channel="event",
    cost=D("100.000"),
    revenue=D("1175.000"),
    roi=10.75,
    realized_revenue=D("3.000"),
    realized_roi=-0.97,
    roas=11.75,
    won_deals=1203,
    pipeline=D(0),
    roi_reason=None,
    matured_pct=41.7,
)
WITHOUT_COST = replace(EXPO, campaign_id="(none)", campaign_name="(none)", channel=None, cost=None, roi=None, realized_roi=None, roas=None)
CAMPAIGNS = (
    EXPO,
    replace(WITHOUT_COST, revenue=D("25.005"), roi_reason="no_cost", won_deals=0),
    replace(
        WITHOUT_COST,
        campaign_id="c-0",
        campaign_name="Free trial",
        channel="email",
        cost=D(0),
        revenue=D(0),
        roi_reason="zero_cost",
        matured_pct=60.0,
    ),
    replace(
        WITHOUT_COST,
        campaign_id="c-1",
        campaign_name="Refunded",
        cost=D(-5),
        revenue=D("-12.5"),
        roi_reason="negative_cost",
        matured_pct=None,
    ),
)

SHARE: dict[str, Any] = {
    "won_revenue": D("1200.00"),
    "won_deals": 12345,
    "gap_to_target": -5.04,
    **{name: D("300.00") * place for place, name in enumerate(MEASURES)},
    **{f"{name}_pct": 25.0 * place for place, name in enumerate(MEASURES)},
    **{f"{name}_deals": D("2469.25") * place for place, name in enumerate(MEASURES)},
    **{f"{name}_deals_pct": 20.0 * place for place, name in enumerate(MEASURES)},
}

ROI_ADVICE = Advice(
    rank=1,
    metric="roi",
    entity_kind="campaign",
    entity="c-expo",
    name="Spring & summer expo",
    period="2026-Q1",
    value=-0.25,
    best_quartile=11.5,
    money=D("1175.25"),
    sentence_key="advice.roi",
    evidence="SELECT * FROM marts.campaign_roi WHERE campaign_id = 'c-expo'",
)
ADVICE = (
    ROI_ADVICE,
    replace(
        ROI_ADVICE,
        rank=2,
        metric="rate_mql_sql",
        entity_kind="channel",
        entity="paid_search",
        name="paid_search",
        value=0.0512345678,
        best_quartile=0.25,
        money=D("1174.75"),
        sentence_key="advice.conversion",
    ),
    replace(
        ROI_ADVICE,
        rank=3,
        metric="cost_per_mql",
        entity_kind="channel",
        entity="event",
        name="event",
        value=1234.5678,
        best_quartile=20.0,
        money=D("999.50"),
        sentence_key="advice.cost_per_mql",
    ),
    replace(
        ROI_ADVICE,
        rank=4,
        metric="win_rate",
        entity_kind="segment",
        entity="mid-market",
        name="mid-market",
        value=0.25,
        best_quartile=1.0,
        money=D("300.00"),
        sentence_key="advice.win_rate",
    ),
    replace(
        ROI_ADVICE,
        rank=5,
        metric="exception_share_of_revenue",
        entity_kind="owner",
        entity="Dina",
        name="Dina",
        value=1.5,
        best_quartile=0.0,
        money=D("0.05"),
        sentence_key="advice.exception_share_of_revenue",
    ),
    replace(ROI_ADVICE, rank=6, entity="c-1", name="Refunded", money=D("0.01")),
)
"""A piece for every sentence, and one more than the first screen shows."""

REPORT = Report(
    "quarter",
    "2026-Q1",
    "linear",
    "all touches 100 % in equal parts",
    "USD",
    30.0,
    CAMPAIGNS,
    SHARE,
    15,
    ("Spring & summer expo", "Free trial"),
    ADVICE,
)
CHECKS = Checks(deals=1234, entries=5678, wrong_entries=0, models=15, held=0, booked=D("4797135.5"))
DATA_ISSUES = (
    DataIssue("no_amount", 1204, "deal D-7 is won and nobody entered an amount."),
    DataIssue("label_variants", 1, "segment is written '[b]SMB' and '<b>smb': *one* | way."),
)
BROKEN_CHECKS = replace(CHECKS, wrong_entries=1003, held=1, data_issues=DATA_ISSUES)
ARRIVALS = Arrivals(duplicates=1158, conflicts=21, dead_letters={"malformed": 1043, "schema": 2})

HOSTILE = "a|b <script>alert('1')</script> [/b][red]x :bomb: **bold** _it_ `tick` \\| {{ 7*7 }} {gap}\nnext\x1b[2J &lt; ~~no~~"
HOSTILE_REPORT = replace(
    REPORT,
    model=HOSTILE,
    rule=HOSTILE,
    campaigns=(replace(EXPO, campaign_name=HOSTILE, channel=HOSTILE), EXPO),
    positive=(HOSTILE,),
    advice=(replace(ROI_ADVICE, entity=HOSTILE, name=HOSTILE),),
)

_PLACE = {"topic": "marketing.touch", "kafka_partition": 3, "kafka_offset": 1042}
_NOWHERE = {"topic": None, "kafka_partition": None, "kafka_offset": None}


def _touch(ordinal: int, **changed: Any) -> dict[str, Any]:
    touch = {
        "ordinal": ordinal,
        "touched_at": _at(f"2026-01-0{ordinal} 23:30"),
        "position": "",
        "channel": "email",
        "kind": "click",
        "team": "marketing",
        "campaign_id": "c-mail",
        "share": D("0.333333333333"),
        "credit": D("333.33"),
        "touch_source": "web",
        "touch_id": f"t-{ordinal}",
        **_PLACE,
    }
    return touch | changed


def _entry(entry_no: int, entry: str, amount: str, **changed: Any) -> dict[str, Any]:
    row = {
        "entry_no": entry_no,
        "entry": entry,
        "booked_at": _at("2026-02-10 10:30"),
        "booked_on": dt.date(2026, 2, 10),
        "is_final": True,
        "currency": "EUR",
        "amount": D(amount),
        "amount_reporting": D(amount) * 2,
        "source": "crm",
        "event_id": f"D-1/{entry_no}",
        **_PLACE,
        "topic": "crm.deal",
    }
    return row | changed


def _left_out(number: int, reason: str, detail: str) -> dict[str, Any]:
    return {
        "touched_at": _at(f"2025-0{number}-01 08:00"),
        "channel": "organic_search",
        "kind": "visit",
        "team": None,
        "campaign_id": None,
        "touch_source": "web",
        "touch_id": f"x-{number}",
        "reason": reason,
        "detail": detail,
    }


EXPLANATION = Explanation(
    deal={
        "deal_id": "D-1",
        "name": "Renewal [2026]",
        "account_id": "acme",
        "account_name": None,
        "status": "won",
        "amount": D("1000.00"),
        "currency": "EUR",
        "lead_created_at": _at("2026-01-01 23:30"),
        "opened_at": _at("2026-01-05 00:00"),
        "closed_at": _at("2026-02-10 10:30"),
    },
    model="linear",
    rule="all touches 100 % in equal parts",
    time_zone="Asia/Riyadh",
    reporting_currency="USD",
    touches=[
        _touch(1, position="FT+LC"),
        _touch(2, channel=None, team="sales", campaign_id=None),
        _touch(3, share=None, credit=None, **_NOWHERE),
        _touch(4, position="CW", credit=D("-0.01"), share=D("0.0001")),
    ],
    entries=[
        _entry(1, "booking", "1000.00"),
        _entry(2, "adjustment", "-50.00", amount_reporting=None, **_NOWHERE),
        _entry(3, "pending", "12345678.90", booked_at=None, booked_on=None, is_final=False, source=None, event_id=None),
    ],
    credits=[{"ordinal": 1, "entry_no": 1, "weight": D("0.333333333333"), "revenue": D("333.33"), "revenue_reporting": D("666.66")}],
    held=[
        {"kind": "adjustment", "id": "A-9", "reason": "over_refund", "detail": "refunds more than was booked"},
        {"kind": "deal", "id": "D-1", "reason": "fx_missing", "detail": None},
    ],
    left_out=[
        _left_out(1, "retracted", "its source took it back"),
        _left_out(2, "excluded_kind", "kind visit is excluded"),
        _left_out(3, "collapsed", "counts as one with t-1"),
    ],
)
UNTOUCHED = replace(
    EXPLANATION,
    deal=EXPLANATION.deal | {"status": "open", "amount": None, "currency": None, "lead_created_at": None, "closed_at": None},
    touches=[],
    entries=[],
    held=[],
    left_out=[],
)
OF_SNAPSHOT = replace(EXPLANATION, held=[], left_out=None)

_CYCLE = {"cycle_no": 12, "kind": "ingest", "started_at": _at("2026-02-11 03:15:59"), "seconds": 3.8249, "records": 12798, "facts": 12654}
STATUS = Status(
    dead_letters=[{"error_class": "malformed", "records": 1021, "latest": _at("2026-02-11 03:15:01")}],
    dirty_accounts=1234,
    conflicts=5,
    held=[{"kind": "entry", "reason": "fx_missing", "rows": 3}],
    data_issues=DATA_ISSUES,
    offsets={("crm.deal", 0): 7},
    cycles=[
        _CYCLE | {"duplicates": 74, "conflicts": 9, "dead_letters": 61, "accounts": None, "deals": None, "credits": None},
        dict.fromkeys(_CYCLE)
        | {"duplicates": None, "dead_letters": None, "cycle_no": 11, "kind": "attribute"}
        | {"started_at": _at("2026-02-11 03:15:00"), "seconds": 0.1, "deals": 166, "credits": 27637},
    ],
    published="nisba-7.duckdb",
)
QUIET = replace(STATUS, dead_letters=[], held=[], data_issues=(), dirty_accounts=0, conflicts=0, offsets={}, cycles=[], published=None)
STATUS_OF_SNAPSHOT = replace(STATUS, dead_letters=None, dirty_accounts=None, conflicts=None, held=None, data_issues=None, offsets=None)
