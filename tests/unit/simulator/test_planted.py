"""What truth.json says was planted is what plain counters find in the events, to the last one."""

from __future__ import annotations

from pathlib import Path

import pytest

from nisba.agreements import CHECKS, exception_rules
from nisba.config import load_config
from simulator import Noise, Summary, simulate
from simulator.agreements import ADHERENCE_CHECKS, EXCEPTION_RULES
from tests.unit.simulator.counted_answers import adherence, passes_with, sla_rows, without_touch
from tests.unit.simulator.counted_exceptions import exceptions
from tests.unit.simulator.counting import Facts, instant, read

QUIET = Noise(0, 0, 0, 0, oversized=False)


@pytest.fixture(scope="module", params=[(7, 280, 731), (31, 120, 400)], ids=["the demo's company", "a smaller one"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    seed, accounts, days = request.param
    return simulate(seed, accounts, days, tmp_path_factory.mktemp("told"), noise=QUIET)


@pytest.fixture(scope="module")
def facts(told: Summary) -> Facts:
    return read(told.directory, load_config(told.directory / "agreements.toml", environment={}))


def test_the_latest_word_of_the_crm(told: Summary, facts: Facts) -> None:
    assert instant(told.truth["planted"]["as_of"]) == facts.as_of


def test_every_rule_is_broken_as_often_as_planted(told: Summary, facts: Facts) -> None:
    stated = told.truth["planted"]["exceptions"]
    counted = exceptions(facts)
    assert {rule: each["ids"] for rule, each in stated.items()} == counted
    assert all(each["count"] == len(each["ids"]) for each in stated.values())


def test_every_rule_is_broken_at_all(tmp_path: Path) -> None:
    stated = simulate(7, 280, 731, tmp_path, noise=QUIET).truth["planted"]
    assert all(each["count"] > 2 for each in stated["exceptions"].values()), stated["exceptions"]
    assert all(each["failed"] > 2 for each in stated["adherence"].values()), stated["adherence"]
    assert all(0.1 < each["breached"] / each["handed"] < 0.35 for each in stated["lead_sla"].values())


def test_every_answer_that_came_late_was_planted(told: Summary, facts: Facts) -> None:
    rows = sla_rows(facts)
    for rule, stated in told.truth["planted"]["lead_sla"].items():
        mine = [row for row in rows if row.rule == rule]
        counted = {
            "handed": len(mine),
            "answered": sum(row.answered is not None for row in mine),
            "breached": sum(row.is_breached(facts.as_of) for row in mine),
        }
        assert stated == counted


def test_leads_come_as_far_as_is_stated(told: Summary, facts: Facts) -> None:
    assert told.truth["planted"]["lead_stages"] == passes_with(facts)


def test_every_gap_in_the_record_was_planted(told: Summary, facts: Facts) -> None:
    assert told.truth["planted"]["adherence"] == adherence(facts)


def test_deals_that_came_from_nowhere(told: Summary, facts: Facts) -> None:
    stated = told.truth["planted"]["deals_without_touch"]
    assert stated["ids"] == without_touch(facts)
    assert 0 < stated["count"] / len(facts.deals) < 0.08


def test_rules_and_checks_are_those_that_there_are() -> None:
    assert tuple(name for name, _ in exception_rules(load_config(None, environment={}).exceptions)) == EXCEPTION_RULES
    assert ADHERENCE_CHECKS == CHECKS
