"""Cases in files: what the sources send, and the rows that the warehouse must then have. README.md says how one is written."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import yaml

FOLDER = Path(__file__).parent

TYPES = {
    "touch": "nisba.touch.v1",
    "retraction": "nisba.touch-retraction.v1",
    "campaign": "nisba.campaign.v1",
    "spend": "nisba.spend.v1",
    "account": "nisba.account.v1",
    "lead": "nisba.lead-stage.v1",
    "deal": "nisba.deal.v1",
    "adjustment": "nisba.adjustment.v1",
    "link": "nisba.identity.v1",
    "unlink": "nisba.identity.v1",
    "fx": "nisba.fx.v1",
}
SOURCES = {"touch": "web", "retraction": "web", "campaign": "ads", "spend": "ads", "adjustment": "billing", "fx": "bank"}
"""Whose events they are where a case does not say; all others are the CRM's."""

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

NAMED_BY_ID = ("touch", "retraction", "link", "unlink", "spend")
"""Types whose name in a case is the event's id; of the others it is the object's, which may have many events."""

Rows = list[list[Any]]


class _Loader(yaml.SafeLoader):
    """YAML in which only null, booleans and whole numbers are more than text: 10.00 is an amount, 2026-02-01 a day."""


_KEPT = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag in _KEPT] for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Case:
    """One situation and what must come of it."""

    name: str
    why: str
    config: Mapping[str, Mapping[str, Any]]
    records: tuple[bytes, ...]
    letters: Mapping[str, int]
    """Dead letters by class."""
    then: Mapping[str, Rows]
    """Query → its rows, in any order."""


def case_files() -> list[Path]:
    """Return the files of all cases."""
    return sorted(FOLDER.glob("*/*.yml"))


def read_case(file: Path) -> Case:
    """Read a case; KeyError or ValueError where it says too little or too much."""
    tree = yaml.load(file.read_text("utf-8"), _Loader)  # a safe loader
    if unknown := tree.keys() - {"why", "because", "config", "events", "letters", "then"}:
        raise ValueError(f"{file.name}: {sorted(unknown)} is no part of a case")
    config = {"attribution": {"models": ["linear"]}, **tree.get("config", {})}
    config["attribution"] = {"models": ["linear"], **config["attribution"]}
    name = file.relative_to(FOLDER).with_suffix("").as_posix()
    return Case(name, tree["why"], config, records_of(tree["events"]), tree.get("letters", {}), tree["then"])


def records_of(events: Iterable[str | dict[str, Any]]) -> tuple[bytes, ...]:
    """Return the records of some events; one that is text is a record as it stands."""
    seen: Counter[str] = Counter()
    lines = (event if isinstance(event, str) else json.dumps(_envelope(dict(event), seen), ensure_ascii=False) for event in events)
    return tuple(line.encode() for line in lines)


def _envelope(event: dict[str, Any], seen: Counter[str]) -> dict[str, Any]:
    """Return the event that a line stands for. Ids count the events about one thing, so that their order in time and of ids is the same."""
    kind = next(iter(event))
    name, at = event.pop(kind), event.pop("at")
    at = f"{at}T12:00:00Z" if isinstance(at, str) and DAY.fullmatch(at) else at
    source = event.pop("source", SOURCES.get(kind, "crm"))
    seen[f"{kind}/{name}"] += 1
    unsaid = name if kind in NAMED_BY_ID else f"{kind}-{name}-{seen[f'{kind}/{name}']}"
    own_id = event.pop("id", unsaid)
    data = {field: value for field, value in _data(kind, name, at, event).items() if value != "absent"}
    return {"specversion": "1.0", "id": own_id, "source": source, "type": TYPES[kind], "time": at, "data": data}


def _data(kind: str, name: str, at: str, said: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an event: what a line says, over what it may leave unsaid. `absent` takes a field away."""
    if kind == "touch":
        whose = {} if said.keys() & {"account_id", "person_id", "visitor_id"} else {"account_id": "acme"}
        return {**whose, "channel": "email", "kind": "click", "team": "marketing", **said}
    if kind == "deal":
        return _deal(name, at, said)
    if kind in ("link", "unlink"):
        return {**said, "op": kind, "left": _node(said["left"]), "right": _node(said["right"])}
    if kind == "fx":
        base, quote = name.split("/")
        return {"date": at[:10], "base": base, "quote": quote, **said}
    unsaid: dict[str, dict[str, Any]] = {
        "campaign": {"campaign_id": name, "name": name, "channel": "email"},
        "spend": {"currency": "USD", "starts_on": at[:10]},
        "account": {"account_id": name},
        "lead": {"lead_id": name},
        "adjustment": {"adjustment_id": name, "currency": "USD"} | ({} if "effective_on" in said else {"effective_at": at}),
        "retraction": {"touch_source": "web"},
    }
    return {**unsaid[kind], **said}


def _node(text: str) -> dict[str, str]:
    kind, own_id = text.split(" ", 1)
    return {"kind": kind, "id": own_id}


def _deal(name: str, at: str, said: dict[str, Any]) -> dict[str, Any]:
    unsaid = {"deal_id": name, "account_id": "acme", "stage": said["status"]}
    if "amount" in said:
        unsaid["currency"] = "USD"
    if "opened_on" not in said:
        unsaid["opened_at"] = "2026-01-10T00:00:00Z"
    if said["status"] != "open" and "closed_on" not in said:
        unsaid["closed_at"] = at
    return {**unsaid, **said}


def answers(con: duckdb.DuckDBPyConnection, sql: str, expected: Rows) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return the rows of a query and those that were expected, both as text by the types of the columns, and sorted."""
    cursor = con.execute(sql)
    types = [str(column[1]) for column in cursor.description or ()]
    return _sorted(cursor.fetchall(), types), _sorted(expected, types)


def _sorted(rows: Iterable[Iterable[Any]], types: list[str]) -> list[tuple[str, ...]]:
    return sorted(tuple(as_text(value, of) for value, of in zip(row, types, strict=True)) for row in rows)


def as_text(value: Any, of: str) -> str:
    """Return a value of a column as text in which equal values look alike; a fraction has nine digits.

    >>> as_text("10.50", "DECIMAL(18,3)"), as_text("0.333333333333", "DOUBLE"), as_text(None, "VARCHAR"), as_text("1.0", "VARCHAR")
    ('10.5', '0.333333333', 'null', "'1.0'")
    """
    if value is None:
        return "null"
    if of.startswith("DECIMAL") or of == "HUGEINT":
        return format(Decimal(str(value)).normalize() + 0, "f")
    if of in ("DOUBLE", "FLOAT"):
        return format(float(value) + 0.0, ".9g")
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.timezone.utc).isoformat().replace("+00:00", "Z")
    if of in ("VARCHAR", "TEXT"):
        return repr(value)
    return str(value)
