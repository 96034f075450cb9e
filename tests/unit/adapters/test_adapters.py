"""The frame of the adapters: exact values, clear errors; what each adapter makes of its source has tests of its own."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import adapter, adapters, convert, pulls
from nisba.config import load_config
from nisba.errors import ConfigError, SourceError
from schemas.keys import partition_key
from tests.unit.adapters.running import config_of, converted, events_of, examined, pull_of

MAVEN = {
    "sales_pipeline.csv": "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n"
    "O1,Ann,GTXPro,Acme,Won,10/20/2016,3/1/2017,1054\n"
    "O2,Ann,MG Special,,Engaging,10/21/2016,,\n"
    "O3,Ann,MG Special,Acme,Lost,10/22/2016,3/2/2017,0\n"
    "O4,Bob,MG Special,,Prospecting,,,\n",
    "accounts.csv": "account,sector,year_established,revenue,employees,office_location,subsidiary_of\nAcme,technolgy,1990,1,1,Kenya,\n",
    "products.csv": "product,series,sales_price\nGTX Pro,GTX,4821\nMG Special,MG,55\n",
    "sales_teams.csv": "sales_agent,manager,regional_office\nAnn,Dee,Central\n",
}
OURS = {
    "adapter.toml": """title = "Ours"
[settings]
currency = { type = "currency", help = "Where the row has none.", default = "EUR" }
stages = { type = "map", help = "Stage → status.", values = ["open", "won", "lost"] }
mailboxes = { type = "list", help = "Shared by many." }
only_new = { type = "truth", help = "Old ones stay.", default = false }
fields = { type = "columns", help = "The firm's own columns.", columns = { segment = ["deals", "firms"] } }
""",
    "tables.toml": """[deals]
must = true
required = ["id", "stage"]
names = ["opportunities"]
strip = ["property_"]
key = ["id"]
latest = ["changed"]
[deals.columns]
id = ["deal_id"]
stage = []
amount = []
changed = ["synced", "_fivetran_synced"]
[firms.columns]
id = []
""",
    "deal.sql": """-- Grain: one row per deal.
select id, instant(changed) as time, id as deal_id, stage, coalesce(value, 'open') as status, instant(changed) as opened_at,
  money(amount, getvariable('currency')) as amount, case when amount is not null then getvariable('currency') end as currency,
  fields_segment as segment
from deals
left join map_stages on key = stage
order by id
""",
    "unmapped.sql": """-- Grain: one row per stage without an answer.
