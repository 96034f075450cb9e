"""Journeys and their milestones (semantics §4), and those of pipeline created (§9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nisba.config import Attribution, CustomModel
from tests.oracle.identity import Identity, contacts_of
from tests.oracle.labels import folded
from tests.oracle.settled import Event, Settled

__all__ = ["Journey", "Spec", "at_creation", "host", "journey", "opened"]

DAY = 86_400_000_000
MINUTE = 60_000_000


@dataclass(frozen=True)
class Spec:
    """What a journey belongs to."""

    mapping: str
    excluded_kinds: frozenset[str]  # folded, as the channels
    excluded_channels: frozenset[str]
    excluded_hosts: frozenset[str]
    teams: frozenset[str]
    lookback_days: int
    anchor: str
    session_gap_minutes: int
    collapse_by: frozenset[str]

    @classmethod
    def of(cls, base: Attribution, custom: CustomModel | None = None) -> Spec:
        """Return the values of `[attribution]`, each replaced by the custom model's own where it has one."""

        def value(name: str) -> Any:
            own = getattr(custom, name) if custom is not None else None
            return getattr(base, name) if own is None else own

        return cls(
            value("mapping"),
            frozenset(folded(name, "kind") for name in value("excluded_kinds")),
            frozenset(folded(name, "channel") for name in value("excluded_channels")),
            frozenset(host(name) for name in value("excluded_referrers")),
            frozenset(value("teams")),
            value("lookback_days"),
            value("anchor"),
            value("session_gap_minutes"),
            frozenset(value("collapse_by")),
        )


@dataclass(frozen=True)
class Journey:
    """The touches of a deal in order; `milestones` says which index holds FT, LC, OC, CW, dropped ones are absent."""

    touches: list[Event]
    milestones: dict[str, int]
    lead_created_at: int | None

    def position(self, i: int) -> str:
        """Return the milestones that a touch holds, 'FT+LC'."""
        return "+".join(name for name in ("FT", "LC", "OC", "CW") if self.milestones.get(name) == i)


def host(referrer: str) -> str:
    """Return the host that a referrer names.

    >>> host("HTTPS://me@WWW.Checkout.example.:8443/pay?to=//shop.test"), host("//a.test#top"), host("a.test:80/"), host("/pay")
    ('www.checkout.example', 'a.test', 'a.test', '')
    """
    after = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//", "", referrer)
    authority = re.split(r"[/?#]", after, maxsplit=1)[0]
    without_user = authority.rsplit("@", 1)[-1]
    return re.sub(r":[0-9]*$", "", without_user).lower().rstrip(".")


def opened(deal: Event) -> int:
    """Return when a deal was opened: at its close where it closed before."""
    opened_at: int = deal.get("opened_at")
    return opened_at if deal.get("status") == "open" else min(opened_at, deal.get("closed_at"))


def journey(settled: Settled, identity: Identity, deal: Event, spec: Spec) -> Journey:
    """Return the journey of a deal, given by its current state."""
    start, close = _window(deal, spec)
    touches = [touch for touch in settled.of("touch") if _is_eligible(touch, identity, deal, spec, start, close)]
    touches = _collapsed(sorted(touches, key=lambda t: (t.time, t.source, t.id)), identity, spec)
    created = _lead_creation(settled, identity, deal, start, close)
    return Journey(touches, _milestones(touches, created, opened(deal)), created)


def at_creation(whole: Journey, deal: Event) -> Journey:
    """Return the journey as if the deal had closed when it was opened; a lead creation after that is unknown."""
    until = opened(deal)
    touches = [touch for touch in whole.touches if touch.time <= until]
    created = whole.lead_created_at
    known = created if created is not None and created <= until else None
    return Journey(touches, _milestones(touches, known, until), known)


def _window(deal: Event, spec: Spec) -> tuple[int, int | None]:
    """Return the first instant of the lookback and the close; both belong to the window, None is unbounded."""
    close = deal.get("closed_at") if deal.get("status") in ("won", "lost") else None
    anchor = close if spec.anchor == "closed_at" and close is not None else opened(deal)
    return anchor - spec.lookback_days * DAY, close


def _is_eligible(touch: Event, identity: Identity, deal: Event, spec: Spec, start: int, close: int | None) -> bool:
    return (
        identity.account(deal.get("account_id")) in identity.accounts_of_touch(touch)
        and _is_mapped(touch, identity, deal, spec.mapping)
        and folded(touch.get("kind"), "kind") not in spec.excluded_kinds
        and folded(touch.get("channel"), "channel") not in spec.excluded_channels
        and not _comes_from(touch.get("referrer"), spec.excluded_hosts)
        and touch.get("team") in spec.teams
        and start <= touch.time
        and (close is None or touch.time <= close)
    )


def _comes_from(referrer: str | None, hosts: Iterable[str]) -> bool:
    """Tell whether a referrer's host is one of the hosts or below one."""
    return referrer is not None and any(f".{host(referrer)}".endswith(f".{name}") for name in hosts)


def _is_mapped(touch: Event, identity: Identity, deal: Event, mapping: str) -> bool:
    if mapping == "account":
        return True
    primary = deal.get("primary_contact_id")
    contacts = contacts_of(deal) if mapping == "contacts" else [primary] * (primary is not None)
    return identity.person_of_touch(touch) in {identity.person(("person", contact)) for contact in contacts}


def _collapsed(touches: list[Event], identity: Identity, spec: Spec) -> list[Event]:
    """Let touches of one key, each close after the one before it of that key, count as the earliest."""
    latest: dict[tuple[object, ...], int] = {}
    kept = []
    for touch in touches:
        actor = identity.actor(touch)
        key = (actor, *(touch.get(field) for field in sorted(spec.collapse_by)))
        follows = actor is not None and key in latest and touch.time - latest[key] < spec.session_gap_minutes * MINUTE
        latest[key] = touch.time
        if not follows:
            kept.append(touch)
    return kept


def _lead_creation(settled: Settled, identity: Identity, deal: Event, start: int, close: int | None) -> int | None:
    stages = settled.of("lead-stage")
    creations = [stage for stage in stages if stage.get("stage") in ("inquiry", "mql")]
    leads = {stage.get("lead_id") for stage in stages if stage.get("deal_id") == deal.get("deal_id")}
    own = [stage.time for stage in creations if stage.get("lead_id") in leads]
    if own:
        return min(own)
    account = identity.account(deal.get("account_id"))
    of_account = [
        stage.time
        for stage in creations
        if account in identity.accounts_of_stage(stage) and start <= stage.time and (close is None or stage.time <= close)
    ]
    return min(of_account, default=None)


def _milestones(touches: list[Event], lead_created_at: int | None, opened_at: int) -> dict[str, int]:
    if not touches:
        return {}
    found = {
        "FT": 0,
        "LC": _last_until(touches, opened_at if lead_created_at is None else lead_created_at),
        "OC": _last_until(touches, opened_at),
        "CW": len(touches) - 1,
    }
    return {name: i for name, i in found.items() if i is not None}


def _last_until(touches: list[Event], time: int) -> int | None:
    until = [i for i, touch in enumerate(touches) if touch.time <= time]
    return until[-1] if until else None
