"""Lines of touches, made by templates, are the events that an encoder would make of the same columns."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import numpy as np
import pytest

from schemas.keys import partition_key
from simulator.catalogue import PAGES, STREAMS
from simulator.clock import DAY
from simulator.naming import account_id, old_account_id, person_id, visitor_id
from simulator.touch_lines import TouchLines, retraction_events
from simulator.touches import NOBODY
from tests.unit.simulator.stories import Story

Events = list[dict[str, Any]]


@pytest.fixture(scope="module")
def lines(story: Story) -> list[bytes]:
    return TouchLines(story.world, story.touches).render(np.arange(len(story.touches)))


@pytest.fixture(scope="module")
def events(lines: list[bytes]) -> Events:
    return [msgspec.json.decode(line) for line in lines]


def test_a_line_is_the_same_in_whatever_block_it_is_rendered(story: Story, lines: list[bytes]) -> None:
    rendered = TouchLines(story.world, story.touches)
    rows = np.asarray([7, 3, 3, len(lines) - 1])
    assert rendered.render(rows) == [lines[row] for row in rows.tolist()]
    assert rendered.render(rows[:0]) == []


def test_the_envelope(story: Story, events: Events) -> None:
    for row, event in enumerate(events):
        stream = STREAMS[int(story.touches.stream[row])]
        assert (event["id"], event["source"]) == (f"t-{row:07d}", stream.source)
        assert (event["specversion"], event["type"]) == ("1.0", "nisba.touch.v1")
        assert event["partitionkey"] == partition_key("nisba.touch.v1", event["data"])


def test_times_are_the_instants_with_milliseconds(story: Story, events: Events) -> None:
    for row, event in enumerate(events):
        written = dt.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
        assert written.timestamp() * 1000 == pytest.approx(int(story.touches.at[row]) * 1000 + row * 7919 % 1000, abs=0.01)
        assert event["time"].endswith("Z") == (row % 5 == 0)


def test_ids_are_those_that_are_seen(story: Story, events: Events) -> None:
    touches, merged = story.touches, story.world.accounts.merged
    for row, event in enumerate(events):
        account, person, visitor = (int(column[row]) for column in (touches.account_seen, touches.person_seen, touches.visitor_seen))
        name = old_account_id if account != NOBODY and merged[account] and row % 2 == 0 else account_id
        assert event["data"].get("account_id") == (None if account == NOBODY else name(account))
        assert event["data"].get("person_id") == (None if person == NOBODY else person_id(person))
        assert event["data"].get("visitor_id") == (None if visitor == NOBODY else visitor_id(visitor))


def test_merged_accounts_are_seen_under_both_ids(events: Events) -> None:
    names = {event["data"].get("account_id", "") for event in events}
    old = {name.removesuffix("-old") for name in names if name.endswith("-old")}
    assert len(old) >= 3
    assert old & names


def test_the_rest_is_that_of_the_stream(story: Story, events: Events) -> None:
    for row, event in enumerate(events):
        stream, data = STREAMS[int(story.touches.stream[row])], event["data"]
        assert (data["channel"], data["team"]) == (stream.channel, stream.team)
        assert data["kind"] == stream.kinds[int(story.touches.kind[row])][0]
        assert data.get("campaign_id") == stream.campaign
        page = PAGES[int(story.touches.page[row])]
        assert data.get("url") == (f"https://www.example.com{page}" if stream.source == "web" else None)


@pytest.mark.parametrize(
    ("channel", "utm"),
    [
        ("paid_search", {"source": "google", "medium": "cpc"}),
        ("paid_social", {"source": "linkedin", "medium": "paid_social"}),
    ],
)
def test_paid_clicks_on_the_website_carry_their_campaign(events: Events, channel: str, utm: dict[str, str]) -> None:
    mine = [event["data"] for event in events if event["data"]["channel"] == channel and event["source"] == "web"]
    assert len(mine) > 100
    assert all(data["utm"] == utm | {"campaign": data["campaign_id"]} for data in mine)


def test_only_searches_have_a_referrer(events: Events) -> None:
    assert {event["data"]["channel"] for event in events if "referrer" in event["data"]} == {"organic_search"}
    assert not any("utm" in event["data"] for event in events if event["data"]["channel"] in ("direct", "organic_search", "email"))


def test_a_bots_touch_is_retracted_within_ten_days(story: Story, events: Events) -> None:
    touches = story.touches
    retractions = retraction_events(story.world, touches)
    named = {event["data"]["touch_id"]: (at, event) for at, event in retractions}
    due = [row for row in np.flatnonzero(touches.retracted).tolist() if touches.at[row] + 10 * DAY < story.world.end]
    assert set(named) >= {f"t-{row:07d}" for row in due}
    for row in np.flatnonzero(touches.retracted).tolist():
        if (found := named.pop(f"t-{row:07d}", None)) is not None:
            at, event = found
            assert DAY <= at - touches.at[row] < 10 * DAY
            assert at < story.world.end
            assert event["data"] == {"touch_source": events[row]["source"], "touch_id": events[row]["id"], "reason": "bot"}
    assert named == {}
