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
        run(python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check", locked(root, "uv"))
    # The cache is ours too: nothing is left in the user's home, and the same file system allows links instead of copies.
    inside = {"VIRTUAL_ENV": str(venv), "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(root / ".cache" / "uv"))}
    # Bytecode now, not in the first minute of the first run: the big libraries take 20 seconds to compile.
    run(uv, "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", root / "constraints.txt", **inside)
    run(uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", root, **inside)


if __name__ == "__main__":
    main(*sys.argv[1:])
