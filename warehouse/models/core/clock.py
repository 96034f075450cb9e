"""From which instant on the clock of the reports is how far from UTC: what turns instants into days."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from nisba.attribution.dates import DAY_US, offsets_between

__all__ = ["model"]


def model(day_span: pa.Table, setting: pa.Table) -> pa.Table:
    """Return one row per change of the clock, over the years of `core.day_span`."""
    zone = setting["time_zone"][0].as_py()
    days = [day_span[name].cast(pa.int32()).cast(pa.int64()).to_numpy() for name in ("first_day", "last_day")]
    spans = [offsets_between(int(first - 1) * DAY_US, int(last + 2) * DAY_US, zone) for first, last in zip(*days, strict=True)]
    starts, offsets = spans[0] if spans else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    return pa.table({"starts_at": pa.array(starts, pa.timestamp("us", "UTC")), "offset_us": pa.array(offsets, pa.int64())})
