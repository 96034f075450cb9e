"""`make bench`: every benchmark, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ("decode", "core", "ingest", "recompute", "figures", "adapters", "cycle")

if __name__ == "__main__":
    chosen = sys.argv[1:] or BENCHMARKS
    sys.exit(max(subprocess.run([sys.executable, "-W", "ignore", "-m", f"benchmarks.{name}"], check=False).returncode for name in chosen))
