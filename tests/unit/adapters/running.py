"""Run an adapter in a test: over files written on the spot, with the settings of its section."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from adapters import Conversion, Examination, Pull, convert, examine, pulls
from nisba.config import Config, load_config

__all__ = ["config_of", "converted", "events_of", "examined", "pull_of"]


def config_of(section: str, settings: Mapping[str, Any], **reporting: Any) -> Config:
    """Return the configuration with one section of adapters, and keys of `[reporting]`."""
    given = {f"reporting.{key}": value for key, value in reporting.items()}
    return load_config(None, {}, {**given, f"adapters.{section}": dict(settings)})


def pull_of(name: str, where: str | Path, settings: Mapping[str, Any] | None = None, **reporting: Any) -> tuple[Pull, Config]:
    """Return an adapter over a place, and its configuration; `name` may be the folder of an adapter."""
    section = "tested" if "/" in name else name
    config = config_of(section, {"adapter": name, **(settings or {})}, **reporting)
    (pull,) = pulls(config, section, str(where))
    return pull, config


def converted(name: str, where: str | Path, out: Path, settings: Mapping[str, Any] | None = None, **reporting: Any) -> Conversion:
    """Convert a place into `out`."""
    pull, config = pull_of(name, where, settings, **reporting)
    return convert(pull, config, out)


def examined(name: str, where: str | Path, settings: Mapping[str, Any] | None = None, **reporting: Any) -> Examination:
    """Look at a place as `nisba adapters check` does."""
    pull, config = pull_of(name, where, settings, **reporting)
    return examine(pull, config)


def events_of(directory: Path, fact_type: str | None = None) -> list[dict[str, Any]]:
    """Return the events in the files of a directory, in their order; only those of a type, `nisba.<fact type>.v1`."""
    lines = (line for file in sorted(directory.glob("*.jsonl")) for line in file.read_bytes().splitlines())
    found: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines]
    wanted = fact_type and f"nisba.{fact_type.replace('_', '-')}.v1"
    return [event for event in found if wanted is None or event["type"] == wanted]
