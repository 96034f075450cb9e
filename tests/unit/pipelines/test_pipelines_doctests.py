"""The examples in the docstrings of the pipelines hold."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["broken_batches", "dead_letters", "log_source", "outbox", "patience", "replaying", "sending", "stream"]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(f"pipelines.{name}"))
    assert (results.failed, results.attempted > 0) == (0, True)
