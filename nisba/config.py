"""Configuration: `nisba.toml`, then `NISBA_<SECTION>_<KEY>` variables, then flags.

The names of the sections and keys are a contract. Unknown keys are errors. Numbers are read as decimals, exactly.
Secrets are never keys of the file: they come from a variable or from a file that a key names, and are never printed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from nisba.agreements import (
    DEFAULT_SLAS,
    Adherence,
    Benchmarks,
    BusinessHours,
    Exceptions,
    Incentive,
    LeadQuality,
    LeadSla,
    Name,
    NonNegative,
    SalesProcess,
    check_agreements,
    check_size,
    check_time_zone,
)
from nisba.errors import AmountError, ConfigError
from nisba.money import minor_digits

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "RESERVED",
    "Attribution",
    "Config",
    "CustomModel",
    "Kafka",
    "Labels",
    "Marketing",
    "Multiplier",
    "Publish",
    "Reporting",
    "Team",
    "Warehouse",
    "config_hash",
    "load_config",
]

Team = Literal["marketing", "sales", "partner", "customer"]
Anchor = Literal["opened_at", "closed_at"]
Mapping_ = Literal["account", "contacts", "primary_contact"]
CollapseBy = Literal["campaign_id", "channel", "kind"]

RESERVED = frozenset({"all", "(none)", "unattributed", "(unattributed)"})
"""Rows of the reports are called so, in any case: no campaign, no segment, and no channel."""

TEAMS: tuple[Team, ...] = ("marketing", "sales", "partner", "customer")
BUILT_IN_MODELS = (
    "first_touch",
    "last_touch",
    "last_non_direct",
    "lead_creation",
    "opportunity_creation",
    "linear",
    "position_40_20_40",
    "u_50_50",
    "u_40_40_20",
    "w_30_30_30_10",
    "full_path_22_10",
    "j_20_20_60",
    "inverse_j_60_20_20",
    "time_decay_90d",
    "time_decay_7d",
)
"""Ids of the rule models that come with nisba; their shares are in `nisba.attribution.models`."""

LEAD_FIELDS = ("lead_id", "person_id", "account_id", "deal_id", "owner", "team", "reason", "score", "rule_version")
"""What a lead-stage event may say: a rule of lead quality can require any of it."""


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A section: immutable, and an unknown key is an error."""


class Reporting(_Section, frozen=True):
    currency: str = "USD"
    time_zone: str = "UTC"
    fiscal_year_start_month: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1
    fx_policy: Literal["dated", "fixed"] = "dated"
    fx_pivot: str = "EUR"
    fixed_rates: dict[str, Decimal] = {}
    """`"EUR/USD" = "1.10"`: one EUR is 1.10 USD. Used by the policy `fixed`."""
    as_of: dt.datetime | None = None
    """The "now" of figures that need one; None: the latest event of a deal or a lead."""
    gross_margin_pct: Decimal | None = None
    """What is left of a customer's revenue to pay back what winning it cost."""


class Attribution(_Section, frozen=True):
    models: tuple[str, ...] = BUILT_IN_MODELS
    default_model: str = ""
    """Always computed; resolved by `load_config`: w_30_30_30_10 where it is among the models, else their first."""
    lookback_days: NonNegative = 180
    anchor: Anchor = "opened_at"
    mapping: Mapping_ = "account"
    session_gap_minutes: NonNegative = 30
    collapse_by: tuple[CollapseBy, ...] = ("campaign_id", "channel", "kind")
    """Touches of one actor that are equal in these count as one within the session gap; none: all touches of an actor do."""
    excluded_kinds: tuple[str, ...] = ("impression",)
    excluded_channels: tuple[str, ...] = ()
    excluded_referrers: tuple[str, ...] = ()
    """Hosts: `paypal.com` excludes www.paypal.com too."""
    direct_channels: tuple[str, ...] = ("direct",)
    """What `last_non_direct` passes over."""
    teams: tuple[Team, ...] = TEAMS


class Labels(_Section, frozen=True):
    """Labels of the sources → labels of the firm, field by field; applied once, without regard to case."""

    channel: dict[str, str] = {}
    """Adds to the built-in map of `nisba.attribution.labels`, and may override it."""
    kind: dict[str, str] = {}
    segment: dict[str, str] = {}
    region: dict[str, str] = {}
    product: dict[str, str] = {}
    deal_type: dict[str, str] = {}
    lead_source: dict[str, str] = {}
    stage: dict[str, str] = {}
    """Stages of deals."""


