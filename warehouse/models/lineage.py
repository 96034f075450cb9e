"""What a SELECT reads: parsed by sqlglot, whose import takes 0.2 s and is left to those who ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from nisba.errors import WarehouseError

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["narrowed", "reading_order", "reads"]


def reads(select: str) -> frozenset[str]:
    """Return the tables and views that a SELECT reads, with their schemas; its own CTEs, and words in text and comments, are none.

    >>> sorted(reads("WITH deal AS (SELECT 'core.entry' AS word FROM core.deal) SELECT * FROM deal JOIN core.credit USING (deal_id)"))
    ['core.credit', 'core.deal']
    """
    from sqlglot import exp

    return frozenset(f"{table.db}.{table.name}" for table in _parsed(select).find_all(exp.Table) if table.db)


def narrowed(select: str, tables: Collection[str], condition: str) -> str:
    """Return a SELECT that reads only the rows of some tables for which a condition holds.

    >>> narrowed("SELECT sum(amount) AS total FROM core.entry", ["core.entry"], "deal_id = 'd-1'")
    "SELECT SUM(amount) AS total FROM (SELECT * FROM core.entry WHERE deal_id = 'd-1') AS entry"
    """
    from sqlglot import exp

    def narrow(node: Expr) -> Expr:
        if isinstance(node, exp.Table) and f"{node.db}.{node.name}" in tables:
            rows = exp.select("*").from_(exp.table_(node.name, db=node.db)).where(condition, dialect="duckdb")
            return rows.subquery(node.alias or node.name)
        return node

    narrower: str = _parsed(select).transform(narrow).sql(dialect="duckdb")
    return narrower


def reading_order(graph: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return the names of a graph (name → what it reads), each after what it reads; WarehouseError for a circle.

    >>> reading_order({"marts.roi": ["core.credit"], "core.credit": []})
    ('core.credit', 'marts.roi')
    """
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise WarehouseError(f"models read each other in a circle: {' → '.join(error.args[1])}.") from None


def _parsed(select: str) -> Expr:
    import sqlglot

    try:
        return sqlglot.parse_one(select, dialect="duckdb")
    except sqlglot.errors.ParseError as error:
        first_line = select.strip().partition("\n")[0]
        raise WarehouseError(f"{first_line or 'an empty SELECT'}: {error}.") from None
