"""The rows of an export by hand as fields of events: what is read, what is left out and why, and what no setting answers."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from adapters.frame.plain import values
from adapters.frame.plain.exports import Export, column_of
from adapters.frame.plain.mapping import FACTS, MONEY, MappedFile, fields_of
from nisba.errors import Refused, SourceError

__all__ = ["LIST", "Tally", "is_total_word", "records"]

LIST = "\x1f"
"""What parts the ids of a list."""
_DATED = ("date", "instant")
_SEEN = 5_000
"""How many different cells of a column are kept to tell which format they have."""
_TOTAL = re.compile(
    r"(?:(?:grand|sub)[ -]?)?(?:totals?|sum|summe|gesamt(?:summe|ergebnis)?|zwischensumme|insgesamt|ergebnis|totale|totaal|suma|итого|合計"
    r"|الإجمالي|المجموع)"
    r"(?P<of>\s*[:(–-].*| results?)?",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_WHAT: Mapping[str, str] = {
    "amount": "no amount",
    "cost": "no amount",
    "rate": "no rate",
    "integer": "no whole number",
    "count": "no whole number",
    "number": "no number",
    "date": "no date",
    "instant": "no date or time",
    "currency": "no currency",
    "truth": "neither yes nor no",
    "id": "an id that a spreadsheet has rounded",
    "ids": "an id that a spreadsheet has rounded",
}


@dataclass
class Tally:
    """What was counted on the way: rows left out and kept under an assumption per reason, cells of a choice without an answer."""

    left_out: Counter[str] = field(default_factory=Counter)
    assumed: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def leave_out(self, reason: str, example: str) -> None:
        """Count a row that becomes no event; the first one is the example."""
        self.left_out[reason] += 1
        self.examples.setdefault(reason, example)

    def told(self) -> dict[str, int]:
        """Return how many rows were left out, by the reason with its example."""
        return {f"{reason}, such as {self.examples[reason]}": count for reason, count in self.left_out.items()}


@dataclass(frozen=True)
class _Column:
    """A column of the file: where it stands, the field that it gives, and how its cells are read."""

    name: str
    position: int
    field: str
    kind: str
    is_required: bool
    read: Callable[[str], str | None]


def records(mapped: MappedFile, export: Export, tally: Tally) -> Iterator[dict[str, str | None]]:
    """Yield the fields of each row that can be read, with `key` where the mapping names key columns.

    Raises SourceError for a column that is missing, a currency that contradicts the header, and where the format of a column is another
    one than the mapping says.
    """
    reader = _Reader(mapped, export, tally)
    total, read = 0, 0
    for line, cells in export.rows():
        if mapped.skip_total and reader.is_total(cells):
            tally.leave_out(f"total rows of {export.name}", f"line {line}")
            continue
        total += 1
        record = reader.record(line, cells)
        if record is not None:
            read += 1
            yield record
    reader.check(total, read)


class _Reader:
    """The columns of one file, and how a row of it is read."""

    def __init__(self, mapped: MappedFile, export: Export, tally: Tally) -> None:
        self.mapped, self.export, self.tally = mapped, export, tally
        self.decimal = mapped.decimal or "."
        self.columns = [self._column(name, column) for name, column in mapped.columns.items()]
        self.key = [column_of(export, name, f"key in {mapped.where}") for name in mapped.key]
        self.seen: dict[str, set[str]] = {column.field: set() for column in self.columns if column.kind in (*_DATED, *MONEY)}
        self.odd: Counter[str] = Counter()
        self.currency = self._currency()
        self.own = self.key + [column.position for column in self.columns if column.kind == "id" and column.is_required]
        self.naming = self.own + [column.position for column in self.columns if column.kind in _DATED and column.is_required]
        self.numbers = [column.position for column in self.columns if column.kind in (*MONEY, "count")]

    def _column(self, name: str, column: str) -> _Column:
        position = column_of(self.export, column, f'columns = {{ {name} = "…" }} in {self.mapped.where}')
        told = fields_of(self.mapped.fact_type).get(name)
        kind = told.kind if told else "text"
        is_required = (told is not None and told.is_required) or (name == "time" and self.mapped.fact_type in FACTS)
        return _Column(self.export.header[position], position, name, kind, is_required, self._cell(name, kind))

    def _cell(self, name: str, kind: str) -> Callable[[str], str | None]:
        readers: dict[str, Callable[[str], str | None]] = {
            "rate": partial(values.number, decimal=self.decimal),
            "number": partial(values.number, decimal=self.decimal),
            "integer": partial(values.whole, decimal=self.decimal),
            "count": partial(values.whole, decimal=self.decimal),
            "date": partial(values.date, formats=self.mapped.dates),
            "instant": partial(values.instant, formats=self.mapped.dates),
            "currency": values.currency,
            "truth": values.truth,
            "choice": partial(self._choice, name, fields_of(self.mapped.fact_type)[name].choices if kind == "choice" else ()),
            "id": partial(_id, self.mapped.prefixes.get(name, "")),
            "ids": partial(_ids, self.mapped.prefixes.get(name, "")),
        }
        return readers.get(kind, str.strip)

    def _currency(self) -> str | None:
        """Return the currency of the whole file, as a constant or a header says."""
        said = self.mapped.constants.get("currency")
        for column in self.columns:
            named = values.currency_of_header(column.name) if column.kind in MONEY else None
            if named and said and named != said:
                header = f"{self.export.name}: the header {column.name!r} says {named}"
                raise SourceError(f"{header}, and the mapping {said}: mend currency in {self.mapped.where}.")
            said = said or named
        return said

    def _choice(self, name: str, choices: Sequence[str], cell: str) -> str | None:
        word = cell.strip().lower()
        if word in choices:
            return word
        self.tally.unmapped[name, cell.strip()] += 1
        return None

    def is_total(self, cells: Sequence[str]) -> bool:
        """Say whether a row adds up others: what it is of is a total or missing; an account may be called Total, a campaign Total Wine."""
        if not self.numbers:
            return False
        own = [_at(cells, position) for position in self.own]
        if any(map(is_total_word, own)):
            return True
        missing = [values.is_nothing(_at(cells, position)) for position in self.naming]
        if not any(missing):
            return False
        said = (next((cell for cell in cells if cell), ""), *(_at(cells, position) for position in self.naming))
        return any(map(_TOTAL.fullmatch, said)) or (
            all(missing) and any(values.amount(_at(cells, one), self.decimal) for one in self.numbers)
        )

    def record(self, line: int, cells: Sequence[str]) -> dict[str, str | None] | None:
        """Return the fields of a row; None where it is left out."""
        try:
            if any(cells[len(self.export.header) :]):
                raise Refused("with more cells than the header", f"line {line}")
            found: dict[str, str | None] = dict(self.mapped.constants)
            marks: set[frozenset[str]] = set()
            for column in self.columns:
                found[column.field] = self._value(line, column, _at(cells, column.position), marks)
            if self.key:
                found["key"] = self._key(line, cells)
            self._settle_currency(line, found, marks)
            self._check_deal(line, found)
        except Refused as problem:
            self.tally.leave_out(f"rows of {self.export.name} {problem.error_class}", problem.message)
            return None
        return found

    def _value(self, line: int, column: _Column, cell: str, marks: set[frozenset[str]]) -> str | None:
        answer = self.mapped.values.get(column.field, {}).get(cell.strip().lower())
        if answer is not None:
            return answer
        if values.is_nothing(cell):
            if column.is_required:
                raise Refused(f"without {column.name}", f"line {line}")
            return None
        if column.field in self.seen and len(self.seen[column.field]) < _SEEN:
            self.seen[column.field].add(cell)
        if column.kind in MONEY:
            read = values.amount(cell, self.decimal)
            marks |= {read[1]} if read and read[1] else set()
            value = read and read[0]
        else:
            value = column.read(cell)
        if value is None and column.kind != "choice":
            self.odd[column.field] += 1
            raise Refused(f"whose {column.name} is {_WHAT[column.kind]}", f"{cell!r} in line {line}")
        return value

    def _key(self, line: int, cells: Sequence[str]) -> str:
        parts = [_at(cells, position) for position in self.key]
        if all(values.is_nothing(part) for part in parts):
            raise Refused(f"without {' and '.join(self.mapped.key)}", f"line {line}")
        read = [_id("", part) for part in parts]
        if None in read:
            raise Refused(f"whose {self.mapped.key[read.index(None)]} is {_WHAT['id']}", f"{parts[read.index(None)]!r} in line {line}")
        return "/".join(part or "" for part in read)

    def _settle_currency(self, line: int, found: dict[str, str | None], marks: set[frozenset[str]]) -> None:
        """Give a row with an amount its currency; an amount that shows another one is not read."""
        money = [c for c in self.columns if c.kind in MONEY]
        if not money:
            return
        said = found.get("currency") or self.currency
        may_be = frozenset.intersection(*marks) if marks else None
        if said is None and may_be is not None and len(may_be) == 1:
            (said,) = may_be
        if all(found[column.field] is None for column in money):
            found["currency"] = None
        elif said is None:
            raise Refused("of which nothing says the currency", f"line {line}")
        elif may_be is not None and said not in may_be:
            raise Refused(f"with another currency than {said}", f"line {line}")
        else:
            found["currency"] = said

    def _check_deal(self, line: int, found: Mapping[str, str | None]) -> None:
        if self.mapped.fact_type != "deal":
            return
        if found.get("status") in ("won", "lost") and not (found.get("closed_on") or found.get("closed_at")):
            raise Refused("that are won or lost, and without a date of closing", f"line {line}")
        if not (found.get("opened_on") or found.get("opened_at")):
            raise Refused("without a date of opening", f"line {line}")
        if (found.get("amount") or "").startswith("-"):
            raise Refused("of deals with a negative amount", f"line {line}")
        if found.get("status") == "won" and not found.get("amount"):
            self.tally.assumed[f"won deals of {self.export.name} without an amount"] += 1

    def check(self, total: int, read: int) -> None:
        """Refuse a format that is not the file's: a column in which another one reads every cell, and a file of which no row is read."""
        for column in self.columns:
            cells = self.seen.get(column.field, ())
            if self.odd[column.field] and column.kind in _DATED:
                self._refuse_dates(column, cells)
            if column.kind in MONEY and cells:
                self._refuse_decimals(column, cells)
        if total and not read and not self.tally.unmapped:
            reason, example = next((r, e) for r, e in self.tally.examples.items() if r.startswith(f"rows of {self.export.name} "))
            hint = ' add constants = { currency = "…" } to' if "currency" in reason else " mend"
            raise SourceError(
                f"{self.export.name}: none of its {total:,} rows can be read: {reason}, such as {example};{hint} {self.mapped.where}."
            )

    def _refuse_dates(self, column: _Column, cells: set[str] | tuple[str, ...]) -> None:
        fitting = values.fitting_dates(cells)
        if not fitting:
            return
        odd = next(cell for cell in sorted(cells) if column.read(cell) is None)
        lines = " or ".join(f'dates = "{one}"' for one in fitting[:3])
        what = f"{odd!r} is {_WHAT[column.kind]} by the formats of the mapping"
        raise SourceError(f"{self.export.name}: {column.name}: {what}; add {lines} to {self.mapped.where}.")

    def _refuse_decimals(self, column: _Column, cells: set[str] | tuple[str, ...]) -> None:
        other = {".": ",", ",": "."}[self.decimal]
        if self.odd[column.field] and all(values.amount(cell, other) for cell in cells):
            odd = next(cell for cell in sorted(cells) if values.amount(cell, self.decimal) is None)
            what = f"{odd!r} is no amount with {self.decimal!r} before the decimals"
            raise SourceError(f'{self.export.name}: {column.name}: {what}; add decimal = "{other}" to {self.mapped.where}.')
        signed = [cell for cell in sorted(cells) if "." in cell.strip(".") or "," in cell]
        if self.mapped.decimal is None and signed and all(values.is_ambiguous(cell) for cell in signed):
            raise SourceError(
                f"{self.export.name}: {column.name}: {signed[0]!r} may be a thousand or have three decimals; "
                f'add decimal = "." or decimal = "," to {self.mapped.where}.'
            )


def is_total_word(cell: str) -> bool:
    """Say whether a cell names a total, and nothing that it is of.

    >>> is_total_word("Gesamt"), is_total_word("Grand total"), is_total_word("Total: Account"), is_total_word("Total Wine")
    (True, True, False, False)
    """
    match = _TOTAL.fullmatch(cell)
    return match is not None and match["of"] is None


def _at(cells: Sequence[str], position: int) -> str:
    return cells[position] if position < len(cells) else ""


def _id(prefix: str, cell: str) -> str | None:
    """Return an id; of an address what `email_id` makes of it, since addresses do not leave the source."""
    text = cell.strip()
    if values.is_rounded_id(text):
        return None
    if _EMAIL.fullmatch(text):
        return "email:" + hashlib.sha256(text.lower().encode()).hexdigest()[:32]
    return prefix + text


def _ids(prefix: str, cell: str) -> str | None:
    read = [_id(prefix, part) for part in re.split(r"[;,]", cell) if part.strip()]
    return None if None in read else LIST.join(part for part in read if part)
