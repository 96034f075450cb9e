"""The company's settings: a configuration that nisba reads, and the numbers that its people keep to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nisba.agreements import DEFAULT_SLAS
from nisba.config import Config, load_config
from simulator.agreements import SLA_HOURS, STAGES, agreements
from simulator.business_hours import HOLIDAYS, TIME_ZONE
from simulator.catalogue import CAMPAIGNS, LEAD_SEGMENTS


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    file = tmp_path_factory.mktemp("settings") / "agreements.toml"
    file.write_text(agreements(), "utf-8")
    return load_config(file, environment={})


def test_the_company_keeps_the_usual_hours(config: Config) -> None:
    assert config.lead_sla == DEFAULT_SLAS
    assert {rule.id: (rule.from_stage, rule.to_stage, int(rule.hours)) for rule in config.lead_sla} == SLA_HOURS
    hours = config.business_hours
    assert (hours.time_zone, hours.opens, hours.closes, hours.holidays) == (TIME_ZONE, "09:00", "17:00", HOLIDAYS)


def test_a_good_lead_is_something_else_since_2025(config: Config) -> None:
    first, second = config.lead_quality
    assert first.valid_from is None
    assert first.min_score is not None
    assert second.min_score is not None
    assert first.min_score < second.min_score
    assert second.segments is not None
    assert set(LEAD_SEGMENTS) - set(second.segments) == {"micro"}


def test_rules_are_as_strict_as_people_are_planted(config: Config) -> None:
    assert config.sales_process.stages == STAGES
    assert config.exceptions.discount.max_pct == 15
    assert config.exceptions.since is None, "everything is counted"
    assert config.reporting.gross_margin_pct == Decimal(78)
    assert config.marketing.lead_sources == ("website", "event", "webinar")


def test_plans_pay_by_a_model_and_split_to_people_of_the_company(config: Config) -> None:
    growth, fund = config.incentive
    assert growth.split_by == "campaign_owner"
    assert isinstance(fund.split_by, dict)
    assert set(fund.split_by) <= {campaign.owner for campaign in CAMPAIGNS}
