"""Hash the books of three companies, to show that a change of the code changes no figure: `python tools/book_hashes.py`.

Backfills Olist, Maven's CRM and a simulated company of 2,000 accounts by the command line, sorts every table and view of `core` and
`marts` and prints the hash of its rows as JSON. With `--like FILE`, an earlier output, only the columns that were there then are hashed,
and the exit code is 1 where a hash differs or a table or column is gone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("NISBA_TEST_DATA", ROOT.parent / "shared" / "data"))
SIMULATED = ("--seed", "7", "--accounts", "2000", "--days", "540")

Hashes = dict[str, dict[str, Any]]
"""company.table → its columns, number of rows and hash."""


def nisba(*arguments: str | Path, folder: Path) -> None:
    """Run a command of the tree that holds this file; its talk goes to stderr."""
    command = [sys.executable, "-W", "ignore", "-m", "nisba", *map(str, arguments)]
    subprocess.run(command, check=True, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=sys.stderr)


def backfilled(folder: Path) -> dict[str, Path]:
    """Backfill the three companies; return their warehouses by name."""
    warehouses = {name: folder / f"{name}.duckdb" for name in ("olist", "maven_crm", "simulated")}
    for name in ("olist", "maven_crm"):
        nisba("backfill", "--adapter", name, DATA / name, "--warehouse", warehouses[name], folder=folder)
    nisba("simulate", *SIMULATED, folder / "events", folder=folder)
    nisba("backfill", folder / "events", "--warehouse", warehouses["simulated"], folder=folder)
    return warehouses


def hashed(warehouse: Path, company: str, like: Hashes) -> Hashes:
    """Hash every table and view of `core` and `marts`: all their columns, or those that `like` names."""
    with duckdb.connect(str(warehouse), read_only=True) as con, tempfile.TemporaryDirectory() as folder:
        con.execute("SET TimeZone = 'UTC'")
        columns: dict[str, list[str]] = {}
        catalogue = (
            "SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns "
            "WHERE table_schema IN ('core', 'marts') ORDER BY ALL"
        )
        for table, column in con.execute(catalogue).fetchall():
            columns.setdefault(table, []).append(column)
        found = {}
        for table, names in columns.items():
            key = f"{company}.{table}"
            kept = [name for name in names if name in like[key]["columns"]] if key in like else names
            file = Path(folder) / "rows.csv"
            con.execute(f"COPY (SELECT {', '.join(kept)} FROM {table} ORDER BY ALL) TO '{file}'")
            rows = con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            found[key] = {"columns": kept, "rows": rows, "hash": hashlib.sha256(file.read_bytes()).hexdigest()[:16]}
        return found


def differences(then: Hashes, now: Hashes) -> list[str]:
    """Say what is gone, and what has other rows."""
    gone = [f"{key} is gone" for key in then if key not in now]
    return gone + [
        f"{key}: {then[key]['rows']} rows {then[key]['hash']}, now {now[key]['rows']} rows {now[key]['hash']} over {now[key]['columns']}"
        for key in then
        if key in now and now[key] != then[key]
    ]


def main() -> int:
    """Print the hashes; with `--like` compare them and return 1 where they differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--like", type=Path, help="earlier output to compare with")
    chosen = parser.parse_args()
    like: Hashes = json.loads(chosen.like.read_text("utf-8")) if chosen.like else {}
    with tempfile.TemporaryDirectory(prefix="nisba-hashes-") as folder:
        now = {key: value for name, path in backfilled(Path(folder)).items() for key, value in hashed(path, name, like).items()}
    print(json.dumps(now, indent=1))
    found = differences(like, now)
    for line in found:
        print(line, file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
