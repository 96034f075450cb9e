"""How large generated sets of events are: the profile `large` asks for fewer sets than usual, with more accounts, leads and deals in each.

Rules meet each other in them that rarely do in small sets, and whatever is decided by counting has something to count. They take
minutes, so nobody waits for them: `make nightly`.
"""

from __future__ import annotations

import os

__all__ = ["IS_LARGE", "PROFILE", "with_more"]

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
IS_LARGE = PROFILE == "large"


def with_more(names: tuple[str, ...], size: int) -> tuple[str, ...]:
    """Return so many times as many names.

    >>> with_more(("a", "x"), 1), with_more(("a", "x"), 3)
    (('a', 'x'), ('a', 'x', 'a-3', 'a-4', 'a-5', 'a-6'))
    """
    return (*names, *(f"{names[0]}-{number}" for number in range(len(names) + 1, size * len(names) + 1)))
