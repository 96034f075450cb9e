"""Publishing: versions behind a symlink, nothing personal in them, and readers who never notice."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from sqlalchemy import create_engine, inspect, text

from nisba.config import Attribution, Config, Publish
from nisba.errors import LeaseTaken, WarehouseError
from tests.strategies import event
from tests.unit.warehouse.landing import deal, decoded, touch
from tests.unit.warehouse.small_books import PERSONAL, books
from warehouse.connection import open_writer
from warehouse.loader import land, replace_books
from warehouse.models import publication
from warehouse.models.build import build, models
from warehouse.models.declarations import declared, tables
from warehouse.models.publication import (
    CURRENT,
    KEPT_VERSIONS,
    discard,
    one_publisher,
    prepare,
    promote,
    published,
    published_tables,
    stays_a_view,
)
from warehouse.recompute.scope import Scope

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    linear = Attribution(models=("linear",), default_model="linear")
    return Config(attribution=linear, publish=Publish(directory=str(tmp_path / "it's published")))


@pytest.fixture
def con(tmp_path: Path, config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse whose ledger and books name persons wherever they can."""
    named: dict[str, Any] = {"person_id": "person-jane", "visitor_id": "visitor-7f"}
    about = {"campaign_id": "c-1", "name": "Fair", "channel": "event", "owner": "owner-olaf"}
    campaign = event("campaign", "ads", "c-1", "2026-01-01T00:00:00Z", about)
    events = [touch("t-1", **named), deal("e-1", owner="owner-olaf", contact_ids=["person-jane"]), campaign]
    with open_writer(tmp_path / "warehouse.duckdb") as connection:
        land(connection, facts=decoded(events), dead_letters=None, offsets=[])
        replace_books(connection, scope=Scope(everything=True), books=books(), config=config)
        build(connection)
        yield connection


def publish(con: duckdb.DuckDBPyConnection, config: Config) -> Path:
    """Prepare and promote without checks in between."""
    return promote(prepare(con, config), config)


def _folder(config: Config) -> list[str]:
    return sorted(path.name for path in Path(config.publish.directory).iterdir())


def _text_of(path: Path) -> str:
    """Return every value of every table and view of a file as one text."""
    with duckdb.connect(str(path), read_only=True) as con:
        names = con.execute("SELECT table_schema || '.' || table_name FROM information_schema.tables").fetchall()
        return "\n".join(str(con.execute(f"FROM {name}").fetchall()) for (name,) in names)


