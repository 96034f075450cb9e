"""The adapter runner: exact values, clear errors; the adapters' figures are in test_adapter_figures.py."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import adapters as runner
from adapters import adapter, adapters, convert
from nisba.errors import SourceError

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


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    for name, text in MAVEN.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def events(file: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]


def test_the_adapters_there_are() -> None:
    assert adapters() == ("maven_crm", "olist")
    assert sorted(adapter("olist").queries) == ["campaign", "deal", "lead_stage", "touch"]


def test_every_adapter_states_its_grain_and_counts_what_it_leaves_out() -> None:
    for name in adapters():
        found = adapter(name)
        assert found.left_out is not None
        for query in (*found.queries.values(), found.left_out):
            assert query.startswith("-- Grain: one row per ")


def test_a_small_export_becomes_these_events(export: Path, tmp_path: Path) -> None:
    done = convert("maven_crm", export, tmp_path / "out")
    assert done.events == {"deal": 5}
    assert done.left_out == {"opportunities without an engage date (Prospecting)": 1}
    found = {event["id"]: event for event in events(tmp_path / "out" / "crm.deal.jsonl")}
    assert list(found) == ["O1/0", "O1/1", "O2/0", "O3/0", "O3/1"]
    assert found["O1/1"]["time"] == "2017-03-01T00:00:00Z"
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
    assert found["O2/0"]["data"]["account_id"] == "unnamed-O2"
    assert "amount" not in found["O3/1"]["data"]


def test_converting_twice_gives_the_same_files(export: Path, tmp_path: Path) -> None:
    convert("maven_crm", export, tmp_path / "out")
    first = (tmp_path / "out" / "crm.deal.jsonl").read_bytes()
    convert("maven_crm", export, tmp_path / "out")
    assert (tmp_path / "out" / "crm.deal.jsonl").read_bytes() == first


def test_an_unknown_adapter_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no adapter 'hubspot'; there are: maven_crm, olist"):
        convert("hubspot", tmp_path, tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere is no folder: adapter olist reads"):
        convert("olist", tmp_path / "nowhere", tmp_path)


def test_a_missing_file_is_named(export: Path, tmp_path: Path) -> None:
    (export / "products.csv").unlink()
    with pytest.raises(SourceError, match=r"adapter maven_crm, deal\.sql: the export has no file products\.csv"):
        convert("maven_crm", export, tmp_path / "out")


def test_a_missing_column_is_named(export: Path, tmp_path: Path) -> None:
    (export / "products.csv").write_text("product,series,price\nGTX Pro,GTX,1\n", "utf-8")
    with pytest.raises(SourceError, match=r"deal\.sql: the export has no column sales_price"):
        convert("maven_crm", export, tmp_path / "out")


def test_a_failed_conversion_leaves_the_earlier_files(export: Path, tmp_path: Path) -> None:
    convert("maven_crm", export, tmp_path / "out")
    first = (tmp_path / "out" / "crm.deal.jsonl").read_bytes()
    (export / "accounts.csv").unlink()
    with pytest.raises(SourceError):
        convert("maven_crm", export, tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["crm.deal.jsonl"]
    assert (tmp_path / "out" / "crm.deal.jsonl").read_bytes() == first


def adapter_of(monkeypatch: pytest.MonkeyPatch, folder: Path, **queries: str) -> None:
    (folder / "mine").mkdir(parents=True)
    for name, query in queries.items():
        (folder / "mine" / f"{name}.sql").write_text(query, "utf-8")
    monkeypatch.setattr(runner, "_FOLDER", folder)


def test_values_become_what_an_event_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    query = """select 'x' as id, 's' as source, '2026-01-01T00:00:00Z' as time, 'c' as campaign_id, date '2026-01-01' as starts_on,
        1200.50::decimal(18, 2) as amount, 'EUR' as currency, null as ends_on, 3 as clicks"""
    adapter_of(monkeypatch, tmp_path / "adapters", spend=query)
    convert("mine", tmp_path, tmp_path / "out")
    (event,) = events(tmp_path / "out" / "marketing.spend.jsonl")
    assert event["data"] == {"campaign_id": "c", "starts_on": "2026-01-01", "amount": "1200.50", "currency": "EUR", "clicks": 3}
    assert (event["type"], event["partitionkey"]) == ("nisba.spend.v1", "c")


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
STATES = st.lists(st.fixed_dictionaries({"account": TEXT, "stage": TEXT, "people": st.lists(TEXT, max_size=3)}), min_size=1, max_size=30)
STATE = """select 'e' || i as id, 's' as source, '2026-01-01T00:00:00Z' as time, 'd' || i as deal_id, account as account_id, stage,
    'open' as status, '2026-01-01T00:00:00Z' as opened_at, people as contact_ids from read_parquet('states.parquet')"""


@given(states=STATES)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_arrives_as_it_is(tmp_path: Path, states: list[dict[str, Any]]) -> None:
    """Quotes, control characters, line separators, emoji: in a field, in a list, in the key; and one line of JSON each."""
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name)
        numbered = [{"i": number, **state} for number, state in enumerate(states)]
        schema = pa.schema([("i", pa.int64()), ("account", pa.string()), ("stage", pa.string()), ("people", pa.list_(pa.string()))])
        pq.write_table(pa.Table.from_pylist(numbered, schema=schema), folder / "states.parquet")
        adapter_of(patched, folder / "adapters", deal=STATE)
        convert("mine", folder, folder / "out")
        lines = (folder / "out" / "crm.deal.jsonl").read_bytes().split(b"\n")[:-1]
    found = [msgspec.json.decode(line) for line in lines]
    assert [(event["partitionkey"], event["data"]["stage"], event["data"]["contact_ids"]) for event in found] == [
        (state["account"], state["stage"], state["people"]) for state in states
    ]


def test_an_aware_time_becomes_text_with_its_offset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    query = """select 't' as id, 's' as source, '2026-01-01T00:00:00Z' as time, 'a' as account_id, 'won' as stage, 'won' as status,
        'd' as deal_id, timestamptz '2026-03-01 12:00:00+03' as opened_at, timestamptz '2026-03-02 00:00:00.000001+00' as closed_at"""
    adapter_of(monkeypatch, tmp_path / "adapters", deal=query)
    convert("mine", tmp_path, tmp_path / "out")
    (event,) = events(tmp_path / "out" / "crm.deal.jsonl")
    instants = [dt.datetime.fromisoformat(event["data"][name].replace("Z", "+00:00")) for name in ("opened_at", "closed_at")]
    assert instants == [
        dt.datetime(2026, 3, 1, 9, tzinfo=dt.timezone.utc),
        dt.datetime(2026, 3, 2, 0, 0, 0, 1, tzinfo=dt.timezone.utc),
    ]


@pytest.mark.parametrize("rows", [0, 1, 10_000, 10_001])
def test_blocks_of_rows_leave_none_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: int) -> None:
    query = f"""select 'p' || i as id, 's' as source, '2026-01-01T00:00:00Z' as time, 'c' || i as campaign_id, 'n' as name
        from range({rows}) as numbers(i) order by i"""
    adapter_of(monkeypatch, tmp_path / "adapters", campaign=query)
    assert convert("mine", tmp_path, tmp_path / "out").events == {"campaign": rows}
    assert [event["id"] for event in events(tmp_path / "out" / "marketing.campaign.jsonl")] == [f"p{i}" for i in range(rows)]


@pytest.mark.parametrize("column", ["id", "source", "time"])
def test_a_row_without_its_identity_says_which_part_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, column: str) -> None:
    values = {"id": "'x'", "source": "'s'", "time": "'2026-01-01T00:00:00Z'"} | {column: "null"}
    selected = ", ".join(f"{value} as {name}" for name, value in values.items())
    adapter_of(monkeypatch, tmp_path / "adapters", campaign=f"select {selected}, 'c' as campaign_id")
    with pytest.raises(SourceError, match=rf"campaign\.sql: a row has no {column}: "):
        convert("mine", tmp_path, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_adapter_fetches_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What would need an extension from somewhere else is an error of one sentence."""
    adapter_of(monkeypatch, tmp_path / "adapters", campaign="from read_csv('https://example.invalid/campaigns.csv')")
    with pytest.raises(SourceError, match=r"^adapter mine, campaign\.sql: [^\n]*$"):
        convert("mine", tmp_path, tmp_path / "out")


