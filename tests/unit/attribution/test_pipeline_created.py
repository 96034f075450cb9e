"""Pipeline created: what each touch did until a deal was opened (semantics §9). Figures are computed by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nisba.attribution import fold
from nisba.config import Attribution, Config, CustomModel
from tests.oracle.compare import rows_of
from tests.strategies import Event, event, facts_of


def touch(day: int, **data: Any) -> Event:
    fixed = {"account_id": "a", "channel": "email", "kind": "click", "team": "marketing", "campaign_id": f"c{day}"}
    return event("touch", "web", f"t{day}", f"2026-01-{day:02}T00:00:00Z", fixed | data)


def state(day: int, amount: str | None, status: str = "open", currency: str = "USD", opened: str = "2026-01-20", **data: Any) -> Event:
    fixed = {"deal_id": "d", "account_id": "a", "stage": status, "status": status, "opened_at": f"{opened}T00:00:00Z"}
    fixed |= {} if amount is None else {"amount": amount, "currency": currency}
    fixed |= {} if status == "open" else {"closed_at": f"2026-02-{day:02}T00:00:00Z"}
    return event("deal", "crm", f"e{day}", f"2026-02-{day:02}T00:00:00Z", fixed | data)


def lead(day: int, **data: Any) -> Event:
    return event("lead-stage", "crm", f"l{day}", f"2026-01-{day:02}T00:00:00Z", {"lead_id": "l", "stage": "mql"} | data)


def rate(day: int, value: str) -> Event:
    data = {"date": f"2026-01-{day:02}", "base": "EUR", "quote": "USD", "rate": value}
    return event("fx", "bank", f"r{day}", "2026-01-01T00:00:00Z", data)


def rows(*events: Event, model: str = "linear", own: tuple[CustomModel, ...] = ()) -> list[dict[str, Any]]:
    models = () if own else (model,)
    config = Config(attribution=Attribution(models=models, default_model=model), model=own)
    books = rows_of(fold(facts_of(events), config).tables())
    found = [row for row in books["pipeline_credit"] if row["model"] == model]
    return sorted(found, key=lambda row: row["ordinal"] or 0)


def shares(found: list[dict[str, Any]]) -> list[tuple[str | None, str | None, Decimal]]:
    return [(row["touch_id"], row["position"], row["amount"]) for row in found]


TOUCHES = touch(5), touch(10), touch(20), touch(25)
"""The last one is later than the opening, at midnight of the 20th."""


@pytest.mark.parametrize("status", ["open", "won", "lost"])
def test_touches_until_the_opening_share_the_amount(status: str) -> None:
    """100 over three: 33.34, 33.33, 33.33, whatever the deal became; milestones are those of the shorter journey."""
    found = rows(*TOUCHES, state(1, "100.00", status))
    assert shares(found) == [("t5", "FT", Decimal("33.34")), ("t10", "", Decimal("33.33")), ("t20", "LC+OC+CW", Decimal("33.33"))]
    assert {(row["currency"], row["created_on"].isoformat()) for row in found} == {("USD", "2026-01-20")}
    assert next((row["campaign_id"], row["channel"], row["team"], row["ordinal"]) for row in found) == ("c5", "email", "marketing", 1)


def test_a_deleted_deal_created_nothing() -> None:
    assert rows(*TOUCHES, state(1, "100.00"), state(2, "100.00", deleted=True)) == []


@pytest.mark.parametrize(
    ("amounts", "first"),
    [([None, "0.00", "70.00", "90.00"], "70.00"), ([None, "0.00", None], "0.00"), (["50.00", "0.00"], "50.00")],
)
def test_the_first_amount_above_zero_counts(amounts: list[str | None], first: str) -> None:
    found = rows(touch(5), *(state(day, amount) for day, amount in enumerate(amounts, 1)))
    assert [row["amount"] for row in found] == [Decimal(first)]


def test_a_deal_that_never_had_an_amount_has_no_row() -> None:
    assert rows(touch(5), state(1, None), state(2, None, "won")) == []


def test_nobody_was_there_before_the_opening() -> None:
    (row,) = rows(touch(25), state(1, "100.00", "won"))
    assert [row[name] for name in ("ordinal", "touch_id", "touched_at", "position", "campaign_id", "team")] == [None] * 6
    assert (row["channel"], row["weight"], row["amount"], row["amount_reporting"]) == ("unattributed", 1, Decimal(100), Decimal(100))


def test_a_lead_that_was_created_later_is_not_known_yet() -> None:
    """A lead of the 12th holds LC with the touch before it; one of the 22nd, though earlier ones of the account follow, is unknown."""
    early = rows(*TOUCHES, lead(12, deal_id="d"), state(1, "9.00"), model="lead_creation")
    assert shares(early) == [("t10", "LC", Decimal(9))]
    late = rows(*TOUCHES, lead(22, deal_id="d"), lead(7, lead_id="other", account_id="a"), state(1, "9.00"), model="lead_creation")
    assert shares(late) == [("t20", "LC+OC+CW", Decimal(9))]


def test_half_lives_end_at_the_last_touch_of_the_shorter_journey() -> None:
    """Seven days before the last touch counts half: 2 to 1, not what it is seen from the 25th."""
    found = rows(touch(13), touch(20), touch(25), state(1, "90.00"), model="time_decay_7d")
    assert shares(found) == [("t13", "FT", Decimal(30)), ("t20", "LC+OC+CW", Decimal(60))]


def test_the_rate_is_that_of_the_opening_and_a_missing_one_holds_nothing() -> None:
    foreign = state(1, "100.00", currency="EUR"), state(2, "80.00")
    found = rows(*TOUCHES, rate(18, "1.5"), rate(21, "9"), *foreign)
    assert next((row["amount"], row["currency"], row["amount_reporting"]) for row in found) == (Decimal("33.34"), "EUR", Decimal(50))
    assert {row["amount_reporting"] for row in rows(*TOUCHES, rate(12, "1.5"), *foreign)} == {None}


def test_a_model_of_ones_own_has_its_own_journey() -> None:
    own = CustomModel(id="own", rest=Decimal(100), lookback_days=11)
    assert shares(rows(*TOUCHES, state(1, "10.00"), model="own", own=(own,))) == [
        ("t10", "FT", Decimal(5)),
        ("t20", "LC+OC+CW", Decimal(5)),
    ]


def test_a_deal_that_closed_before_it_was_opened_was_created_at_its_close() -> None:
    found = rows(*TOUCHES, state(1, "10.00", "won", opened="2026-03-01"))
    assert [(row["touch_id"], row["created_on"].isoformat()) for row in found][-1] == ("t25", "2026-02-01")
