"""The attribution core: facts in, books out. Arrow columns and numpy; nothing that moves or stores them.

`fold` does it at once. What it is made of is what the pipelines run: `prepare` brings facts into the firm's own words,
`resolve` sees all facts and cuts them into shards of whole accounts, `attribute_shard` makes the books of one shard,
knowing nothing else.

facts → registers → identity → deals, journeys, milestones → models → apportionment → entries, credits → books
"""

from nisba.attribution.bounds import left_out
from nisba.attribution.folding import attribute_shard, fold
from nisba.attribution.preparation import prepare
from nisba.attribution.resolution import Resolution, resolve

RULES_EDITION = 2
"""The edition of the rules that books are computed by: books of another edition are computed anew."""

__all__ = ["RULES_EDITION", "Resolution", "attribute_shard", "fold", "left_out", "prepare", "resolve"]
