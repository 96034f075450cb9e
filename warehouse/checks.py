"""Credits add up: the law that holds all figures together, one query for the transaction that writes the books, the gate, and reports.

The query is the check `credits_add_up` beside `core.credit_line`. It works on a warehouse and on a published snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import duckdb
import pyarrow as pa

from nisba.errors import CheckFailed
from warehouse.models.check_files import named_check
from warehouse.models.declarations import declared
from warehouse.models.lineage import narrowed
from warehouse.query import relations

__all__ = ["CreditGap", "check_books", "credit_gaps"]

SHOWN_GAPS = 5


@dataclass(frozen=True)
class CreditGap:
    """An entry whose credits by one model are not what was booked; None where there is no entry, or where money is held."""

    deal_id: str
    entry_no: int
    model: str
    amount: Decimal | None
    credited: Decimal | None
    """In the currency of the entry; None where the model does not credit the entry at all."""
    amount_reporting: Decimal | None
    credited_reporting: Decimal | None

    def __str__(self) -> str:
        return (
            f"deal {self.deal_id!r}, entry {self.entry_no}, {self.model}: {self.amount} booked, {self.credited} credited "
            f"({self.amount_reporting} and {self.credited_reporting} in the reporting currency)"
        )


def credit_gaps(con: duckdb.DuckDBPyConnection, deal_ids: pa.Table | None = None) -> list[CreditGap]:
    """Return where a model of `core.setting` does not credit an entry in full, in either currency; in order of deal, entry and model.

    `deal_ids`, a table with a column `deal_id`, narrows it to these deals.
    """
    if deal_ids is None:
        return _gaps(con, _credits_add_up())
    with relations(con, checked_deal=deal_ids):
        return _gaps(con, _credits_of_checked_deals_add_up())


def check_books(con: duckdb.DuckDBPyConnection, deal_ids: pa.Table | None = None) -> None:
    """Check that the credits of all deals, or of these, add up; CheckFailed names the entries that do not."""
    gaps = credit_gaps(con, deal_ids)
    if gaps:
        more = f", and {len(gaps) - SHOWN_GAPS:,} more" if len(gaps) > SHOWN_GAPS else ""
        raise CheckFailed(f"credits do not add up to their entries: {'; '.join(map(str, gaps[:SHOWN_GAPS]))}{more}.")


def _gaps(con: duckdb.DuckDBPyConnection, select: str) -> list[CreditGap]:
    return [CreditGap(*row) for row in con.execute(select).fetchall()]


def _credits_add_up() -> str:
    return named_check(declared("core.credit_line"), "credits_add_up").select


@cache
def _credits_of_checked_deals_add_up() -> str:
    return narrowed(_credits_add_up(), ("core.credit_line", "core.entry"), "deal_id IN (SELECT deal_id FROM checked_deal)")
