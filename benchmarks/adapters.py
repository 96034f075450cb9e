"""Page views through an adapter: rows a second and peak memory, beside plain COPY of the same rows; each in a process of its own.

python -m benchmarks.adapters [ROWS]: 5,000,000 page views of Segment as Parquet, made on the spot.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 5_000_000
SETTINGS = {"internal_hosts": ["acme.example"], "excluded_referrers": ["checkout.stripe.com"]}
MEMORY = "600MB"
_PAGES = """
COPY (
    SELECT
        'ajs-next-' || md5(i::VARCHAR) AS id,
        'an-' || left(md5((hash(i) % 800000)::VARCHAR), 20) AS anonymous_id,
        CASE WHEN hash(i, 1) % 10 = 0 THEN 'u-' || (hash(i) % 50000) END AS user_id,
        make_timestamp(1767225600000000 + (hash(i, 2) % 7776000000)::BIGINT * 1000) AS "timestamp",
        make_timestamp(1767225601000000 + (hash(i, 2) % 7776000000)::BIGINT * 1000) AS received_at,
        CASE hash(i, 3) % 10
            WHEN 0 THEN 'https://www.acme.example/pricing?utm_source=google&utm_medium=cpc&utm_campaign=Brand+'
            || (hash(i) % 50) || '&gclid=' || md5(i::VARCHAR)
            WHEN 1 THEN 'https://www.acme.example/blog?utm_source=newsletter&utm_medium=email&utm_campaign=March'
            ELSE 'https://www.acme.example/docs/page-' || (hash(i) % 5000)
        END AS url,
        CASE
            WHEN hash(i, 3) % 10 < 2 THEN NULL
            WHEN hash(i, 3) % 10 < 5 THEN 'https://www.google.com/'
            WHEN hash(i, 3) % 10 < 7 THEN 'https://www.acme.example/docs/page-' || (hash(i, 5) % 5000)
            WHEN hash(i, 3) % 10 < 8 THEN 'https://blog' || (hash(i) % 3000) || '.partner.example/post'
            WHEN hash(i, 3) % 10 < 9 THEN 'https://l.facebook.com/'
        END AS referrer,
        CASE hash(i, 3) % 10 WHEN 0 THEN 'google' WHEN 1 THEN 'newsletter' END AS context_campaign_source,
        CASE hash(i, 3) % 10 WHEN 0 THEN 'cpc' WHEN 1 THEN 'email' END AS context_campaign_medium,
        CASE hash(i, 3) % 10 WHEN 0 THEN 'Brand ' || (hash(i) % 50) WHEN 1 THEN 'March' END AS context_campaign_name,
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_' || (hash(i, 7) % 16) || '_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/'
        || (100 + hash(i, 8) % 40) || '.0.0.0 Safari/537.36' AS context_user_agent
    FROM range($rows) AS numbers(i)
) TO $file (FORMAT parquet)
"""


def make(folder: Path, rows: int) -> None:
    """Write the page views: of ten, two have tagged links, two came from a page of the firm's own."""
    import duckdb

    statement = _PAGES.replace("$rows", str(rows)).replace("$file", f"'{folder}/pages.parquet'")
    with duckdb.connect(config={"memory_limit": MEMORY}) as connection:
        connection.execute(statement)


def copy(folder: Path, out: Path) -> None:
    """Write the same rows as JSON, as they are."""
    import duckdb

    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(out)}) as connection:
        connection.execute(f"COPY (FROM '{folder}/pages.parquet') TO '{out}/pages.jsonl' (FORMAT json)")


def adapt(folder: Path, out: Path) -> None:
    """Convert the page views to events."""
    from adapters import convert, pulls
    from nisba.config import load_config

    config = load_config(None, {}, {"adapters.segment": SETTINGS})
    (pull,) = pulls(config, "segment", str(folder))
    print(dict(convert(pull, config, out).events))


def measured(step: str, folder: Path, rows: int) -> float:
    """Run a step in a process of its own; print and return its rows a second."""
    with tempfile.TemporaryDirectory(prefix="nisba-bench-", dir=folder.parent) as out:
        started = time.perf_counter()
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.adapters", "--step", step, str(folder), out]
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - started
    print(f"{step}: {rows / seconds:,.0f} rows/s ({seconds:.1f} s)")
    return rows / seconds


def peak() -> str:
    """Say how much memory this process held at most, and how long the processor worked for it."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return f"peak {used.ru_maxrss // 1024:,} MB, processor {used.ru_utime + used.ru_stime:.1f} s"


def main() -> None:
    """Compare the adapter with plain COPY."""
    if sys.argv[1:2] == ["--step"]:
        {"copy": copy, "adapt": adapt}[sys.argv[2]](Path(sys.argv[3]), Path(sys.argv[4]))
        print(peak())
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory(prefix="nisba-bench-") as name:
        folder = Path(name) / "segment"
        folder.mkdir()
        make(folder, rows)
        plain, adapted = measured("copy", folder, rows), measured("adapt", folder, rows)
    print(f"{rows:,} page views: the adapter takes {plain / adapted:.1f} times as long as plain COPY")


if __name__ == "__main__":
    main()
