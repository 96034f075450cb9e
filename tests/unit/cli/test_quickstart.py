"""The commands of the quickstart run as they stand there; and Ctrl-C ends a command as people expect."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
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


def test_ctrl_c_says_stopped_and_ends_with_130(tmp_path: Path) -> None:
    command = [*NISBA, "simulate", "events", "--accounts", "60000", "--days", "700"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=_hear_ctrl_c) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "events").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)  # until it is at work
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "Stopped."
    assert "Traceback" not in errors


def _hear_ctrl_c() -> None:
    """Undo what a test runner in the background passes on: that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
