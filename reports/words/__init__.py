"""The words of the reports: one catalogue per language, `<language>.toml`.

A text has a dotted key and placeholders, `{period}`; whoever uses it gives every placeholder and no other. Data (names of campaigns,
channels, models) and the sentences of errors are no words of the catalogue.

What fills a placeholder is a `Figure`, which a language may write in digits and signs of its own, a text that is `Said` in the language
already, or a name that somebody chose: from right to left it stands between the signs that keep its own direction (U+2068, U+2069).
"""

from __future__ import annotations

import string
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nisba.errors import NotFound

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["DEFAULT_LANGUAGE", "Figure", "Said", "Words", "languages", "words"]

DEFAULT_LANGUAGE = "en"
_FOLDER = Path(__file__).parent


_FIGURES = "0123456789.,%+-"


class Figure(str):
    """A number, an amount or a time, formatted; languages with digits of their own translate it."""

    __slots__ = ()


class Said(str):
    """A text in the language of the catalogue."""

    __slots__ = ()


@dataclass(frozen=True)
class Words:
    """The catalogue of one language.

    >>> words("en")("report.title", period="2026-Q1")
    'Revenue and its causes, 2026-Q1'
    """

    language: str
    texts: Mapping[str, str] = field(repr=False)

    def __call__(self, key: str, **values: object) -> Said:
        """Return a text with its placeholders filled in; NotFound for a key that is missing, or placeholders that are not those given."""
        return Said(self.pattern(key, values).format(**self.fitted(values)))

    def pattern(self, key: str, values: Mapping[str, object]) -> str:
        """Return a text before it is filled in, after a look at whether the values fit it."""
        text = self.texts.get(key)
        if text is None:
            raise NotFound(f"no words for {key!r} in the language {self.language!r}.")
        if placeholders(text) != set(values):
            wanted, given = sorted(placeholders(text)), sorted(values)
            raise NotFound(
                f"the words for {key!r} in the language {self.language!r} have the placeholders {wanted}, but {given} are given."
            )
        return text

    def named(self, group: str, name: str) -> Said:
        """Return the word for a value of the books: `named("deal_status", "won")`."""
        return self(f"{group}.{name}")

    @property
    def is_right_to_left(self) -> bool:
        """Tell in which direction the language is written."""
        return self.texts.get("script.direction") == "rtl"

    def fitted(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return what fills placeholders as the language shows it."""
        return {name: self.shown(value) if isinstance(value, str) else value for name, value in values.items()}

    def shown(self, text: str) -> str:
        """Return a figure or a name as a sentence or a cell of the language shows it.

        >>> words("ar").shown(Figure("48.2 %")), words("en").shown(Figure("48.2 %"))
        ('٤٨٫٢٪\u061c', '48.2 %')
        """
        if isinstance(text, Figure):
            return _in_digits(text, self.texts.get("script.figures", ""))
        return f"\u2068{text}\u2069" if self.is_right_to_left and not isinstance(text, Said) else text

    def listed(self, texts: Iterable[str]) -> Said:
        """Return texts in a row.

        >>> words("en").listed(["expo", "mail"])
        'expo, mail'
        """
        return Said(f"{self.texts['script.comma']} ".join(map(self.shown, texts)))


def _in_digits(figure: str, signs: str) -> str:
    """Return a figure with the signs of a language for `0123456789.,%+-`, between blanks; without any as it is."""
    if not signs:
        return figure
    own: dict[int, str] = dict(zip(map(ord, _FIGURES), signs.split(), strict=True))
    return figure.replace(" %", "%").translate(own)


def placeholders(text: str) -> set[str]:
    """Return the names in braces.

    >>> sorted(placeholders("{gap} points above {target}"))
    ['gap', 'target']
    """
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def languages() -> list[str]:
    """Return the languages that have a catalogue."""
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


@cache
def words(language: str = DEFAULT_LANGUAGE) -> Words:
    """Read the catalogue of a language; NotFound when there is none."""
    if language not in languages():
        raise NotFound(f"no words in the language {language!r}; there are: {', '.join(languages())}.")
    tree = tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8"))
    return Words(language, MappingProxyType(dict(_flat(tree))))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")
