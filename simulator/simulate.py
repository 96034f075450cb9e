"""From a seed to a directory of events: `<topic>.jsonl` in order of arrival, `agreements.toml`, and `truth.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from schemas.keys import partition_key
from simulator.agreements import agreements
from simulator.clock import START
from simulator.companies import account_events
from simulator.deals import Row, deal_events
from simulator.draws import Draws, Ints
from simulator.lead_stages import lead_events
from simulator.linking import identity_events
from simulator.noise import Delivery, Noise, Variant, deliver, disturb
from simulator.outcomes import effects
from simulator.planted import planted
from simulator.rates import Rates, build_rates
from simulator.spending import campaign_events, spend_events
from simulator.story import Story, tell
from simulator.touch_lines import TouchLines, retraction_events

__all__ = ["Summary", "simulate"]

_BLOCK = 50_000  # lines rendered and written at once
_CAN_BE_IMPOSSIBLE = ("marketing.spend", "crm.deal", "identity", "finance.fx")
_CAN_CONFLICT = ("marketing.touch", "crm.lead", "crm.deal")
_DEAD = (Variant.MALFORMED, Variant.SCHEMA, Variant.UNKNOWN_TYPE, Variant.SEMANTIC, Variant.OVERSIZED)

Render = Callable[[Ints], list[bytes]]


@dataclass(frozen=True)
class Summary:
    """What was written; `truth` is the content of truth.json."""

    directory: Path
    records: int
    touches: int
    deals: int
    won_deals: int
    dead_letters: int
    truth: dict[str, Any]


@dataclass(frozen=True)
class _Topic:
    name: str
    at: Ints  # seconds of each event
    render: Render
    types: dict[str, int]  # events per type


def simulate(seed: int, accounts: int, days: int, out_dir: str | Path, *, noise: Noise | None = None) -> Summary:
    """Write the events of `accounts` accounts over `days` days from START, the firm's settings and the truth, into `out_dir`.

    Existing files of the same names are replaced. Raises ValueError for numbers below one.
    """
    if accounts < 1 or days < 1 or seed < 0:
        raise ValueError(f"expected at least one account and one day and a seed of 0 or more, found {accounts}, {days} and {seed}")
    directory = Path(out_dir)
    directory.mkdir(parents=True, exist_ok=True)
    story, rates, noise = tell(seed, accounts, days), build_rates(seed, days), noise or Noise()
    counts = {topic.name: _write(directory, topic, seed, noise) for topic in _topics(story, rates)}
    truth = _truth(story, rates) | {"seed": seed, "accounts": accounts, "days": days, "starts_on": START.isoformat(), "topics": counts}
    text = json.dumps(truth, indent=1, sort_keys=True, ensure_ascii=False)
    (directory / "truth.json").write_text(text + "\n", "utf-8")
    (directory / "agreements.toml").write_text(agreements(), "utf-8")
    return _summary(directory, truth)


def _summary(directory: Path, truth: dict[str, Any]) -> Summary:
    topics = truth["topics"]
    return Summary(
        directory=directory,
        records=sum(topic["records"] for topic in topics.values()),
        touches=topics["marketing.touch"]["events"]["nisba.touch.v1"],
        deals=truth["deals"],
        won_deals=truth["effects"]["won_deals"],
        dead_letters=sum(sum(topic["dead_letters"].values()) for topic in topics.values()),
        truth=truth,
    )


def _topics(story: Story, rates: Rates) -> list[_Topic]:
    world, touches, leads = story.world, story.touches, story.leads
    told = np.asarray([bool(steps) for steps in story.paths])
    return [
        _topic("marketing.campaign", campaign_events(world)),
        _topic("marketing.spend", spend_events(world)),
        _touch_topic(TouchLines(world, touches), touches.at, retraction_events(world, touches)),
        _topic("crm.account", account_events(world)),
        _topic("crm.lead", lead_events(world, leads, story.paths)),
        _topic("crm.deal", deal_events(story.scripts)),
        _topic("identity", identity_events(world, leads, told)),
        _topic("finance.fx", rates.events()),
    ]


def _truth(story: Story, rates: Rates) -> dict[str, Any]:
    return {
        "deals": len(story.world.deals),
        "earlier_deals": sum(script.id.startswith("C-") for script in story.scripts),
        "effects": effects(story.world, story.outcomes, rates, story.deleted),
        "planted": planted(story.world, story.scripts, story.leads, story.paths, story.touches, story.hours),
    }


def _topic(name: str, rows: Iterable[Row]) -> _Topic:
    listed = list(rows)
    lines = [_line(event) for _, event in listed]
    return _Topic(name, _instants(listed), lambda positions: [lines[i] for i in positions.tolist()], _count_types(listed))


def _touch_topic(touch_lines: TouchLines, at: Ints, retractions: list[Row]) -> _Topic:
    """Touches are rendered a block at a time, retractions at once; positions of the latter come after all touches."""
    others, size = [_line(event) for _, event in retractions], len(at)

    def render(positions: Ints) -> list[bytes]:
        rendered = iter(touch_lines.render(positions[positions < size]))
        return [next(rendered) if position < size else others[position - size] for position in positions.tolist()]

    types = {"nisba.touch.v1": size, **_count_types(retractions)}
    return _Topic("marketing.touch", np.concatenate([at, _instants(retractions)]), render, types)


def _instants(rows: list[Row]) -> Ints:
    return np.asarray([at for at, _ in rows], dtype=np.int64)


def _count_types(rows: list[Row]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, event in rows:
        counts[event["type"]] = counts.get(event["type"], 0) + 1
    return counts


def _line(event: dict[str, Any]) -> bytes:
    data = event["data"]
    head = {"specversion": "1.0", "id": event["id"], "source": event["source"], "type": event["type"], "time": event["time"]}
    return msgspec.json.encode({**head, "partitionkey": partition_key(event["type"], data), "data": data})


def _write(directory: Path, topic: _Topic, seed: int, noise: Noise) -> dict[str, Any]:
    """Write a topic in order of arrival and return what is in it."""
    delivery = deliver(
        Draws(seed, f"delivery/{topic.name}"),
        topic.at,
        noise if topic.name in _CAN_CONFLICT else _without_conflicts(noise),
        semantic=topic.name in _CAN_BE_IMPOSSIBLE,
        oversized=noise.oversized and topic.name == "marketing.touch",
    )
    with (directory / f"{topic.name}.jsonl").open("wb") as file:
        for start in range(0, len(delivery.position), _BLOCK):
            file.write(_block(topic.render, delivery, slice(start, start + _BLOCK)))
    return _counts(topic, delivery)


def _without_conflicts(noise: Noise) -> Noise:
    return Noise(noise.malformed_pct, noise.duplicate_pct, 0.0, noise.late_pct, noise.oversized)


def _block(render: Render, delivery: Delivery, part: slice) -> bytes:
    lines = render(delivery.position[part])
    variants = delivery.variant[part]
    for row in np.flatnonzero(variants).tolist():
        lines[row] = disturb(lines[row], int(variants[row]))
    return b"\n".join(lines) + b"\n"


def _counts(topic: _Topic, delivery: Delivery) -> dict[str, Any]:
    return {
        "records": len(delivery.position),
        "events": topic.types,
        "duplicates": delivery.count(Variant.REPEATED, Variant.REZONED),
        "conflicts": delivery.count(Variant.CONFLICT),
        "dead_letters": {variant.name.lower(): delivery.count(variant) for variant in _DEAD if delivery.count(variant)},
    }