class Marketing(_Section, frozen=True):
    target_pct: Decimal = Decimal(30)
    lead_sources: tuple[str, ...] = ()


class Multiplier(_Section, frozen=True):
    """A factor for touches of a channel, a kind, or both together."""

    factor: Decimal
    channel: str | None = None
    kind: str | None = None


class CustomModel(_Section, frozen=True):
    """A rule model of the customer's own; values that are None are those of `[attribution]`."""

    id: Name
    first_touch: Decimal = Decimal(0)
    lead_creation: Decimal = Decimal(0)
    opportunity_creation: Decimal = Decimal(0)
    closed_won: Decimal = Decimal(0)
    rest: Decimal = Decimal(0)
    half_life_days: Decimal | None = None
    multipliers: tuple[Multiplier, ...] = ()
    mapping: Mapping_ | None = None
    collapse_by: tuple[CollapseBy, ...] | None = None
    excluded_kinds: tuple[str, ...] | None = None
    excluded_channels: tuple[str, ...] | None = None
    excluded_referrers: tuple[str, ...] | None = None
    teams: tuple[Team, ...] | None = None
    lookback_days: NonNegative | None = None
    anchor: Anchor | None = None
    session_gap_minutes: NonNegative | None = None


class Kafka(_Section, frozen=True):
    bootstrap_servers: str = "localhost:9092"
    group: str = "nisba"
    """Offsets live in the warehouse; they are also committed to this group, for outside tools."""
    topics: dict[str, str] = {}
    """Default topic name → the name here, where it differs."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str = ""
    sasl_password_file: str = ""
    """A file with the password; the variable NISBA_KAFKA_SASL_PASSWORD goes before it."""
    ssl_ca_file: str = ""
    ssl_certificate_file: str = ""
    ssl_key_file: str = ""
    timeout_seconds: Annotated[int, msgspec.Meta(ge=1)] = 10
    max_record_bytes: Annotated[int, msgspec.Meta(ge=1)] = 1_048_576
    """A larger record is a dead letter of class `oversized`."""
    dead_letter_limit_pct: Annotated[Decimal, msgspec.Meta()] = Decimal(5)
    """More dead letters than this among the latest 1,000 records stop the worker; 100 never does."""


class Warehouse(_Section, frozen=True):
    path: str = "warehouse.duckdb"


class Publish(_Section, frozen=True):
    directory: str = "published"
    owners: Literal["hidden", "shown"] = "hidden"
    """Owners of deals, leads and campaigns are employees: a snapshot names them only where the firm says so."""


class Config(_Section, frozen=True):
    reporting: Reporting = Reporting()
    attribution: Attribution = Attribution()
    labels: Labels = Labels()
    marketing: Marketing = Marketing()
    model: tuple[CustomModel, ...] = ()
    lead_quality: tuple[LeadQuality, ...] = ()
    lead_sla: tuple[LeadSla, ...] = DEFAULT_SLAS
    business_hours: BusinessHours = BusinessHours()
    sales_process: SalesProcess = SalesProcess()
    exceptions: Exceptions = Exceptions()
    adherence: Adherence = Adherence()
    benchmarks: Benchmarks = Benchmarks()
    incentive: tuple[Incentive, ...] = ()
    kafka: Kafka = Kafka()
    warehouse: Warehouse = Warehouse()
    publish: Publish = Publish()
    adapters: dict[str, dict[str, Any]] = {}
    """Sources: their adapters declare which keys a section has, and check them."""


def load_config(
    path: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Read the configuration and check it.

    `path` None reads `nisba.toml` of the current folder where there is one. `environment` defaults to the process's.
    `overrides` has dotted keys, `{"warehouse.path": "books.duckdb"}`; values that are None are ignored.
    Raises ConfigError with the key and what is wrong with it.
    """
    tree = _read(path)
    _apply_environment(tree, os.environ if environment is None else environment)
    for key, value in (overrides or {}).items():
        if value is not None:
            section, name = key.split(".", 1)
            tree.setdefault(section, {})[name] = value
    try:
        config = msgspec.convert(tree, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"configuration: {_in_words(str(error))}; docs/configuration.md has every key and its values") from None
    return _checked(config)


_SAID = (
    (r"Invalid RFC3339 encoded datetime", "expected an instant such as 2026-03-31T23:59:59Z"),
    (r"Invalid RFC3339 encoded date\b", "expected a date such as 2026-03-31"),
    (r"Invalid decimal string", "expected a number such as 12.5"),
    (r"Expected `array`, got `object` - at `\$\.(\w+)`$", r"there may be several: write [[\1]] instead of [\1]"),
    (r"Object contains unknown field (`.*?`)", r"there is no key \1"),
    (r"Object missing required field", "there must be a key"),
)


