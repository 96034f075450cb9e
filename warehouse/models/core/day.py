"""The days of the reports: when each ends, by the clock of the reporting time zone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from nisba.attribution.dates import ends_of_days

__all__ = ["model"]


def model(day_span: pa.Table, setting: pa.Table) -> pa.Table:
    """Return one row per day of `core.day_span`."""
    zone = setting["time_zone"][0].as_py()
    spans = zip(*(day_span[name].cast(pa.int32()).cast(pa.int64()).to_pylist() for name in ("first_day", "last_day")), strict=True)
    days = np.array([day for first, last in spans for day in range(first, last + 1)], dtype=np.int64)
    ends = pa.array(ends_of_days(days, zone), pa.timestamp("us", "UTC"))
    return pa.table({"day": pa.array(days.astype(np.int32), pa.date32()), "ends_at": ends})
