"""Timing and its table: the fastest round counts, and columns line up."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.timing import fastest, show
from tools.measure import ROOT


def clock(*instants: float) -> Iterator[float]:
    yield from instants


@pytest.mark.parametrize(
    ("instants", "seconds"),
    [((0, 3, 10, 11, 20, 22), 1.0), ((0, 1, 10, 12, 20, 23), 1.0), ((5, 9, 10, 13, 20, 22.5), 2.5)],
    ids=["the second round", "the first", "the last"],
)
def test_the_fastest_round_counts(monkeypatch: pytest.MonkeyPatch, instants: tuple[float, ...], seconds: float) -> None:
    ticks = clock(*instants)
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    results = iter("abc")
    assert fastest(lambda: next(results)) == (seconds, "c")


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_work_is_done_as_often_as_it_is_said(rounds: int) -> None:
    done: list[int] = []
    seconds, result = fastest(lambda: done.append(1) or len(done), rounds)  # type: ignore[func-returns-value]
    assert (len(done), result) == (rounds, rounds)
    assert seconds >= 0


def test_words_stand_left_and_numbers_right(capsys: pytest.CaptureFixture[str]) -> None:
    show("Title", ["", "s", "rows/s"], [["short", "1.50", "10"], ["rather long", "12.25", "1,000,000"]])
    assert capsys.readouterr().out.splitlines() == [
        "",
        "Title",
        "                   s     rows/s",
        "  short         1.50         10",
        "  rather long  12.25  1,000,000",
    ]


def test_a_row_of_another_width_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((IndexError, ValueError)):
        show("Title", ["", "s"], [["a"]])
    capsys.readouterr()


def test_make_bench_runs_every_benchmark_that_there_is() -> None:
    """All modules with a `main` but the load, which the cycle starts."""
    files = (ROOT / "benchmarks").glob("*.py")
    runnable = {file.stem for file in files if "def main() -> None:" in file.read_text("utf-8")}
    assert set(BENCHMARKS) == runnable - {"load"}
