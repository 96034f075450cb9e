"""Make `adapters/frame/shared/web/lists/web_hosts.csv` of Matomo's lists: `python tools/web_hosts.py FOLDER`, a checkout of them.

https://github.com/matomo-org/searchengine-and-social-list is under CC0 1.0 (`web_hosts.LICENSE` beside the list). Which commit the list
is of stands in `adapters/frame/shared/README.md`: change it there too.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

LIST = Path(__file__).resolve().parent.parent / "adapters" / "frame" / "shared" / "web" / "lists" / "web_hosts.csv"
FILES = (("ai", "AIAssistants.yml"), ("social", "Socials.yml"), ("search", "SearchEngines.yml"))


def hosts(category: str, sites: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (category, host) of each address of a list that is a host alone; `{}` stands for a country.

    >>> list(hosts("ai", {"Grok": ["Grok.com", "x.com/i/grok"]}))
    [('ai', 'grok.com')]
    """
    for entries in sites.values():
        urls = [url for one in entries for url in one["urls"]] if category == "search" else entries
        yield from ((category, url.lower()) for url in urls if "/" not in url)


def main() -> None:
    """Write the list."""
    folder = Path(sys.argv[1])
    rows = {row for category, name in FILES for row in hosts(category, yaml.safe_load((folder / name).read_text("utf-8")))}
    with LIST.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("category", "host"))
        writer.writerows(sorted(rows))


if __name__ == "__main__":
    main()
