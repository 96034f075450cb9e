"""Where rules coincide, weights agree with marketing-attribution-models (on the package index; not among our requirements: it
brings 200 MB of polars and plotly). Skipped where it is not installed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution import fold
from nisba.config import Attribution, Config
from tests.oracle.compare import rows_of
from tests.strategies import event, facts_of

peer = pytest.importorskip("mam.models.heuristics", reason="pip install marketing-attribution-models")
polars = pytest.importorskip("polars")

DAYS = 30
RULES = {
    "first_touch": peer.FirstClickModel,
    "last_touch": peer.LastClickModel,
    "linear": peer.LinearModel,
    "position_40_20_40": peer.PositionBasedModel,
    "time_decay_7d": peer.TimeDecayModel,
}


def _ours(days: list[int]) -> dict[str, dict[str, float]]:
    """Return the weight of each channel by model; every touch has a channel of its own."""
    touches = [
        event(
            "touch",
            "web",
            f"t{day}",
            f"2026-01-{day:02}T00:00:00Z",
            {"account_id": "a", "channel": f"on {day}", "kind": "click", "team": "sales"},
        )
        for day in days
    ]
    data = {"deal_id": "d", "account_id": "a", "stage": "won", "status": "won", "amount": "100", "currency": "USD"}
    closed = {"opened_at": "2026-01-15T00:00:00Z", "closed_at": "2026-02-01T00:00:00Z"}
    deal = event("deal", "crm", "e", "2026-02-01T00:00:00Z", data | closed)
    rows = rows_of(fold(facts_of([*touches, deal]), Config(attribution=Attribution(default_model="linear"))).tables())
    channels = {row["ordinal"]: row["channel"] for row in rows["journey_touch"]}
    weights: dict[str, dict[str, float]] = {model: {} for model in RULES}
    for line in rows["credit_line"]:
        if line["model"] in RULES:
            weights[line["model"]][channels[line["ordinal"]]] = float(line["weight"])
    return weights


def _theirs(model: Any, days: list[int]) -> dict[str, float]:
    hours = [24.0 * (max(days) - day) for day in days]
    journey = {"journey_id": ["d"], "channels": [[f"on {day}" for day in days]], "time_till_conv": [hours]}
    columns = journey | {"conversion_value": [1.0], "weight": [1.0]}
    rows = model().get_aggregated_results(polars.DataFrame(columns)).to_dicts()
    return {row["channels"]: row["attribution"] for row in rows}


@given(st.lists(st.integers(1, DAYS), min_size=1, max_size=8, unique=True).map(sorted))
def test_rules_in_common_agree(days: list[int]) -> None:
    ours = _ours(days)
    for model_id, model in RULES.items():
        assert ours[model_id] == pytest.approx(_theirs(model, days), abs=1e-9), model_id
