"""See all facts, settle who is who, and cut what follows into shards of whole accounts.

A shard holds everything that the books of its deals depend on, so that shards can be attributed anywhere, in any order. Which
deals share a shard changes no figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.columns import (
    Bools,
    Ints,
    Vocabulary,
    combine,
    dictionary,
    distinct,
    encode,
    instants,
    instants_array,
    runs,
    text,
    total_order,
)
from nisba.attribution.dates import local_days
from nisba.attribution.deals import LivingDeals, living_deals, winning_adjustments
from nisba.attribution.facts import Facts
from nisba.attribution.fx import Rates
from nisba.attribution.identity import Identity, Nodes, TouchNodes, resolve_identity
from nisba.attribution.models import journey_specs
from nisba.attribution.referrers import referrer_hosts
from nisba.attribution.registers import winners
from nisba.attribution.shards import pack
from nisba.config import Config

__all__ = ["Resolution", "resolve"]

_CREATIONS = ("inquiry", "mql")
_NEVER = np.iinfo(np.int64).max
_TOUCH_TEXT = ("kind", "team", "campaign_id", "channel")


@dataclass(frozen=True)
class Resolution:
    """Identity and, ready to be cut, what the books of all deals are made of. Accounts are nodes of `_who`."""

    identity: Any
    """The rows of `core.identity`."""
    account: Any
    """The rows of `core.account`."""
    _who: Identity
    _tables: dict[str, Any]
    """Whole tables by name of `shards.TABLES`; `account` and `actor` columns are nodes, `deal` columns numbers of all deals."""

    def shards(self, count: int) -> Iterator[tuple[int, bytes]]:
        """Yield (shard, payload for `attribute_shard`) for every shard that has deals; accounts go by the crc32 of their id."""
        account = np.asarray(self._tables["deal"]["account"])
        if not len(account):
            return
        accounts, first = np.unique(account, return_index=True)
        ids = self._tables["deal"]["account_id"].take(pa.array(first)).to_pylist()
        shard_of = np.array([crc32(id_.encode()) % count for id_ in ids], dtype=np.int64)
        for shard in np.unique(shard_of).tolist():
            yield shard, pack(self._cut(accounts[shard_of == shard]))

    def _cut(self, accounts: Ints) -> dict[str, Any]:
        """Return the tables of some accounts, accounts, deals and actors numbered anew."""
        tables = self._tables
        deal = tables["deal"].filter(pa.array(np.isin(np.asarray(tables["deal"]["account"]), accounts)))
        number = np.asarray(deal["number"])
        cut = {name: _of(tables[name], "deal", number) for name in ("state", "adjustment")}
        cut |= {name: _of(tables[name], "account", accounts) for name in ("touch", "creation")}
        actors = distinct(np.asarray(cut["touch"]["actor"]))
        cut["touch"] = _replaced(cut["touch"], "actor", self._named(np.asarray(cut["touch"]["actor"]), actors))
        cut["deal"] = _with_contacts(_replaced(deal.drop_columns(["number"]), "account", _places(deal["account"], accounts)), actors)
        return {**cut, "rate": tables["rate"]}

    def _named(self, actor: Ints, actors: Ints) -> Any:
        """Return the actor of each touch by its written name; nobody (-1) is null."""
        known = actors[actors >= 0]
        return dictionary(np.where(actor < 0, -1, np.searchsorted(known, actor)), self._who.written(known))


def _of(table: Any, key: str, wanted: Ints) -> Any:
    """Keep the rows whose key is among the wanted ones (ascending); the key becomes its place among them."""
    keys = np.asarray(table[key])
    inside = np.isin(keys, wanted)
    return _replaced(table.filter(pa.array(inside)), key, _places(keys[inside], wanted))


def _places(keys: Any, wanted: Ints) -> Any:
    return pa.array(np.searchsorted(wanted, np.asarray(keys)))


def _replaced(table: Any, name: str, column: Any) -> Any:
    return table.set_column(table.column_names.index(name), name, column)


def _with_contacts(deal: Any, actors: Ints) -> Any:
    """Number contacts as the actors of the shard's touches; a contact without touches is -1."""
    known = actors[actors >= 0]

    def places(nodes: Any) -> Any:
        numbers = np.asarray(nodes)
        place = np.searchsorted(known, numbers)
        found = np.append(known, -2)[place] == numbers
        return pa.array(np.where(found, place, -1))

    contacts = combine(deal["contacts"])
    lists = pa.ListArray.from_arrays(contacts.offsets, places(contacts.values))
    primary = combine(deal["primary_contact"])
    numbered = pc.if_else(primary.is_valid(), places(primary.fill_null(-1)), pa.scalar(None, pa.int64()))
    return _replaced(_replaced(deal, "contacts", lists), "primary_contact", numbered)


