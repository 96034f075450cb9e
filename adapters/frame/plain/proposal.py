"""A mapping proposed for a plain CSV file: what its header and its cells suggest, for a person to read and to mend."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from adapters.frame.plain.exports import Export, header_key, open_export
from adapters.frame.plain.mapping import EITHER, MONEY, fields_of
from adapters.frame.plain.rows import is_total_word
from adapters.frame.plain.values import amount, currency_of_header, date, fitting_dates, is_ambiguous, is_nothing
from nisba.errors import SourceError

__all__ = ["proposed_mapping"]

_ROWS = 1_000
_CHOICES = 40
_CAMPAIGN = ("campaign id", "campaign", "campaign name", "kampagnen id", "kampagne", "kampagnenname", "utm campaign", "ad campaign")
_DAY = (
    "day",
    "date",
    "date in utc",
    "start date in utc",
    "tag",
    "datum",
    "reporting starts",
    "berichtsstart",
    "start date",
    "startdatum",
    "month",
    "monat",
    "week",
    "woche",
)
_EMAIL = ("email", "e mail", "email address", "e mail adresse", "mail", "attendee email", "contact id", "contact", "kontakt id")
_ACCOUNT = (
    "account id",
    "company id",
    "account",
    "account name",
    "company",
    "company name",
    "associated company",
    "kunde",
    "kundennummer",
    "firma",
    "unternehmen",
)
_OWNER = (
    "owner",
    "deal owner",
    "opportunity owner",
    "account owner",
    "sales agent",
    "sales rep",
    "inhaber",
    "verantwortlich",
    "verantwortlicher",
    "zuständig",
)
_CURRENCY = ("currency", "currency code", "währung", "deal currency", "opportunity currency")
_AMOUNT = ("amount", "value", "deal value", "opportunity amount", "close value", "betrag", "wert", "umsatz", "auftragswert", "total")
_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "spend": {
        "campaign_id": _CAMPAIGN,
        "starts_on": _DAY,
        "ends_on": ("reporting ends", "berichtsende", "end date", "enddatum"),
        "amount": (
            "amount spent",
            "spend",
            "spent",
            "cost",
            "costs",
            "total spent",
            "total cost",
            "ad spend",
            "kosten",
            "ausgaben",
            "ausgegebener betrag",
            "werbeausgaben",
        ),
        "currency": _CURRENCY,
        "impressions": ("impressions", "impr", "impressionen"),
        "clicks": ("clicks", "clicks all", "klicks", "klicks alle", "link clicks"),
        "leads": ("leads", "website leads"),
    },
    "deal": {
        "deal_id": (
            "opportunity id",
            "deal id",
            "record id",
            "record id deals",
            "geschäfts id",
            "deal nr",
            "auftragsnummer",
            "angebotsnummer",
        ),
        "name": ("deal name", "opportunity name", "dealname", "name des deals", "bezeichnung"),
        "account_id": _ACCOUNT,
        "stage": ("stage", "deal stage", "opportunity stage", "stage name", "phase", "deal phase", "status"),
        "status": ("stage", "deal stage", "opportunity stage", "stage name", "phase", "deal phase", "status"),
        "amount": _AMOUNT,
        "currency": _CURRENCY,
        "opened_on": (
            "create date",
            "created date",
            "created",
            "created on",
            "engage date",
            "erstellt",
            "erstellt am",
            "erstelldatum",
            "angelegt am",
        ),
        "closed_on": ("close date", "closed date", "closed", "closing date", "abschlussdatum", "geschlossen am", "abgeschlossen am"),
        "time": ("last modified date", "last modified", "last activity date", "geändert am", "zuletzt geändert"),
        "owner": _OWNER,
        "deal_type": ("deal type", "opportunity type", "type", "typ"),
        "product": ("product", "produkt"),
        "region": ("region", "country", "land"),
        "segment": ("segment", "branche", "industry"),
        "lead_source": ("lead source", "source", "original source", "quelle", "lead quelle"),
        "loss_reason": ("loss reason", "lost reason", "closed lost reason", "verlustgrund"),
        "next_step": ("next step", "nächster schritt"),
    },
    "adjustment": {
        "adjustment_id": (
            "refund id",
            "refund",
            "credit note",
            "credit note id",
            "credit memo",
            "gutschrift",
            "gutschriftsnummer",
            "gutschrift nr",
            "adjustment id",
        ),
        "deal_id": ("deal id", "opportunity id", "order id", "invoice id", "auftragsnummer", "rechnungsnummer"),
        "amount": (*_AMOUNT, "refund amount", "gutschriftsbetrag"),
        "currency": _CURRENCY,
        "effective_on": ("date", "refund date", "datum", "gutschriftsdatum", "created"),
        "reason": ("reason", "grund"),
    },
    "lead_stage": {
        "lead_id": ("lead id", "lead", "lead nr", "lead nummer"),
        "stage": ("lead status", "status", "lifecycle stage", "stage", "lead stage"),
        "time": ("status date", "status changed", "date", "create date", "created", "erstellt am", "datum", "mql date"),
        "person_id": _EMAIL,
        "owner": ("lead owner", *_OWNER),
        "score": ("score", "lead score", "punkte"),
        "reason": ("reason", "rejection reason", "grund", "ablehnungsgrund"),
    },
    "fx": {
        "date": ("date", "datum", "day", "tag"),
        "base": ("base", "base currency", "from", "von", "basiswährung"),
        "quote": ("quote", "quote currency", "to", "nach", "currency", "währung"),
        "rate": ("rate", "exchange rate", "kurs", "wechselkurs"),
    },
    "touch": {
        "person_id": _EMAIL,
        "time": (
            "time",
            "timestamp",
            "date",
            "registered at",
            "registration time",
            "responded on",
            "member first responded date",
            "datum",
            "zeitpunkt",
            "anmeldedatum",
        ),
        "campaign_id": (*_CAMPAIGN, "event", "event name", "webinar", "veranstaltung"),
        "channel": ("channel", "kanal"),
        "kind": ("kind", "type", "activity type", "art"),
        "account_id": _ACCOUNT,
    },
    "account": {
        "account_id": _ACCOUNT,
        "name": ("account name", "company name", "name", "firmenname"),
        "industry": ("industry", "sector", "branche"),
        "employees": ("employees", "number of employees", "mitarbeiter", "mitarbeiterzahl"),
        "region": ("region", "country", "office location", "land"),
        "segment": ("segment",),
        "owner": _OWNER,
        "parent_id": ("parent account", "subsidiary of", "muttergesellschaft"),
    },
    "campaign": {
        "campaign_id": _CAMPAIGN,
        "name": ("campaign name", "name", "kampagnenname", "campaign", "kampagne"),
        "channel": ("channel", "kanal", "campaign type", "kampagnentyp"),
        "budget": ("budget", "campaign budget", "budgeted cost", "kampagnenbudget"),
        "currency": _CURRENCY,
        "starts_on": ("start date", "starts", "start", "startdatum", "beginn"),
        "ends_on": ("end date", "ends", "end", "enddatum", "ende"),
    },
}
"""What a column of each field is called, in English and German."""
_TELLING: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "spend": (("amount",), ("campaign_id", "starts_on")),
    "deal": (("deal_id", "closed_on"), ("stage",)),
    "adjustment": (("adjustment_id",), ("amount",)),
    "lead_stage": (("lead_id",), ("stage", "time")),
    "fx": (("rate",), ("date",)),
    "touch": (("person_id",), ("time",)),
    "account": (("account_id",), ("industry", "employees", "segment", "parent_id", "region")),
    "campaign": (("campaign_id",), ("budget", "channel", "starts_on")),
}
"""Fields of which a file of each type has one of every group; the first type of which it has is the guess."""
_LIKELY = {"won": ("won", "gewonnen"), "lost": ("lost", "verloren", "abgelehnt")}


@dataclass(frozen=True)
class _Sample:
    """The first rows of a file, by the position of their column."""

    export: Export
    rows: Sequence[Sequence[str]]

    def cells(self, position: int) -> list[str]:
        """Return the cells of a column that say something, without those of totals."""
        found = (row[position] for row in self.rows if position < len(row))
        return [cell for cell in found if not is_nothing(cell)]


def proposed_mapping(where: str) -> tuple[tuple[str, str], ...]:
    """Return (section, line) of a mapping for a file, or for each CSV file of a folder.

    Raises SourceError where there is none, and for a file whose header says nothing that is known.
    """
    place = Path(where).expanduser().resolve()
    files = sorted(place.glob("*.[ct]sv")) if place.is_dir() else [place]
    if not files or not place.exists():
        raise SourceError(f"{where}: no CSV file there to propose a mapping for.")
    section = re.sub(r"[^a-z0-9]+", "_", place.stem.lower()).strip("_") or "exports"
    folder = Path(where) if place.is_dir() else Path(where).parent
    head = [(f"adapters.{section}", 'adapter = "csv"'), (f"adapters.{section}", f"from = {_text(str(folder))}")]
    return (*head, *((f"[adapters.{section}.file]", line) for file in files for line in _lines(file)))


def _lines(file: Path) -> Iterator[str]:
    export = open_export(file)
    rows = [row for _, row in islice(export.rows(), _ROWS)]
    sample = _Sample(export, [row for row in rows if not any(is_total_word(cell) for cell in row)])
    fact_type, columns = _guessed(export)
    yield f"path = {_text(file.name)}"
    yield f"type = {_text(fact_type)}"
    yield from (f"columns.{field} = {_text(export.header[position])}" for field, position in columns.items())
    yield from _needed(fact_type, columns)
    yield from _currency(fact_type, columns, sample)
    yield from _formats(fact_type, columns, sample)
    yield from _choices(fact_type, columns, sample)
    if export.is_guessed:
        yield 'encoding = "windows-1252"  # it is not UTF-8, and nothing in it says what it is'


def _guessed(export: Export) -> tuple[str, dict[str, int]]:
    for fact_type, words in _WORDS.items():
        columns = _matched(export.header, words)
        if all(any(field in columns for field in group) for group in _TELLING[fact_type]):
            return fact_type, columns
    there = ", ".join(repr(name) for name in export.header if name)
    raise SourceError(f"{export.name}: nothing in its header says what it holds ({there}); write [[adapters.<section>.file]] by hand.")


def _matched(header: Sequence[str], words: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the position of each field that a column is called after: by its first word that is there, else by one nearly so."""
    plain = [_plain(name) for name in header]
    found: dict[str, int] = {}
    for field, names in words.items():
        near = (match[0] for name in names if (match := get_close_matches(name, plain, 1, 0.88)))
        hit = next((name for name in names if name in plain), None) or next(near, None)
        if hit is not None:
            found[field] = plain.index(hit)
    return found


