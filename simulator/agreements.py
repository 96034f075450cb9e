"""What the teams of the simulated company agreed on: its settings, as `nisba.toml` has them, and the numbers that its people keep to."""

from __future__ import annotations

from simulator.business_hours import CLOSES, HOLIDAYS, OPENS, TIME_ZONE

__all__ = [
    "ADHERENCE_CHECKS",
    "EXCEPTION_RULES",
    "MAX_DISCOUNT",
    "PUSHES",
    "QUARTER_END_DAYS",
    "REFUND_DAYS",
    "SLA_HOURS",
    "STAGES",
    "STALE_FACTOR",
    "STALE_MIN_WON",
    "UPDATE_DAYS",
    "agreements",
]

STAGES = ("discovery", "proposal", "negotiation")
"""The declared sales process."""

SLA_HOURS: dict[str, tuple[str, str, int]] = {"mql_sal_24h": ("mql", "sal", 24), "sal_sql_40h": ("sal", "sql", 40)}
"""Rule id: from which stage, to which one, within how many hours of business time."""

MAX_DISCOUNT, BACKDATED_DAYS, REFUND_DAYS, PUSHES, QUARTER_END_DAYS, UPDATE_DAYS = 15, 3, 90, 3, 5, 14
STALE_FACTOR, STALE_MIN_WON = 2, 10

EXCEPTION_RULES = (
    "stage_skipped",
    "stage_reverted",
    "closed_backdated",
    "closed_before_opened",
    "amount_changed_after_close",
    "reopened",
    "discount",
    "refund",
    "no_contact",
    "no_loss_reason",
    "pushed",
    "quarter_end",
    "stale",
    "bypassed_lead",
)

ADHERENCE_CHECKS = (
    "amount_present",
    "contacts_linked",
    "next_step_present",
    "updated_recently",
    "close_date_ahead",
    "loss_reason_present",
    "won_with_contact",
    "activity_logged",
    "stages_in_order",
    "answered_in_time",
)

_TEXT = """\
# What the simulated company's teams agreed on; written beside its events.
[reporting]
currency = "USD"
gross_margin_pct = 78

[marketing]
target_pct = 30
lead_sources = ["website", "event", "webinar"]

[sales_process]
stages = [{stages}]

# What both teams call a good lead; since 2025 for firms of some size whose contact says what they do.
[[lead_quality]]
id = "fit_2023"
min_score = 45

[[lead_quality]]
id = "fit_2025"
valid_from = 2025-01-01
min_score = 55
required = ["attributes.job_title"]
segments = ["enterprise", "mid_market", "small_business"]
{slas}
[business_hours]
time_zone = "{time_zone}"
days = ["mon", "tue", "wed", "thu", "fri"]
opens = "{opens:02d}:00"
closes = "{closes:02d}:00"
holidays = [
{holidays}
]

[exceptions]
closed_backdated = {{ days = {backdated} }}
discount = {{ max_pct = {discount} }}
refund = {{ days = {refund} }}
pushed = {{ times = {pushes} }}
quarter_end = {{ days = {quarter_end} }}
stale = {{ factor = {factor}, min_won = {min_won} }}

[adherence]
update_days = {update_days}

# Two per cent of what marketing's touches earned, more where its share reaches the target.
[[incentive]]
id = "marketing-growth"
team = "marketing"
model = "w_30_30_30_10"
pool_pct = 2
tiers = [{{ from_pct = 0, factor = 0 }}, {{ from_pct = 15, factor = 1 }}, {{ from_pct = 30, factor = 1.5 }}]
cap = 20000
split_by = "campaign_owner"

[[incentive]]
id = "partner-fund"
team = "partner"
model = "w_30_30_30_10"
pool_pct = 1
split_by = {{ "Tomasz Zieliński" = 70, "Rosa Almeida" = 30 }}
"""


def agreements() -> str:
    """Return the company's settings as TOML: everything that its teams agreed on, and nothing of any machine."""
    return _TEXT.format(
        stages=", ".join(f'"{stage}"' for stage in STAGES),
        slas="".join(_sla(id_, *terms) for id_, terms in SLA_HOURS.items()),
        time_zone=TIME_ZONE,
        opens=OPENS,
        closes=CLOSES,
        holidays="\n".join(f"  {_year(year)}," for year in sorted({day.year for day in HOLIDAYS})),
        backdated=BACKDATED_DAYS,
        discount=MAX_DISCOUNT,
        refund=REFUND_DAYS,
        pushes=PUSHES,
        quarter_end=QUARTER_END_DAYS,
        factor=STALE_FACTOR,
        min_won=STALE_MIN_WON,
        update_days=UPDATE_DAYS,
    )


def _sla(id_: str, from_stage: str, to_stage: str, hours: int) -> str:
    return f'\n[[lead_sla]]\nid = "{id_}"\nfrom_stage = "{from_stage}"\nto_stage = "{to_stage}"\nhours = {hours}\n'


def _year(year: int) -> str:
    return ", ".join(day.isoformat() for day in HOLIDAYS if day.year == year)