def resolve(facts: Facts, config: Config) -> Resolution:
    """Settle identity and collect what the books of every deal depend on. Conflicts are settled in `facts` already."""
    touches = _without_retracted(facts.touch, facts.retraction)
    deals = living_deals(facts.deal)
    contacts = _Contacts.of(deals)
    stages, links = facts.lead_stage, winners("identity", facts.identity)
    nodes = Nodes.of(
        {
            "person": [touches["person_id"], stages["person_id"], contacts.ids, *_ends(links, "person")],
            "lead": [stages["lead_id"], *_ends(links, "lead")],
            "visitor": [touches["visitor_id"], *_ends(links, "visitor")],
            "account": [
                *(touches["account_id"], stages["account_id"], facts.account["account_id"], contacts.accounts),
                *_ends(links, "account"),
            ],
        }
    )
    touch = TouchNodes(*(nodes.numbers(kind, touches[f"{kind}_id"]) for kind in ("account", "person", "visitor")))
    lead, person, account = (nodes.numbers(kind, stages[f"{kind}_id"]) for kind in ("lead", "person", "account"))
    owner, contact = nodes.numbers("account", contacts.accounts), nodes.numbers("person", contacts.ids)
    who = resolve_identity(nodes, touch, touches, (lead, person, account), (contact, owner[contacts.deal]), links)
    own = who.of_node(owner)
    described, accounts = _described_accounts(facts.account, nodes, who)
    adjustments = _adjustment_table(facts.adjustment, deals)
    tables = {
        "deal": _with_labels(
            _deal_table(deals, who, own, contacts, contact, _lead_creation(stages, lead, deals)), deals, own, described, accounts
        ),
        "state": deals.states.append_column("deal", pa.array(deals.deal)).drop_columns(["contact_ids", "primary_contact_id", "deleted"]),
        "touch": _touch_table(touches, touch, who, own, config),
        "creation": _creation_table(stages, account, lead, who, own),
        "adjustment": adjustments,
        "rate": _rate_table(facts.fx, deals, adjustments, config),
    }
    return Resolution(who.table(), accounts, who, tables)


def _described_accounts(account: Any, nodes: Nodes, who: Identity) -> tuple[Ints, Any]:
    """Return the canonical accounts that an event describes, ascending, and the rows of `core.account`.

    Of the ids of an account the first that has an event counts, the canonical one before all others; a deleted event is none.
    """
    latest = winners("account", account)
    latest = latest.filter(pc.invert(combine(latest["deleted"]).fill_null(False)))
    number = nodes.numbers("account", latest["account_id"])
    order = np.lexsort((number, who.of_node(number)))
    canonical, first = np.unique(who.of_node(number)[order], return_index=True)
    rows = latest.take(pa.array(order[first]))
    columns = {name: combine(rows[name]) for name in BOOK_SCHEMAS["account"].names}
    return canonical, pa.table({**columns, "account_id": who.ids(canonical)})


def _with_labels(table: Any, deals: LivingDeals, own: Ints, described: Ints, accounts: Any) -> Any:
    """Add each deal's segment and region: its own, else its account's."""
    current = deals.states.take(pa.array(deals.current))
    place = np.searchsorted(described, own)
    known = np.append(described, -1)[place] == own
    rows = pa.array(place, mask=~known)
    for name in ("segment", "region"):
        table = table.append_column(name, pc.coalesce(text(current[name]), text(accounts[name]).take(rows)))
    return table


def _without_retracted(touches: Any, retractions: Any) -> Any:
    """Leave out the touches that a retraction names by (source, id)."""
    if not len(retractions):
        return touches
    sources, ids = Vocabulary.of(retractions["touch_source"]), Vocabulary.of(retractions["touch_id"])

    def keys(source: Any, event_id: Any) -> Ints:
        left, right = sources.codes(source), ids.codes(event_id)
        return np.where((left < 0) | (right < 0), -1, left * len(ids) + right)

    gone = keys(retractions["touch_source"], retractions["touch_id"])
    return touches.filter(pa.array(~np.isin(keys(touches["source"], touches["event_id"]), gone)))


def _ends(identity: Any, kind: str) -> list[Any]:
    """Return the ids of one kind that `identity` events name."""
    return [text(identity[f"{side}_id"]).filter(pc.equal(text(identity[f"{side}_kind"]), kind)) for side in ("left", "right")]


