"""The days that the books know: from 1970-01-01 to the end of 2199, and which dates outside them stand for none.

Systems write 0001-01-01 and 9999-12-31 where they know no date. Where nothing is computed from a date, such a one counts as null;
everywhere else a rule refuses it (`schemas.rules`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["FAR_IS_NONE", "FIRST_DAY", "LAST_DAY", "is_outside", "leave_far_out", "without_far"]

FIRST_DAY, LAST_DAY = dt.date(1970, 1, 1), dt.date(2199, 12, 31)
_DAY_US = 86_400_000_000
_LAST = (LAST_DAY - FIRST_DAY).days

FAR_IS_NONE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"deal": ("closed_at", "closed_on"), "identity": ("since", "until"), "campaign": ("starts_on", "ends_on")}
)
"""Dates that count as null where they are outside, by fact type; those of a deal while it is open: its expected close."""


def is_outside(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which dates or instants of a column are outside the days that the books know; a null is not."""
    number, days = (pa.int32(), 1) if pa.types.is_date(column.type) else (pa.int64(), _DAY_US)
    values = column.cast(number)
    bounds = pc.min_max(values).as_py()
    if bounds["min"] is None or (bounds["min"] >= 0 and bounds["max"] < (_LAST + 1) * days):
        return np.zeros(len(column), dtype=bool)
    outside: npt.NDArray[np.bool_] = (
        pc.or_(pc.less(values, 0), pc.greater_equal(values, (_LAST + 1) * days)).fill_null(False).to_numpy(zero_copy_only=False)
    )
    return outside


def without_far(fact_type: str, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Return the columns of `FAR_IS_NONE` in which something outside became null."""
    changed = {}
    for name in FAR_IS_NONE.get(fact_type, ()):
        far = is_outside(columns[name])
        if fact_type == "deal" and far.any():
            far &= pc.equal(columns["status"], "open").to_numpy(zero_copy_only=False)
        if far.any():
            changed[name] = pc.if_else(pa.array(far), None, columns[name])
    return changed


def leave_far_out(fact_type: str, data: Any) -> None:
    """Do to the canonical texts of one event what `without_far` does to columns, in place."""
    if fact_type == "deal" and data.status != "open":
        return
    for name in FAR_IS_NONE[fact_type]:
        text = getattr(data, name)
        if text is not None and not FIRST_DAY.isoformat() <= text[:10] <= LAST_DAY.isoformat():
            setattr(data, name, None)
