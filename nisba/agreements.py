"""What the firm's teams agreed on: what a good lead is, how soon it is answered, how a deal is sold, and what is paid for.

Sections of `nisba.toml`. No cent of the books depends on them: they judge what the books say. The rules that read them are described in
docs/metrics.md.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from nisba.errors import ConfigError

__all__ = [
    "CHECKS",
    "DEFAULT_SLAS",
    "LEAD_STAGES",
    "Adherence",
    "Benchmarks",
    "BusinessHours",
    "Exceptions",
    "Incentive",
    "LeadQuality",
    "LeadSla",
    "Name",
    "NonNegative",
    "SalesProcess",
    "Section",
    "Tier",
    "check_agreements",
    "check_size",
    "check_time_zone",
    "exception_rules",
    "minute_of_day",
]

LEAD_STAGES = ("inquiry", "mql", "sal", "sql", "opportunity", "customer")
"""How far a lead can come, in order; its rank is its place, from 1."""

NonNegative = Annotated[int, msgspec.Meta(ge=0)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Stage = Literal["inquiry", "mql", "sal", "sql", "opportunity", "customer"]
Team = Literal["marketing", "sales", "partner", "customer"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Check = Literal[
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
]
CHECKS: tuple[Check, ...] = get_args(Check)
"""What a record of the CRM is asked, in the order of the reports."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A section of the configuration: immutable, and an unknown key is an error."""


class LeadQuality(Section, frozen=True, kw_only=True):
    """What both teams call a good lead, from a day on."""

    id: Name
    valid_from: dt.date | None = None
    """The first day of MQLs that it judges; None: since ever."""
    min_score: Decimal | None = None
    required: tuple[Name, ...] = ()
    """Fields of the event, or `attributes.<name>`, that must not be empty."""
    segments: tuple[str, ...] | None = None
    """Allowed ones, `(none)` for leads without one; None: any."""
    channels: tuple[str, ...] | None = None


class LeadSla(Section, frozen=True, kw_only=True):
    """How many hours of business time one stage may wait for the other, from a day on."""

    id: Name
    from_stage: Stage
    to_stage: Stage
    hours: Decimal
    valid_from: dt.date | None = None


DEFAULT_SLAS = (
    LeadSla(id="mql_sal_24h", from_stage="mql", to_stage="sal", hours=Decimal(24)),
    LeadSla(id="sal_sql_40h", from_stage="sal", to_stage="sql", hours=Decimal(40)),
)


class BusinessHours(Section, frozen=True, kw_only=True):
    """When the firm is open, by its local clock."""

    time_zone: str = ""
    """Empty: that of the reports."""
    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
    opens: str = "09:00"
    closes: str = "17:00"
    holidays: str | tuple[dt.date, ...] = ()
    """Days, or a code of the library `holidays`: a country, or a country and its subdivision, `DE-BE`."""
    closed_days: tuple[dt.date, ...] = ()
    """Days on which the firm is closed besides."""


class SalesProcess(Section, frozen=True, kw_only=True):
    stages: tuple[str, ...] = ()
    """Stages of open deals, in order; none: no rule speaks of stages."""


class Rule(Section, frozen=True, kw_only=True):
    """A rule of exceptions: `version` is written beside whatever it finds."""

    enabled: bool = True
    version: Name = "1"


class DaysRule(Rule, frozen=True, kw_only=True):
    days: NonNegative


class BackdatedRule(DaysRule, frozen=True, kw_only=True):
    days: NonNegative = 3


class RefundRule(DaysRule, frozen=True, kw_only=True):
    days: NonNegative = 90


class QuarterEndRule(DaysRule, frozen=True, kw_only=True):
    days: NonNegative = 5


class DiscountRule(Rule, frozen=True, kw_only=True):
    max_pct: Decimal = Decimal(15)


class PushedRule(Rule, frozen=True, kw_only=True):
    times: Annotated[int, msgspec.Meta(ge=1)] = 3