def test_versions_count_up_behind_the_symlink_and_old_ones_go(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    assert published(config) is None
    for number in range(1, 6):
        assert publish(con, config).name == f"nisba-{number}.duckdb"
        assert published(config) == (Path(config.publish.directory) / f"nisba-{number}.duckdb").resolve()
    assert KEPT_VERSIONS == 3
    assert _folder(config) == ["nisba-3.duckdb", "nisba-4.duckdb", "nisba-5.duckdb", CURRENT]
    assert (Path(config.publish.directory) / CURRENT).is_symlink()


def test_tenth_version_follows_the_ninth(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Numbers, not names, are in order: nisba-10 sorts before nisba-9."""
    for _ in range(11):
        publish(con, config)
    assert _folder(config) == ["nisba-10.duckdb", "nisba-11.duckdb", "nisba-9.duckdb", CURRENT]


def test_candidate_is_not_current_until_promoted_and_can_be_discarded(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    current = publish(con, config)
    candidate = prepare(con, config)
    assert published(config) == current.resolve()
    discard(candidate)
    assert _folder(config) == ["nisba-1.duckdb", CURRENT]
    assert promote(prepare(con, config), config).name == "nisba-2.duckdb"


def test_candidate_left_by_a_killed_process_is_replaced(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    candidate = prepare(con, config)
    candidate.write_bytes(b"half a database")
    candidate.with_name("candidate.duckdb.wal").write_bytes(b"half a log")
    assert prepare(con, config) == candidate
    assert "candidate.duckdb.wal" not in _folder(config)
    assert "'d-1'" in _text_of(candidate)


@pytest.mark.parametrize("step", ["_copy", "_add_views"])
def test_candidate_that_cannot_be_written_is_named_and_leaves_nothing(
    con: duckdb.DuckDBPyConnection, config: Config, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    publish(con, config)

    def on_a_full_disk(*_: object) -> None:
        raise duckdb.TransactionException("Could not write file: No space left on device")

    monkeypatch.setattr(publication, step, on_a_full_disk)
    with pytest.raises(WarehouseError, match=r"candidate\.duckdb: cannot be written: .*No space left on device$"):
        prepare(con, config)
    assert _folder(config) == ["nisba-1.duckdb", CURRENT]
    monkeypatch.undo()
    assert publish(con, config).name == "nisba-2.duckdb"


def test_unbuilt_marts_are_not_published(tmp_path: Path, config: Config) -> None:
    with open_writer(tmp_path / "new.duckdb") as con, pytest.raises(WarehouseError, match=r"marts.campaign_roi.* not built yet"):
        prepare(con, config)


def test_no_person_is_in_a_snapshot(con: duckdb.DuckDBPyConnection, config: Config, tmp_path: Path) -> None:
    version = publish(con, config)
    con.execute("CHECKPOINT")
    with duckdb.connect(str(version), read_only=True) as snapshot:
        columns = snapshot.execute("SELECT DISTINCT column_name FROM information_schema.columns").fetchall()
        tables = {name for (name,) in snapshot.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()}
    personal = {name for (name,) in columns if any(part in name for part in ("person", "visitor", "owner", "actor", "contact"))}
    assert personal - {"factor"} == set()
    assert "core.identity" not in tables
    assert not {name for name in tables if name.startswith("ledger.")}
    shown, raw = _text_of(version), version.read_bytes()
    assert "'d-1'" in shown
    for name in PERSONAL:
        assert name not in shown
        assert name.encode() not in raw


def test_the_personal_ids_are_in_the_warehouse_itself(con: duckdb.DuckDBPyConnection) -> None:
    """Else their absence from the snapshot would show nothing."""
    tables = ("ledger.touch", "ledger.deal", "ledger.campaign", "core.identity", "core.deal", "core.journey_touch", "core.campaign")
    text_ = {name: str(con.execute(f"FROM {name}").fetchall()) for name in tables}
    assert all(any(name in shown for name in PERSONAL) for shown in text_.values())
    assert all(any(name in shown for shown in text_.values()) for name in PERSONAL)


def test_snapshot_answers_as_the_warehouse_does(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    version = publish(con, config)
    with duckdb.connect(str(version), read_only=True) as snapshot:
        snapshot.execute("SET TimeZone = 'UTC'")
        for table in published_tables():
            names = ", ".join(f'"{column.name}"' for column in table.columns if not column.is_personal)
            shown = f"{table.kinds_of_rows} <> 'owner'" if table.kinds_of_rows else "true"
            query = f"SELECT {names} FROM {table.name} WHERE {shown} ORDER BY ALL"
            assert snapshot.execute(query).fetchall() == con.execute(query).fetchall(), table.name
        assert snapshot.execute("SELECT sum(revenue) FROM core.credit").fetchone() == (100,)


def test_snapshot_holds_what_is_declared_published_and_nothing_else(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    with duckdb.connect(str(publish(con, config)), read_only=True) as snapshot:
        rows = snapshot.execute("""
            SELECT schema_name || '.' || table_name, list({name: column_name, type: data_type} ORDER BY column_index)
            FROM duckdb_columns() WHERE NOT internal GROUP BY ALL
        """).fetchall()
    found = {name: [(column["name"], column["type"]) for column in columns] for name, columns in rows}
    assert found == {t.name: [(c.name, c.data_type) for c in t.columns if not c.is_personal] for t in tables().values() if t.is_published}


def test_view_over_what_is_not_published_is_copied(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    """A snapshot has no ledger, and no names of persons: a view over either is a table there."""
    with duckdb.connect(str(publish(con, config)), read_only=True) as snapshot:
        views = {
            name for (name,) in snapshot.execute("SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        }
    assert views == {"core.credit", "core.journey", "marts.deal_explained", "marts.revenue"}
    assert views == {model.name for model in models() if stays_a_view(model)}
    assert not stays_a_view(declared("core.campaign"))
    assert not stays_a_view(declared("core.deal"))


def test_macros_divide_sums_inside_the_snapshot(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    divided = "marts.roi(sum(revenue), sum(cost)), marts.percent(sum(cost), sum(revenue))"
    roi = f"SELECT {divided} FROM marts.campaign_roi WHERE period_kind = 'year'"
    with duckdb.connect(str(publish(con, config)), read_only=True) as snapshot:
        assert snapshot.execute(roi).fetchall() == [(4.0, 20.0)]  # 100 won for 20
    with duckdb.connect() as other:
        other.execute(f"ATTACH '{str(published(config)).replace(chr(39), chr(39) * 2)}' AS books (READ_ONLY)")
        assert other.execute("SELECT count(*) FROM books.marts.deal_explained").fetchall() == [(2,)]


def test_query_of_the_cookbook_answers(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    (query,) = re.findall(r"```sql\n(.*?)```", (DOCS / "bi-access.md").read_text("utf-8"), re.DOTALL)
    with duckdb.connect(str(publish(con, config)), read_only=True) as snapshot:
        found = snapshot.execute(query).fetchall()
    assert sorted(found, key=str) == [("email", 4.0, None)]


def test_python_of_the_cookbook_reads_the_snapshot(
    con: duckdb.DuckDBPyConnection, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "published").symlink_to(publish(con, config).parent)
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "bi-access.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        *_, last = block.strip().splitlines()
        names: dict[str, Any] = {}
        exec(block.replace("/srv/nisba", str(tmp_path)).replace(last, f"found = {last}"), names)
        if "books" in names:
            assert names["found"].columns == ["campaign_name", "cost", "revenue", "roi"]
            names["books"].close()
        else:
            with names["engine"].connect() as connection:
                assert connection.execute(text("SELECT count(*) FROM marts.campaign_roi")).scalar() > 0


def test_profile_of_the_cookbook_attaches_what_is_published(config: Config) -> None:
    (profile,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "bi-access.md").read_text("utf-8"), re.DOTALL)
    (attached,) = yaml.safe_load(profile)["attach"]
    assert attached == {"path": f"{Config().publish.directory}/{CURRENT}", "alias": "nisba", "read_only": True}


def test_catalogue_of_the_snapshot_says_what_each_column_means(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    with duckdb.connect(str(publish(con, config)), read_only=True) as snapshot:
        rows = snapshot.execute(
            "SELECT schema_name || '.' || table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        about = "SELECT schema_name || '.' || {0}_name, comment FROM duckdb_{0}s() WHERE NOT internal"
        described = dict(snapshot.execute(f"{about.format('table')} UNION ALL {about.format('view')}").fetchall())
    assert described == {table.name: table.description for table in published_tables()}
    meanings = {(table, column): comment for table, column, comment in rows}
    assert meanings == {(t.name, c.name): c.comment for t in published_tables() for c in t.columns if not c.is_personal}


def _publishing(config: Config) -> None:
    with one_publisher(config, wait_seconds=0.01):
        pass


def test_second_publisher_waits_and_then_says_so(config: Config) -> None:
    sentence = r"it's published: another process has been publishing for 0\.01 s: wait for it, or end it\."
    with one_publisher(config, wait_seconds=0), pytest.raises(LeaseTaken, match=sentence):
        _publishing(config)
    _publishing(config)


def test_publisher_that_fails_gives_its_lock_back(config: Config) -> None:
    with pytest.raises(ZeroDivisionError), one_publisher(config, wait_seconds=0):
        _ = 1 / 0
    with one_publisher(config, wait_seconds=0):
        assert published(config) is None


def test_promotion_that_fails_at_the_symlink_leaves_the_last_good_version(
    con: duckdb.DuckDBPyConnection, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = publish(con, config)
    candidate = prepare(con, config)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "symlink_to", lambda *_: (_ for _ in ()).throw(OSError("no space left on device")))
        with pytest.raises(OSError, match="no space left"):
            promote(candidate, config)
    assert published(config) == current.resolve()
    assert publish(con, config).name == "nisba-3.duckdb"  # the second was written and never current
    assert published(config) == Path(config.publish.directory).resolve() / "nisba-3.duckdb"


def test_sqlalchemy_reads_and_reflects_it(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    publish(con, config)
    path = Path(config.publish.directory) / CURRENT
    engine = create_engine(f"duckdb:///{path}", connect_args={"read_only": True})
    try:
        assert "campaign_roi" in inspect(engine).get_table_names(schema="marts")
        with engine.connect() as reader:
            query = text("SELECT revenue FROM marts.campaign_roi WHERE period = '2026-01' AND model = :model AND campaign_id = '(none)'")
            assert list(map(tuple, reader.execute(query, {"model": "linear"}).fetchall())) == [(100,)]
    finally:
        engine.dispose()


def test_snapshot_cannot_be_written_by_its_readers(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    publish(con, config)
    path = Path(config.publish.directory) / CURRENT
    with duckdb.connect(str(path), read_only=True) as reader, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        reader.execute("DELETE FROM core.deal")


READER = """
import sys, duckdb
path, seen = sys.argv[1], set()
print("ready", flush=True)
while not seen or max(seen) < int(sys.argv[2]):
    with duckdb.connect(path, read_only=True) as con:
        roi = con.execute("SELECT sum(revenue) FROM marts.campaign_roi WHERE period_kind = 'month'").fetchone()[0]
        credit = con.execute("SELECT sum(revenue) FROM core.credit").fetchone()[0]
        seen.add(con.execute("SELECT count(*) FROM ops.cycle WHERE kind = 'attribute'").fetchone()[0])
        assert roi == credit == 100, (roi, credit)
print(len(seen))
"""


def test_readers_in_another_process_see_whole_versions_without_an_error(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    publish(con, config)
    command = [sys.executable, "-c", READER, str(Path(config.publish.directory) / CURRENT), "9"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for _ in range(8):
            replace_books(con, scope=Scope(everything=True), books=books(), config=config)
            build(con)
            publish(con, config)
        out, error = reader.communicate(timeout=60)
    assert (reader.returncode, error) == (0, "")
    assert int(out) > 1  # it did see versions come and go


def test_open_reader_keeps_its_version_while_later_ones_come(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    with duckdb.connect(str(publish(con, config)), read_only=True) as reader:
        for _ in range(KEPT_VERSIONS + 1):
            publish(con, config)
        assert "nisba-1.duckdb" not in _folder(config)
        assert reader.execute("SELECT sum(revenue) FROM core.credit").fetchone() == (100,)
