"""The columns of the books: what the core makes and `core.*` holds.

Credits are kept narrow: `core.credit`, as users see it, joins `credit_line` with `entry` and `journey_touch`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import pyarrow as pa

from nisba.attribution.facts import INSTANT, MONEY, TEXT

__all__ = ["BOOKS_OF_DEALS", "BOOK_SCHEMAS", "DEFAULT_JOURNEY", "HELD_MONEY", "WEIGHT", "Books"]

WEIGHT = pa.decimal128(18, 12)
"""Weights as tables show them: the exact fraction rounded half to even to twelve decimals."""

HELD_MONEY = pa.decimal128(24, 6)
"""Money of every kind that can be held: below 10^15, or in millionths."""

DEFAULT_JOURNEY = "default"
"""Journey of `[attribution]`; a custom model with values of its own has a journey named after its id."""

BOOK_SCHEMAS: Mapping[str, pa.Schema] = {
    # one row per node and account; account_id null where there is none
    "identity": pa.schema(
        [
            ("kind", TEXT),  # visitor, person, lead, account
            ("id", TEXT),
            ("person_id", TEXT),  # canonical, with its kind: person:p-1, lead:l-9; null for accounts and unclaimed visitors
            ("account_id", TEXT),  # canonical
        ]
    ),
    # one row per canonical account that an `account` event describes
    "account": pa.schema(
        [
            ("account_id", TEXT),  # canonical
            ("name", TEXT),
            ("segment", TEXT),
            ("region", TEXT),
            ("industry", TEXT),
            ("employees", pa.int64()),
            ("owner", TEXT),
            ("parent_id", TEXT),
        ]
    ),
    # one row per deal that is not deleted, current state
    "deal": pa.schema(
        [
            ("deal_id", TEXT),
            ("account_id", TEXT),  # canonical
            ("name", TEXT),
            ("status", TEXT),
            ("stage", TEXT),
            ("amount", MONEY),
            ("currency", TEXT),
            ("amount_reporting", MONEY),  # null when there is no amount or no rate
            ("opened_at", INSTANT),
            ("opened_on", pa.date32()),  # reporting time zone, as all *_on
            ("closed_at", INSTANT),
            ("closed_on", pa.date32()),
            ("changed_at", INSTANT),  # `time` of the current state
            ("lead_created_at", INSTANT),  # lead creation of semantics §4, default journey; null when unknown
            ("revision", pa.int64()),
            ("deal_type", TEXT),
            ("owner", TEXT),
            ("segment", TEXT),  # its account's where it has none of its own, as region
            ("region", TEXT),
            ("product", TEXT),
            ("lead_source", TEXT),
            ("list_amount", MONEY),
            ("loss_reason", TEXT),
            ("next_step", TEXT),
        ]
    ),
    # one row per deal state, in register order
    "deal_history": pa.schema(
        [
            ("deal_id", TEXT),
            ("state_no", pa.int32()),  # 1, 2, … in register order
            ("revision", pa.int64()),
            ("changed_at", INSTANT),
            ("source", TEXT),
            ("event_id", TEXT),
            ("account_id", TEXT),  # as that state names it
            ("stage", TEXT),
            ("status", TEXT),
            ("amount", MONEY),
            ("currency", TEXT),
            ("opened_at", INSTANT),
            ("closed_at", INSTANT),
            ("owner", TEXT),
            ("list_amount", MONEY),
            ("next_step", TEXT),
            ("loss_reason", TEXT),
        ]
    ),
    # one row per deal, journey and touch; core.journey is the view of the default journey
    "journey_touch": pa.schema(
        [
            ("journey", TEXT),
            ("deal_id", TEXT),
            ("ordinal", pa.int32()),  # 1, 2, … in journey order
            ("journey_length", pa.int32()),
            ("touch_source", TEXT),
            ("touch_id", TEXT),
            ("touched_at", INSTANT),
            ("touched_on", pa.date32()),
            ("position", TEXT),  # milestones held, 'FT+LC'; '' when none
            ("campaign_id", TEXT),
            ("channel", TEXT),
            ("kind", TEXT),
            ("team", TEXT),
            ("actor", TEXT),  # canonical person, or 'visitor:<smallest id of the group>', or null
        ]
    ),
    # one row per deal and entry (semantics §7)
    "entry": pa.schema(
        [
            ("deal_id", TEXT),
            ("entry_no", pa.int32()),
            ("entry", TEXT),
            ("booked_at", INSTANT),  # null for pending
            ("booked_on", pa.date32()),
            ("is_final", pa.bool_()),
            ("currency", TEXT),
            ("amount", MONEY),
            ("amount_reporting", MONEY),  # null while the deal is held in this currency
            ("source", TEXT),  # the event that made it: a deal state or an adjustment
            ("event_id", TEXT),
        ]
    ),
    # one row per model, deal, touch and entry; zero weights left out; ordinal 0 = unattributed
    "credit_line": pa.schema(
        [
            ("model", TEXT),
            ("journey", TEXT),
            ("deal_id", TEXT),
            ("ordinal", pa.int32()),
            ("entry_no", pa.int32()),
            ("weight", WEIGHT),
            ("revenue", MONEY),
            ("revenue_reporting", MONEY),
        ]
    ),
    # one row per deal, model and touch at creation (semantics §9, "Pipeline created")
    "pipeline_credit": pa.schema(
        [
            ("model", TEXT),
            ("deal_id", TEXT),
            ("ordinal", pa.int32()),  # in the journey as it was at creation; null = unattributed
            ("touch_source", TEXT),
            ("touch_id", TEXT),
            ("campaign_id", TEXT),  # as written
            ("channel", TEXT),  # 'unattributed' where there is no touch
            ("team", TEXT),
            ("touched_at", INSTANT),
            ("position", TEXT),
            ("weight", WEIGHT),
            ("created_on", pa.date32()),  # day of `opened`
            ("amount", MONEY),
            ("currency", TEXT),
            ("amount_reporting", MONEY),  # null where a rate is missing
        ]
    ),
    # campaign and day; money in the reporting currency
    "cost_daily": pa.schema(
        [
            ("campaign_id", TEXT),  # the one that `same_as` names
            ("channel", TEXT),
            ("day", pa.date32()),
            ("cost_reporting", MONEY),
            ("impressions", pa.int64()),
            ("clicks", pa.int64()),
            ("leads", pa.int64()),
        ]
    ),
    # money that is in no figure, and why
    "held": pa.schema(
        [
            ("kind", TEXT),  # deal, adjustment, spend
            ("id", TEXT),  # deal_id; adjustment_id; source|spend_id or source|campaign_id|starts_on|ends_on
            ("reason", TEXT),  # those of `held.SENTENCES`
            ("deal_id", TEXT),
            ("campaign_id", TEXT),
            ("currency", TEXT),
            ("amount", HELD_MONEY),
            ("detail", TEXT),
        ]
    ),
}

BOOKS_OF_DEALS = ("deal", "deal_history", "journey_touch", "entry", "credit_line", "pipeline_credit")
"""The books whose every row is about a deal: those of a deal are made, replaced and compared together."""


@dataclass(frozen=True)
class Books:
    """The books of a set of facts: one table per schema of `BOOK_SCHEMAS`, rows in no particular order."""

    identity: pa.Table
    account: pa.Table
    deal: pa.Table
    deal_history: pa.Table
    journey_touch: pa.Table
    entry: pa.Table
    credit_line: pa.Table
    pipeline_credit: pa.Table
    cost_daily: pa.Table
    held: pa.Table

    def tables(self) -> dict[str, pa.Table]:
        """Return the tables by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