@dataclass(frozen=True)
class _Contacts:
    """Accounts and contacts of current deals: the primary contact is one of them."""

    accounts: Any
    """Raw account id of each deal."""
    deal: Ints
    """The deal of each contact, ascending."""
    ids: Any
    is_primary: Bools

    @classmethod
    def of(cls, deals: LivingDeals) -> _Contacts:
        current = deals.states.take(pa.array(deals.current))
        lists = combine(current["contact_ids"])
        primary = text(current["primary_contact_id"])
        listed, has_primary = np.asarray(pc.list_parent_indices(lists), dtype=np.int64), np.flatnonzero(primary.is_valid())
        deal = np.concatenate([listed, has_primary])
        is_primary = np.arange(len(deal)) >= len(listed)
        order = np.argsort(deal, kind="stable")
        ids = pa.concat_arrays([text(lists.flatten()), primary.drop_null()]).take(pa.array(order))
        return cls(text(current["account_id"]), deal[order], ids, is_primary[order])


def _deal_table(deals: LivingDeals, who: Identity, own: Ints, contacts: _Contacts, contact: Ints, created: tuple[Ints, Bools]) -> Any:
    """Return one row per deal; contacts are canonical persons."""
    person = who.of_node(contact)
    offsets = np.searchsorted(contacts.deal, np.arange(len(own) + 1)).astype(np.int32)
    primary = np.full(len(own), -1, dtype=np.int64)
    primary[contacts.deal[contacts.is_primary]] = person[contacts.is_primary]
    return pa.table(
        {
            "number": pa.array(np.arange(len(own))),
            "account": pa.array(own),
            "account_id": who.ids(own),
            "deal_id": deals.ids.values,
            "contacts": pa.ListArray.from_arrays(pa.array(offsets), pa.array(person)),
            "primary_contact": pa.array(primary, mask=primary < 0),
            "lead_created_at": instants_array(*created),
        }
    )


def _touch_table(touches: Any, touch: TouchNodes, who: Identity, own: Ints, config: Config) -> Any:
    """Return the touches of accounts with deals, by account and (time, source, id): a touch once for each of its accounts."""
    at_us = instants(touches["occurred_at"])[0]
    person = who.person_of_touch(touch, at_us)
    row, account = who.accounts_of_touch(touch, person, at_us)
    wanted = _having_deals(account, own)
    row, account = row[wanted], account[wanted]
    order = total_order([at_us], touches["source"], touches["event_id"])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    row = row[np.argsort(account * len(order) + rank[row], kind="stable")]
    rows = pa.array(row)
    columns = {name: _coded(touches[name], row) for name in ("source", *_TOUCH_TEXT)}
    return pa.table(
        {
            "account": pa.array(np.sort(account)),
            "event_id": text(touches["event_id"]).take(rows),
            "occurred_at": instants_array(at_us[row]),
            "actor": pa.array(who.actor_of_touch(touch, person)[row]),
            "referrer_host": _hosts(touches["referrer"], row, config),
            **columns,
        }
    )


def _hosts(referrers: Any, row: Ints, config: Config) -> Any:
    """Return the host of each touch's referrer; nothing where no journey asks for it."""
    if not any(spec.excluded_referrers for spec in journey_specs(config).values()):
        return dictionary(np.full(len(row), -1), pa.array([], pa.string()))
    codes, hosts = referrer_hosts(referrers)
    return dictionary(codes[row], hosts)


def _coded(column: Any, row: Ints) -> Any:
    codes, values = encode(column)
    return dictionary(codes[row], values)


def _having_deals(account: Ints, own: Ints) -> Ints:
    """Return the rows whose account has a deal."""
    has = np.zeros(int(max(account.max(initial=-1), own.max(initial=-1))) + 1, dtype=bool)
    has[own] = True
    return np.flatnonzero(has[account])


def _is_creation(stages: Any) -> Bools:
    """Tell which lead stages may create a lead: `inquiry` and `mql`."""
    codes, values = encode(stages["stage"])
    return np.array([value in _CREATIONS for value in values.to_pylist()] or [False])[codes]


def _creation_table(stages: Any, account: Ints, lead: Ints, who: Identity, own: Ints) -> Any:
    """Return (account, time) of the stages that may create a lead, once for each account, in order."""
    stage_us = instants(stages["occurred_at"])[0]
    row, accounts = who.accounts_of_stage(account, lead, stage_us)
    wanted = np.flatnonzero(_is_creation(stages)[row])
    wanted = wanted[_having_deals(accounts[wanted], own)]
    row, accounts = row[wanted], accounts[wanted]
    at_us = stage_us[row]
    order = np.lexsort((at_us, accounts))
    return pa.table({"account": pa.array(accounts[order]), "occurred_at": instants_array(at_us[order])})


