"""How fast a block of touches becomes columns, beside the same bytes decoded into structs and nothing else.

python -m benchmarks.decode
"""

from __future__ import annotations

from benchmarks.timing import fastest, show
from schemas.decoder import decode_block
from schemas.encoding import encode_event
from schemas.envelope import lean_decoder
from schemas.records import RecordBlock

__all__ = ["main"]

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


def block(values: list[bytes]) -> RecordBlock:
    """Return values as lines of one file, without keys, headers and timestamps."""
    size = len(values)
    return RecordBlock("marketing.touch", 0, list(range(size)), [*values], [None] * size, [None] * size, [None] * size)


def main() -> None:
    """Print events a second, and the ratio that is to be trusted."""
    values = touches(RECORDS)
    whole, broken = block(values), block([b"{" if i % 200 == 0 else value for i, value in enumerate(values)])
    decode = lean_decoder().decode
    works = {
        "structs only": lambda: [decode(value) for value in values],
        "columns": lambda: decode_block(whole),
        "columns, every 200th broken": lambda: decode_block(broken),
    }
    seconds = {name: fastest(work, ROUNDS)[0] for name, work in works.items()}
    rows = [[name, f"{RECORDS / s:,.0f}", f"{seconds['structs only'] / s:.2f}"] for name, s in seconds.items()]
    show(f"Decoding {RECORDS:,} touches", ["", "events/s", "× structs only"], rows)


if __name__ == "__main__":
    main()
