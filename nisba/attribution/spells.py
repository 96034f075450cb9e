"""Won spells and currency runs of deals, and the amount that each state counts with (semantics: "Deals", "Entries").

A won spell is a maximal run of consecutive won states of a deal, a currency run a maximal stretch of a spell in one currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nisba.attribution.columns import Bools, Ints, encode, thousandths
from nisba.attribution.shards import Shard
from nisba.money import milli_per_minor

__all__ = ["Amounts", "Runs", "own_amounts"]


@dataclass(frozen=True)
class Amounts:
    """What each state of a shard is worth, one row per state."""

    currencies: list[str]
    """Currencies by code."""
    currency: Ints
    """Code; -1 for none."""
    amount: Ints
    """Minor units; 0 for none."""
    known: Bools
    """Whether the state has an amount, or the won spell that it belongs to."""

    @classmethod
    def of(cls, shard: Shard, reporting: str) -> Amounts:
        """Read the amounts of states; a won state without one has that of its spell, a spell without any 0 in the reporting currency."""
        own = own_amounts(shard)
        currencies, codes, amount, known = own.currencies, own.currency, own.amount, own.known
        blank = np.flatnonzero(shard.is_won & ~known)
        if not len(blank):
            return own
        neighbour = _neighbours(shard, known, blank)
        found = neighbour >= 0
        currencies = currencies if reporting in currencies else [*currencies, reporting]
        codes, amount, known = codes.copy(), amount.copy(), known.copy()
        codes[blank] = np.where(found, codes[neighbour], currencies.index(reporting))
        amount[blank], known[blank] = np.where(found, amount[neighbour], 0), found
        return cls(currencies, codes, amount, known)

    @cached_property
    def milli(self) -> Ints:
        """Thousandths per minor unit of each currency, by code."""
        return _milli(self.currencies)


def own_amounts(shard: Shard) -> Amounts:
    """Return what each state says itself."""
    codes, values = encode(shard.state["currency"])
    currencies = [str(code) for code in values.to_pylist()]
    milli, known = thousandths(shard.state["amount"])
    return Amounts(currencies, codes, milli // _milli(currencies)[codes], known)


def _milli(currencies: list[str]) -> Ints:
    return np.array([milli_per_minor(code) for code in currencies] or [1], dtype=np.int64)


def _neighbours(shard: Shard, has: Bools, row: Ints) -> Ints:
    """Return the state that gives a won state its amount: the nearest earlier one of its spell, else the nearest later; -1 for none."""
    spell, places = np.cumsum(_opens_spell(shard)), np.arange(len(has))
    useful = shard.is_won & has
    earlier = np.maximum.accumulate(np.where(useful, places, -1))[row]
    later = np.minimum.accumulate(np.where(useful, places, len(has))[::-1])[::-1][row]
    bounded = np.append(spell, -1)  # the place after the last, and -1, are in no spell
    return np.where(bounded[earlier] == spell[row], earlier, np.where(bounded[later] == spell[row], later, -1))


def _was_won(shard: Shard) -> Bools:
    """Tell which states follow a won one of their deal."""
    was = np.zeros(len(shard.state), dtype=bool)
    was[1:] = shard.is_won[:-1] & (shard.state_deal[1:] == shard.state_deal[:-1])
    return was


def _opens_spell(shard: Shard) -> Bools:
    opens: Bools = shard.is_won & ~_was_won(shard)
    return opens


@dataclass(frozen=True)
class Runs:
    """Won spells and currency runs, one row per state."""

    begins: Bools
    """A currency run begins with this state."""
    opens_spell: Bools
    first_of_deal: Bools
    """It opens the first won spell of its deal."""
    continues: Bools
    """The state carries on the currency run of the one before it."""
    ends_before: Bools
    """The state ends the currency run of the one before it."""
    _last: Ints
    _number: Ints

    @classmethod
    def of(cls, shard: Shard, amounts: Amounts) -> Runs:
        """Find the runs in the states of a shard."""
        won, deal, was_won, opens_spell = shard.is_won, shard.state_deal, _was_won(shard), _opens_spell(shard)
        same_currency = np.zeros(len(won), dtype=bool)
        same_currency[1:] = amounts.currency[1:] == amounts.currency[:-1]
        continues = won & was_won & same_currency
        begins = won & ~continues
        spells = np.cumsum(opens_spell)
        start = np.searchsorted(deal, deal)
        first = opens_spell & (spells - (spells - opens_spell)[start] == 1) if len(won) else opens_spell
        number = np.cumsum(begins) - 1
        last = np.zeros(int(begins.sum()), dtype=np.int64)
        last[number[won]] = np.flatnonzero(won)  # of repeated numbers the last assignment stays
        return cls(begins, opens_spell, first, continues, was_won & ~continues, last, number)

    def last_state(self, row: Ints) -> Ints:
        """Return the last state of the currency run that a state belongs to."""
        return self._last[self._number[row]]
