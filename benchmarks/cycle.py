"""The stream under a steady load: seconds of a cycle, and from an event's sending to its being attributed and committed.

A broker (the embedded one, or NISBA_TEST_KAFKA=host:port), a producer in a process of its own, and `stream` here. Bounded: some
seconds at each rate.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.timing import show
from nisba.config import load_config
from pipelines.broker.embedded_broker import embedded_broker
from pipelines.broker.topics import create_topics
from pipelines.stream import Cycle, stream

__all__ = ["main"]

RATES = (20, 2_000, 10_000)
SECONDS = 20
WARM_UP = 0.25
"""Part of the time that does not count: the first cycle builds Beam's graphs."""


def main() -> None:
    """Print a row per rate."""
    rows = [_row(rate) for rate in RATES]
    show(f"Stream, {SECONDS} s at each rate", ["events/s", "cycle p50 s", "cycle p95 s", "event → books p50 s", "p95 s"], rows)


def _row(rate: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="nisba-bench-") as folder, _broker() as address:
        settings = Path(folder) / "nisba.toml"
        settings.write_text(f'[kafka]\nbootstrap_servers = "{address}"\n[warehouse]\npath = "{folder}/warehouse.duckdb"\n', "utf-8")
        cycles, sent = _run(settings, rate)
    late = [ended for ended, _ in cycles]
    sent_at = np.repeat([at for at, _ in sent], [count for _, count in sent])
    read = np.cumsum([cycle.read.records for _, cycle in cycles])
    committed_at = np.array(late)[np.searchsorted(read, np.arange(1, len(sent_at) + 1))]
    first = int(len(sent_at) * WARM_UP)
    seconds = [cycle.seconds for ended, cycle in cycles if ended > sent_at[first]]
    waited = (committed_at - sent_at)[first:]
    return [f"{rate:,}", *(f"{np.percentile(values, part):.2f}" for values in (seconds, waited) for part in (50, 95))]


def _run(settings: Path, rate: int) -> tuple[list[tuple[float, Cycle]], list[tuple[float, int]]]:
    """Stream while a producer sends; return (when, cycle) and (when, how many records)."""
    config = load_config(settings, {})
    create_topics(config.kafka)
    cycles: list[tuple[float, Cycle]] = []
    total, stop = rate * SECONDS, threading.Event()

    def note(cycle: Cycle) -> None:
        cycles.append((time.time(), cycle))
        if sum(done.read.records for _, done in cycles) >= total:
            stop.set()

    command = [sys.executable, "-m", "benchmarks.load", str(settings), str(rate), str(SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as producer:
        watchdog = threading.Timer(10 * SECONDS, stop.set)
        watchdog.start()
        stream(config, on_cycle=note, stop=stop)
        watchdog.cancel()
        sent = json.loads(producer.communicate(timeout=60)[0])
    assert sum(done.read.records for _, done in cycles) == total
    return cycles, sent


@contextmanager
def _broker() -> Iterator[str]:
    if given := os.environ.get("NISBA_TEST_KAFKA"):
        yield given
    else:
        with embedded_broker() as address:
            yield address


if __name__ == "__main__":
    main()
