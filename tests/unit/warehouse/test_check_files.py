"""Files of checks: what they say, what is wrong with them, and that all of ours can be asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nisba.attribution.labels import RESERVED
from nisba.errors import WarehouseError
from tests.unit.warehouse.landing import empty_warehouse
from warehouse.models.build import create_macros, create_model, models
from warehouse.models.check_files import Check, checks_of, named_check, read_checks
from warehouse.models.declarations import declared, tables
from warehouse.models.lineage import reads

SOUND = """\
-- check: amounts_are_there
-- reason: A deal is worth something: else nobody sold it.
-- severity: critical
-- why not zero: it is in figures of deals
SELECT deal_id FROM core.deal WHERE amount IS NULL;

-- check: deals_close
-- reason: 'open' is not for ever.
-- severity: warning
SELECT deal_id
FROM core.deal
WHERE closed_at IS NULL
"""


def _written(folder: Path, text: str) -> Path:
    file = folder / "deal.checks.sql"
    file.write_text(text, "utf-8")
    return file


def test_checks_are_read_in_their_order(tmp_path: Path) -> None:
    first, second = read_checks(_written(tmp_path, SOUND))
    assert (first.name, first.reason, first.severity) == (
        "amounts_are_there",
        "A deal is worth something: else nobody sold it.",
        "critical",
    )
    assert first.select == "-- why not zero: it is in figures of deals\nSELECT deal_id FROM core.deal WHERE amount IS NULL"
    select = "SELECT deal_id\nFROM core.deal\nWHERE closed_at IS NULL"
    assert second == Check("deals_close", "'open' is not for ever.", "warning", select)


@pytest.mark.parametrize(
    ("sound", "wrong", "message"),
    [
        ("-- check: amounts_are_there\n", "SELECT 1;\n-- check: amounts_are_there\n", "it begins with something else"),
        (
            "-- severity: critical\n",
            "",
            r"begins with -- check: …, -- reason: …, -- severity: …, not with '-- check: amounts",
        ),
        ("-- reason: 'open' is not for ever.\n-- severity: warning", "-- severity: warning\n-- reason: 'open'.", "a check begins with"),
        ("severity: critical", "severity: error", "amounts_are_there has the severity 'error'; there are critical and warning"),
        ("for ever.", "for ever", "deals_close has no reason that is a sentence"),
        ("SELECT deal_id FROM core.deal WHERE amount IS NULL;", "", r"amounts_are_there has"),
        ("check: deals_close", "check: amounts_are_there", "two checks are named amounts_are_there"),
    ],
)
def test_what_is_wrong_is_refused_with_the_file(tmp_path: Path, sound: str, wrong: str, message: str) -> None:
    assert sound in SOUND
    text = SOUND.replace("-- why not zero: it is in figures of deals\n", "").replace(sound, wrong, 1)
    with pytest.raises(WarehouseError, match=message) as refused:
        read_checks(_written(tmp_path, text))
    assert str(refused.value).startswith(f"{tmp_path / 'deal.checks.sql'}: ")


def test_file_of_nothing_has_no_checks(tmp_path: Path) -> None:
    assert read_checks(_written(tmp_path, "")) == ()


def test_table_without_a_file_has_no_checks() -> None:
    assert checks_of(declared("core.model")) == ()
    with pytest.raises(WarehouseError, match=r"core\.model has no check credits_add_up: look into model\.checks\.sql"):
        named_check(declared("core.model"), "credits_add_up")


def test_credits_add_up_lies_beside_the_credit_lines() -> None:
    assert named_check(declared("core.credit_line"), "credits_add_up").severity == "critical"


def test_names_are_there_once_in_the_whole_warehouse() -> None:
    names = [check.name for table in tables().values() for check in checks_of(table)]
    assert len(names) == len(set(names)) > 15


def test_checks_ask_published_tables_alone_and_find_nothing_in_an_empty_warehouse() -> None:
    with empty_warehouse() as con:
        create_macros(con)
        for model in models():
            create_model(con, model)
        for table in tables().values():
            for check in checks_of(table):
                asked = reads(check.select)
                assert table.name in asked
                assert all(declared(name).is_published for name in asked), check.name
                assert con.execute(check.select).fetchall() == []


def test_reserved_words_of_the_gate_are_those_of_the_labels() -> None:
    select = named_check(declared("core.deal"), "segment_is_no_reserved_word").select
    assert set(re.findall(r"'([^']+)'", select)) == RESERVED
