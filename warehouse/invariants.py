"""The invariants of money, checked inside the transaction that would break them."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from nisba.errors import CheckFailed
from warehouse.query import relations

__all__ = ["check_books"]

_CREDITS_ARE_ENTRIES = """
    WITH credited AS (
        SELECT deal_id, entry_no, model, sum(revenue) AS revenue, sum(revenue_reporting) AS revenue_reporting
        FROM core.credit_line WHERE {deals} GROUP BY ALL
    ),
    owed AS (
        SELECT deal_id, entry_no, model, amount, amount_reporting
        FROM core.entry CROSS JOIN (SELECT unnest(models) AS model FROM core.setting) AS model
        WHERE {deals}
    )
    SELECT deal_id, entry_no, model, amount, revenue, amount_reporting, revenue_reporting
    FROM credited FULL JOIN owed USING (deal_id, entry_no, model)
    WHERE revenue IS DISTINCT FROM amount OR revenue_reporting IS DISTINCT FROM amount_reporting
    LIMIT 5
"""


def check_books(con: duckdb.DuckDBPyConnection, deal_ids: pa.Table | None = None) -> None:
    """Check that every model of `core.setting` credits every entry in full, in both currencies; CheckFailed names the entries.

    `deal_ids`, one column `deal_id`, are the deals to look at; None: all.
    """
    deals = "true" if deal_ids is None else "deal_id IN (FROM checked_deal)"
    with relations(con, **({} if deal_ids is None else {"checked_deal": deal_ids})):
        wrong = con.execute(_CREDITS_ARE_ENTRIES.format(deals=deals)).fetchall()
    if wrong:
        raise CheckFailed(f"credits do not add up to their entries (deal, entry, model, amount, credited, in reporting currency): {wrong}")
