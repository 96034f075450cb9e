"""The simulator: the same bytes for ever, a story that adds up, and a truth that can be recomputed."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from simulator import CAMPAIGNS, Noise, Summary, simulate
from simulator.clock import START_SECONDS, iso_instants, utc_instant
from simulator.draws import Draws
from simulator.outcomes import MAX_WIN
from simulator.rates import build_rates
from simulator.story import tell
from simulator.touches import campaign_window
from simulator.world import CURRENCY_CODES, World

SEED, ACCOUNTS, DAYS = 3, 300, 300
PINNED = "d9798814795492f928a2a0bbb9af4e8a7801c8c7dcb6eb3c68b93075ea0b688e"
"""Of all files of this seed, in order of their names. It changes only when the story is changed on purpose."""

CLEAN = Noise(malformed_pct=0, duplicate_pct=0, conflict_pct=0, late_pct=0, oversized=False)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return simulate(SEED, ACCOUNTS, DAYS, tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return simulate(SEED, ACCOUNTS, DAYS, tmp_path_factory.mktemp("clean"), noise=CLEAN)


def events(summary: Summary, topic: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in (summary.directory / f"{topic}.jsonl").read_bytes().splitlines()]


def fingerprint(directory: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(directory.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def test_the_bytes_of_a_seed_never_change(told: Summary) -> None:
    assert fingerprint(told.directory) == PINNED


def test_the_same_seed_twice_and_another_seed(told: Summary, tmp_path: Path) -> None:
    assert fingerprint(simulate(SEED, ACCOUNTS, DAYS, tmp_path / "again").directory) == fingerprint(told.directory)
    assert fingerprint(simulate(SEED + 1, ACCOUNTS, DAYS, tmp_path / "other").directory) != fingerprint(told.directory)


def test_draws_are_the_raw_words_of_pcg64() -> None:
    assert Draws(1, "x").below(6, 1_000).tolist() == [475, 500, 729, 974, 623, 40]
    assert Draws(1, "y").below(6, 1_000).tolist() != Draws(1, "x").below(6, 1_000).tolist()


def test_a_table_of_quantiles_is_a_distribution() -> None:
    drawn = Draws(5, "q").quantile(40_000, (0, 10, 100))
    assert drawn.min() >= 0
    assert drawn.max() < 100
    assert np.mean(drawn < 10) == pytest.approx(0.5, abs=0.01)


def test_counts_have_the_mean_they_are_asked_for() -> None:
    assert Draws(5, "c").count(np.full(40_000, 12_500)).mean() == pytest.approx(1.25, abs=0.02)


def test_instants_have_offsets_and_are_the_same_instant() -> None:
    at = np.asarray([START_SECONDS, START_SECONDS])
    assert iso_instants(at, np.asarray([0, -210])) == ["2024-01-01T00:00:00+00:00", "2023-12-31T20:30:00-03:30"]
    assert iso_instants(at, np.asarray([60, 60]), np.asarray([0, 7]), zulu=np.asarray([False, True])) == [
        "2024-01-01T01:00:00.000+01:00",
        "2024-01-01T00:00:00.007Z",
    ]
    assert utc_instant(START_SECONDS, 330) == "2024-01-01T05:30:00+05:30"


def test_every_topic_has_its_file_and_beside_them_are_the_settings_and_the_truth(told: Summary) -> None:
    assert sorted(file.name for file in told.directory.iterdir()) == [
        "agreements.toml",
        "crm.account.jsonl",
        "crm.deal.jsonl",
        "crm.lead.jsonl",
        "finance.fx.jsonl",
        "identity.jsonl",
        "marketing.campaign.jsonl",
        "marketing.spend.jsonl",
        "marketing.touch.jsonl",
        "truth.json",
    ]
    assert json.loads((told.directory / "truth.json").read_text("utf-8")) == told.truth


def test_counts_add_up_to_the_lines(told: Summary) -> None:
    for name, counts in told.truth["topics"].items():
        lines = (told.directory / f"{name}.jsonl").read_bytes().count(b"\n")
        parts = sum(counts["events"].values()) + counts["duplicates"] + counts["conflicts"] + sum(counts["dead_letters"].values())
        assert lines == counts["records"] == parts


def test_dead_letters_stay_rare_and_have_every_class(told: Summary) -> None:
    classes: Counter[str] = Counter()
    for counts in told.truth["topics"].values():
        classes.update(counts["dead_letters"])
        assert sum(counts["dead_letters"].values()) <= max(1, counts["records"] * 0.02)
    assert set(classes) == {"malformed", "schema", "unknown_type", "semantic", "oversized"}


def test_a_clean_story_has_no_accidents_on_the_way(clean: Summary, told: Summary) -> None:
    for name, counts in clean.truth["topics"].items():
        assert (counts["duplicates"], counts["conflicts"], counts["dead_letters"]) == (0, 0, {})
        assert counts["events"] == told.truth["topics"][name]["events"]
    assert clean.truth["effects"] == told.truth["effects"]


def test_ids_are_unique_within_source_and_type(clean: Summary) -> None:
    for name, counts in clean.truth["topics"].items():
        ids = {(event["type"], event["source"], event["id"]) for event in events(clean, name)}
        assert len(ids) == counts["records"]


def test_deals_tell_a_story_that_fits_the_truth(clean: Summary) -> None:
    last: dict[str, dict[str, Any]] = {}
    first_win: set[str] = set()
    for event in sorted(events(clean, "crm.deal"), key=lambda e: (e["type"], e["data"].get("revision", 0))):
        if event["type"] == "nisba.deal.v1" and event["data"]["deal_id"].startswith("D-"):
            last[event["data"]["deal_id"]] = event["data"]
            if event["data"]["status"] == "won":
                first_win.add(event["data"]["deal_id"])
    deleted = {deal for deal, data in last.items() if data.get("deleted")}
    assert len(first_win - deleted) == clean.won_deals > 30
    assert {data["status"] for data in last.values()} == {"open", "won", "lost"}
    lost = [data for data in last.values() if data["status"] == "lost"]
    assert 0.8 < sum("loss_reason" in data for data in lost) / len(lost) < 1
    assert all("closed_at" in data for data in last.values() if data["status"] != "open")


def test_currencies_have_their_own_decimals(clean: Summary) -> None:
    amounts = {(e["data"]["currency"], e["data"]["amount"]) for e in events(clean, "crm.deal") if "amount" in e["data"]}
    assert {currency for currency, _ in amounts} >= {"USD", "EUR", "GBP", "JPY"}
    assert all(("." in amount) == (currency != "JPY") for currency, amount in amounts)


def test_late_records_arrive_late_and_nothing_comes_from_the_future(told: Summary) -> None:
    months = [event["time"][:7] for line in (told.directory / "crm.lead.jsonl").read_bytes().splitlines() if (event := _try(line))]
    assert months != sorted(months)
    assert max(months) <= "2024-10"


def _try(line: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return None


def test_the_effect_of_a_campaign_is_the_difference_between_two_worlds(told: Summary) -> None:
    """Recompute one campaign's truth from the definition, deal by deal, in plain Python."""
    story = tell(SEED, ACCOUNTS, DAYS)
    world, outcomes, deleted = story.world, story.outcomes, story.deleted
    cents = build_rates(SEED, DAYS).in_usd_cents(world.deals.amount, _codes(world), world.deals.close).tolist()
    number = next(i for i, campaign in enumerate(CAMPAIGNS) if campaign.id == "c-partner-fund")
    caused = expected = 0
    for deal in range(len(world.deals)):
        if not outcomes.decided[deal] or deleted[deal]:
            continue
        base, luck = int(world.deals.base_win[deal]), int(world.deals.luck[deal])
        uplifts = [campaign.uplift * int(outcomes.seen[deal, i]) for i, campaign in enumerate(CAMPAIGNS)]
        with_it, without = min(base + sum(uplifts), MAX_WIN), min(base + sum(uplifts) - uplifts[number], MAX_WIN)
        expected += (with_it - without) * cents[deal] // 10_000
        caused += cents[deal] if without <= luck < with_it else 0
    truth = told.truth["effects"]["campaigns"][number]
    assert truth["realised_incremental_revenue_usd_cents"] == caused > 0
    assert truth["expected_incremental_revenue_usd_cents"] == expected > 0


