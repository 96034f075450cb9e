"""Random draws that are the same bits on every machine, for every version of numpy and Python.

numpy promises the raw stream of PCG64 for ever, but neither its distributions nor the last digit of a logarithm.
So everything here is made of raw 64-bit words and integer arithmetic: shares are parts of 10,000, distributions are
tables of quantiles.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Draws", "Ints"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_STEPS = 1_000  # points between two quantiles of a table


class Draws:
    """A stream of draws of its own for each purpose, so that one part of the world can change without the others."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]))

    def raw(self, size: int) -> NDArray[np.uint64]:
        """Draw 64-bit words."""
        return np.asarray(self._bits.random_raw(size), dtype=np.uint64)

    def below(self, size: int, bound: int | Ints) -> Ints:
        """Draw integers of [0, bound); the bias of the modulo is below 2^-32."""
        return (self.raw(size) % np.asarray(bound, dtype=np.uint64)).astype(np.int64)

    def chance(self, size: int, per_10k: int | Ints) -> Bools:
        """Draw true with a probability given in parts of 10,000."""
        return self.below(size, 10_000) < per_10k

    def pick(self, size: int, weights: Sequence[int] | Ints) -> Ints:
        """Draw positions of `weights` in proportion to these integers."""
        edges = np.cumsum(np.asarray(weights, dtype=np.int64))
        return np.searchsorted(edges, self.below(size, int(edges[-1])), side="right").astype(np.int64)

    def quantile(self, size: int, table: Sequence[int]) -> Ints:
        """Draw from the distribution whose evenly spaced quantiles, least to greatest, are `table`."""
        points = np.asarray(table, dtype=np.int64)
        at = self.below(size, (len(points) - 1) * _STEPS)
        left, part = at // _STEPS, at % _STEPS
        return points[left] + (points[left + 1] - points[left]) * part // _STEPS

    def count(self, mean_per_10k: Ints) -> Ints:
        """Draw whole numbers with these means (in 10,000ths), spread between none and twice the mean."""
        size = len(mean_per_10k)
        spread = mean_per_10k * self.below(size, 201) // 100
        return spread // 10_000 + self.chance(size, spread % 10_000)