select 'stages' as setting, stage as value, count(*) as rows from deals anti join map_stages on key = stage where stage <> 'Open'
group by stage
""",
}
UTC = dt.timezone.utc
DEALS = "id,stage,amount,changed\nd1,Open,10.005,2026-01-01T10:00:00Z\n"


def written(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return written(tmp_path / "export", MAVEN)


@pytest.fixture
def ours(tmp_path: Path) -> str:
    return str(written(tmp_path / "ours", OURS))


def made_of(folder: Path, **selects: str) -> str:
    """Write an adapter without tables; return its folder."""
    shutil.rmtree(folder, ignore_errors=True)
    return str(
        written(folder, {"adapter.toml": 'title = "Mine"', "tables.toml": "", **{f"{name}.sql": text for name, text in selects.items()}})
    )


# What there is


def test_every_adapter_states_its_grain_and_what_its_settings_are() -> None:
    assert {"maven_crm", "olist"} <= set(adapters())
    for name in adapters():
        found = adapter(name)
        assert found.title
        for query in (*found.queries.values(), *found.views.values(), *found.reports.values()):
            assert query.startswith("-- Grain: one row per "), name
        assert all(setting.help.endswith(".") for setting in found.settings.values())


def test_a_small_export_becomes_these_events(export: Path, tmp_path: Path) -> None:
    done = converted("maven_crm", export, tmp_path / "out")
    assert done.events == {"deal": 5}
    assert done.left_out == {"opportunities without an engage date (Prospecting)": 1}
    found = {event["id"]: event for event in events_of(tmp_path / "out")}
    assert list(found) == ["O1/0", "O1/1", "O2/0", "O3/0", "O3/1"]
    assert found["O1/1"]["time"] == "2017-03-01T00:00:00Z"
    assert found["O1/1"]["source"] == "maven-crm"
    assert found["O1/1"]["data"] == {
        "deal_id": "O1",
        "account_id": "Acme",
        "stage": "Won",
        "status": "won",
        "opened_at": "2016-10-20T00:00:00Z",
        "closed_at": "2017-03-01T00:00:00Z",
        "amount": "1054",
        "currency": "USD",
        "revision": 1,
        "owner": "Ann",
        "segment": "technology",
        "region": "Central",
        "product": "GTX Pro",
        "list_amount": "4821",
    }
    assert "amount" not in found["O3/1"]["data"]


def test_converting_twice_gives_the_same_files(export: Path, tmp_path: Path) -> None:
    converted("maven_crm", export, tmp_path / "out")
    first = (tmp_path / "out" / "crm.deal.jsonl").read_bytes()
    converted("maven_crm", export, tmp_path / "out")
    assert (tmp_path / "out" / "crm.deal.jsonl").read_bytes() == first


def test_a_failed_conversion_leaves_the_earlier_files(export: Path, tmp_path: Path) -> None:
    converted("maven_crm", export, tmp_path / "out")
    first = (tmp_path / "out" / "crm.deal.jsonl").read_bytes()
    (export / "accounts.csv").unlink()
    with pytest.raises(SourceError):
        converted("maven_crm", export, tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["crm.deal.jsonl"]
    assert (tmp_path / "out" / "crm.deal.jsonl").read_bytes() == first


# Places


def test_one_set_of_selects_reads_every_layout(ours: str, tmp_path: Path) -> None:
    """CSV by an API, Parquet by a loader with its own names and types, a folder of files, JSON, DuckDB: byte for byte the same."""
    api = written(
        tmp_path / "api",
        {"Deals.csv": "Id,Stage,Amount,Changed\nd1,Open,10.5,2026-01-01T10:00:00.000+0000\nd2,Open,,2026-01-02T00:00:00Z\n"},
    )
    loader = tmp_path / "loader"
    loader.mkdir()
    rows = pa.table(
        {
            "_fivetran_synced": pa.array(
                [dt.datetime(2026, 1, 2, tzinfo=UTC), dt.datetime(2026, 1, 1, 10, tzinfo=UTC)], pa.timestamp("us", "UTC")
            ),
            "PROPERTY_AMOUNT": pa.array([None, 10.5], pa.float64()),
            "stage": ["Open", "Open"],
            "deal_id": ["d2", "d1"],
        }
    )
    pq.write_table(rows, loader / "opportunities.parquet")
    parts = tmp_path / "parts" / "deals" / "year=2026"
    parts.mkdir(parents=True)
    pq.write_table(rows.slice(0, 1), parts / "a.parquet")
    pq.write_table(rows.slice(1), parts / "b.parquet")
    lines = written(
        tmp_path / "lines",
        {
            "deals.jsonl": '{"id":"d1","stage":"Open","amount":10.5,"changed":1767261600000}\n'
            '{"id":"d2","stage":"Open","amount":null,"changed":1767312000000}\n'
        },
    )
    lake = tmp_path / "lake.duckdb"
    with duckdb.connect(str(lake)) as con:
        con.execute(
            "CREATE SCHEMA crm; CREATE TABLE crm.deals AS SELECT * FROM read_parquet($file)",
            {"file": str(loader / "opportunities.parquet")},
        )
        con.execute("CREATE SCHEMA old; CREATE VIEW old.deals AS SELECT 1 AS id")
    made = []
    for place in (api, loader, tmp_path / "parts", lines, f"{lake}#crm"):
        converted(ours, place, tmp_path / "out")
        made.append((tmp_path / "out" / "crm.deal.jsonl").read_bytes())
    assert set(made) == {made[0]}
    (first, second) = events_of(tmp_path / "out")
    assert first["data"] == {
        "deal_id": "d1",
        "stage": "Open",
        "status": "open",
        "opened_at": "2026-01-01T10:00:00.000000Z",
        "amount": "10.50",
        "currency": "EUR",
    }
    assert second["time"] == "2026-01-02T00:00:00.000000Z"


def test_a_single_file_is_a_place(ours: str, tmp_path: Path) -> None:
    file = written(tmp_path, {"deals.csv": DEALS}) / "deals.csv"
    assert converted(ours, file, tmp_path / "out").events == {"deal": 1}


def test_loaders_that_append_write_a_deal_again(ours: str, tmp_path: Path) -> None:
    """The row that was changed last counts, in whatever order the rows lie."""
    rows = ["d1,Open,1,2026-01-01T10:00:00Z", "d1,Open,3,2026-01-03T10:00:00Z", "d1,Open,2,1767348000000"]
    found = []
    for lines in (rows, rows[::-1], rows[1:] + rows[:1]):
        converted(ours, written(tmp_path / "export", {"deals.csv": "\n".join(["id,stage,amount,changed", *lines])}), tmp_path / "out")
        found.append([(event["time"], event["data"]["amount"]) for event in events_of(tmp_path / "out")])
    assert found == [[("2026-01-03T10:00:00.000000Z", "3.00")]] * 3


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"no tables in it; expected files such as deals\.csv"),
        ({"deals.csv": ""}, r"no tables in it"),
        (
            {"x.csv": "a\n1\n"},
            r"has no table deals \(looked for deals, opportunities\); there are: x\. .* add tables = \{ deals = \"…\" \}",
        ),
        ({"deals.csv": "id,amount\n1,2\n"}, r"the table deals has no column stage; is it another version of the export\?"),
        ({"deals.csv": "stage\nOpen\n"}, r"the table deals has no column id \(looked for id, deal_id\)"),
        ({"deals.csv": DEALS, "Deals.parquet": "PAR1"}, r"Deals and deals are one name of two tables"),
        ({"deals/a.csv": DEALS, "deals/b.jsonl": "{}"}, r"csv and jsonl in one table"),
        ({"deals.parquet": "no parquet at all"}, r"^deals: cannot be read: "),
    ],
)
def test_what_cannot_be_read_is_one_sentence(ours: str, tmp_path: Path, files: dict[str, str], message: str) -> None:
    (tmp_path / "export").mkdir()
    with pytest.raises(SourceError, match=message) as raised:
        converted(ours, written(tmp_path / "export", files), tmp_path / "out")
    assert "\n" not in str(raised.value)


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere: no such file or folder"):
        converted("olist", tmp_path / "nowhere", tmp_path)


def test_two_schemas_with_one_table_ask_for_one(ours: str, tmp_path: Path) -> None:
    lake = tmp_path / "lake.duckdb"
    with duckdb.connect(str(lake)) as con:
        con.execute("CREATE SCHEMA a; CREATE TABLE a.deals (id INT); CREATE SCHEMA b; CREATE TABLE b.deals (id INT)")
    with pytest.raises(SourceError, match=r"a\.deals and b\.deals are one name of two tables; keep one of them, or name a #schema"):
        converted(ours, lake, tmp_path / "out")
    with pytest.raises(SourceError, match="#c: there is no such schema; there are: a, b"):
        converted(ours, f"{lake}#c", tmp_path / "out")


def test_a_password_does_not_stand_in_a_place(ours: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="leave the password out") as raised:
        converted(ours, "postgres://ann:geheim@localhost/crm", tmp_path / "out")
    assert "geheim" not in str(raised.value)


def test_sqlite_needs_a_package_or_reads(ours: str, tmp_path: Path) -> None:
    file = tmp_path / "crm.sqlite"
    with sqlite3.connect(file) as con:
        con.execute("CREATE TABLE deals (id TEXT, stage TEXT, amount REAL, changed TEXT)")
        con.execute("INSERT INTO deals VALUES ('d1', 'Open', 10.5, '2026-01-01T10:00:00Z')")
    if find_spec("duckdb_extension_sqlite_scanner") is None:
        with pytest.raises(SourceError, match=r"reading Sqlite needs a package: pip install 'nisba\[sqlite\]'"):
            converted(ours, file, tmp_path / "out")
    else:
        assert converted(ours, file, tmp_path / "out").events == {"deal": 1}


# Settings


def test_settings_reach_the_selects(ours: str, tmp_path: Path) -> None:
    deals = "id,stage,amount,changed,Industry__c\nd1,Verbal,10.005,2026-01-01T10:00:00Z,Steel\n"
    place = written(tmp_path / "export", {"our_deals.csv": deals})
    given = {
        "source": "crm-two",
        "currency": "JPY",
        "stages": {"Verbal": "won"},
        "fields": {"segment": "Deals.industry__c"},
        "tables": {"deals": "our_deals"},
    }
    converted(ours, place, tmp_path / "out", given)
    (event,) = events_of(tmp_path / "out")
    assert event["source"] == "crm-two"
    assert event["data"] | {"opened_at": ""} == {
        "deal_id": "d1",
        "stage": "Verbal",
        "status": "won",
        "opened_at": "",
        "amount": "10",
        "currency": "JPY",
        "segment": "Steel",
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"curency": "EUR"}, r"adapters\.tested: there is no setting 'curency'; did you mean 'currency'\?; there are: adapter, currency, "),
        ({"currency": "EURO"}, r"adapters\.tested\.currency: unknown currency 'EURO'"),
        ({"currency": 3}, r"adapters\.tested\.currency: expected an ISO 4217 code such as 'EUR', found 3"),
        ({"time_zone": "Mars"}, r"adapters\.tested\.time_zone: unknown time zone 'Mars'"),
        ({"stages": {"Verbal": "wonn"}}, r"adapters\.tested\.stages: 'Verbal': 'wonn' is none of open, won, lost; did you mean 'won'\?"),
        ({"stages": ["won"]}, r"adapters\.tested\.stages: expected a table of texts"),
        ({"mailboxes": "info@x"}, r"adapters\.tested\.mailboxes: expected a list of texts"),
        ({"only_new": "yes"}, r"adapters\.tested\.only_new: expected true or false, found 'yes'"),
        ({"fields": {"segmnt": "deals.x"}}, r"adapters\.tested\.fields: there is no 'segmnt'; did you mean 'segment'\?"),
        ({"fields": {"segment": "people.x"}}, r"adapters\.tested\.fields\.segment: expected 'deals\.<column>' or 'firms\.<column>', found"),
        ({"fields": {"segment": "deals.x"}}, r"the table deals has no column x, which the adapter's settings name"),
        ({"tables": {"deal": "x"}}, r"tables: there is no table 'deal'; did you mean 'deals'\?; there are: deals, firms"),
        ({"tables": {"deals": "x"}}, r"has no table x; there are: deals"),
    ],
)
def test_a_wrong_setting_says_what_is_right(ours: str, tmp_path: Path, given: dict[str, Any], message: str) -> None:
    place = written(tmp_path / "export", {"deals.csv": DEALS})
    config = config_of("tested", {**given, "adapter": ours})
    (pull,) = pulls(config, "tested", str(place))
    with pytest.raises((ConfigError, SourceError), match=message):
        convert(pull, config, tmp_path / "out")


def test_values_without_an_answer_are_all_named(ours: str, tmp_path: Path) -> None:
    deals = DEALS + "d2,Verbal,1,2026-01-01\nd3,Verbal,1,2026-01-01\nd4,Signed,1,2026-01-01\n"
    place = written(tmp_path / "export", {"deals.csv": deals})
    with pytest.raises(
        SourceError, match=r"values without an answer: stages: 'Signed' \(1 rows\); stages: 'Verbal' \(2 rows\)\. Add a line"
    ):
        converted(ours, place, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    found = examined(ours, place)
    assert found.unmapped == (("stages", "Signed", 1), ("stages", "Verbal", 2))
    assert found.events == {}


def test_a_look_tells_what_is_there_and_writes_nothing(ours: str, tmp_path: Path) -> None:
    place = written(tmp_path / "export", {"deals.csv": DEALS, "notes.csv": "a\n1\n"})
    found = examined(ours, place)
    assert [(table.name, table.found, table.missing, table.unused) for table in found.tables] == [
        ("deals", "deals", (), ()),
        ("firms", None, (), ()),
    ]
    assert (found.unread, found.events, found.left_out) == (("notes",), {"deal": 1}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export", "ours"]


@pytest.mark.parametrize(
    ("since", "ids"),
    [
        ("2026-01-02T00:00:00+00:00", ["d2", "d3"]),
        ("2026-01-02T00:00:00.000001+00:00", ["d3"]),
        ("2026-01-02T01:00:00+01:00", ["d2", "d3"]),
    ],
)
def test_only_what_is_new_is_sent(ours: str, tmp_path: Path, since: str, ids: list[str]) -> None:
    rows = "d1,Open,1,2026-01-01T23:59:59.999999Z\nd2,Open,1,2026-01-02T00:00:00Z\nd3,Open,1,2026-01-03T00:00:00Z\n"
    place = written(tmp_path / "export", {"deals.csv": "id,stage,amount,changed\n" + rows})
    pull, config = pull_of(ours, place)
    assert convert(pull, config, tmp_path / "out", since=dt.datetime.fromisoformat(since)).events == {"deal": len(ids)}
    assert [event["id"] for event in events_of(tmp_path / "out")] == ids


def test_which_sections_are_pulled(ours: str) -> None:
    config = load_config(None, {}, {"adapters.one": {"adapter": ours, "from": "x"}, "adapters.two": {"adapter": ours}})
    assert [(pull.section, pull.where, pull.adapter.name) for pull in pulls(config)] == [("one", "x", "ours")]
    with pytest.raises(ConfigError, match=r"adapters\.two: it does not say where the tables are"):
        pulls(config, "two")
    with pytest.raises(SourceError, match=r"there is no adapter 'olst'; did you mean 'olist'\?; there are: "):
        pulls(config, "olst", "x")
    with pytest.raises(SourceError, match=r"/no is no adapter: it has no adapter\.toml"):
        pulls(config, "/no", "x")


# Events


def test_values_become_what_an_event_holds(tmp_path: Path) -> None:
    query = """select 'x' as id, '2026-01-01T00:00:00Z' as time, 'c' as campaign_id, date '2026-01-01' as starts_on,
        1200.50::decimal(18, 2) as amount, 'EUR' as currency, null as ends_on, 3 as clicks"""
    (tmp_path / "x.csv").write_text("a\n1\n")
    converted(made_of(tmp_path / "mine", spend=query), tmp_path, tmp_path / "out")
    (event,) = events_of(tmp_path / "out")
    assert event["data"] == {"campaign_id": "c", "starts_on": "2026-01-01", "amount": "1200.50", "currency": "EUR", "clicks": 3}
    assert (event["type"], event["partitionkey"], event["source"]) == ("nisba.spend.v1", "c", "mine")


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
STATES = st.lists(st.fixed_dictionaries({"account": TEXT, "stage": TEXT, "people": st.lists(TEXT, max_size=3)}), min_size=1, max_size=30)
STATE = """select 'e' || i as id, '2026-01-01T00:00:00Z' as time, 'd' || i as deal_id, account as account_id, stage,
    'open' as status, '2026-01-01T00:00:00Z' as opened_at, from_json(people, '["VARCHAR"]') as contact_ids from states order by i::int"""
STATES_TABLE = "[states.columns]\ni = []\naccount = []\nstage = []\npeople = []\n"


@given(states=STATES)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_arrives_as_it_is(tmp_path: Path, states: list[dict[str, Any]]) -> None:
    """Quotes, control characters, line separators, emoji: in a field, in a list, in the key; and one line of JSON each."""
    with tempfile.TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name)
        numbered = [{"i": number, **state} for number, state in enumerate(states)]
        schema = pa.schema([("i", pa.int64()), ("account", pa.string()), ("stage", pa.string()), ("people", pa.list_(pa.string()))])
        pq.write_table(pa.Table.from_pylist(numbered, schema=schema), folder / "states.parquet")
        mine = made_of(folder / "mine", deal=STATE)
        (folder / "mine" / "tables.toml").write_text(STATES_TABLE)
        converted(mine, folder, folder / "out")
        assert (folder / "out" / "crm.deal.jsonl").read_bytes().count(b"\n") == len(states)
        found = events_of(folder / "out")
    assert [(event["partitionkey"], event["data"]["stage"], event["data"]["contact_ids"]) for event in found] == [
        (state["account"], state["stage"], state["people"]) for state in states
    ]


def test_the_key_of_a_record_is_that_of_its_event(tmp_path: Path) -> None:
    """Of an account, else a visitor, else a person, else the object's own id; of links by the smaller node."""
    at, row = "'2026-01-01T00:00:00Z' as time", "row (id, account_id, visitor_id, person_id)"
    selects = {
        "touch": f"select id, {at}, account_id, visitor_id, person_id, 'email' as channel, 'click' as kind, 'marketing' as team "
        f"from (values ('a', 'acme', 'v', 'p'), ('b', '', 'v', 'p'), ('c', null, null, 'p')) as {row}",
        "identity": f"select 'l' as id, {at}, 'link' as op, {{'kind': 'visitor', 'id': 'v'}} as \"left\", "
        "{'kind': 'person', 'id': 'p'} as \"right\"",
        "fx": f"select 'f' as id, {at}, '2026-01-01' as date, 'EUR' as base, 'USD' as quote, '1.1' as rate",
        "deal": f"select 'd' as id, {at}, 'd1' as deal_id, 'Open' as stage, 'open' as status, '2026-01-01' as opened_on",
    }
    (tmp_path / "x.csv").write_text("a\n1\n")
    converted(made_of(tmp_path / "mine", **selects), tmp_path, tmp_path / "out")
    found = events_of(tmp_path / "out")
    assert {event["id"]: event["partitionkey"] for event in found} == {
        "a": "acme",
        "b": "visitor:v",
        "c": "person:p",
        "l": "person:p",
        "f": "EUR/USD",
        "d": "d1",
    }
    assert all(event["partitionkey"] == partition_key(event["type"], event["data"]) for event in found)