class StaleRule(Rule, frozen=True, kw_only=True):
    factor: Decimal = Decimal(2)
    min_won: Annotated[int, msgspec.Meta(ge=1)] = 10


class Exceptions(Section, frozen=True, kw_only=True):
    """What sales improvises: one rule a table."""

    since: dt.date | None = None
    stage_skipped: Rule = Rule()
    stage_reverted: Rule = Rule()
    closed_backdated: BackdatedRule = BackdatedRule()
    closed_before_opened: Rule = Rule()
    amount_changed_after_close: Rule = Rule()
    reopened: Rule = Rule()
    discount: DiscountRule = DiscountRule()
    refund: RefundRule = RefundRule()
    no_contact: Rule = Rule()
    no_loss_reason: Rule = Rule()
    pushed: PushedRule = PushedRule()
    quarter_end: QuarterEndRule = QuarterEndRule()
    stale: StaleRule = StaleRule()
    bypassed_lead: Rule = Rule()


class Adherence(Section, frozen=True, kw_only=True):
    checks: tuple[Check, ...] = CHECKS
    update_days: NonNegative = 14


class Benchmarks(Section, frozen=True, kw_only=True):
    min_sample: NonNegative = 10
    advice_count: NonNegative = 10


class Tier(Section, frozen=True, kw_only=True):
    from_pct: Decimal
    factor: Decimal


class Incentive(Section, frozen=True, kw_only=True):
    """A plan that pays a team for the revenue that is credited to its touches, quarter by quarter."""

    id: Name
    team: Team = "marketing"
    model: str = ""
    """A computed model; resolved by `load_config` to the default model where it is not named."""
    period: Literal["quarter"] = "quarter"
    pool_pct: Decimal
    tiers: tuple[Tier, ...] = (Tier(from_pct=Decimal(0), factor=Decimal(1)),)
    cap: Decimal | None = None
    split_by: Literal["campaign_owner", "deal_owner"] | dict[Name, Decimal] = "campaign_owner"


def exception_rules(exceptions: Exceptions) -> Iterator[tuple[str, Rule]]:
    """Yield the rules of exceptions by name, in the order of the reports."""
    yield from ((name, rule) for name, rule in msgspec.structs.asdict(exceptions).items() if isinstance(rule, Rule))


def check_agreements(
    *,
    lead_quality: Iterable[LeadQuality],
    lead_sla: Iterable[LeadSla],
    business_hours: BusinessHours,
    sales_process: SalesProcess,
    exceptions: Exceptions,
    incentives: Collection[Incentive],
    models: Collection[str],
    fields: Collection[str],
) -> None:
    """Check what types cannot say; `models` are the ids that are computed, `fields` those of a lead-stage event. Raises ConfigError."""
    for rule in lead_quality:
        for name in rule.required:
            if name not in fields and not re.fullmatch(r"attributes\..+", name):
                known = f"expected one of {', '.join(sorted(fields))}, or 'attributes.<name>'"
                raise ConfigError(f"lead_quality {rule.id!r}: required: a lead has no field {name!r}; {known}")
    for sla in lead_sla:
        _check_sla(sla)
    _check_business_hours(business_hours)
    _check_stages(sales_process)
    check_size("exceptions.discount.max_pct", exceptions.discount.max_pct, most=100)
    check_size("exceptions.stale.factor", exceptions.stale.factor)
    for plan in incentives:
        _check_incentive(plan, incentives, models)


def check_size(key: str, value: Decimal | None, *, most: int = 10**9) -> None:
    """Raise ConfigError for a number below zero, above `most`, with more than six decimals, or none at all."""
    if value is not None and not (value.is_finite() and 0 <= value <= most and value == round(value, 6)):
        raise ConfigError(f"{key}: expected a number from 0 to {most} with six decimals at most, found {value}")


