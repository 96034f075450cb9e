"""What the teams agreed on, as tables of `core`: what a good lead is, how soon it is answered, what is an exception, what is checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa

from nisba.agreements import BusinessHours, DaysRule, DiscountRule, LeadQuality, PushedRule, Rule, StaleRule, exception_rules, minute_of_day
from nisba.attribution.facts import TEXT
from nisba.attribution.labels import folded, normalised
from nisba.config import Config

__all__ = ["AGREEMENT_SCHEMAS", "agreement_rows", "agreements_hash"]

_LIST = pa.list_(TEXT)

AGREEMENT_SCHEMAS: Mapping[str, pa.Schema] = {
    "agreement": pa.schema(
        [
            ("agreements_hash", TEXT),
            ("gross_margin_pct", pa.decimal128(9, 6)),
            ("lookback_days", pa.int32()),
            ("excluded_kinds", _LIST),
            ("excluded_channels", _LIST),
            ("sales_stages", _LIST),
            ("exceptions_since", pa.date32()),
            ("adherence_checks", _LIST),
            ("update_days", pa.int32()),
            ("min_sample", pa.int32()),
            ("advice_count", pa.int32()),
        ]
    ),
    "lead_quality_rule": pa.schema(
        [
            ("rule_no", pa.int32()),
            ("rule_id", TEXT),
            ("valid_from", pa.date32()),
            ("min_score", pa.float64()),
            ("required", _LIST),
            ("segments", _LIST),
            ("channels", _LIST),
        ]
    ),
    "lead_sla_rule": pa.schema(
        [
            ("rule_no", pa.int32()),
            ("rule_id", TEXT),
            ("from_stage", TEXT),
            ("to_stage", TEXT),
            ("hours", pa.decimal128(18, 6)),
            ("valid_from", pa.date32()),
        ]
    ),
    "business_hours": pa.schema(
        [
            ("time_zone", TEXT),
            ("days", _LIST),
            ("opens_minute", pa.int32()),
            ("closes_minute", pa.int32()),
            ("holiday_code", TEXT),
            ("holidays", pa.list_(pa.date32())),
        ]
    ),
    "exception_rule": pa.schema(
        [("rule", TEXT), ("version", TEXT), ("is_enabled", pa.bool_()), ("size", pa.decimal128(18, 6)), ("min_won", pa.int32())]
    ),
    "exchange": pa.schema([("fx_policy", TEXT), ("fx_pivot", TEXT), ("fixed_pairs", _LIST), ("fixed_rates", _LIST)]),
}
"""The tables of `core` that follow from what was agreed."""


def agreements_hash(config: Config) -> str:
    """Return the hash of what was agreed: 16 hex digits. Figures change with it, the books do not."""
    agreed = (
        config.lead_quality,
        config.lead_sla,
        config.business_hours,
        config.sales_process,
        config.exceptions,
        config.adherence,
        config.benchmarks,
        config.reporting.as_of,
        config.reporting.gross_margin_pct,
    )
    return hashlib.sha256(msgspec.json.encode(agreed, order="deterministic")).hexdigest()[:16]


def agreement_rows(config: Config) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of `AGREEMENT_SCHEMAS`."""
    return {
        "agreement": [_agreement(config)],
        "lead_quality_rule": [_quality(number, rule) for number, rule in enumerate(config.lead_quality, 1)],
        "lead_sla_rule": [
            (number, sla.id, sla.from_stage, sla.to_stage, sla.hours, sla.valid_from) for number, sla in enumerate(config.lead_sla, 1)
        ],
        "business_hours": [_business_hours(config.business_hours, config.reporting.time_zone)],
        "exception_rule": [
            (name, rule.version, rule.enabled, _size(rule), getattr(rule, "min_won", None))
            for name, rule in exception_rules(config.exceptions)
        ],
        "exchange": [_exchange(config)],
    }


def _agreement(config: Config) -> tuple[Any, ...]:
    reporting, attribution = config.reporting, config.attribution
    return (
        agreements_hash(config),
        reporting.gross_margin_pct,
        attribution.lookback_days,
        _compared(attribution.excluded_kinds, "kind"),
        _compared(attribution.excluded_channels, "channel"),
        _compared(config.sales_process.stages, "stage"),
        config.exceptions.since,
        list(config.adherence.checks),
        config.adherence.update_days,
        config.benchmarks.min_sample,
        config.benchmarks.advice_count,
    )


def _quality(number: int, rule: LeadQuality) -> tuple[Any, ...]:
    allowed = (_compared(rule.segments, "segment"), _compared(rule.channels, "channel"))
    return (number, rule.id, rule.valid_from, None if rule.min_score is None else float(rule.min_score), list(rule.required), *allowed)


def _compared(labels: tuple[str, ...] | None, field: str) -> list[str] | None:
    """Return labels of the configuration as they are compared, in their order."""
    return None if labels is None else [folded(normalised(label, field)) for label in labels]


def _business_hours(hours: BusinessHours, reporting_zone: str) -> tuple[Any, ...]:
    code, days = (hours.holidays, ()) if isinstance(hours.holidays, str) else ("", hours.holidays)
    opened = (minute_of_day(hours.opens), minute_of_day(hours.closes))
    return (hours.time_zone or reporting_zone, list(hours.days), *opened, code or None, [*days, *hours.closed_days])


def _exchange(config: Config) -> tuple[Any, ...]:
    reporting = config.reporting
    return (reporting.fx_policy, reporting.fx_pivot, list(reporting.fixed_rates), list(map(str, reporting.fixed_rates.values())))


def _size(rule: Rule) -> Any:
    match rule:
        case DaysRule():
            return rule.days
        case DiscountRule():
            return rule.max_pct
        case PushedRule():
            return rule.times
        case StaleRule():
            return rule.factor
    return None
