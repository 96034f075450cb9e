"""The scripts of docs/extract.md, with the dlt that they name, against servers on this machine: what adapters read lies there after."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import duckdb
import pytest

from adapters.frame.places import open_place

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "docs" / "extract"


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with dlt, apart from ours: it pins other versions of what we pin."""
    if given := os.environ.get("NISBA_TEST_DLT_PYTHON"):
        return Path(given)
    folder = tmp_path_factory.mktemp("dlt")
    (requirements,) = {*re.findall(r"pip install (dlt==\S+ pyarrow)`", "".join(file.read_text("utf-8") for file in SCRIPTS.glob("*.py")))}
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    done = subprocess.run([python, "-m", "pip", "install", "-q", *requirements.split()], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"dlt cannot be installed here: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'pip failed'}")
    return python


@contextmanager
def serving(answer: Any) -> Iterator[str]:
    """Serve what `answer(path, parameters)` returns as JSON, to whoever has the token; None is not there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = answer(parts.path, dict(parse_qsl(parts.query))) if self.headers["Authorization"] == "Bearer a-token" else None
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pulled(interpreter: Path, script: str, folder: Path, environment: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Run a script; return the rows of each table as the frame finds them, without what dlt adds."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [interpreter, SCRIPTS / script, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**plain, **environment}, cwd=folder.parent)
    assert done.returncode == 0, done.stderr[-2000:]
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        tables = open_place(con, str(folder / Path(script).stem)).tables
        return {
            table.name: con.sql(f"SELECT COLUMNS(c -> NOT starts_with(c, '_dlt'))::VARCHAR FROM {table.relation} ORDER BY ALL")
            .to_arrow_table()
            .to_pylist()
            for table in tables.values()
            if table.within is None and not table.name.startswith("_dlt")
        }


def stage(at: str, value: str) -> dict[str, str]:
    return {"value": value, "timestamp": at, "sourceType": "CRM_UI"}


DEALS = [
    {
        "id": "1",
        "properties": {"dealname": "First", "dealstage": "won", "amount": "1000.10", "closedate": "2026-03-31T22:00:00Z"},
        "propertiesWithHistory": {"dealstage": [stage("2026-03-01T10:00:00.123Z", "won"), stage("2026-02-01T10:00:00Z", "new")]},
        "associations": {
            "companies": {"results": [{"id": "7", "type": "deal_to_company"}, {"id": "8", "type": "deal_to_company_unlabeled"}]},
            "contacts": {"results": [{"id": "5", "type": "deal_to_contact"}]},
        },
        "updatedAt": "2026-03-02T00:00:00Z",
        "archived": False,
    },
    {"id": "2", "properties": {"dealname": "Second", "dealstage": "new"}, "updatedAt": "2026-03-03T00:00:00Z", "archived": False},
    {"id": "3", "properties": {"dealname": "Third", "dealstage": "new"}, "updatedAt": "2026-03-04T00:00:00Z", "archived": True},
]
PIPELINES = [
    {"id": "default", "label": "Sales", "stages": [{"id": "won", "label": "Won", "metadata": {"isClosed": "true", "probability": "1.0"}}]}
]


def hubspot(path: str, asked: dict[str, str]) -> Any:
    """Answer as HubSpot: one object a page; the second deal has no history, which must not lose those after it."""
    if path == "/crm/v3/pipelines/deals":
        return {"results": PIPELINES}
    archived = asked["archived"] == "true"
    found = {"/crm/v3/objects/deals": DEALS}.get(path, [])
    found = [one for one in found if one["archived"] == archived]
    position = int(asked.get("after", 0))
    more = {"paging": {"next": {"after": str(position + 1)}}} if position + 1 < len(found) else {}
    return {"results": found[position : position + 1], **more}


def test_hubspot_lies_there_as_its_adapter_reads_it(interpreter: Path, tmp_path: Path) -> None:
    with serving(hubspot) as url:
        tables = pulled(interpreter, "hubspot.py", tmp_path / "exports", {"HUBSPOT_URL": url, "HUBSPOT_TOKEN": "a-token"})
    deals = {row["id"]: row for row in tables["deals"]}
    assert {name: (row["dealname"], row["is_deleted"]) for name, row in deals.items()} == {
        "1": ("First", "false"),
        "2": ("Second", "false"),
        "3": ("Third", "true"),
    }
    assert (deals["1"]["amount"], deals["1"]["closedate"], deals["1"]["updated_at"]) == (
        "1000.10",
        "2026-03-31 22:00:00+00",
        "2026-03-02 00:00:00+00",
    )
    assert tables["deals_property_history"] == [
        {"object_id": "1", "property_name": "dealstage", "value": "new", "timestamp": "2026-02-01 10:00:00+00"},
        {"object_id": "1", "property_name": "dealstage", "value": "won", "timestamp": "2026-03-01 10:00:00.123+00"},
    ]
    assert tables["deal_company"] == [
        {"deal_id": "1", "company_id": "7", "type_id": "5"},
        {"deal_id": "1", "company_id": "8", "type_id": "341"},
    ]
    assert tables["deal_contact"] == [{"deal_id": "1", "contact_id": "5", "type_id": "3"}]
    (won,) = tables["pipelines_deals__stages"]
    assert (won["id"], won["metadata__is_closed"], won["metadata__probability"]) == ("won", "true", "1.0")


FIELDS = {
    "Opportunity": {"Id": "id", "StageName": "picklist", "Amount": "currency", "IsDeleted": "boolean", "CreatedDate": "datetime"},
    "OpportunityHistory": {"Id": "id", "OpportunityId": "reference", "StageName": "picklist"},
    "Account": {"Id": "id", "BillingAddress": "address", "BillingCountry": "string"},
}
RECORDS: dict[str, list[dict[str, Any]]] = {
    "Opportunity": [
        {
            "Id": "006000000000001AAA",
            "StageName": "Won",
            "Amount": 12000.1,
            "IsDeleted": False,
            "CreatedDate": "2026-01-05T09:00:00.000+0000",
        },
        {"Id": "006000000000002AAA", "StageName": "Won", "Amount": 7, "IsDeleted": True, "CreatedDate": "2026-01-05T09:00:00.000+0000"},
    ],
    "OpportunityHistory": [{"Id": "008000000000001AAA", "OpportunityId": "006000000000001AAA", "StageName": "New"}],
    "Account": [{"Id": "001000000000001AAA", "BillingCountry": "Oman"}],
}


def salesforce(path: str, asked: dict[str, str]) -> Any:
    """Answer as Salesforce: one row a page, and only the columns that were asked for."""
    base = "/services/data/v62.0"
    if path == f"{base}/sobjects":
        return {"sobjects": [{"name": name} for name in (*FIELDS, "Other")]}
    if match := re.fullmatch(rf"{base}/sobjects/(\w+)/describe", path):
        return {"fields": [{"name": name, "type": kind} for name, kind in FIELDS[match[1]].items()]}
    if path == f"{base}/queryAll":
        columns, name = re.fullmatch(r"SELECT (.*) FROM (\w+)", asked["q"]).groups()  # type: ignore[union-attr]
        assert columns.split(", ") == [column for column, kind in FIELDS[name].items() if kind != "address"]
        return page(name, 0)
    match = re.fullmatch(rf"{base}/query/(\w+)-(\d+)", path)
    return page(match[1], int(match[2])) if match else None


def page(name: str, position: int) -> dict[str, Any]:
    row = {"attributes": {"type": name}, **RECORDS[name][position]}
    done = position + 1 == len(RECORDS[name])
    return {"records": [row], "done": done, **({} if done else {"nextRecordsUrl": f"/services/data/v62.0/query/{name}-{position + 1}"})}


def test_salesforce_lies_there_as_its_adapter_reads_it(interpreter: Path, tmp_path: Path) -> None:
    with serving(salesforce) as url:
        environment = {"SALESFORCE_URL": url, "SALESFORCE_TOKEN": "a-token"}
        tables = pulled(interpreter, "salesforce.py", tmp_path / "exports", environment)
        again = pulled(interpreter, "salesforce.py", tmp_path / "exports", environment)
    assert tables == again
    assert sorted(tables) == ["account", "opportunity", "opportunity_history"]
    first, second = tables["opportunity"]
    assert (first["id"], first["stage_name"], first["is_deleted"]) == ("006000000000001AAA", "Won", "false")
    assert [float(row["amount"]) for row in (first, second)] == [12000.1, 7.0]
    assert first["created_date"].startswith("2026-01-05")
    assert second["is_deleted"] == "true"
    assert tables["account"] == [{"id": "001000000000001AAA", "billing_country": "Oman"}]
    assert tables["opportunity_history"] == [{"id": "008000000000001AAA", "opportunity_id": "006000000000001AAA", "stage_name": "New"}]
