"""Credits add up: the one query for the books, the report and the demo."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import duckdb

__all__ = ["Gap", "credit_gaps"]


class Gap(NamedTuple):
    """An entry that a model does not credit in full. `amount` None: credited without an entry; `credited` None: no credit at all."""

    deal_id: str
    entry_no: int
    model: str
    amount: Decimal | None
    credited: Decimal | None
    amount_reporting: Decimal | None
    credited_reporting: Decimal | None


_GAPS = """
    WITH credited AS (
        SELECT deal_id, entry_no, model, sum(revenue) AS revenue, sum(revenue_reporting) AS revenue_reporting
        FROM core.credit_line GROUP BY ALL
    ),
    owed AS (
        SELECT deal_id, entry_no, model, amount, amount_reporting
        FROM core.entry CROSS JOIN (SELECT unnest(models) AS model FROM core.setting) AS model
    )
    SELECT deal_id, entry_no, model, amount, revenue, amount_reporting, revenue_reporting
    FROM credited FULL JOIN owed USING (deal_id, entry_no, model)
    WHERE revenue IS DISTINCT FROM amount OR revenue_reporting IS DISTINCT FROM amount_reporting
    ORDER BY deal_id, entry_no, model
"""


def credit_gaps(con: duckdb.DuckDBPyConnection) -> list[Gap]:
    """Return every entry that some model of `core.setting` does not credit in full, in both currencies."""
    return [Gap(*row) for row in con.execute(_GAPS).fetchall()]
