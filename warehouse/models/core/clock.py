"""From which instant on the clock of the reports is how far from UTC: what turns instants into days."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from nisba.attribution.dates import DAY_US, offsets_between

__all__ = ["model"]


def model(day_span: pa.Table, setting: pa.Table) -> pa.Table:
    """Return one row per change of the clock, over the years of `core.day_span`."""
    days = [day_span[name].cast(pa.int32()).to_pylist() for name in ("first_day", "last_day")]
    starts, offsets = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for first, last, zone in zip(*days, setting["time_zone"].to_pylist(), strict=False):
        starts, offsets = offsets_between((first - 1) * DAY_US, (last + 2) * DAY_US, zone)
    return pa.table({"starts_at": pa.array(starts, pa.timestamp("us", "UTC")), "offset_us": pa.array(offsets, pa.int64())})
