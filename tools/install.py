"""Make the virtual environment of the repository: `python tools/install.py .venv`.

Needs Python 3.10 or newer and nothing else: `uv` itself comes from the package index, into a folder of its own.
Every package is installed at the version and hash that constraints.txt records.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def run(*command: str | Path, **environment: str) -> None:
    subprocess.run([str(part) for part in command], check=True, env={**os.environ, **environment})


def locked(root: Path, package: str) -> str:
    """Return `package==version` as constraints.txt has it."""
    found = re.search(rf"^{package}==\S+", (root / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    return found.group() if found else package


def main(folder: str) -> None:
    root = Path(__file__).resolve().parent.parent
    venv = root / folder
    python = venv / "bin" / "python"
    if not python.exists():
        run(sys.executable, "-m", "venv", venv)
    uv = venv / "bin" / "uv"
    if not uv.exists():
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", locked(root, "uv"))
    inside = {"VIRTUAL_ENV": str(venv), "UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "copy")}
    run(uv, "pip", "install", "--quiet", "--require-hashes", "-r", root / "constraints.txt", **inside)
    run(uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", root, **inside)


if __name__ == "__main__":
    main(*sys.argv[1:])
