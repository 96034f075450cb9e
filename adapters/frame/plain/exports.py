"""Files that a person exported by hand: their encoding, their delimiter, the line of their header, and the rows under it."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from adapters.frame.names import did_you_mean
from adapters.frame.plain.values import currency_of_header, date, is_nothing, number
from nisba.errors import SourceError

__all__ = ["Export", "column_of", "header_key", "open_export"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SPREADSHEETS = ((b"PK\x03\x04", "a spreadsheet (.xlsx, .ods) or an archive"), (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)"))
_GUESS = "cp1252"
_DELIMITERS = (",", ";", "\t", "|")
_LINES = 100
"""How many lines may stand above a header."""
csv.field_size_limit(1 << 24)


@dataclass(frozen=True)
class Export:
    """A file and how to read it; `line` is that of its header, from 1; `is_guessed` tells of an encoding that nothing in the file says."""

    file: Path
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    line: int
    is_guessed: bool = False

    @property
    def name(self) -> str:
        """Return what the file is called in messages."""
        return self.file.name

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows under the header, each with its line; what is blank, or the header again, is none."""
        with _text(self.file, self.encoding) as stream:
            reader = csv.reader(stream, delimiter=self.delimiter)
            for number_, cells in enumerate(reader, 1):
                stripped = [cell.strip() for cell in cells]
                if number_ > self.line and any(stripped) and tuple(stripped) != self.header:
                    yield reader.line_num, stripped


def open_export(file: Path, wanted: Sequence[str] = (), encoding: str | None = None, delimiter: str | None = None) -> Export:
    """Find out how a file is to be read: its header is the first row with the columns `wanted`, or the first that looks like one.

    Raises SourceError for a file that is no text, and where nothing in it looks like a header.
    """
    chosen, is_guessed = (encoding, False) if encoding else _encoding(file)
    try:
        found = [_header(file, chosen, one, wanted) for one in ([delimiter] if delimiter else _DELIMITERS)]
    except (UnicodeError, LookupError) as error:
        raise SourceError(f'{file.name}: it cannot be read as {chosen} ({error}); say what it is: encoding = "utf-8".') from None
    best = max(found, key=lambda one: (one[0], len(one[3])))
    if len(best[3]) < 2 and not best[0]:
        raise SourceError(f'{file.name}: no line in it looks like a header; say what parts its columns: delimiter = ";".')
    _, line, separator, header = best
    return Export(file, chosen, separator, header, line, is_guessed)


def _encoding(file: Path) -> tuple[str, bool]:
    """Return the encoding of a file, and whether it is only the likeliest."""
    with _bytes(file) as stream:
        head = stream.read(4096)
        for beginning, what in _SPREADSHEETS:
            if head.startswith(beginning):
                raise SourceError(f"{file.name} is {what} and no text; save it as CSV (UTF-8), and name that file.")
        for mark, name in _MARKS:
            if head.startswith(mark):
                return name, False
        if head.count(b"\0") * 4 > len(head):
            return ("utf-16-le" if head[1:2] == b"\0" else "utf-16-be"), False
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(head)
            while chunk := stream.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _GUESS, True
    return "utf-8", False


def _bytes(file: Path) -> IO[bytes]:
    return gzip.open(file, "rb") if file.suffix.lower() == ".gz" else file.open("rb")  # type: ignore[return-value]


def _text(file: Path, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(_bytes(file), encoding, errors="replace" if encoding == _GUESS else "strict", newline="")


def _header(file: Path, encoding: str, delimiter: str, wanted: Sequence[str]) -> tuple[int, int, str, tuple[str, ...]]:
    """Return (how well it fits, its line, the delimiter, the header), the first of the best rows."""
    with _text(file, encoding) as stream:
        rows = [[cell.strip() for cell in cells] for cells in islice(csv.reader(stream, delimiter=delimiter), _LINES)]
    if wanted:
        hits = [sum(_position(row, name) is not None for name in wanted) for row in rows]
        best = max(hits, default=0)
        if best:
            line = hits.index(best)
            return best, line + 1, delimiter, tuple(rows[line])
    line = _looks_like_header(rows)
    return 0, line + 1, delimiter, tuple(rows[line]) if rows else ()


def _looks_like_header(rows: Sequence[Sequence[str]]) -> int:
    """Return the first of the rows with the usual number of cells that has neither numbers nor dates nor gaps; else the first."""
    widths = [len(row) for row in rows if any(row)]
    usual = max(sorted(set(widths), reverse=True), key=widths.count, default=0)
    for line, row in enumerate(rows):
        cells = row[:-1] if row and not row[-1] else row
        if len(row) == usual and all(cells) and not any(is_nothing(c) or number(c) or number(c, ",") or date(c) for c in cells):
            return line
    return 0


def header_key(name: str) -> str:
    """Return what the names of one column have in common, however they are typed.

    >>> header_key("  Amount\\u00a0spent ") == header_key("amount spent")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _position(header: Sequence[str], name: str) -> int | None:
    """Return where a column stands: by its name, else by its name without the currency behind it; None where it is not there once."""
    wanted = header_key(name)
    for names in ([header_key(one) for one in header], [header_key(_without_currency(one)) for one in header]):
        if names.count(wanted) == 1:
            return names.index(wanted)
        if wanted in names:
            return None
    return None


def _without_currency(header: str) -> str:
    if currency_of_header(header) is None:
        return header
    return header.rpartition("(")[0] or header.rpartition("[")[0] or header


def column_of(export: Export, name: str, where: str) -> int:
    """Return the position of a column.

    Raises SourceError, naming the columns there are and the line to mend, where it is not there, or there twice.
    """
    found = _position(export.header, name)
    if found is not None:
        return found
    times = [header_key(one) for one in export.header].count(header_key(name))
    if times > 1:
        raise SourceError(f"{export.name} has {times} columns {name!r}: rename one of them in the file, and name it in {where}.")
    there = ", ".join(repr(one) for one in export.header if one)
    raise SourceError(f"{export.name} has no column {name!r}{did_you_mean(name, export.header)}; it has {there}: mend {where}.")
