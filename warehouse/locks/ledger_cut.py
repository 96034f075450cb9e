"""Where the ledger stood when a run was made, so that it can be read as it was then."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

import duckdb
import msgspec

from nisba.attribution.facts import FACT_TYPES
from warehouse.loader import committed_offsets
from warehouse.query import one_value

__all__ = ["CutOff", "changed_types", "cut_off", "was_written"]

_NOTHING_LANDED = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_NEVER = dt.datetime(9000, 1, 1, tzinfo=dt.timezone.utc)


@dataclass(frozen=True)
class CutOff:
    """The end of the ledger as it was: what Kafka's topics and the files had brought, and when the last of it was landed."""

    positions: str
    """JSON: `offsets`, the next offset by topic and partition; `facts`, how many facts of each type came from files."""
    recorded_until: dt.datetime
    """Landings follow each other in time, so this instant tells the facts before the cut-off from those after it."""


def cut_off(con: duckdb.DuckDBPyConnection) -> CutOff:
    """Return where the ledger stands."""
    offsets: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (topic, partition), following in sorted(committed_offsets(con).items()):
        offsets[topic][str(partition)] = following
    counts = {fact_type: _from_files(con, fact_type, list(offsets)) for fact_type in FACT_TYPES}
    facts = {fact_type: count for fact_type, count in counts.items() if count}
    positions = msgspec.json.encode({"offsets": offsets, "facts": facts}, order="sorted").decode()
    return CutOff(positions, _latest_landing(con))


def _from_files(con: duckdb.DuckDBPyConnection, fact_type: str, topics: list[str]) -> int:
    """Return how many facts of a type came from elsewhere than from these topics, every version of each."""
    return int(one_value(con, f"SELECT count(*) FROM ledger.{fact_type} WHERE topic IS NULL OR NOT list_contains(?, topic)", [topics]))


def _latest_landing(con: duckdb.DuckDBPyConnection) -> dt.datetime:
    """Return when something was last written to the ledger."""
    each = " UNION ALL ".join(f"SELECT max(greatest(recorded_at, superseded_at)) AS written_at FROM ledger.{kind}" for kind in FACT_TYPES)
    found: dt.datetime | None = one_value(con, f"SELECT max(written_at) FROM ({each})")
    return found or _NOTHING_LANDED


def changed_types(con: duckdb.DuckDBPyConnection, after: dt.datetime, until: dt.datetime | None) -> set[str]:
    """Return the types of facts of which some came, or lost to another version, after one instant and until another (None: until now)."""
    condition, span = was_written(after, until)
    return {kind for kind in FACT_TYPES if one_value(con, f"SELECT 1 FROM ledger.{kind} WHERE {condition} LIMIT 1", span)}


def was_written(after: dt.datetime, until: dt.datetime | None) -> tuple[str, list[dt.datetime]]:
    """Return a condition on rows of the ledger, that something was written of them in between, and its parameters $1 and $2."""
    return "recorded_at > $1 AND recorded_at <= $2 OR superseded_at > $1 AND superseded_at <= $2", [after, until or _NEVER]
