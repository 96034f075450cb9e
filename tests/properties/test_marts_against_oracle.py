"""The marts, from the oracle's books, show the figures that the oracle reckons from the same books (semantics §9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.config import Config
from tests import oracle
from tests.oracle.costs import named_campaigns
from tests.oracle.figures import MEASURES, Figures, campaign_roi, marketing_share, periods
from tests.oracle.settled import settle
from tests.strategies import Event, configs, event_sets, examples, facts_of
from warehouse.migrations import migrate
from warehouse.models.build import build
from warehouse.models.check_files import checks_of
from warehouse.models.declarations import tables
from warehouse.query import relations
from warehouse.settings import write_settings

AMOUNTS = ("cost", "revenue", "realized_revenue", "pipeline", "won_deals", "roi_reason")
RATIOS = ("roi", "roas", "realized_roi")
OWN = ("won_revenue", "won_deals", "attributed", "attributed_deals")
SUMMED = ("won_revenue", "won_deals", *MEASURES, *(f"{name}_deals" for name in MEASURES))
FROM_THE_LEDGER = {"marts.touch_activity"}
"""The ledger of these worlds has campaigns alone."""


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as con:
        migrate(con)
        yield con


def _built(con: duckdb.DuckDBPyConnection, events: list[Event], rows: oracle.Rows, config: Config) -> None:
    """Put the books into the tables of `core` and the campaigns into the ledger, and build the marts."""
    campaigns = facts_of([one for one in events if one["type"] == "nisba.campaign.v1"]).campaign
    con.execute("TRUNCATE ledger.campaign")
    with relations(con, campaigns=campaigns):
        con.execute("INSERT INTO ledger.campaign BY NAME SELECT * FROM campaigns")
    for name in BOOK_SCHEMAS.keys() - {"held"}:
        made = pa.Table.from_pylist(rows[name], schema=BOOK_SCHEMAS[name])
        con.execute(f"TRUNCATE core.{name}")
        with relations(con, made=made):
            con.execute(f"INSERT INTO core.{name} BY NAME SELECT * FROM made")
    write_settings(con, config)
    build(con)


def _figures(con: duckdb.DuckDBPyConnection, table: str, keys: tuple[str, ...], where: str = "true") -> Figures:
    rows = con.execute(f"SELECT * FROM marts.{table} WHERE {where}").to_arrow_table().to_pylist()
    return {tuple(row[key] for key in keys): row for row in rows}


@examples(40, of_profile=0.02)  # each builds all the marts
@given(event_sets(), configs())
def test_marts_show_the_oracles_figures(warehouse: duckdb.DuckDBPyConnection, events: list[Event], config: Config) -> None:
    rows = oracle.fold(events, config)
    _built(warehouse, events, rows, config)
    names = named_campaigns(settle(events))
    by_campaign = _figures(warehouse, "campaign_roi", ("period_kind", "period", "campaign_id", "model"))
    _assert_campaign_roi(by_campaign, campaign_roi(rows, config, names))
    for kind in ("segment", "region", "deal_type", "product", "owner"):
        told_apart = {**rows, "deal": [deal | {"segment": deal[kind]} for deal in rows["deal"]]}
        _assert_marketing_share(_share_by(warehouse, kind), marketing_share(told_apart, config))
    _assert_trailing_years(_trailing_years(warehouse), marketing_share(rows, config))
    _assert_deal_share(_figures(warehouse, "deal_share", ("period_kind", "period", "deal_id", "model")), rows, config)
    _assert_deals(warehouse, rows, names)
    _assert_pipeline_created(warehouse, rows, config, names)
    _assert_trees(warehouse, rows, config, names)
    assert _broken_laws(warehouse) == {}


def _share_by(con: duckdb.DuckDBPyConnection, kind: str) -> Figures:
    """Return marketing's share of all deals, and of those that a kind of segment tells apart."""
    where = f"segment_kind IN ('all', '{kind}') AND period_kind <> 'ttm'"
    return _figures(con, "marketing_share", ("period_kind", "period", "segment", "model"), where)


def _trailing_years(con: duckdb.DuckDBPyConnection) -> Figures:
    where = "segment_kind IN ('all', 'segment') AND period_kind = 'ttm'"
    return _figures(con, "marketing_share", ("period", "segment", "model"), where)