def check_time_zone(key: str, name: str) -> None:
    """Raise ConfigError for a time zone that nobody knows."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        unknown = f"unknown time zone {name!r}: expected a name such as 'Asia/Riyadh'"
        raise ConfigError(f"{key}: {unknown}") from None


def _check_sla(sla: LeadSla) -> None:
    if LEAD_STAGES.index(sla.to_stage) <= LEAD_STAGES.index(sla.from_stage):
        raise ConfigError(f"lead_sla {sla.id!r}: {sla.to_stage} is not after {sla.from_stage}; stages are {', '.join(LEAD_STAGES)}")
    check_size(f"lead_sla {sla.id!r}: hours", sla.hours, most=100_000)


def _check_business_hours(hours: BusinessHours) -> None:
    check_time_zone("business_hours.time_zone", hours.time_zone or "UTC")
    for key, text in (("opens", hours.opens), ("closes", hours.closes)):
        if minute_of_day(text) is None:
            raise ConfigError(f'business_hours.{key}: expected a time such as "09:00", found {text!r}')
    if not hours.days or (minute_of_day(hours.opens) or 0) >= (minute_of_day(hours.closes) or 0):
        raise ConfigError(f"business_hours: never open: {hours.opens} to {hours.closes} on {len(hours.days)} days of the week")
    if isinstance(hours.holidays, str) and hours.holidays:
        _check_holidays(hours.holidays)


def minute_of_day(text: str) -> int | None:
    """Return minutes since midnight of `HH:MM`; None where it is no time of a day.

    >>> minute_of_day("09:30"), minute_of_day("24:00"), minute_of_day("24:01"), minute_of_day("9:00")
    (570, 1440, None, None)
    """
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)|24:00", text)
    if found is None:
        return None
    return 1440 if found[1] is None else int(found[1]) * 60 + int(found[2])


def _check_holidays(code: str) -> None:
    import holidays  # half a second: only where it is used

    country, _, subdivision = code.partition("-")
    try:
        holidays.country_holidays(country, subdiv=subdivision or None)
    except (NotImplementedError, KeyError, AttributeError):
        how = "expected a country or a country and its subdivision, such as 'DE' or 'DE-BE', or a list of dates"
        raise ConfigError(f"business_hours.holidays: no holidays are known of {code!r}: {how}") from None


def _check_stages(process: SalesProcess) -> None:
    seen = [" ".join(stage.split()).casefold() for stage in process.stages]
    for stage, label in zip(process.stages, seen, strict=True):
        if not label:
            raise ConfigError("sales_process.stages: an empty label is none; remove it")
        if seen.count(label) > 1:
            raise ConfigError(f"sales_process.stages: {stage!r} is there twice, but for case and blanks; a deal is in one stage at a time")


def _check_incentive(plan: Incentive, plans: Collection[Incentive], models: Collection[str]) -> None:
    if sum(other.id == plan.id for other in plans) > 1:
        raise ConfigError(f"incentive {plan.id!r} is there twice: a plan that changes is a new id")
    if plan.model and plan.model not in models:
        raise ConfigError(f"incentive {plan.id!r}: the model {plan.model!r} is not computed; computed are {', '.join(sorted(models))}")
    check_size(f"incentive {plan.id!r}: pool_pct", plan.pool_pct, most=100)
    check_size(f"incentive {plan.id!r}: cap", plan.cap)
    for tier in plan.tiers:
        check_size(f"incentive {plan.id!r}: tiers: from_pct", tier.from_pct, most=100)
        check_size(f"incentive {plan.id!r}: tiers: factor", tier.factor)
    if not plan.tiers or len({tier.from_pct for tier in plan.tiers}) < len(plan.tiers):
        raise ConfigError(f"incentive {plan.id!r}: tiers: expected at least one, and each from another percentage on")
    if isinstance(plan.split_by, dict) and (sum(plan.split_by.values()) != 100 or min(plan.split_by.values()) < 0):
        shares = ", ".join(f"{payee} {share}" for payee, share in plan.split_by.items())
        raise ConfigError(f"incentive {plan.id!r}: split_by: shares of 0 or more that add up to 100 are expected, found {shares or 'none'}")
