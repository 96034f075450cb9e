"""Stripe, the European Central Bank, lists of who came: exact values of small exports, and the figures of the real ones."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters import Conversion
from nisba.errors import SourceError
from schemas.decoder import decode_block
from schemas.records import RecordBlock
from tests.unit.adapters.running import converted, events_of, examined


def written(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def run(
    name: str, folder: Path, out: Path, settings: Mapping[str, Any] | None = None, **reporting: Any
) -> tuple[Conversion, dict[str, Any]]:
    """Convert a place; every event is one by the contract, and no two have one id."""
    done = converted(name, folder, out, settings, **reporting)
    for file in done.directory.glob("*.jsonl"):
        lines: list[bytes | None] = [*file.read_bytes().splitlines()]
        absent = [None] * len(lines)
        block = RecordBlock(file.stem, 0, list(range(len(lines))), lines, [*absent], [*absent], [*absent])
        assert decode_block(block).dead_letters["message"].to_pylist() == []
    events = {event["type"].split(".")[1] + " " + event["id"]: event for event in events_of(done.directory)}
    assert len(events) == sum(done.events.values())
    return done, events


# Stripe

STRIPE = {
    "refund.csv": "id,amount,charge_id,created,currency,reason,status,metadata,_fivetran_synced\n"
    're_1,1050,ch_1,2026-02-18 21:19:33,usd,duplicate,succeeded,"{}",2026-03-01\n'
    're_1,1050,ch_1,2026-02-18 21:19:33,usd,duplicate,pending,"{}",2026-02-19\n'
    "re_2,500,ch_2,1771449573,jpy,,succeeded,,2026-03-01\n"
    "re_3,700,ch_1,2026-02-18 21:19:33,usd,,failed,,2026-03-01\n"
    "re_4,700,ch_9,2026-02-18 21:19:33,usd,,succeeded,,2026-03-01\n"
    "re_5,1234,ch_1,2026-02-18 21:19:33,kwd,,succeeded,,2026-03-01\n"
    "re_6,700,ch_1,2026-02-18 21:19:33,xxx,,succeeded,,2026-03-01\n",
    "charge.csv": "id,customer_id,invoice_id,metadata\n"
    'ch_1,cus_1,in_1,"{""deal_id"": ""d-1"", ""other"": 5}"\nch_2,cus_2,,"{}"\nch_9,cus_9,,"{""deal_id"": """"}"\n',
    "credit_note.csv": "id,amount,created,currency,status,invoice_id,refund_id,voided_at\n"
    "cn_1,250,2026-02-19 00:00:00,usd,issued,in_2,,\ncn_2,250,2026-02-19 00:00:00,usd,issued,in_2,re_1,\n"
    "cn_3,250,2026-02-19 00:00:00,usd,void,in_2,,2026-02-20\ncn_4,250,2026-02-19 00:00:00,usd,issued,in_9,,\n",
    "invoice.csv": "id,customer_id,metadata\nin_2,cus_2,\nin_9,cus_9,\n",
    "customer_deals.csv": "customer,deal\ncus_2,d-2\ncus_9,d-9\ncus_9,d-10\n",
}


def test_refunds_and_credit_notes_are_negative_adjustments_in_minor_units(tmp_path: Path) -> None:
    done, events = run("stripe", written(tmp_path / "in", STRIPE), tmp_path / "out", {"deal_of": "charge.metadata.deal_id"})
    assert {
        name.split()[1]: (event["data"]["deal_id"], event["data"]["amount"], event["data"]["currency"]) for name, event in events.items()
    } == {
        "re_1": ("d-1", "-10.50", "USD"),
        "re_2": ("d-2", "-500", "JPY"),
        "re_5": ("d-1", "-1.234", "KWD"),
        "cn_1": ("d-2", "-2.50", "USD"),
    }
    assert events["adjustment re_1"]["data"] == {
        "adjustment_id": "re_1",
        "deal_id": "d-1",
        "amount": "-10.50",
        "currency": "USD",
        "effective_at": "2026-02-18T21:19:33.000000Z",
        "reason": "duplicate",
    }
    assert events["adjustment re_2"]["time"] == "2026-02-18T21:19:33.000000Z"
    assert done.left_out == {
        "credit notes that are void": 1,
        "credit notes that were refunded: the refund is the adjustment": 1,
        "credit notes without a deal": 1,
        "refunds in a currency that is none": 1,
        "refunds that did not succeed": 1,
        "refunds without a deal": 1,
    }


def test_a_column_of_the_firms_own_names_the_deal(tmp_path: Path) -> None:
    files = {**STRIPE, "charge.csv": "id,customer_id,metadata__deal\nch_1,cus_1,d-7\n"}
    _, events = run("stripe", written(tmp_path / "in", files), tmp_path / "out", {"columns": {"deal_id": "charge.metadata__deal"}})
    assert events["adjustment re_1"]["data"]["deal_id"] == "d-7"


def test_a_place_of_the_deal_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"deal_of: expected one such as charge\.metadata\.deal_id"):
        run("stripe", written(tmp_path / "in", STRIPE), tmp_path / "out", {"deal_of": "order.deal"})


