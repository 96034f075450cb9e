"""Time work side by side: what counts is the ratio of two things measured in one run, since machines are shared and noisy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["fastest", "show"]


def fastest(work: Callable[[], Any], rounds: int = 3) -> tuple[float, Any]:
    """Return (seconds of the fastest of some rounds, what the last one returned)."""
    seconds, result = [], None
    for _ in range(rounds):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return min(seconds), result


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the first column holds words, the others numbers."""
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    print(f"\n{title}")
    for row in (columns, *rows):
        print(
            "  "
            + "  ".join(
                cell.ljust(width) if not place else cell.rjust(width) for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        )
