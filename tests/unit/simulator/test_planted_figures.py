"""The figures of a simulated company find everything that was planted, accidents on the way and all, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from nisba.config import load_config
from simulator import Summary, simulate
from tests.streaming_process import backfilled
from warehouse.connection import open_reader

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return simulate(31, 150, 450, tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="module")
def figures(told: Summary, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    config = load_config(told.directory / "agreements.toml", environment={})
    config = backfilled(config, told.directory, tmp_path_factory.mktemp("books") / "warehouse.duckdb")
    with open_reader(Path(config.warehouse.path)) as con:
        return {name: con.execute(query).fetchall() for name, query in QUERIES.items()}


QUERIES = {
    "exceptions": "SELECT rule, deal_id FROM marts.sales_exception ORDER BY rule, deal_id",
    "adherence": """
        SELECT "check", sum(applicable), sum(applicable - passed) FROM marts.crm_adherence
        WHERE period_kind = 'month' AND segment_kind = 'all' AND "check" <> 'all' GROUP BY "check"
    """,
    "answers": """
        SELECT rule_id, count(*), count(*) FILTER (answer <> 'none'), count(*) FILTER (is_breached) FROM marts.lead_sla GROUP BY rule_id
    """,
    "stages": "SELECT stage, count(*) FROM core.lead_stage GROUP BY stage",
    "without_touch": "SELECT deal_id FROM core.deal WHERE deal_id NOT IN (SELECT deal_id FROM core.journey) ORDER BY deal_id",
}


def test_exceptions(told: Summary, figures: dict[str, Rows]) -> None:
    found = defaultdict(list)
    for rule, deal in figures["exceptions"]:
        found[rule].append(deal)
    assert found == {rule: each["ids"] for rule, each in told.truth["planted"]["exceptions"].items() if each["ids"]}
    assert len(found) > 10


def test_adherence(told: Summary, figures: dict[str, Rows]) -> None:
    found = {check: {"applicable": applicable, "failed": failed} for check, applicable, failed in figures["adherence"]}
    assert found == told.truth["planted"]["adherence"]


def test_answers(told: Summary, figures: dict[str, Rows]) -> None:
    names = ("handed", "answered", "breached")
    assert {rule: dict(zip(names, counts, strict=True)) for rule, *counts in figures["answers"]} == told.truth["planted"]["lead_sla"]


def test_stages(told: Summary, figures: dict[str, Rows]) -> None:
    assert dict(figures["stages"]) == told.truth["planted"]["lead_stages"]


def test_deals_from_nowhere(told: Summary, figures: dict[str, Rows]) -> None:
    assert [deal for (deal,) in figures["without_touch"]] == told.truth["planted"]["deals_without_touch"]["ids"]
