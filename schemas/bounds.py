"""The days that the books know: from 1970-01-01 to the end of 2199, and which dates outside them stand for none.

Systems write 0001-01-01 and 9999-12-31 where they know no date. Where nothing is computed from a date, such a one counts as null;
everywhere else a rule refuses it (`schemas.rules`). The bounds themselves are the core's, which reads what earlier doors let in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.bounds import END_DAY, FAR_IS_NONE, FIRST_DAY, is_outside

__all__ = ["FAR_IS_NONE", "FIRST_DAY", "LAST_DAY", "is_outside", "leave_far_out", "without_far"]

LAST_DAY = END_DAY - dt.timedelta(days=1)


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
