"""The days of the reports: when each ends, by the clock of the reporting time zone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from nisba.attribution.dates import ends_of_days

__all__ = ["model"]


def model(day_span: pa.Table, setting: pa.Table) -> pa.Table:
    """Return one row per day of `core.day_span`."""
    days, ends = np.zeros(0, np.int64), np.zeros(0, np.int64)
    spans = [day_span[name].cast(pa.int32()).to_pylist() for name in ("first_day", "last_day")]
    for first, last, zone in zip(*spans, setting["time_zone"].to_pylist(), strict=False):
        days = np.arange(first, last + 1, dtype=np.int64)
        ends = ends_of_days(days, zone)
    instants = pa.array(ends, pa.timestamp("us", "UTC"))
    return pa.table({"day": pa.array(days.astype(np.int32), pa.date32()), "ends_at": instants})
