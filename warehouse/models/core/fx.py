"""The rate of each day and pair of currencies that counts: what its latest event says."""

from __future__ import annotations

import pyarrow as pa

from nisba.attribution.bounds import admitted
from nisba.attribution.registers import winners

__all__ = ["model"]


def model(events: pa.Table) -> pa.Table:
    """Return `date, base, quote, rate, source` of the winning events of `ledger.current_fx`."""
    return pa.table(winners("fx", admitted("fx", events)).select(["date", "base", "quote", "rate", "source"]))