def test_types_of_one_topic_share_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    adapter_of(
        monkeypatch,
        tmp_path / "adapters",
        touch="select 't' as id, 's' as source, '2026-01-01T00:00:00Z' as time, 'a' as account_id, 'email' as channel, "
        "'click' as kind, 'marketing' as team, {'source': 'x', 'term': null} as utm",
        retraction="select 'r' as id, 's' as source, '2026-01-02T00:00:00Z' as time, 's' as touch_source, 't' as touch_id",
    )
    assert convert("mine", tmp_path, tmp_path / "out").events == {"retraction": 1, "touch": 1}
    written = events(tmp_path / "out" / "marketing.touch.jsonl")
    assert [event["id"] for event in written] == ["r", "t"]
    assert written[1]["data"]["utm"] == {"source": "x"}


@pytest.mark.parametrize(
    ("name", "query", "message"),
    [
        ("touch", "select 'x' as id, 's' as source, null as time", r"touch\.sql: a row has no time"),
        ("touch", "select 'x' as id, 's' as source, timestamp '2026-01-01' as time", r"touch\.sql: time is a time without an offset"),
        ("touches", "select 1 as id", "is named after no fact type"),
        ("touch", "select 1 +", r"adapter mine, touch\.sql: Parser Error"),
    ],
)
def test_what_an_adapter_may_not_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, query: str, message: str) -> None:
    adapter_of(monkeypatch, tmp_path / "adapters", **{name: query})
    with pytest.raises(SourceError, match=message):
        convert("mine", tmp_path, tmp_path / "out")