@pytest.mark.parametrize("column", ["id", "amount", "created", "currency", "status"])
def test_a_missing_column_of_a_refund_is_named(tmp_path: Path, column: str) -> None:
    files = {**STRIPE, "refund.csv": STRIPE["refund.csv"].replace(column, "renamed", 1)}
    with pytest.raises(SourceError, match=rf"the table refund has no column {column}"):
        run("stripe", written(tmp_path / "in", files), tmp_path / "out")


def test_a_missing_table_of_refunds_is_named(tmp_path: Path) -> None:
    files = {name: text for name, text in STRIPE.items() if name != "refund.csv"}
    with pytest.raises(SourceError, match=r"has no table refund \(looked for refund, refunds, .*add tables = \{ refund"):
        run("stripe", written(tmp_path / "in", files), tmp_path / "out")


def test_real_refunds_of_stripe(sample_data: Path, tmp_path: Path) -> None:
    """4 succeeded refunds of 4 charges, 23,914.21 USD; 2 credit notes, both refunded; 16 failed charges are nobody's revenue."""
    folder = sample_data / "adapters" / "billing" / "stripe"
    done, events = run("stripe", folder, tmp_path / "out", {"deal_of": "refund.metadata.external_id"})
    assert done.events == {"adjustment": 4}
    assert sum(Decimal(event["data"]["amount"]) for event in events.values()) == Decimal("-23914.21")
    assert {event["data"]["currency"] for event in events.values()} == {"USD"}
    assert done.left_out == {"credit notes that were refunded: the refund is the adjustment": 2}
    nobody, _ = run("stripe", folder, tmp_path / "none", {"deal_of": "charge.metadata.external_id"})
    assert nobody.events == {"adjustment": 0}
    assert nobody.left_out["refunds without a deal"] == 4


# The European Central Bank

RATES = "Date,USD,JPY,TRY,GBP,\n2026-04-13,1.1684,186.75,52.2478,N/A,\n2026-04-10,1.1711,186.43,,0.87105,\n"


def test_rates_of_the_currencies_in_use(tmp_path: Path) -> None:
    folder = written(tmp_path / "in", {"eurofxref-hist.csv": RATES})
    done, events = run("ecb", folder, tmp_path / "out", {"currencies": ["try", "GBP", "EUR"]})
    assert {event["id"]: event["data"]["rate"] for event in events.values()} == {
        "EUR/GBP/2026-04-10": "0.87105",
        "EUR/TRY/2026-04-13": "52.2478",
        "EUR/USD/2026-04-10": "1.1711",
        "EUR/USD/2026-04-13": "1.1684",
    }
    assert events["fx EUR/TRY/2026-04-13"]["data"] == {"date": "2026-04-13", "base": "EUR", "quote": "TRY", "rate": "52.2478"}
    assert done.left_out == {'rates of currencies that are not in use: add them to currencies = ["…"]': 2}
    since, _ = run("ecb", folder, tmp_path / "since", {"since": "2026-04-11"}, currency="JPY")
    assert since.events == {"fx": 1}
    assert since.left_out["rates before the first day that is read (since)"] == 1


def test_a_currency_that_the_bank_has_no_rate_of_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path / "in", {"eurofxref-hist.csv": RATES})
    with pytest.raises(SourceError, match=r"values without an answer: currencies: 'SAR'"):
        run("ecb", folder, tmp_path / "out", {"currencies": ["SAR"]})
    assert examined("ecb", folder, {"currencies": ["SAR"]}).unmapped == (("currencies", "SAR", 0),)


def test_real_rates(sample_data: Path, tmp_path: Path) -> None:
    """41 currencies from 1999 to 2026, on business days, without those that are N/A."""
    header = (sample_data / "ecb_fx" / "eurofxref-hist.csv").read_text("utf-8").splitlines()
    columns = header[0].split(",")
    known = Counter(
        columns[position] for line in header[1:] for position, cell in enumerate(line.split(",")) if position and cell not in ("", "N/A")
    )
    done, events = run("ecb", sample_data / "ecb_fx", tmp_path / "out", {"currencies": ["GBP", "TRY"]})
    assert len(known) == 41
    assert Counter(event["data"]["quote"] for event in events.values()) == {code: known[code] for code in ("USD", "GBP", "TRY")}
    assert events["fx EUR/USD/2026-04-13"]["data"]["rate"] == "1.1684"
    assert events["fx EUR/USD/1999-01-04"]["data"]["rate"] == "1.1789"
    assert sum(done.events.values()) + sum(done.left_out.values()) == known.total()


# Lists of who came

LIST = {
    "attendance.csv": "E-Mail,Event Name,Join Time,Attended,Contact ID,Company ID,Type\n"
    "Ann@Acme.example,Spring Webinar,2026-03-01 10:05,Yes,c-1,a-1,Live\n"
    "ann@acme.example ,Spring Webinar,2026-03-01 10:05,Yes,c-1,a-1,Live\n"
    "bob@acme.example,Spring Webinar,2026-03-01T11:00:00Z,yes,,,\n"
    "eve@acme.example,Spring Webinar,2026-03-01,No,,,\n"
    ",Spring Webinar,2026-03-01,Yes,,,\n"
    "joe@acme.example,,2026-03-01,Yes,,,\n"
    "joe@acme.example,Spring Webinar,March 1st,Yes,,,\n"
}
ANN, BOB = ("email:" + hashlib.sha256(f"{name}@acme.example".encode()).hexdigest()[:32] for name in ("ann", "bob"))