def _lead_creation(stages: Any, lead: Ints, deals: LivingDeals) -> tuple[Ints, Bools]:
    """Return, per deal, the earliest creation among all stages of the leads that name it, and where there is one."""
    at_us, creates = instants(stages["occurred_at"])[0], _is_creation(stages)
    created = np.full(int(lead.max(initial=-1)) + 1, _NEVER, dtype=np.int64)
    np.minimum.at(created, lead[creates], at_us[creates])
    deal = deals.ids.codes(stages["deal_id"])
    names = deal >= 0
    earliest = np.full(len(deals.ids), _NEVER, dtype=np.int64)
    np.minimum.at(earliest, deal[names], created[lead[names]])
    known = earliest < _NEVER
    return np.where(known, earliest, 0), known


def _adjustment_table(adjustment: Any, deals: LivingDeals) -> Any:
    """Return the winning adjustments of living deals, in order."""
    winners = winning_adjustments(adjustment)
    deal = deals.ids.codes(winners["deal_id"])
    return winners.append_column("deal", pa.array(deal)).filter(pa.array(deal >= 0))


def _rate_table(fx: Any, deals: LivingDeals, adjustment: Any, config: Config) -> Any:
    """Return the rates that deals may need and that are known: between minor units, exact, as numerator over denominator.

    A deal may need those of each day on which it was opened, changed or closed, and into its currencies those of its adjustments.
    """
    zone, rates = config.reporting.time_zone, Rates(fx, config)
    known = []
    for day, currency, target in sorted(
        {*_needed_by_states(deals, zone, config.reporting.currency), *_needed_by_adjustments(deals, adjustment, zone)}
    ):
        rate = rates.minor_rate(currency, day, target)
        if rate is not None:
            known.append(
                {"day": day, "currency": currency, "target": target, "numerator": str(rate.numerator), "denominator": str(rate.denominator)}
            )
    return pa.Table.from_pylist(known, schema=_RATE)


_Need = tuple[int, str, str]  # day, currency, target


def _needed_by_states(deals: LivingDeals, zone: str, reporting: str) -> set[_Need]:
    """Return what converts each currency that a deal ever had on each day of its states."""
    codes, currencies = encode(deals.states["currency"])
    names = currencies.to_pylist()
    foreign = np.array([name != reporting for name in names] or [False])
    rows = np.flatnonzero((codes >= 0) & foreign[codes])
    if not len(rows):
        return set()
    pairs = np.unique(np.stack([deals.deal[rows], codes[rows]], axis=1), axis=0)
    wanted = np.flatnonzero(np.isin(deals.deal, pairs[:, 0]))
    needed: set[_Need] = set()
    for name in ("occurred_at", "closed_at", "opened_at"):
        at_us, has = instants(deals.states[name].take(pa.array(wanted)))
        day, deal = local_days(at_us[has], zone), deals.deal[wanted[has]]
        first, last = (np.searchsorted(pairs[:, 0], deal, side=side) for side in ("left", "right"))
        code = pairs[runs(first, last - first), 1]
        found = np.unique(np.stack([np.repeat(day, last - first), code], axis=1), axis=0)
        needed |= {(day, names[code], reporting) for day, code in found.tolist()}
    return needed


def _needed_by_adjustments(deals: LivingDeals, adjustment: Any, zone: str) -> set[_Need]:
    """Return what converts each adjustment into the other currencies that its deal ever had."""
    deal, day = np.asarray(adjustment["deal"]), local_days(instants(adjustment["effective_at"])[0], zone)
    has = np.asarray(deals.states["currency"].is_valid())
    own = text(deals.states["currency"].filter(pa.array(has & np.isin(deals.deal, deal)))).to_pylist()
    targets: dict[int, set[str]] = {}
    for number, currency in zip(deals.deal[has & np.isin(deals.deal, deal)].tolist(), own, strict=True):
        targets.setdefault(number, set()).add(currency)
    rows = zip(deal.tolist(), day.tolist(), text(adjustment["currency"]).to_pylist(), strict=True)
    return {(day, code, target) for deal, day, code in rows for target in targets.get(deal, ()) if target != code}


_RATE = pa.schema([("day", pa.int64()), *((name, pa.string()) for name in ("currency", "target", "numerator", "denominator"))])
