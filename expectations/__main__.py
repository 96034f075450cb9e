"""`python -m expectations DB --json`: check one DuckDB file; exit 1 when a critical expectation fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from expectations.validation import validate


def main(arguments: list[str]) -> int:
    """Print one line, or one JSON list, and return the exit code."""
    as_json = "--json" in arguments
    paths = [argument for argument in arguments if argument != "--json"]
    if len(paths) != 1:
        sys.stderr.write("usage: python -m expectations DB [--json]\n")
        return 2
    results = validate(Path(paths[0]))
    lines = [f"{'ok' if row['success'] else row['severity']:9} {row['table']:24} {row['name']}" for row in results]
    sys.stdout.write((json.dumps(results, default=str) if as_json else "\n".join(lines)) + "\n")
    return int(any(not row["success"] and row["severity"] == "critical" for row in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
