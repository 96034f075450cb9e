"""The commands of the quickstart run as they stand there; and Ctrl-C ends a command as people expect."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NISBA = [sys.executable, "-m", "nisba"]


def _commands(title: str) -> list[list[str]]:
    """Return the arguments of the nisba commands in a section's first block."""
    page = (ROOT / "docs" / "quickstart.md").read_text("utf-8")
    block = page.split(f"## {title}\n", 1)[1].split("```console\n", 1)[1].split("```", 1)[0]
    return [line.split("#")[0].split()[2:] for line in block.splitlines() if re.match(r"\$ \.venv/bin/nisba ", line)]


def test_quickstart_from_files_ends_in_a_report(tmp_path: Path) -> None:
    commands = _commands("From files")
    assert [command[0] for command in commands] == ["simulate", "backfill", "report"]
    for command in commands:
        done = subprocess.run([*NISBA, *command], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    assert "Campaign ROI" in done.stdout
    assert "Attributed to marketing's touches" in done.stdout
    assert re.search(r"target 30 %; attributed is [\d.]+ points (above|below) it", done.stdout)


COMMAND_THAT_IS_INTERRUPTED = """
import os, signal
from nisba import cli

def work(standalone_mode):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        raise RuntimeError("Query interrupted")  # what DuckDB makes of it; Beam has another way

cli.cli.main = work
cli.main()
"""


def test_ctrl_c_says_stopped_and_ends_with_130_whatever_a_library_makes_of_it() -> None:
    command = [sys.executable, "-c", COMMAND_THAT_IS_INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, preexec_fn=_hear_ctrl_c)
    assert (done.returncode, done.stderr) == (130, "Stopped.\n")


def _hear_ctrl_c() -> None:
    """Undo what a test runner in the background passes on: that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
