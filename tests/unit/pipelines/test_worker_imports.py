"""A Beam worker has `nisba[beam]` and no more: what it runs imports no warehouse, no schedule, no checks and no client of Kafka's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.unit.pipelines.events import BROKEN, touches, write_events

NOT_THERE = ("duckdb", "prefect", "great_expectations", "sqlalchemy", "confluent_kafka", "tenacity", "filelock", "sqlglot", "jinja2")

READ = """
from pipelines.blocks import ReadTask, decode_blocks, read_ranges, write_facts
from pipelines.file_source import DirectorySource
from pipelines.parts import BundleParts, read_manifest, write_manifest
from pipelines.sources import Span

task = ReadTask({folder!r}, DirectorySource({events!r}), (Span("marketing.touch.jsonl", 0, 0, 1),), 1_000_000)
bundle = BundleParts()
for block in read_ranges(task):
    for decoded in decode_blocks(block):
        write_facts(bundle, decoded)
write_manifest({folder!r}, [entry for _, entry in bundle.entries()])
(entry,) = read_manifest({folder!r})
print([(block.records, block.latest.refused) for block in entry.blocks], sorted(entry.parts))
"""

ATTRIBUTE = """
import msgspec
from nisba.attribution import resolve
from nisba.attribution.facts import Facts
from nisba.config import Config
from pipelines.parts import BundleParts
from pipelines.shards import ShardTask, attribute_shards, shard_by_account
from tests.unit.attribution.fact_rows import NOON, fact_rows

deal = dict(deal_id="d", account_id="a", stage="s", status="won", amount=1, currency="USD", opened_at=NOON, closed_at=NOON)
touch = dict(account_id="a", channel="email", kind="click", team="marketing")
facts = Facts.of(deal=fact_rows("deal", deal), touch=fact_rows("touch", touch))
bundle = BundleParts()
for number, payload in resolve(facts, Config()).shards(1):
    for shard, packed in shard_by_account(ShardTask({folder!r}, msgspec.json.encode(Config()), number, payload)):
        attribute_shards(bundle, (shard, [packed]))
print([sorted(msgspec.json.decode(entry)["parts"]) for _, entry in bundle.entries()])
"""


def run(code: str, **names: object) -> str:
    """Run code where importing what a worker does not have fails, and return what it prints."""
    without = f"import sys\nsys.modules.update(dict.fromkeys({NOT_THERE!r}))\n"
    command = [sys.executable, "-c", without + code.format(**names)]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_wiring_is_imported() -> None:
    assert run("import pipelines.transforms; print('WriteFacts' in pipelines.transforms.__all__)") == "True"


def test_files_are_read_decoded_and_written(tmp_path: Path) -> None:
    events = write_events(tmp_path / "events", "marketing.touch.jsonl", [*touches(1, 2), BROKEN])
    (tmp_path / "run").mkdir()
    assert run(READ, folder=str(tmp_path / "run"), events=str(events)) == "[(3, 1)] ['dead_letter', 'touch']"


def test_shards_are_attributed(tmp_path: Path) -> None:
    assert run(ATTRIBUTE, folder=str(tmp_path)) == "[['credit_line', 'deal', 'deal_history', 'entry', 'journey_touch', 'pipeline_credit']]"
