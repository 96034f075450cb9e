"""Running a graph: kept in this process, or built for the run, with the same rows and the same counts; and the DoFns of both graphs."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import msgspec
import pytest
from apache_beam.runners.runner import PipelineResult

from nisba.config import Config
from nisba.errors import ConfigError
from pipelines import blocks, parts, shards, transforms
from pipelines.attribute import attribute_graph
from pipelines.blocks import DEAD_LETTERS, ReadTask
from pipelines.ingest import ingest_graph
from pipelines.runner import IN_PROCESS, Runner, counters
from pipelines.shards import ShardTask
from pipelines.sources import Span
from tests.unit.pipelines.events import BROKEN, TOPIC, MemorySource, touches
from tests.unit.pipelines.shard_payloads import payloads
from warehouse.loader import rows

KEPT = Runner()
BUILT = Runner(options=("--no_save_main_session",))
"""Options make a graph that is built for the run, on the same runner."""


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Runner(IN_PROCESS, (), 1)),
        ({"NISBA_RUNNER_TASKS": "4"}, Runner(IN_PROCESS, (), 4)),
        (
            {"NISBA_RUNNER": "apache_beam.runners.dask.dask_runner.DaskRunner", "NISBA_RUNNER_OPTIONS": "--a=1 --b='x y'"},
            Runner("apache_beam.runners.dask.dask_runner.DaskRunner", ("--a=1", "--b=x y"), 1),
        ),
    ],
)
def test_environment_names_runner_options_and_tasks(environment: dict[str, str], expected: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NISBA_RUNNER", "NISBA_RUNNER_OPTIONS", "NISBA_RUNNER_TASKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Runner.from_environment() == expected


@pytest.mark.parametrize("tasks", ["0", "-1", "many", "1.5", ""])
def test_number_of_tasks_is_a_whole_number_above_zero(tasks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NISBA_RUNNER_TASKS", tasks)
    with pytest.raises(ConfigError, match="NISBA_RUNNER_TASKS: expected a whole number above zero"):
        Runner.from_environment()


def test_without_tasks_nothing_runs() -> None:
    def graph(tasks: Any) -> Any:
        raise AssertionError("was wired")

    assert KEPT.run(graph, []) is None


wired: list[str] = []


class _Split(beam.DoFn):
    def process(self, task: str) -> Iterator[str]:
        return transforms.counted(self, iter(task.split()))


class _Fail(beam.DoFn):
    def process(self, task: str) -> None:
        raise ZeroDivisionError(task)


def splitting(tasks: beam.PCollection[str]) -> Any:
    wired.append("splitting")
    return tasks | beam.ParDo(_Split())  # type: ignore[no-untyped-call]


def failing(tasks: beam.PCollection[str]) -> Any:
    return tasks | beam.ParDo(_Fail())  # type: ignore[no-untyped-call]


def counted(result: PipelineResult | None) -> dict[str, int]:
    assert result is not None
    return counters(result)


def test_graph_is_wired_once_and_sees_the_tasks_of_each_run() -> None:
    wired.clear()
    assert counted(KEPT.run(splitting, ["a b c"])) == {"_Split.elements_in": 1, "_Split.elements_out": 3}
    assert counted(KEPT.run(splitting, ["d", "e f"])) == {"_Split.elements_in": 2, "_Split.elements_out": 3}
    assert wired == ["splitting"]


def test_graph_for_another_runner_is_wired_for_each_run() -> None:
    wired.clear()
    for _ in range(2):
        assert counted(BUILT.run(splitting, ["a b c", "d"])) == {"_Split.elements_in": 2, "_Split.elements_out": 4}
    assert wired == ["splitting", "splitting"]


def test_element_without_results_counts_as_taken() -> None:
    assert counted(KEPT.run(splitting, [""])) == {"_Split.elements_in": 1}


def test_a_run_that_fails_leaves_the_graph_fit_for_the_next() -> None:
    with pytest.raises(Exception, match="x y"):
        KEPT.run(failing, ["x y"])
    assert counted(KEPT.run(splitting, ["a b"]))["_Split.elements_out"] == 2


LOG = MemorySource({0: [*touches(1, 2, 3), BROKEN], 1: touches(4, 5)}, block_records=2)


def read_tasks(folder: Path) -> list[ReadTask]:
    spans = (Span(TOPIC, 0, 0, 4), Span(TOPIC, 1, 0, 2))
    return [ReadTask(str(folder), LOG, (span,), 1_000_000) for span in spans]


@pytest.mark.parametrize("runner", [KEPT, BUILT])
def test_ingest_graph_hands_every_record_on_and_counts_every_element(runner: Runner, tmp_path: Path) -> None:
    counts = counted(runner.run(ingest_graph, read_tasks(tmp_path)))
    entries = parts.read_manifest(tmp_path)
    merged = parts.merged_parts(tmp_path, entries)
    assert sorted(rows(merged["touch"])["event_id"].to_pylist()) == [f"t-{number}" for number in range(1, 6)]
    assert rows(merged[DEAD_LETTERS])["kafka_offset"].to_pylist() == [3]
    assert sorted((block.partition, block.next_offset, block.records) for entry in entries for block in entry.blocks) == [
        (0, 2, 2),
        (0, 4, 2),
        (1, 2, 2),
    ]
    tasks, elements = 2, 3 + 2  # three blocks, and the end of each task
    assert (counts["ReadRanges.elements_in"], counts["ReadRanges.elements_out"]) == (tasks, elements)
    assert (counts["DecodeBlocks.elements_in"], counts["DecodeBlocks.elements_out"]) == (elements, elements)
    assert (counts["WriteFacts.elements_in"], counts["WriteFacts.elements_out"]) == (elements, len(entries))
    assert counts["WriteManifest.elements_in"] == 1


@pytest.mark.parametrize("runner", [KEPT, BUILT])
def test_attribute_graph_makes_the_same_books_wherever_it_runs(runner: Runner, tmp_path: Path) -> None:
    settings, made = msgspec.json.encode(Config()), payloads(shards=3)
    tasks = [ShardTask(str(tmp_path), settings, number, payload) for number, payload in made]
    counts = counted(runner.run(attribute_graph, tasks))
    entries = parts.read_manifest(tmp_path)
    deals = rows(parts.merged_parts(tmp_path, entries)["deal"])
    assert Counter(deals["deal_id"].to_pylist()) == {f"d-{number}": 1 for number in range(12)}
    for name in ("ShardByAccount.elements_in", "ShardByAccount.elements_out", "AttributeShards.elements_in"):
        assert counts[name] == len(tasks) == 3
    assert counts["AttributeShards.elements_out"] == len(entries)


def test_every_dofn_has_a_function_of_its_name() -> None:
    functions = {name for module in (blocks, shards, parts) for name, _ in inspect.getmembers(module, inspect.isfunction)}
    dofns = [name for name in transforms.__all__ if isinstance(getattr(transforms, name), type)]
    assert len(dofns) == 6
    names = {"".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_") for name in dofns}
    assert names <= functions