def test_an_aware_time_becomes_text_with_its_offset(tmp_path: Path) -> None:
    query = """select 't' as id, '2026-01-01T00:00:00Z' as time, 'a' as account_id, 'won' as stage, 'won' as status,
        'd' as deal_id, timestamptz '2026-03-01 12:00:00+03' as opened_at, timestamptz '2026-03-02 00:00:00.000001+00' as closed_at"""
    (tmp_path / "x.csv").write_text("a\n1\n")
    converted(made_of(tmp_path / "mine", deal=query), tmp_path, tmp_path / "out")
    (event,) = events_of(tmp_path / "out")
    assert event["data"]["opened_at"] == "2026-03-01T09:00:00.000000Z"
    assert event["data"]["closed_at"] == "2026-03-02T00:00:00.000001Z"


def test_types_of_one_topic_share_its_file(tmp_path: Path) -> None:
    mine = made_of(
        tmp_path / "mine",
        touch="select 't' as id, '2026-01-01T00:00:00Z' as time, 'a' as account_id, 'email' as channel, "
        "'click' as kind, 'marketing' as team, {'source': 'x', 'term': null} as utm",
        retraction="select 'r' as id, '2026-01-02T00:00:00Z' as time, 's' as touch_source, 't' as touch_id",
    )
    (tmp_path / "x.csv").write_text("a\n1\n")
    assert converted(mine, tmp_path, tmp_path / "out").events == {"retraction": 1, "touch": 1}
    written_events = events_of(tmp_path / "out")
    assert [event["id"] for event in written_events] == ["r", "t"]
    assert written_events[1]["data"]["utm"] == {"source": "x"}