def _codes(world: World) -> list[str]:
    return [CURRENCY_CODES[code] for code in world.deals.currency.tolist()]


def test_two_campaigns_cause_nothing_although_winners_saw_them(told: Summary) -> None:
    effects = {effect["campaign_id"]: effect for effect in told.truth["effects"]["campaigns"]}
    for campaign in ("c-brand-search", "c-retargeting"):
        assert effects[campaign]["realised_incremental_deals"] == 0
        assert effects[campaign]["won_deals_that_saw_it"] > 0


def test_campaigns_run_inside_the_simulated_time() -> None:
    for days in (1, 7, 365, 730):
        for campaign in CAMPAIGNS:
            first, last = campaign_window(campaign, days)
            assert 0 <= first <= last < days


@pytest.mark.parametrize(("accounts", "days"), [(1, 1), (1, 30), (5, 2)])
def test_the_smallest_worlds_work(tmp_path: Path, accounts: int, days: int) -> None:
    assert simulate(0, accounts, days, tmp_path).records > 0


def test_impossible_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one account"):
        simulate(1, 0, 10, tmp_path)


def test_every_account_has_a_name_of_its_own_and_a_merged_one_the_same_under_both_ids(clean: Summary) -> None:
    named = {event["data"]["account_id"]: event["data"]["name"] for event in events(clean, "crm.account")}
    current = {id_: name for id_, name in named.items() if not id_.endswith("-old")}
    assert len(current) == len(set(current.values())) == ACCOUNTS
    merged = named.keys() - current.keys()
    assert merged
    assert all(named[id_] == named[id_.removesuffix("-old")] for id_ in merged)


def test_deals_are_named_for_their_account_and_what_is_sold(clean: Summary) -> None:
    accounts = {event["data"]["account_id"]: event["data"]["name"] for event in events(clean, "crm.account")}
    deals = [event["data"] for event in events(clean, "crm.deal") if event["type"] == "nisba.deal.v1"]
    assert deals
    assert all(deal["name"] == f"{accounts[deal['account_id']]}: {deal['product']} ({deal['deal_type']})" for deal in deals)
