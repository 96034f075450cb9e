"""Build the wheel, install it where nothing of ours is, and let it work: `python tools/try_wheel.py`.

The wheel is built from a copy of the tree and installed into a bare environment, its dependencies at the versions and hashes of
constraints.txt. Then `nisba` simulates a small company, backfills and reports it in an empty folder, and must find again what the
simulator says is there. Nothing is left behind but the packages in uv's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
NOT_COPIED = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "*.duckdb*")
WHERE = "import importlib, sys; print(*(importlib.import_module(name).__file__ for name in sys.argv[1:]), sep='\\n')"
COMPANY = ("--accounts", "20", "--days", "120")


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program with nothing of this tree on its path; return what it printed, or end with what it complained of."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(ROOT / ".cache" / "uv"))}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def packages(root: Path) -> list[str]:
    """Return the names of the top-level packages that the wheel is made of: all but the tests and the benchmarks."""
    found = {folder.parent.name for folder in root.glob("*/__init__.py")}
    return sorted(found - {"tests", "benchmarks"})


def expected_files(root: Path, names: Iterable[str]) -> set[str]:
    """Return every file of the packages: modules and the data beside them."""
    files = (file for name in names for file in (root / name).rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(root).as_posix() for file in files}


def build(source: Path, folder: Path) -> Path:
    """Build the wheel of a copy of the tree, so that no earlier build gets in and none is left behind."""
    run(UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder, source, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def differing_files(wheel: Path, source: Path) -> list[str]:
    """Return what the packages of the source have and the wheel has not, and the other way round."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    return sorted(inside ^ expected_files(source, packages(source)))


def install(wheel: Path, venv: Path) -> Path:
    """Make a bare environment with the wheel and everything that it needs; return its folder of programs."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    wanted = venv.with_suffix(".txt")
    wanted.write_text(f"nisba[all] @ {wheel.as_uri()} --hash=sha256:{digest}\n", "utf-8")
    run(UV, "venv", "--quiet", "--python", sys.executable, venv, cwd=venv.parent)
    python, locked = venv / "bin" / "python", ROOT / "constraints.txt"
    run(UV, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", wanted, "-c", locked, cwd=venv.parent)
    return venv / "bin"


def planted(truth: dict[str, Any]) -> dict[str, int]:
    """Return what a backfill has to count, by the simulator's truth."""
    topics = truth["topics"].values()
    return {
        "records": sum(topic["records"] for topic in topics),
        "duplicates": sum(topic["duplicates"] for topic in topics),
        "conflicts": sum(topic["conflicts"] for topic in topics),
        "dead_letters": sum(sum(topic["dead_letters"].values()) for topic in topics),
    }


def work(programs: Path, folder: Path) -> str:
    """Let the installed `nisba` show its help, simulate, backfill and report; return a sentence of what it found."""
    nisba = programs / "nisba"
    assert "backfill" in run(nisba, "--help", cwd=folder)
    version = run(nisba, "--version", cwd=folder).strip()
    run(nisba, "simulate", "events", *COMPANY, cwd=folder)
    expected = planted(json.loads((folder / "events" / "truth.json").read_text("utf-8")))
    done = json.loads(run(nisba, "backfill", "events", "--json", cwd=folder))
    assert {name: done[name] for name in expected} == expected, (done, expected)
    report = json.loads(run(nisba, "report", "--json", cwd=folder))
    revenue = sum(Decimal(row["revenue"]) for row in report["campaigns"])
    assert revenue == Decimal(report["share"]["won_revenue"]) > 0, report
    run(nisba, "report", "--output", "report.html", cwd=folder)
    assert "<html" in (folder / "report.html").read_text("utf-8").lower()
    return f"{version}: {done['records']:,} records, {done['deals']} deals, {revenue:,.2f} {report['currency']} won in {report['period']}"


def main() -> None:
    """Try the wheel; ends with 1 and the reason where something is missing or wrong."""
    with tempfile.TemporaryDirectory(prefix="nisba-wheel-") as name:
        folder = Path(name)
        source = shutil.copytree(ROOT, folder / "source", ignore=NOT_COPIED)
        names = packages(source)
        (folder / "dist").mkdir()
        wheel = build(source, folder / "dist")
        shutil.rmtree(source / "build", ignore_errors=True)
        if found := differing_files(wheel, source):
            sys.exit(f"{wheel.name} and the packages differ; package-data in pyproject.toml says what goes in: {', '.join(found)}")
        shutil.rmtree(source)
        programs, empty = install(wheel, folder / "venv"), folder / "empty"
        empty.mkdir()
        places = run(programs / "python", "-c", WHERE, *names, cwd=empty).splitlines()
        assert all(Path(place).is_relative_to(folder / "venv") for place in places), places
        print(f"{work(programs, empty)} (wheel of {wheel.stat().st_size // 1024} KiB)")


if __name__ == "__main__":
    main()