def test_what_is_nested_and_empty_is_absent(tmp_path: Path) -> None:
    query = """select 't' as id, '2026-01-01T00:00:00Z' as time, 'a' as account_id, 'email' as channel, 'click' as kind,
        'marketing' as team, {'source': null::varchar, 'term': null::varchar} as utm"""
    (tmp_path / "x.csv").write_text("a\n1\n")
    converted(made_of(tmp_path / "mine", touch=query), tmp_path, tmp_path / "out")
    (event,) = events_of(tmp_path / "out")
    assert "utm" not in event["data"]


AT = "'2026-01-01T00:00:00Z' as time"


@pytest.mark.parametrize(
    ("name", "query", "message"),
    [
        ("touch", "select 'x' as id, null::varchar as time, 'a' as account_id", r"adapter mine, touch\.sql: a row has no time"),
        ("touch", f"select '' as id, {AT}, 'a' as account_id", r"adapter mine, touch\.sql: a row has no id"),
        ("touch", f"select 'x' as id, {AT}, 'c' as channel", r"it yields none of account_id, visitor_id, person_id"),
        ("touch", f"select {AT}, 'c' as channel", r"adapter mine, touch\.sql: it yields no id"),
        (
            "touch",
            "select 'x' as id, '2026-01-01T00:00:00' as time, 'a' as account_id",
            r"a time has no offset; write it with instant\(\): 2026",
        ),
        ("deal", f"select 'x' as id, {AT}, timestamp '2026-01-01' as opened_at", r"opened_at is a time without an offset"),
        ("deal", f"select 'x' as id, {AT}, 1.5::double as amount", r"amount is a DOUBLE, which is not exact"),
        ("fx", f"select 'x' as id, {AT}, 1.5::double as rate", r"rate is a DOUBLE, which is not exact"),
        ("touch", f"select 'x' as id, {AT}, 'c' as chanel", r"chanel is no field of the event; did you mean 'channel'\?; there are: "),
        ("touches", "select 1 as id", r"touches\.sql is named after no fact type; did you mean 'touch'\?; there are: "),
        ("touch", "select 1 +", r"adapter mine, touch\.sql: syntax error"),
        ("campaign", "from read_csv('https://example.invalid/campaigns.csv')", r"adapter mine, campaign\.sql: "),
    ],
)
def test_what_an_adapter_may_not_do(tmp_path: Path, name: str, query: str, message: str) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    with pytest.raises(SourceError, match=message) as raised:
        converted(made_of(tmp_path / "mine", **{name: query}), tmp_path, tmp_path / "out")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("adapter.toml", "titel = 1", r"adapter\.toml: Object contains unknown field `titel`"),
        ("adapter.toml", 'title = "x"\n[settings]\nsource = { type = "text", help = "x." }', r"'source' is a setting of every adapter"),
        ("adapter.toml", "title =", r"adapter\.toml: Invalid value"),
        ("tables.toml", "[deals]\nmust = true", r"tables\.toml: Object missing required field `columns`"),
    ],
)
def test_a_folder_that_declares_what_no_adapter_has(ours: str, file: str, text: str, message: str) -> None:
    (Path(ours) / file).write_text(text, "utf-8")
    with pytest.raises(SourceError, match=message):
        adapter(ours)
