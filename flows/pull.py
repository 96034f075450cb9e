"""Pull: read the firm's own sources by their adapters, and send what they know to Kafka."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from nisba.config import Config
from nisba.errors import SourceError

__all__ = ["Pulled", "pull"]


@dataclass(frozen=True)
class Pulled:
    """What one source gave: events sent, rows left out and kept under an assumption per reason."""

    section: str
    events: int
    left_out: Mapping[str, int]
    assumed: Mapping[str, int]


def pull(
    config: Config,
    sections: Collection[str] | None = None,
    *,
    since: datetime | None = None,
    on_source: Callable[[str], None] = lambda _: None,
) -> tuple[Pulled, ...]:
    """Convert and send each source of `[adapters.*]` that has a `from`, or only these sections; `since`, only events of that time or later.

    What was sent before is sent again, under the same ids: a duplicate, counted and never applied twice. Raises SourceError for a source
    that cannot be read, and where Kafka refused records; the sources before it are sent.
    """
    from adapters import convert, pulls
    from pipelines.broker.producer import send_directory

    done = []
    for one in pulls(config):
        if sections is not None and one.section not in sections:
            continue
        on_source(one.section)
        with tempfile.TemporaryDirectory(prefix="nisba-") as folder:
            made = convert(one, config, folder, since=since)
            report = send_directory(made.directory, config)
        if report.refused:
            raise SourceError(f"{one.section}: Kafka refused {len(report.refused):,} records, the first: {report.refused[0]}.")
        done.append(Pulled(one.section, sum(made.events.values()), made.left_out, made.assumed))
    return tuple(done)
