"""The examples in the docstrings of the wire contract hold."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["checks", "canonical", "envelope", "keys", "refusals", "topics"])
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(f"schemas.{name}"))
    assert (results.failed, results.attempted > 0) == (0, True)