def test_who_came_is_a_touch_and_what_the_list_knows_of_them_a_link(tmp_path: Path) -> None:
    settings = {
        "kinds": {"live": "webinar"},
        "campaigns": {"Spring webinar": "c-spring"},
        "time_zone": "Europe/Berlin",
        "channel": "webinar",
    }
    done, events = run("attendance", written(tmp_path / "in", LIST), tmp_path / "out", settings)
    assert done.events == {"identity": 2, "touch": 2}
    assert done.left_out == {
        "rows of people who did not come": 1,
        "rows without a time that can be read (time_format says how they are written)": 1,
        "rows without an e-mail address": 1,
        "rows without an event": 1,
    }
    own = f"{ANN}/Spring Webinar/webinar@1772355900000"
    touch = events[f"touch {own}"]
    assert touch["time"] == "2026-03-01T09:05:00.000000Z"
    assert touch["data"] == {"person_id": "c-1", "channel": "webinar", "kind": "webinar", "team": "marketing", "campaign_id": "c-spring"}
    assert events[f"touch {BOB}/Spring Webinar/event_attended@1772362800000"]["data"]["person_id"] == BOB
    person = {"kind": "person", "id": ANN}
    assert events[f"identity {own}/person"]["data"] == {"op": "link", "left": person, "right": {"kind": "person", "id": "c-1"}}
    assert events[f"identity {own}/account"]["data"] == {"op": "link", "left": person, "right": {"kind": "account", "id": "a-1"}}
    assert not [event for event in events.values() if "acme.example" in str(event)]


def test_the_lists_own_columns_and_format_of_times(tmp_path: Path) -> None:
    files = {"gäste.csv": "Teilnehmer,Anlass,Ankunft\nann@acme.example,Messe,01.03.2026 10:05\n"}
    settings = {
        "tables": {"attendance": "gäste"},
        "columns": {"email": "attendance.Teilnehmer", "event": "attendance.Anlass", "time": "attendance.Ankunft"},
        "time_format": "%d.%m.%Y %H:%M",
        "kind": "meeting",
        "team": "sales",
    }
    _, events = run("attendance", written(tmp_path / "in", files), tmp_path / "out", settings)
    assert events[f"touch {ANN}/Messe/meeting@1772359500000"]["data"] == {
        "person_id": ANN,
        "channel": "event",
        "kind": "meeting",
        "team": "sales",
        "campaign_id": "Messe",
    }


@pytest.mark.parametrize(("column", "header"), [("email", "E-Mail"), ("event", "Event Name"), ("time", "Join Time")])
def test_a_missing_column_of_a_list_is_named_with_the_line_to_add(tmp_path: Path, column: str, header: str) -> None:
    files = {"attendance.csv": LIST["attendance.csv"].replace(header, "Spalte")}
    line = rf'where it is called otherwise, add columns = \{{ {column} = "attendance\.…" \}}\.$'
    with pytest.raises(SourceError, match=rf"the table attendance has no column {column} \(looked for .*\); {line}"):
        run("attendance", written(tmp_path / "in", files), tmp_path / "out")
    settings = {"columns": {column: "attendance.Spalte"}}
    assert run("attendance", tmp_path / "in", tmp_path / "out", settings)[0].events == {"identity": 2, "touch": 2}


def test_an_id_of_the_list_is_the_id_of_the_touch(tmp_path: Path) -> None:
    files = {"attendance.csv": "Registration ID,Email,Event,Timestamp\nr-1,ann@acme.example,Fair,2026-03-01 10:05:00+03:00\n"}
    _, events = run("attendance", written(tmp_path / "in", files), tmp_path / "out")
    assert events["touch r-1"]["time"] == "2026-03-01T07:05:00.000000Z"


@pytest.mark.parametrize("name", ["stripe", "ecb", "attendance"])
def test_the_same_export_again_is_the_same_bytes(name: str, tmp_path: Path) -> None:
    files = {"stripe": STRIPE, "ecb": {"eurofxref-hist.csv": RATES}, "attendance": LIST}[name]
    settings = {"deal_of": "charge.metadata.deal_id"} if name == "stripe" else {}
    folder = written(tmp_path / "in", files)
    first = run(name, folder, tmp_path / "one", settings)[0].directory
    reversed_ = {file: "\n".join([lines[0], *reversed(lines[1:])]) + "\n" for file, text in files.items() for lines in [text.splitlines()]}
    second = run(name, written(tmp_path / "two_in", reversed_), tmp_path / "two", settings)[0].directory
    assert [file.read_bytes() for file in sorted(first.iterdir())] == [file.read_bytes() for file in sorted(second.iterdir())]
