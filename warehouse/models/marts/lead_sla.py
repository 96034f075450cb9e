"""How soon every lead that was handed over was answered, in the firm's business hours."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.business_time import OfficeHours, holidays_of
from nisba.attribution.columns import Ints

__all__ = ["model"]

KEPT = (
    "lead_id",
    "pass_no",
    "rule_id",
    "from_stage",
    "to_stage",
    "handed_at",
    "handed_on",
    "answer",
    "answered_at",
    "channel",
    "segment",
    "owner",
    "team",
)
HOUR_US = 3_600_000_000


def model(lead_handover: pa.Table, business_hours: pa.Table) -> pa.Table:
    """Return the rows of `core.lead_handover` with when the answer was due, how long it took, and whether that was too long."""
    hours, handed = _office_hours(business_hours), _instants(lead_handover["handed_at"])
    is_answered = lead_handover["answered_at"].is_valid()
    until = pc.coalesce(lead_handover["answered_at"], lead_handover["as_of"])
    allowed = pc.multiply(lead_handover["hours"], pa.scalar(HOUR_US, pa.decimal128(18, 0)))
    due = hours.after(handed, _whole(allowed))
    took = hours.between(handed, _instants(until))
    return (
        lead_handover.select(KEPT)
        .append_column("due_at", pa.array(due, pa.timestamp("us", "UTC")))
        .append_column("business_hours", pa.array(took / HOUR_US))
        .append_column("is_breached", pa.array(_instants(until) > due))
        .append_column("is_decided", pc.or_(is_answered, pa.chunked_array([pa.array(_instants(lead_handover["as_of"]) > due)])))
    )


def _whole(microseconds: pa.ChunkedArray) -> Ints:
    """Return decimals as integers: parts of a microsecond are cut off."""
    return np.asarray(pc.trunc(microseconds).cast(pa.int64()).to_numpy(), dtype=np.int64)


def _instants(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _office_hours(table: pa.Table) -> OfficeHours:
    """Return when the firm is open; where nothing was agreed yet, no lead was handed over either."""
    for row in table.to_pylist():
        is_holiday = holidays_of(row["holiday_code"], row["holidays"])
        return OfficeHours(row["time_zone"], row["days"], row["opens_minute"], row["closes_minute"], is_holiday)
    return OfficeHours("UTC", (), 0, 0, holidays_of(None))
