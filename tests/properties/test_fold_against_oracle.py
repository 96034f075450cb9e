"""The fast core and the oracle keep the same books, to the last minor unit."""

from __future__ import annotations

from hypothesis import given

from nisba.attribution import fold
from nisba.config import Config
from tests import oracle
from tests.oracle.compare import assert_same_books, rows_of
from tests.strategies import Event, configs, event_sets, examples, facts_of


@examples(500)
@given(event_sets(), configs())
def test_fast_core_agrees_with_oracle(events: list[Event], config: Config) -> None:
    assert_same_books(oracle.fold(events, config), rows_of(fold(facts_of(events), config).tables()))
