"""Names of tables and columns, as different tools write them and as SQL quotes them, and names that are nearly right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "identifier", "normal", "quoted"]


def normal(name: str) -> str:
    """Return what the names of one table or column have in common in every tool that writes them.

    >>> normal("OpportunityContactRole") == normal("opportunity_contact_role")
    True
    """
    return "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum())


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return what to add to "there is no …" where something is called nearly so.

    >>> did_you_mean("tiem_zone", ["time_zone", "source"])
    "; did you mean 'time_zone'?"
    >>> did_you_mean("x", ["time_zone"])
    ''
    """
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def identifier(name: str) -> str:
    """Return a name as SQL quotes it.

    >>> identifier('a "b')
    '"a ""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """Return a text as SQL quotes it.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