def _assert_trailing_years(found: Figures, by_period: Figures) -> None:
    """Each is the sum of its twelve months, from the first whole one among the months that have rows to the last."""
    months = {key[1:]: row for key, row in by_period.items() if key[0] == "month"}
    numbers = {month: 12 * int(month[:4]) + int(month[5:]) for month, _, _ in months}
    expected: dict[tuple[str, ...], dict[str, Fraction]] = {}
    for last in range(min(numbers.values(), default=0) + 11, max(numbers.values(), default=-1) + 1):
        for (month, segment, model), row in months.items():
            if last - 12 < numbers[month] <= last:
                key = (f"{(last - 1) // 12}-{(last - 1) % 12 + 1:02}", segment, model)
                summed = expected.setdefault(key, dict.fromkeys(SUMMED, Fraction(0)))
                expected[key] = {name: summed[name] + Fraction(row[name]) for name in SUMMED}
    assert {key: {name: Fraction(row[name]) for name in SUMMED} for key, row in found.items()} == expected


def _assert_deal_share(found: Figures, rows: oracle.Rows, config: Config) -> None:
    """Each deal is a segment of its own: its row has the measures of marketing's share, or none of them where it lacks the flag."""
    told_apart = {**rows, "deal": [deal | {"segment": deal["deal_id"]} for deal in rows["deal"]]}
    expected = {key: row for key, row in marketing_share(told_apart, config).items() if key[2] != "all"}
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        there = found[key]
        assert [Fraction(there[name]) for name in OWN] == [Fraction(row[name]) for name in OWN], key
        for name in MEASURES[1:]:
            whole = (there["won_revenue"], there["won_deals"]) if there[f"is_{name}"] else (0, 0)
            assert (row[name], row[f"{name}_deals"]) == whole, (key, name)


def _assert_deals(con: duckdb.DuckDBPyConnection, rows: oracle.Rows, names: Mapping[str, str]) -> None:
    """Every deal is there once, with who opened and who closed it, and the persons and campaigns of its journey, each once."""
    found = {key[0]: row for key, row in _figures(con, "deal", ("deal_id",)).items()}
    assert found.keys() == {deal["deal_id"] for deal in rows["deal"]}
    for deal in rows["deal"]:
        own = [touch for touch in rows["journey_touch"] if touch["deal_id"] == deal["deal_id"] and touch["journey"] == "default"]
        own.sort(key=lambda touch: touch["ordinal"])
        campaigns = [names.get(touch["campaign_id"], touch["campaign_id"]) or "(none)" for touch in own]
        opened = min(deal["opened_at"], deal["closed_at"]) if deal["status"] != "open" else deal["opened_at"]
        cycle, journey = (
            None if deal["status"] == "open" or since is None else (deal["closed_at"] - since) / dt.timedelta(days=1)
            for since in (opened, own[0]["touched_at"] if own else None)
        )
        expected = {
            "status": deal["status"],
            "amount_reporting": deal["amount_reporting"],
            "touches": len(own),
            "marketing_touches": sum(touch["team"] == "marketing" for touch in own),
            "people": len({touch["actor"] for touch in own if (touch["actor"] or "").startswith(("person:", "lead:"))}),
            "first_channel": own[0]["channel"] if own else "(unattributed)",
            "last_channel": own[-1]["channel"] if own else "(unattributed)",
            "first_campaign_id": campaigns[0] if own else "(unattributed)",
            "last_campaign_id": campaigns[-1] if own else "(unattributed)",
            "campaign_ids": sorted({campaign for campaign in campaigns if campaign != "(none)"}),
        }
        there = found[deal["deal_id"]]
        assert {name: there[name] for name in expected} == expected, deal["deal_id"]
        assert (there["cycle_days"], there["days_from_first_touch"]) == (pytest.approx(cycle), pytest.approx(journey)), deal["deal_id"]