def _plain(header: str) -> str:
    name = re.sub(r"[(\[][^)\]]*[)\]]", " ", header) if currency_of_header(header) else header
    return " ".join(re.sub(r"[\W_]+", " ", header_key(name)).split())


def _needed(fact_type: str, columns: Mapping[str, int]) -> Iterator[str]:
    """Yield what no column gives and an event needs, as lines to fill in."""
    fields = fields_of(fact_type)
    known = {"team": '"marketing"'} if fact_type == "touch" else {}
    for group in (*((name,) for name, field in fields.items() if field.is_required and name != "currency"), *EITHER.get(fact_type, ())):
        if not any(field in columns for field in group):
            field = group[0]
            said = f"one of {', '.join(fields[field].choices)}" if fields[field].choices else "no column is called so"
            is_constant = fields[field].kind not in ("id", "date", "instant", *MONEY)
            yield f"{'constants' if is_constant else 'columns'}.{field} = {known.get(field, _text('…'))}  # needed; {said}"


def _currency(fact_type: str, columns: Mapping[str, int], sample: _Sample) -> Iterator[str]:
    money = [position for field, position in columns.items() if fields_of(fact_type)[field].kind in MONEY]
    if not money or "currency" in columns:
        return
    header = currency_of_header(sample.export.header[money[0]])
    marks = {read[1] for cell in sample.cells(money[0]) for read in (amount(cell) or amount(cell, ","),) if read and read[1]}
    may_be = frozenset.intersection(*marks) if marks else frozenset()
    if header or len(may_be) == 1:
        yield f"constants.currency = {_text(header or next(iter(may_be)))}"
    else:
        hint = f"the cells may be of {', '.join(sorted(may_be))}" if may_be else "nothing in the file says it"
        yield f"constants.currency = {_text('USD' if 'USD' in may_be else '…')}  # needed; {hint}"


