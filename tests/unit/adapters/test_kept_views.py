"""What an adapter keeps, rows that are told apart by two columns, and settings that nobody gave."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters import adapter
from nisba.errors import SourceError
from tests.unit.adapters.running import converted, events_of

DECLARED = """title = "Mine"
views = ["drawn"]
kept = ["drawn"]
[settings]
currency = { type = "currency", help = "Where the row has none." }
"""
TABLES = """[deals]
key = ["id", "part"]
latest = ["changed"]
[deals.columns]
id = []
part = []
name = []
changed = []
"""
SELECT = """-- Grain: one row per deal and part.
select id || '/' || coalesce(part, '') as id, '2026-01-01T00:00:00Z' as time, id as campaign_id, name || '/' || draw as name, 'x' as channel
from drawn order by id
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    folder = tmp_path / "mine"
    (folder / "views").mkdir(parents=True)
    (folder / "adapter.toml").write_text(DECLARED, "utf-8")
    (folder / "tables.toml").write_text(TABLES, "utf-8")
    (folder / "views" / "drawn.sql").write_text(
        "-- Grain: one row per deal and part.\nselect *, coalesce(getvariable('currency'), 'none') || random()::varchar as draw from deals",
        "utf-8",
    )
    (folder / "campaign.sql").write_text(SELECT, "utf-8")
    (folder / "assumed.sql").write_text("-- Grain: one row per draw.\nselect name || '/' || draw as reason, 1 as rows from drawn", "utf-8")
    return str(folder)


def test_a_kept_view_is_made_once_and_says_the_same_to_all(mine: str, tmp_path: Path) -> None:
    rows = "id,part,name,changed\na,,old,2026-01-01\na,,new,2026-01-02\na,1,one,2026-01-01\n,,nobody,2026-01-01\n"
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "deals.csv").write_text(rows.replace(",,nobody", "b,,only"), "utf-8")
    done = converted(mine, tmp_path / "export", tmp_path / "out")
    names = [event["data"]["name"] for event in events_of(tmp_path / "out")]
    assert [name.split("/")[0] for name in names] == ["new", "one", "only"]
    assert set(done.assumed) == set(names)
    assert all(name.split("/")[1].startswith("none0.") for name in names)


def test_what_is_kept_is_a_view(mine: str) -> None:
    file = Path(mine) / "adapter.toml"
    file.write_text(DECLARED.replace('kept = ["drawn"]', 'kept = ["drwan"]'), "utf-8")
    with pytest.raises(SourceError, match=r"adapter.toml: kept: there is no view 'drwan'; did you mean 'drawn'\?"):
        adapter(mine)