def _assert_pipeline_created(con: duckdb.DuckDBPyConnection, rows: oracle.Rows, config: Config, names: Mapping[str, str]) -> None:
    segments = {deal["deal_id"]: deal["segment"] or "(none)" for deal in rows["deal"]}
    expected: dict[tuple[str, ...], tuple[Fraction, Fraction]] = {}
    for line in rows["pipeline_credit"]:
        nobody = "(unattributed)" if line["ordinal"] is None else None
        campaign = names.get(line["campaign_id"], line["campaign_id"]) or "(none)"
        dimensions = {"campaign": nobody or campaign, "channel": nobody or line["channel"], "team": nobody or line["team"]}
        for kind, dimension in {**dimensions, "segment": segments[line["deal_id"]]}.items():
            for period in periods(line["created_on"], config):
                key = (*period, kind, dimension, line["model"])
                pipeline, deals = expected.get(key, (Fraction(0), Fraction(0)))
                expected[key] = (pipeline + Fraction(line["amount_reporting"] or 0), deals + Fraction(line["weight"]))
    found = _figures(con, "pipeline_created", ("period_kind", "period", "dimension_kind", "dimension", "model"))
    assert {key: (Fraction(row["pipeline"]), Fraction(row["deals"])) for key, row in found.items()} == expected


def _assert_trees(con: duckdb.DuckDBPyConnection, rows: oracle.Rows, config: Config, names: Mapping[str, str]) -> None:
    """A tree is what a campaign would be if everything below it were another name of it."""
    parents = _parents(con, names)
    expected: Figures = {}
    for root in set(parents.values()):
        below = {campaign for campaign in parents if root in _above(campaign, parents)}
        merged = {**names, **dict.fromkeys(below, root), **{name: root for name, stands in names.items() if stands in below}}
        costs = [cost | {"campaign_id": merged.get(cost["campaign_id"], cost["campaign_id"])} for cost in rows["cost_daily"]]
        figures = campaign_roi({**rows, "cost_daily": costs}, config, merged)
        expected |= {key: row for key, row in figures.items() if key[2] == root}
    _assert_campaign_roi(_figures(con, "campaign_tree", ("period_kind", "period", "campaign_id", "model")), expected)


def _parents(con: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> dict[str, str]:
    """Return the parent of each campaign that is no other name of one; of each circle the smallest id has none."""
    said = dict(
        con.execute("SELECT campaign_id, parent_id FROM core.campaign WHERE parent_id IS NOT NULL AND parent_id <> 'all'").fetchall()
    )
    parents = {own: names.get(parent, parent) for own, parent in said.items() if names.get(own, own) == own}
    circles = {own: set(_above(own, parents)) for own in parents if own in _above(own, parents)}
    return {own: parent for own, parent in parents.items() if own not in circles or own != min(circles[own])}


def _above(campaign: str, parents: Mapping[str, str]) -> list[str]:
    """Return the campaigns above one, until they repeat."""
    found: list[str] = []
    while campaign in parents and parents[campaign] not in found:
        campaign = parents[campaign]
        found.append(campaign)
    return found


def _broken_laws(con: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """Return the rows that break a law of the tables that are made of the books."""
    laws = {
        law.name: law
        for table in tables().values()
        if table.is_published and table.name not in FROM_THE_LEDGER
        for law in checks_of(table)
        if law.severity == "critical"
    }
    broken = {name: con.execute(law.select).fetchall() for name, law in laws.items()}
    return {name: rows for name, rows in broken.items() if rows}


def _assert_campaign_roi(found: Figures, expected: Figures) -> None:
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert [found[key][name] for name in AMOUNTS] == [row[name] for name in AMOUNTS], key
        assert [found[key][name] for name in RATIOS] == pytest.approx([_float(row[name]) for name in RATIOS]), key


def _assert_marketing_share(found: Figures, expected: Figures) -> None:
    assert found.keys() == expected.keys()
    names = ("won_revenue", "won_deals", *MEASURES, *(f"{name}_deals" for name in MEASURES))
    percentages = (*(f"{name}_pct" for name in MEASURES), *(f"{name}_deals_pct" for name in MEASURES), "gap_to_target")
    for key, row in expected.items():
        assert {name: Fraction(found[key][name]) for name in names} == {name: Fraction(row[name]) for name in names}, key
        for name in percentages:
            assert found[key][name] == (None if row[name] is None else pytest.approx(float(row[name]))), (key, name)


def _float(number: Fraction | None) -> Any:
    return None if number is None else float(number)
