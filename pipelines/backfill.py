"""Backfill: a directory of events into the warehouse and all the way to the marts, under one lease."""

from __future__ import annotations

from pathlib import Path

from nisba.config import Config
from pipelines.catch_up import CatchUp, OnStep, catch_up
from pipelines.file_source import DirectorySource
from warehouse.connection import open_writer

__all__ = ["backfill"]


def backfill(directory: str | Path, config: Config, *, on_step: OnStep = lambda step, read: None) -> CatchUp:
    """Catch up with a directory of events, which may be what an adapter made; return what was done.

    Reading it again lands nothing twice. Raises SourceError, WarehouseError and CheckFailed.
    """
    with open_writer(config.warehouse.path) as con:
        return catch_up(con, DirectorySource(str(directory)), config, on_step=on_step)
