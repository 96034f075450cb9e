"""Plain CSV as events: the adapter `csv` is made of a mapping in nisba.toml, where every other adapter is a folder of SELECTs.

What a person exports by hand has lines above its header, a row of totals, numbers and dates as a spreadsheet shows them. No SELECT can
say which line the header is, so this one adapter has code: it reads such files into clean tables, and makes the SELECTs over them.
From there on it is an adapter as any other.
"""

from __future__ import annotations

from adapters.frame.plain.mapping import NO_MAPPING, settings_of
from adapters.frame.plain.proposal import proposed_mapping
from adapters.frame.plain.selects import PLAIN, plain_adapter

__all__ = ["NO_MAPPING", "PLAIN", "plain_adapter", "proposed_mapping", "settings_of"]
