"""What the books were computed with: the settings, the models in words, the labels, and what the configuration names.

They are rows of the books like any others: an attribution writes them, a verification makes them anew and compares.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from nisba.attribution import RULES_EDITION
from nisba.attribution.facts import TEXT
from nisba.attribution.labels import folded, normalised
from nisba.attribution.models import selected_models
from nisba.attribution.referrers import hosts
from nisba.attribution.wording import rule_in_words
from nisba.config import Attribution, Config, config_hash
from warehouse.agreements import AGREEMENT_SCHEMAS, agreement_rows, agreements_hash
from warehouse.query import one_value, relations, transaction

__all__ = ["SETTING_SCHEMAS", "are_settings_behind", "latest_event", "refresh_settings", "setting_tables", "write_settings"]

SETTING_SCHEMAS: Mapping[str, pa.Schema] = {
    "setting": pa.schema(
        [
            ("reporting_currency", TEXT),
            ("time_zone", TEXT),
            ("fiscal_year_start_month", pa.int32()),
            ("default_model", TEXT),
            ("models", pa.list_(TEXT)),
            ("target_pct", pa.decimal128(9, 4)),
            ("lead_sources", pa.list_(TEXT)),  # as deals have them
            ("config_hash", TEXT),
            ("rules_edition", pa.int32()),
            ("as_of", pa.timestamp("us", "UTC")),
        ]
    ),
    "model": pa.schema([("model", TEXT), ("rule", TEXT)]),
    "label": pa.schema([("field", TEXT), ("label", TEXT), ("name", TEXT)]),
    "named_setting": pa.schema([("setting", TEXT), ("field", TEXT), ("value", TEXT), ("label", TEXT)]),
    **AGREEMENT_SCHEMAS,
}
"""The tables of `core` that follow from the configuration, from the lead sources that deals have, and from the latest event."""

_NAMING = (
    ("excluded_kinds", "kind"),
    ("excluded_channels", "channel"),
    ("excluded_referrers", "referrer"),
    ("direct_channels", "channel"),
)
"""Keys of `[attribution]`, and of models where they have them, that name what touches have."""

_DEFAULT = Attribution()


def setting_tables(config: Config, lead_sources: Any, latest: dt.datetime | None) -> dict[str, pa.Table]:
    """Return the tables of `SETTING_SCHEMAS`.

    `lead_sources` is a text column of those that deals have, `latest` the instant of the latest event of a deal or a lead.
    """
    models = selected_models(config)
    rows: dict[str, list[Any]] = {
        "setting": [_setting(config, lead_sources, latest)],
        "model": [(model.id, rule_in_words(model)) for model in models],
        "label": [(field, label, name) for field, names in _labels(config) for label, name in names.items()],
        "named_setting": [(*named, _compared(*named[1:])) for named in _named(config)],
        **agreement_rows(config),
    }
    return {
        name: pa.table([pa.array([row[place] for row in rows[name]], field.type) for place, field in enumerate(schema)], schema=schema)
        for name, schema in SETTING_SCHEMAS.items()
    }


def write_settings(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Write what the books were computed with, in place of what was there; the deals are written before."""
    deals = con.execute("SELECT DISTINCT lead_source FROM core.deal WHERE lead_source IS NOT NULL").arrow().read_all()
    made = setting_tables(config, deals["lead_source"], latest_event(con))
    with relations(con, **{f"made_{name}": table for name, table in made.items()}):
        for name in SETTING_SCHEMAS:
            con.execute(f"DELETE FROM core.{name}")
            con.execute(f"INSERT INTO core.{name} BY NAME FROM made_{name}")


def refresh_settings(con: duckdb.DuckDBPyConnection, config: Config) -> bool:
    """Write the settings anew where something was agreed otherwise, or a deal or a lead has a later event; tell whether it was so.

    The books stay as they are: they depend on neither. Where they wait for an attribution by another configuration, so do the settings.
    """
    if one_value(con, "SELECT config_hash FROM core.setting") != config_hash(config) or not are_settings_behind(con, config):
        return False
    with transaction(con):
        write_settings(con, config)
    return True


def are_settings_behind(con: duckdb.DuckDBPyConnection, config: Config) -> bool:
    """Tell whether figures are to be made by other agreements, or as of another instant, than those that stand in the warehouse."""
    there = con.execute("SELECT agreements_hash, as_of FROM core.agreement CROSS JOIN core.setting").fetchall()
    return there != [(agreements_hash(config), config.reporting.as_of or latest_event(con))]


def latest_event(con: duckdb.DuckDBPyConnection) -> dt.datetime | None:
    """Return the instant of the latest event of a deal, deleted ones too, or of a lead; None where there is none."""
    both = "SELECT occurred_at FROM ledger.current_deal UNION ALL SELECT occurred_at FROM ledger.current_lead_stage"
    found: dt.datetime | None = one_value(
        con, f"SELECT max(occurred_at) FROM ({both}) WHERE occurred_at < TIMESTAMPTZ '2200-01-01 00:00:00Z'"
    )
    return found


def _setting(config: Config, lead_sources: Any, latest: dt.datetime | None) -> tuple[Any, ...]:
    reporting = config.reporting
    return (
        reporting.currency,
        reporting.time_zone,
        reporting.fiscal_year_start_month,
        config.attribution.default_model,
        [model.id for model in selected_models(config)],
        config.marketing.target_pct,
        _lead_sources(config, lead_sources),
        config_hash(config),
        RULES_EDITION,
        reporting.as_of or latest,
    )


def _lead_sources(config: Config, lead_sources: Any) -> list[str]:
    """Return the lead sources of deals that the configuration names in any case: SQL cannot fold case as labels are compared."""
    named = {folded(normalised(label, "lead_source")) for label in config.marketing.lead_sources}
    return sorted(label for label in set(lead_sources.drop_null().to_pylist()) if folded(label) in named)


def _labels(config: Config) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the maps of labels: what the models call campaigns' channels by."""
    yield from msgspec.structs.asdict(config.labels).items()


def _compared(field: str, value: str) -> str:
    """Return a label or host of the configuration in the form in which it is compared."""
    if field == "referrer":
        return str(hosts(pa.array([value]))[0].as_py())
    return folded(normalised(value, field))


def _named(config: Config) -> Iterator[tuple[str, str, str]]:
    """Yield (key of nisba.toml, field, value) for every label or host that the configuration names; defaults nobody wrote there."""
    for field, names in _labels(config):
        yield from ((f"labels.{field}", field, label) for label in names)
    yield from (("marketing.lead_sources", "lead_source", label) for label in config.marketing.lead_sources)
    for section, settings in (("attribution", config.attribution), *((f"model.{model.id}", model) for model in config.model)):
        for key, field in _NAMING:
            written = set(getattr(settings, key, None) or ()) - set(getattr(_DEFAULT, key))
            yield from ((f"{section}.{key}", field, value) for value in sorted(written))
    for model in config.model:
        for multiplier in model.multipliers:
            named = (("channel", multiplier.channel), ("kind", multiplier.kind))
            yield from ((f"model.{model.id}.multipliers", field, value) for field, value in named if value is not None)
    for rule in config.lead_quality:
        for key, field, allowed in (("segments", "segment", rule.segments), ("channels", "channel", rule.channels)):
            yield from ((f"lead_quality.{rule.id}.{key}", field, value) for value in allowed or () if _compared(field, value) != "(none)")
