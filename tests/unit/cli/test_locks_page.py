"""The worked claw-back of docs/locks.md: its files, its commands, and what the page says that they print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "locks.md").read_text("utf-8")
FILE = re.compile(r"^`([\w./]+)`\n\n```(?:toml|json)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ nisba (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def commands() -> list[tuple[str, str]]:
    """Return the commands of the page in order, each with what it prints; nothing where the page does not say."""
    return [found for block in CONSOLE.findall(PAGE) for found in COMMAND.findall(block)]


def bare(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_the_story_goes_as_the_page_tells(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in FILE.findall(PAGE):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    monkeypatch.chdir(tmp_path)
    printed = 0
    for command, output in commands():
        done = run(*shlex.split(command))
        assert done.exit_code == 0, f"{command}: {done.output}"
        if output.strip():
            assert bare(done.stdout) == bare(output), command
            printed += 1
    assert printed >= 4


def test_the_page_has_the_whole_story() -> None:
    assert [command.split()[0] for command, _ in commands()].count("lock") == 3
    assert {command.split()[0] for command, _ in commands()} == {"backfill", "lock", "statement", "diff"}
    assert [name for name, _ in FILE.findall(PAGE)] == ["nisba.toml", "winter/events.jsonl", "spring/events.jsonl"]
