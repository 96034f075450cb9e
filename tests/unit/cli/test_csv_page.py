"""docs/sources-csv.md says what happens: its file, its commands, the mapping that is proposed, the events that come of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import duckdb
import pytest

from adapters import pulls
from adapters.frame.plain.mapping import _File
from nisba.config import load_config
from tests.unit.cli.test_page_commands import commands_of, ran

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "sources-csv.md").read_text("utf-8")
PLAIN = PAGE.split("## Plain CSV\n", 1)[1].split("\n## ", 1)[0]
(EXPORT,) = re.findall(r"```text\n(.*?)```", PLAIN, re.DOTALL)
(MAPPING,) = re.findall(r"```toml\n(.*?)```", PLAIN, re.DOTALL)


def test_from_an_export_to_the_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "ads.csv").write_text(EXPORT, "utf-8")
    propose, check, backfill = commands_of(PLAIN)[:3]
    proposed = ran(propose)
    assert proposed.exit_code == 0, proposed.output
    pasted = proposed.output.split("for nisba.toml:\n", 1)[1]
    assert pasted.strip() == MAPPING.strip()
    (tmp_path / "nisba.toml").write_text('[reporting]\ncurrency = "EUR"\n' + MAPPING, "utf-8")
    checked = ran(check)
    assert checked.exit_code == 0, checked.output
    assert "Left out by the adapter: 1 total rows of ads.csv, such as line 7" in checked.output
    filled = ran(backfill)
    assert filled.exit_code == 0, filled.output
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as con:
        rows = con.sql(
            "SELECT campaign_id, starts_on::VARCHAR, amount::VARCHAR, impressions FROM ledger.spend ORDER BY campaign_id"
        ).fetchall()
        assert rows == [("Brand", "2026-03-01", "1234.500000", 10000), ("Summer sale", "2026-03-02", "99.100000", 1000)]
    again = ran(backfill)
    assert again.exit_code == 0, again.output
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as con:
        assert con.sql("SELECT count(*) FROM ledger.spend").fetchone() == (2,)


def test_the_page_names_every_key_of_a_file() -> None:
    told = {name for row in re.findall(r"^\| (`.*?`) \|", PLAIN, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert set(_File.__struct_fields__) <= told


def test_every_section_on_the_page_is_one_that_its_adapter_takes(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 5
    for number, text in enumerate(blocks):
        file = tmp_path / f"{number}.toml"
        file.write_text(text, "utf-8")
        config = load_config(file, {})
        (section,) = tomllib.loads(text)["adapters"]
        (pull,) = pulls(config)
        assert pull.section == section