def _formats(fact_type: str, columns: Mapping[str, int], sample: _Sample) -> Iterator[str]:
    kinds = {field: fields_of(fact_type)[field].kind for field in columns}
    dated = [sample.cells(columns[field]) for field, kind in kinds.items() if kind in ("date", "instant")]
    fitting = [fitting_dates(cells) for cells in dated if any(date(cell) is None for cell in cells)]
    shared = [one for one in fitting[0] if all(one in other for other in fitting[1:])] if fitting else []
    if shared:
        others = f"  # or {' or '.join(_text(one) for one in shared[1:])}: these cells fit all of them" if shared[1:] else ""
        yield f"dates = {_text(shared[0])}{others}"
    elif fitting:
        firsts = dict.fromkeys(one[0] if one else "…" for one in fitting)
        yield f"dates = [{', '.join(_text(one) for one in firsts)}]"
    cells = [cell for field, kind in kinds.items() if kind in MONEY for cell in sample.cells(columns[field])]
    if any(amount(cell) is None for cell in cells) and all(amount(cell, ",") for cell in cells):
        yield 'decimal = ","'
    elif (signed := [cell for cell in cells if "." in cell or "," in cell]) and all(is_ambiguous(cell) for cell in signed):
        yield f'decimal = "."  # or ",": {signed[0]} may be a thousand, or have three decimals'


def _choices(fact_type: str, columns: Mapping[str, int], sample: _Sample) -> Iterator[str]:
    """Yield what each word of a column means, where the events know only some words."""
    for field, position in columns.items():
        choices = fields_of(fact_type)[field].choices
        words = dict.fromkeys(cell for cell in sample.cells(position) if cell.lower() not in choices) if choices else {}
        for word in list(words)[:_CHOICES]:
            yield f"values.{field}.{_text(word)} = {_text(_likely(word) if field == 'status' else '…')}"


def _likely(word: str) -> str:
    return next((status for status, words in _LIKELY.items() if any(one in word.lower() for one in words)), "open")


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
