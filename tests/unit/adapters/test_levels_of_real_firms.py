"""Leads and deals of two real, public data sets: conversions by channel, win rates and quarters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest

from nisba.config import Attribution, Config, Reporting, Warehouse
from pipelines.backfill import backfill
from tests.unit.adapters.running import converted
from warehouse.connection import open_reader

Opened = Callable[[str, str, str], duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module")
def opened(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """Return what brings an export into a warehouse: (adapter, currency, time zone) → a reader."""
    with ExitStack() as stack:

        def open_(adapter: str, currency: str, time_zone: str) -> duckdb.DuckDBPyConnection:
            folder = tmp_path_factory.mktemp(adapter)
            converted(adapter, sample_data / adapter, folder / "events")
            config = Config(
                reporting=Reporting(currency=currency, time_zone=time_zone),
                attribution=Attribution(models=("linear",), default_model="linear"),
                warehouse=Warehouse(path=str(folder / "warehouse.duckdb")),
            )
            backfill(folder / "events", config)
            return stack.enter_context(open_reader(folder / "warehouse.duckdb"))

        yield open_


def test_funnel_of_olist_by_channel(opened: Opened) -> None:
    """842 of 8,000 marketing qualified leads became sellers: 10.525 %."""
    con = opened("olist", "BRL", "America/Sao_Paulo")
    rows = con.execute("""
        SELECT segment, sum(entered)::INTEGER, sum(converted)::INTEGER
        FROM marts.funnel
        WHERE view = 'cohort' AND period_kind = 'year' AND from_stage = 'mql' AND to_stage = 'customer'
            AND segment_kind IN ('all', 'channel')
        GROUP BY segment
    """).fetchall()
    found = {segment: (entered, converted) for segment, entered, converted in rows}
    assert found["all"] == (8000, 842)
    assert 100 * 842 / 8000 == 10.525
    # of the 2,296 leads of organic search, 271 won, one was won before its first contact is dated: no touch came before it
    assert (found["organic_search"], found["(none)"]) == ((2295, 270), (1, 1))
    assert found["paid_search"] == (1586, 195)
    assert found["unknown"] == (1099, 179)
    assert tuple(map(sum, zip(*(pair for segment, pair in found.items() if segment != "all"), strict=True))) == (8000, 842)


def test_win_rate_of_maven_by_quarter(opened: Opened) -> None:
    """4,238 of 6,711 closed deals were won: 63.15 %."""
    con = opened("maven_crm", "USD", "UTC")
    rows = con.execute(
        "SELECT period, won, lost, win_rate FROM marts.velocity WHERE period_kind = 'quarter' AND segment = 'all'"
    ).fetchall()
    won, lost = (sum(row[place] for row in rows) for place in (1, 2))
    assert (won, won + lost) == (4238, 6711)
    assert round(100 * won / (won + lost), 2) == 63.15
    by_quarter = {period: (wins, wins + losses) for period, wins, losses, _ in rows if wins + losses}
    assert by_quarter == {"2017-Q1": (531, 647), "2017-Q2": (1254, 2032), "2017-Q3": (1257, 2047), "2017-Q4": (1196, 1985)}
    assert all(rate == pytest.approx(wins / (wins + losses)) for _, wins, losses, rate in rows if wins + losses)
