"""How fast a block of touches becomes columns, beside the same bytes decoded into structs and nothing else.

python -m benchmarks.decode
"""

from __future__ import annotations

import time
from collections.abc import Callable

from schemas.decoder import RecordBlock, decode_block, encode_event
from schemas.envelope import lean_decoder

RECORDS = 20_000
ROUNDS = 9


def touches(count: int) -> list[bytes]:
    """Return touches of about 350 bytes, from 5,000 accounts."""
    return [
        encode_event(
            "nisba.touch.v1",
            f"t-{i:07d}",
            "web",
            f"2026-03-01T09:{i // 60 % 60:02d}:{i % 60:02d}+03:00",
            {
                "account_id": f"acct-{i % 5_000}",
                "visitor_id": f"v-{i}",
                "campaign_id": f"c-{i % 40}",
                "channel": "paid_search",
                "kind": "click",
                "team": "marketing",
                "url": f"https://example.com/landing/{i % 100}",
                "utm": {"source": "google", "medium": "cpc"},
            },
        )[1]
        for i in range(count)
    ]


def fastest(work: Callable[[], object]) -> float:
    """Return the seconds of the fastest of some rounds."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> None:
    """Print events a second, and the ratio that is to be trusted."""
    values = touches(RECORDS)
    absent = [None] * RECORDS
    block = RecordBlock("marketing.touch", 0, list(range(RECORDS)), list(values), list(absent), list(absent), list(absent))
    broken = RecordBlock(
        "marketing.touch", 0, block.offsets, [b"{" if i % 200 == 0 else v for i, v in enumerate(values)], *[list(absent)] * 3
    )
    decode = lean_decoder().decode
    bare = fastest(lambda: [decode(value) for value in values])
    for name, seconds in (
        ("structs only", bare),
        ("columns", fastest(lambda: decode_block(block))),
        ("columns, every 200th broken", fastest(lambda: decode_block(broken))),
    ):
        print(f"{name:28} {RECORDS / seconds:10,.0f} events/s   {bare / seconds:5.2f} of structs only")


if __name__ == "__main__":
    main()
