"""A steady load for the benchmark of the stream: touches and deals at so many a second, for so many seconds, then it ends.

python -m benchmarks.load SETTINGS RATE SECONDS: prints, as JSON, (when, how many) of each batch that the broker has acknowledged.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

from nisba.config import load_config
from pipelines.broker.producer import Delivery, Record
from schemas.encoding import encode_event

__all__ = ["events"]

BATCHES_PER_SECOND = 20
ACCOUNTS = 5_000


def events() -> Iterator[Record]:
    """Yield touches of some thousands of accounts, and a won deal for every twentieth."""
    number = 0
    while True:
        account = f"acct-{number * 7919 % ACCOUNTS}"
        if number % 20:
            data = {"account_id": account, "channel": "email", "kind": "click", "team": "marketing", "campaign_id": f"c-{number % 40}"}
            key, value = encode_event("nisba.touch.v1", f"t-{number}", "load", f"2026-03-0{number % 9 + 1}T09:00:00Z", data)
            yield Record("marketing.touch", key, value)
        else:
            data = {
                "deal_id": f"d-{number}",
                "account_id": account,
                "stage": "Won",
                "status": "won",
                "amount": "1234.50",
                "currency": "USD",
            }
            data |= {"opened_at": "2026-03-05T00:00:00Z", "closed_at": "2026-04-01T00:00:00Z"}
            key, value = encode_event("nisba.deal.v1", f"e-{number}", "load", "2026-04-01T00:00:00Z", data)
            yield Record("crm.deal", key, value)
        number += 1


def main() -> None:
    """Send at a steady pace."""
    config, rate, seconds = load_config(sys.argv[1], {}), int(sys.argv[2]), int(sys.argv[3])
    delivery, source, sent = Delivery(config.kafka), events(), []
    size, started = rate // BATCHES_PER_SECOND, time.time()
    for batch in range(seconds * BATCHES_PER_SECOND):
        time.sleep(max(0.0, started + batch / BATCHES_PER_SECOND - time.time()))
        for _ in range(size):
            delivery.send(next(source))
        sent.append((time.time(), size))
    delivery.finish()
    print(json.dumps(sent))


if __name__ == "__main__":
    main()
