"""Tables of several sources in one place: by the beginning of a name, a folder or a schema, or bare."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from nisba.errors import SourceError
from tests.unit.adapters.running import converted, events_of, examined

TWO = {
    "adapter.toml": 'title = "Two shops"\n',
    "tables.toml": """[left_orders]
prefixes = ["left_"]
names = ["orders"]
signs = ["total"]
one_of = "orders"
required = ["id"]
[left_orders.columns]
id = []
total = []

[left_people]
prefixes = ["left_"]
names = ["people"]
beside = "left_orders"
[left_people.columns]
id = []

[right_orders]
prefixes = ["right_"]
names = ["orders"]
signs = ["sum"]
one_of = "orders"
needs = ["right_people"]
[right_orders.columns]
id = []
sum = []

[right_people]
prefixes = ["right_"]
names = ["people"]
beside = "right_orders"
[right_people.columns]
id = []
""",
    "campaign.sql": """-- Grain: one row per person of either side.
select 'left/' || id as id, '2026-01-01T00:00:00Z' as time, 'left/' || id as campaign_id, 'a' as name, 'b' as channel from left_people
union all
select 'right/' || id, '2026-01-01T00:00:00Z', 'right/' || id, 'a', 'b' from right_people
order by id
""",
}
PEOPLE = "id\n1\n"


@pytest.fixture
def two(tmp_path: Path) -> str:
    for name, text in TWO.items():
        (tmp_path / "two").mkdir(exist_ok=True)
        (tmp_path / "two" / name).write_text(text, "utf-8")
    return str(tmp_path / "two")


def found(two: str, tmp_path: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        (tmp_path / "export" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "export" / name).write_text(text, "utf-8")
    converted(two, tmp_path / "export", tmp_path / "out")
    return [event["id"] for event in events_of(tmp_path / "out")]


LEFT = {"orders.csv": "id,total\n1,2\n", "people.csv": PEOPLE}
RIGHT = {"orders.csv": "id,sum\n1,2\n", "people.csv": PEOPLE}


@pytest.mark.parametrize(
    ("files", "ids"),
    [
        ({f"left_{name}": text for name, text in LEFT.items()}, ["left/1"]),
        ({f"left/{name}": text for name, text in LEFT.items()}, ["left/1"]),
        ({f"Left/{name[:-4]}/1.csv": text for name, text in LEFT.items()}, ["left/1"]),
        (LEFT, ["left/1"]),
        (RIGHT, ["right/1"]),
        ({**LEFT, **{f"right/{name}": text for name, text in RIGHT.items()}}, ["left/1", "right/1"]),
        ({"left_orders.csv": "id\n1\n", **RIGHT}, ["right/1"]),
    ],
    ids=["prefixes", "folder", "folders", "bare", "bare by another column", "bare beside a folder", "bare beside a name"],
)
def test_tables_are_found(two: str, tmp_path: Path, files: dict[str, str], ids: list[str]) -> None:
    assert found(two, tmp_path, files) == ids


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"people.csv": PEOPLE},
            r"has none of the orders: looked for left_orders, orders, right_orders; there are: people\. .* left_orders = \"…\"",
        ),
        ({"orders.csv": "id\n1\n"}, r"has none of the orders"),
        (
            {"left_people.csv": PEOPLE, **RIGHT},
            r"has no table left_orders, without which left_people says nothing; there are: left_people, orders",
        ),
        ({"right_orders.csv": "sum\n1\n"}, r"has no table right_people, without which right_orders says nothing"),
        ({"right/orders.csv": "sum\n1\n"}, r"has no table right_people, without which right/orders says nothing; there are: right\."),
        ({"left_orders.csv": "total\n1\n"}, r"the table left_orders has no column id"),
    ],
)
def test_what_is_missing_is_named(two: str, tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(SourceError, match=message) as raised:
        found(two, tmp_path, files)
    assert "\n" not in str(raised.value)


def test_a_bare_name_that_two_sources_could_mean_is_not_guessed(two: str, tmp_path: Path) -> None:
    both = {"orders.csv": "id,total,sum\n1,2,3\n", "people.csv": PEOPLE}
    with pytest.raises(
        SourceError, match=r"the table people could be left_people or right_people; put the tables of each source into a folder"
    ):
        found(two, tmp_path, both)


def test_schemas_tell_tables_of_one_name_apart(two: str, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "lake.duckdb")) as con:
        for schema, column in (('"left"', "total"), ('"right"', "sum"), ("third", "other")):
            con.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.orders AS SELECT 1 AS id, 2 AS {column}")
            con.execute(f"CREATE TABLE {schema}.people AS SELECT 1 AS id")
        con.execute("CREATE TABLE third.alone (id INT)")
    converted(two, tmp_path / "lake.duckdb", tmp_path / "out")
    assert [event["id"] for event in events_of(tmp_path / "out")] == ["left/1", "right/1"]
    seen = examined(two, tmp_path / "lake.duckdb")
    assert [table.found for table in seen.tables] == ["left.orders", "left.people", "right.orders", "right.people"]
    assert seen.unread == ("alone", "third.orders", "third.people")


def test_parts_of_a_folder_are_unread_where_another_part_is_read(two: str, tmp_path: Path) -> None:
    found(two, tmp_path, {**{f"left/{name}": text for name, text in LEFT.items()}, "left/else.csv": PEOPLE, "deals/1.csv": PEOPLE})
    assert examined(two, tmp_path / "export").unread == ("deals", "left/else")