def _in_words(error: str) -> str:
    """Say what msgspec found wrong in words of a configuration file.

    >>> _in_words("Object contains unknown field `tier` - at `$.incentive[0]`")
    'there is no key `tier` - at `$.incentive[0]`'
    """
    for pattern, words in _SAID:
        error = re.sub(pattern, words, error)
    return error


_JUDGING = ("as_of", "gross_margin_pct")
"""Keys of `[reporting]` that judge the books and change nothing in them."""


def config_hash(config: Config) -> str:
    """Return the hash of everything in the configuration that the books depend on: 16 hex digits, stable for ever."""
    figures = {
        "reporting": {key: value for key, value in msgspec.structs.asdict(config.reporting).items() if key not in _JUDGING},
        "attribution": config.attribution,
        "labels": config.labels,
        "marketing": config.marketing,
        "model": sorted(config.model, key=lambda model: model.id),
    }
    return hashlib.sha256(msgspec.json.encode(figures, order="deterministic")).hexdigest()[:16]


def _read(path: str | Path | None) -> dict[str, Any]:
    file = Path(path) if path is not None else Path("nisba.toml")
    if path is None and not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); `nisba init` writes one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: is not TOML: {error}") from None


def _apply_environment(tree: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Lay `NISBA_<SECTION>_<KEY>` over the tree; lists are separated by commas."""
    for section_field in msgspec.structs.fields(Config):
        if not isinstance(section_field.default, msgspec.Struct):  # tables of tables are for the file alone
            continue
        for field in msgspec.structs.fields(section_field.type):
            if isinstance(field.default, msgspec.Struct):
                continue
            text = environment.get(f"NISBA_{section_field.name}_{field.name}".upper())
            if text is not None:
                is_list = isinstance(field.default, tuple)
                tree.setdefault(section_field.name, {})[field.name] = _list(text) if is_list else text


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _checked(config: Config) -> Config:
    """Check what types cannot say, and settle the default model."""
    _check_reporting(config.reporting)
    _check_label_maps(config.labels)
    _check_labels(config)
    _check_referrers(config)
    custom = [model.id for model in config.model]
    known = set(BUILT_IN_MODELS) | set(custom)
    for model in config.model:
        _check_model(model, custom)
    for model_id in (*config.attribution.models, *filter(None, [config.attribution.default_model])):
        if model_id not in known:
            raise ConfigError(f"attribution.models: unknown model {model_id!r}; known: {', '.join(sorted(known))}")
    if not config.attribution.models and not custom and not config.attribution.default_model:
        raise ConfigError("attribution.models: at least one model is needed")
    return _settled(config)


def _settled(config: Config) -> Config:
    """Put the default model where none is named, and check what was agreed against the models that there are."""
    default = _default_model(config)
    attribution = msgspec.structs.replace(config.attribution, default_model=default)
    plans = tuple(msgspec.structs.replace(plan, model=plan.model or default) for plan in config.incentive)
    check_agreements(
        lead_quality=config.lead_quality,
        lead_sla=config.lead_sla,
        business_hours=config.business_hours,
        sales_process=config.sales_process,
        exceptions=config.exceptions,
        incentives=plans,
        models={*config.attribution.models, *(model.id for model in config.model), default},
        fields=LEAD_FIELDS,
    )
    return msgspec.structs.replace(config, attribution=attribution, incentive=plans)


def _default_model(config: Config) -> str:
    named = config.attribution.default_model
    models = (*config.attribution.models, *(model.id for model in config.model))
    return named or ("w_30_30_30_10" if "w_30_30_30_10" in models else models[0])


def _check_reporting(reporting: Reporting) -> None:
    if reporting.as_of is not None and reporting.as_of.tzinfo is None:
        raise ConfigError(f"reporting.as_of: expected an instant with its offset, such as 2026-03-31T23:59:59Z, found {reporting.as_of}")
    check_size("reporting.gross_margin_pct", reporting.gross_margin_pct, most=100)
    check_time_zone("reporting.time_zone", reporting.time_zone)
    pairs = [code for pair in reporting.fixed_rates for code in pair.split("/", 1)]
    try:
        for code in (reporting.currency, reporting.fx_pivot, *pairs):
            minor_digits(code)
    except AmountError as error:
        raise ConfigError(f"reporting: {error}") from None
    for pair, rate in reporting.fixed_rates.items():
        if pair.count("/") != 1 or not rate.is_finite() or rate <= 0:
            raise ConfigError(f'reporting.fixed_rates: expected "EUR/USD" = "1.10" with a rate above zero, found {pair!r} = {rate}')


def _check_label_maps(labels: Labels) -> None:
    """Refuse maps that no label could follow: from nothing, to two labels at once, to no channel, kind or stage."""
    for field, names in msgspec.structs.asdict(labels).items():
        results: dict[str, str] = {}
        for label, name in names.items():
            key = f"labels.{field}: {label!r} becomes {name!r}"
            if not _folded(label):
                raise ConfigError(f"{key}: an empty label is none, and cannot be mapped; remove the line")
            if results.setdefault(_folded(label), name) != name:
                raise ConfigError(
                    f"{key}: the same label, but for case and blanks, becomes {results[_folded(label)]!r}; keep one of the two"
                )
            if field in ("channel", "kind", "stage") and (not _folded(name) or (field == "channel" and _folded(name) in RESERVED)):
                raise ConfigError(f"{key}: a {field} needs a name, and none that reports give to totals")


def _check_labels(config: Config) -> None:
    """Refuse labels that no touch can have."""
    for key, channel, label in _labels(config):
        if not _folded(label):
            raise ConfigError(f"{key}: an empty label is none; remove it")
        if channel and _folded(label) in RESERVED:
            raise ConfigError(f"{key}: no touch has the channel {label!r}, reports call rows of their own so; direct traffic is 'direct'")


def _labels(config: Config) -> Iterator[tuple[str, bool, str]]:
    """Yield (key, whether it is a channel, label) of every label of touches that the configuration names."""
    yield from (("attribution.direct_channels", True, label) for label in config.attribution.direct_channels)
    for prefix, section in _sections(config):
        yield from ((f"{prefix}excluded_channels", True, label) for label in section.excluded_channels or ())
        yield from ((f"{prefix}excluded_kinds", False, label) for label in section.excluded_kinds or ())
    named = [(model.id, multiplier) for model in config.model for multiplier in model.multipliers]
    for model_id, multiplier in named:
        for is_channel, label in ((True, multiplier.channel), (False, multiplier.kind)):
            if label is not None:
                yield f"model {model_id!r}: multipliers", is_channel, label


def _sections(config: Config) -> list[tuple[str, Attribution | CustomModel]]:
    """Return what may exclude touches, with how messages begin to speak of it."""
    return [("attribution.", config.attribution), *((f"model {model.id!r}: ", model) for model in config.model)]


def _folded(label: str) -> str:
    """Return what a label of the configuration is compared by: blanks and case do not matter."""
    return " ".join(unicodedata.normalize("NFC", label).split()).casefold()


_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[^\s/?#@:*.\[\]]+(\.[^\s/?#@:*.\[\]]+)*\.?")


def _check_referrers(config: Config) -> None:
    """Refuse what is no host: an address with a scheme, a port or a path would exclude nothing."""
    for prefix, section in _sections(config):
        for referrer in section.excluded_referrers or ():
            if not _HOST.fullmatch(referrer):
                how = "expected one such as 'paypal.com', without scheme, port or path; hosts below it are excluded with it"
                raise ConfigError(f"{prefix}excluded_referrers: {referrer!r} is no host: {how}")


def _check_model(model: CustomModel, ids: list[str]) -> None:
    shares = (model.first_touch, model.lead_creation, model.opportunity_creation, model.closed_won, model.rest)
    if ids.count(model.id) > 1 or model.id in BUILT_IN_MODELS:
        raise ConfigError(f"model {model.id!r}: the id is taken; ids mean one thing for ever: choose a new one")
    if not all(share.is_finite() and share >= 0 for share in shares):
        raise ConfigError(f"model {model.id!r}: shares must be zero or more")
    if sum(shares) != 100:
        raise ConfigError(f"model {model.id!r}: shares add up to {sum(shares)}, expected 100")
    if model.half_life_days is not None and not (model.half_life_days.is_finite() and model.half_life_days > 0):
        raise ConfigError(f"model {model.id!r}: half_life_days must be above zero, found {model.half_life_days}")
    for multiplier in model.multipliers:
        if not (multiplier.factor.is_finite() and multiplier.factor > 0):
            raise ConfigError(f"model {model.id!r}: a multiplier's factor must be above zero, found {multiplier.factor}")
        if multiplier.channel is None and multiplier.kind is None:
            raise ConfigError(f"model {model.id!r}: a multiplier needs a channel, a kind, or both")
