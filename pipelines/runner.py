"""Running a graph: in this process by default, on any of Beam's runners by a setting.

In this process the graph is built once and kept as its proto: a cycle then costs 25 ms instead of 70. The tasks of a run
reach the kept graph through `_tasks`, which only works within one process and is only used there. Every other runner gets
a graph built for the run, whose elements carry all that a worker needs; nothing below knows which of the two it is in.
"""

from __future__ import annotations

import logging
import os
import shlex
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import DebugOptions, PipelineOptions
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.runner import PipelineResult
from apache_beam.transforms import environments

from nisba.errors import ConfigError

__all__ = ["IN_PROCESS", "Graph", "Runner", "counters"]

log = logging.getLogger("nisba")

IN_PROCESS = "FnApiRunner"
"""Named on purpose: DirectRunner first tries to download a Go binary."""

TIMEOUT_SECONDS = 3_600
"""Of a run elsewhere: a worker that cannot import us hangs instead of failing."""

Graph = Callable[[beam.PCollection[Any]], Any]
"""Wires everything behind the tasks. A module-level function: its name is the key of the kept graph."""

_tasks: dict[str, Sequence[Any]] = {}
_kept: dict[str, tuple[Any, PipelineOptions]] = {}
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Runner:
    """Where a graph runs: Beam's name of the runner, its options, and into how many tasks reading is split."""

    name: str = IN_PROCESS
    options: tuple[str, ...] = ()
    tasks: int = 1

    @classmethod
    def from_environment(cls) -> Runner:
        """Read NISBA_RUNNER, NISBA_RUNNER_OPTIONS (as on a command line) and NISBA_RUNNER_TASKS."""
        tasks = os.environ.get("NISBA_RUNNER_TASKS", "1")
        if not tasks.isdigit() or int(tasks) < 1:
            raise ConfigError(f"NISBA_RUNNER_TASKS: expected a whole number above zero, found {tasks!r}")
        options = shlex.split(os.environ.get("NISBA_RUNNER_OPTIONS", ""))
        return cls(os.environ.get("NISBA_RUNNER", IN_PROCESS), tuple(options), int(tasks))

    def run(self, graph: Graph, tasks: Sequence[Any]) -> PipelineResult | None:
        """Run a graph over tasks, to its end; return Beam's result. Without tasks nothing runs."""
        if not tasks:
            return None
        is_kept = self.name == IN_PROCESS and not self.options
        result = _run_kept(graph, tasks) if is_kept else _run_built(self, graph, tasks)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s over %d tasks on %s: %s", graph.__qualname__, len(tasks), self.name, counters(result))
        return result


class TakeTasks(beam.DoFn):
    """Take the tasks of this process's current run."""

    def __init__(self, name: str) -> None:
        self.name = name

    def process(self, _: Any) -> Iterator[Any]:
        yield from _tasks[self.name]


def counters(result: PipelineResult) -> dict[str, int]:
    """Return what the DoFns counted, by DoFn and counter: "DecodeBlocks.elements_in". A runner without metrics has none."""
    found = result.metrics().query()["counters"]
    return {f"{each.key.metric.namespace}.{each.key.metric.name}": each.committed for each in found}


def _run_kept(graph: Graph, tasks: Sequence[Any]) -> PipelineResult:
    with _one_at_a_time:
        name = f"{graph.__module__}.{graph.__qualname__}"
        if name not in _kept:
            _kept[name] = _keep(name, graph)
        _tasks[name] = tasks
        try:
            proto, options = _kept[name]
            result = fn_runner.FnApiRunner().run_via_runner_api(proto, options)
            result.wait_until_finish()
            return result
        finally:
            del _tasks[name]


def _keep(name: str, graph: Graph) -> tuple[Any, PipelineOptions]:
    options = PipelineOptions([])
    options.view_as(DebugOptions).experiments = ["beam_fn_api"]
    pipeline = beam.Pipeline(runner=fn_runner.FnApiRunner(), options=options)
    graph(pipeline | beam.Impulse() | "TakeTasks" >> beam.ParDo(TakeTasks(name)))
    return pipeline.to_runner_api(default_environment=environments.EmbeddedPythonEnvironment.default()), options


def _run_built(runner: Runner, graph: Graph, tasks: Sequence[Any]) -> PipelineResult:
    options = PipelineOptions([f"--runner={runner.name}", *runner.options])
    pipeline = beam.Pipeline(options=options)
    graph(pipeline | "Tasks" >> beam.Create(tasks))
    result = pipeline.run()
    result.wait_until_finish(duration=TIMEOUT_SECONDS * 1000)
    return result
