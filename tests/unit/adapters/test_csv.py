"""Plain CSV by a mapping: exports written by hand, with every trap that ad managers, CRMs and spreadsheets put into them."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import os
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import Conversion, convert, examine, pulls
from adapters.frame.plain.values import DATE_FORMATS, amount, date
from nisba.config import load_config
from nisba.errors import ConfigError, SourceError
from schemas.decoder import decode_block
from schemas.records import RecordBlock
from tests.unit.adapters.running import config_of, converted, events_of, examined

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STAMP = 1_772_539_200  # 2026-03-03T12:00:00Z
MS = f"{STAMP}000"
ADS = """type = "spend"
columns = { campaign_id = "Campaign", starts_on = "Day", amount = "Amount spent (EUR)" }
"""


def entry(text: str, path: str = "export.csv", **section: Any) -> dict[str, Any]:
    """Return the settings of a section with one file of a mapping."""
    return {**section, "file": [{"path": path, **tomllib.loads(text)}]}


def saved(folder: Path, content: str | bytes, name: str = "export.csv", stamp: int = STAMP) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(file, (stamp, stamp))
    return folder


def run(tmp_path: Path, content: str | bytes, mapping: str, **section: Any) -> tuple[Conversion, list[dict[str, Any]]]:
    """Convert one file; every event is one by the contract."""
    done = converted("csv", saved(tmp_path / "in", content), tmp_path / "out", entry(mapping, **section))
    for file in done.directory.glob("*.jsonl"):
        lines: list[bytes | None] = [*file.read_bytes().splitlines()]
        absent = [None] * len(lines)
        block = RecordBlock(file.stem, 0, list(range(len(lines))), lines, [*absent], [*absent], [*absent])
        assert decode_block(block).dead_letters["message"].to_pylist() == []
    return done, events_of(done.directory)


def amounts(events: list[dict[str, Any]]) -> dict[str, str]:
    return {event["data"]["campaign_id"] + "/" + event["data"]["starts_on"]: event["data"]["amount"] for event in events}


def refused(tmp_path: Path, content: str | bytes, mapping: str, **section: Any) -> str:
    with pytest.raises((SourceError, ConfigError)) as error:
        run(tmp_path, content, mapping, **section)
    assert not list((tmp_path / "out").glob("*.jsonl"))
    assert "\n" not in str(error.value)
    return str(error.value)


# What an ad manager exports


def test_a_report_with_all_that_surrounds_its_rows(tmp_path: Path) -> None:
    """Lines above the header, the currency in it, thousands, a blank line, totals in two shapes, a line below."""
    content = (
        'Campaign report\n"March 1, 2026 - March 31, 2026"\n\nCampaign,Day,Amount spent (EUR),Impressions\n'
        'Brand,2026-03-01,"1,234.50","10,000"\nBrand,2026-03-02,€99.1,--\n\n'
        'Total: Campaigns,--,"1,333.60","10,000"\n,,"1,333.60",\n"Grand total","2026-03-02","1,333.60",\nExported by the ad manager\n'
    )
    mapping = ADS.replace(" }", ', impressions = "Impressions" }')
    done, events = run(tmp_path, content, mapping)
    assert done.left_out == {
        "total rows of export.csv, such as line 8": 3,
        "rows of export.csv without Day, such as line 11": 1,
    }
    assert done.assumed == {}
    assert [event["data"] for event in events] == [
        {
            "campaign_id": "Brand",
            "starts_on": "2026-03-01",
            "amount": "1234.5",
            "currency": "EUR",
            "impressions": 10000,
            "revision": int(MS),
        },
        {"campaign_id": "Brand", "starts_on": "2026-03-02", "amount": "99.1", "currency": "EUR", "revision": int(MS)},
    ]
    assert [event["id"] for event in events] == [f"Brand/2026-03-01@{MS}", f"Brand/2026-03-02@{MS}"]
    assert {(event["source"], event["time"], event["partitionkey"]) for event in events} == {
        ("csv", "2026-03-03T12:00:00.000000Z", "Brand")
    }


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("windows-1252", b""),
    ],
)
@pytest.mark.parametrize(("delimiter", "newline"), [(",", "\n"), (";", "\r\n"), ("\t", "\n"), ("|", "\r\n")])
def test_every_way_in_which_a_spreadsheet_saves(tmp_path: Path, encoding: str, mark: bytes, delimiter: str, newline: str) -> None:
    rows = [["Kampagne", "Tag", "Ausgegebener Betrag (EUR)"], ["Frühling €", "01.03.2026", "1.234,56"], ['Groß "A"', "2.3.2026", "0,50"]]
    content = newline.join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows) + newline
    mapping = """type = "spend"
columns = { campaign_id = "Kampagne", starts_on = "Tag", amount = "Ausgegebener Betrag" }
dates = "%d.%m.%Y"
decimal = ","
"""
    done, events = run(tmp_path, mark + content.encode(encoding), mapping)
    assert amounts(events) == {"Frühling €/2026-03-01": "1234.56", 'Groß "A"/2026-03-02': "0.5"}
    guessed = 'rows of export.csv, which is not UTF-8 and was read as Windows-1252 (to say so: encoding = "windows-1252")'
    assert done.assumed == ({guessed: 2} if encoding == "windows-1252" else {})


def test_an_encoding_that_is_said_and_a_compressed_file(tmp_path: Path) -> None:
    content = "Campaign,Day,Amount spent (EUR)\nВесна,2026-03-01,5\n"
    done, events = run(tmp_path, content.encode("windows-1251"), ADS + 'encoding = "windows-1251"')
    assert (amounts(events), done.assumed) == ({"Весна/2026-03-01": "5"}, {})
    folder = saved(tmp_path / "zipped", gzip.compress(content.encode()), "export.csv.gz")
    assert converted("csv", folder, tmp_path / "zip", entry(ADS, "export.csv.gz")).events == {"spend": 1}


def test_the_first_line_that_tells_a_spreadsheet_its_delimiter(tmp_path: Path) -> None:
    assert amounts(run(tmp_path, "sep=;\nCampaign;Day;Amount spent (EUR)\na;2026-03-01;5\n", ADS)[1]) == {"a/2026-03-01": "5"}


@pytest.mark.parametrize(
    ("cell", "decimal", "read"),
    [
        ("$172.45", ".", "172.45"),
        ("$1,234,567.8", ".", "1234567.8"),
        ("1,23,456.78", ".", "123456.78"),
        ("1.234,56 €", ",", "1234.56"),
        ("1 234,56", ",", "1234.56"),
        ("1\u202f234,56\u00a0€", ",", "1234.56"),
        ("CHF 1’234.50", ".", "1234.50"),
        ("(12.00)", ".", "-12.00"),
        ("−5", ".", "-5"),
        ("5-", ".", "-5"),
        ("$-5.10", ".", "-5.10"),
        (".5", ".", "0.5"),
        ("1.5E-05", ".", "0.000015"),
        ("12 apples", ".", None),
        ("1,2", ".", None),
        ("1.2.3", ".", None),
        ("5 %", ".", None),
        ("2026-03-01", ".", None),
        ("", ".", None),
    ],
)
def test_numbers_as_people_see_them(cell: str, decimal: str, read: str | None) -> None:
    found = amount(cell, decimal)
    assert (found and found[0]) == read


@given(
    st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False),
    st.sampled_from([(".", ","), (",", "."), (",", "\u00a0"), (".", "’")]),
    st.sampled_from(["{}", "€{}", "{} €", "EUR {}", "  {}"]),
)
def test_any_amount_is_read_as_it_was_written(value: Decimal, signs: tuple[str, str], shape: str) -> None:
    point, group = signs
    text = f"{value:,.2f}".replace(",", "_").replace(".", point).replace("_", group)
    found = amount(shape.format(text), point)
    assert found is not None
    assert Decimal(found[0]) == value


@given(st.dates(dt.date(1970, 1, 1), dt.date(2068, 12, 31)), st.sampled_from(DATE_FORMATS))
def test_any_day_is_read_by_the_format_it_was_written_in(day: dt.date, form: str) -> None:
    assert date(day.strftime(form), (form,)) == day.isoformat()


# Currencies


def test_a_currency_from_the_header_a_column_a_constant_and_the_cells(tmp_path: Path) -> None:
    mapping = ADS.replace("Amount spent (EUR)", "Cost")
    assert run(tmp_path, "Campaign,Day,Cost\na,2026-03-01,€5\n", mapping)[1][0]["data"]["currency"] == "EUR"
    assert run(tmp_path, "Campaign,Day,Cost\na,2026-03-01,CA$5\n", mapping)[1][0]["data"]["currency"] == "CAD"
    assert (
        run(tmp_path, "Campaign,Day,Cost\na,2026-03-01,$5\n", mapping + 'constants = { currency = "SGD" }')[1][0]["data"]["currency"]
        == "SGD"
    )
    by_row = mapping.replace(" }", ', currency = "Currency" }')
    _, events = run(tmp_path, "Campaign,Day,Cost,Currency\na,2026-03-01,5,gbp\nb,2026-03-01,7,JPY\n", by_row)
    assert [event["data"]["currency"] for event in events] == ["GBP", "JPY"]


def test_a_dollar_sign_is_no_currency(tmp_path: Path) -> None:
    message = refused(tmp_path, "Campaign,Day,Cost\na,2026-03-01,$5\n", ADS.replace("Amount spent (EUR)", "Cost"))
    assert "none of its 1 rows can be read: rows of export.csv of which nothing says the currency" in message
    assert message.endswith('add constants = { currency = "…" } to [[adapters.csv.file]] 1 (export.csv).')


def test_a_cell_in_another_currency_is_left_out_and_a_header_in_another_refused(tmp_path: Path) -> None:
    done, events = run(tmp_path, "Campaign,Day,Amount spent (EUR)\na,2026-03-01,5\nb,2026-03-01,$7\n", ADS)
    assert amounts(events) == {"a/2026-03-01": "5"}
    assert done.left_out == {"rows of export.csv with another currency than EUR, such as line 3": 1}
    message = refused(tmp_path / "two", "Campaign,Day,Amount spent (EUR)\na,2026-03-01,5\n", ADS + 'constants = { currency = "USD" }')
    assert message == (
        "export.csv: the header 'Amount spent (EUR)' says EUR, and the mapping USD: mend currency in [[adapters.csv.file]] 1 (export.csv)."
    )


# Formats that are not the file's


@pytest.mark.parametrize(
    ("rows", "extra", "said"),
    [
        (["a,01.03.2026,5"], "", "'01.03.2026' is no date by the formats of the mapping; add dates = \"%d.%m.%Y\" to"),
        (
            ["a,03/01/2026,5", "a,13/01/2026,5"],
            'dates = "%m/%d/%Y"',
            "'13/01/2026' is no date by the formats of the mapping; add dates = \"%d/%m/%Y\"",
        ),
        (["a,03/04/2026,5"], "", 'add dates = "%m/%d/%Y" or dates = "%d/%m/%Y" to'),
        (['a,2026-03-01,"1.234,56"', "a,2026-03-02,5"], "", "'1.234,56' is no amount with '.' before the decimals; add decimal = \",\" to"),
        (["a,2026-03-01,99.50"], 'decimal = ","', "'99.50' is no amount with ',' before the decimals; add decimal = \".\" to"),
        (
            ["a,2026-03-01,1.234", "a,2026-03-02,5"],
            "",
            '\'1.234\' may be a thousand or have three decimals; add decimal = "." or decimal = "," to',
        ),
    ],
)
def test_a_format_that_is_not_the_files_is_named_with_the_one_that_is(tmp_path: Path, rows: list[str], extra: str, said: str) -> None:
    message = refused(tmp_path, "\n".join(["Campaign,Day,Amount spent (EUR)", *rows]) + "\n", ADS + extra)
    assert said in message
    assert message.endswith("[[adapters.csv.file]] 1 (export.csv).")


def test_thousands_beside_plain_decimals_are_not_ambiguous(tmp_path: Path) -> None:
    content = 'Campaign,Day,Amount spent (EUR)\na,2026-03-01,"1,234"\na,2026-03-02,0.50\n'
    assert amounts(run(tmp_path, content, ADS)[1]) == {"a/2026-03-01": "1234", "a/2026-03-02": "0.5"}
    said = ADS + 'decimal = ","'
    assert amounts(run(tmp_path, 'Campaign,Day,Amount spent (EUR)\na,2026-03-01,"1,234"\n', said)[1]) == {"a/2026-03-01": "1.234"}


def test_rows_that_cannot_be_read_are_left_out_with_an_example(tmp_path: Path) -> None:
    content = (
        "Campaign,Day,Amount spent (EUR)\na,2026-03-01,5\nb,soon,5\nc,2026-02-30,5\nd,2026-03-01,much\n,2026-03-01,5\n"
        "e,2026-03-01,1,50\n2.38427E+16,2026-03-01,5\nf,2026-03-01,\n"
    )
    done, events = run(tmp_path, content, ADS)
    assert amounts(events) == {"a/2026-03-01": "5"}
    assert done.left_out == {
        "rows of export.csv whose Day is no date, such as 'soon' in line 3": 2,
        "rows of export.csv whose Amount spent (EUR) is no amount, such as 'much' in line 5": 1,
        "rows of export.csv without Campaign, such as line 6": 1,
        "rows of export.csv with more cells than the header, such as line 7": 1,
        "rows of export.csv whose Campaign is an id that a spreadsheet has rounded, such as '2.38427E+16' in line 8": 1,
        "rows of export.csv without Amount spent (EUR), such as line 9": 1,
    }


def test_a_campaign_may_be_called_total_something(tmp_path: Path) -> None:
    content = "Campaign,Day,Amount spent (EUR)\nTotal Wine,2026-03-01,5\nTotal: the sale,2026-03-01,5\nTotal,2026-03-01,5\n"
    done, events = run(tmp_path, content, ADS)
    assert sorted(amounts(events)) == ["Total Wine/2026-03-01", "Total: the sale/2026-03-01"]
    assert done.left_out == {"total rows of export.csv, such as line 4": 1}
    kept, _ = run(tmp_path, content, ADS + "skip_total = false")
    assert (kept.events, kept.left_out) == ({"spend": 3}, {})


def test_an_account_may_be_called_total_and_a_region_na(tmp_path: Path) -> None:
    mapping = CRM.replace("closed_on =", 'region = "Region", closed_on =')
    content = DEALS.replace("Close date\n", "Close date,Region\n").replace("1,First,Acme", "1,First,Total").replace("03-31\n", "03-31,NA\n")
    done, events = run(tmp_path, content, mapping)
    assert (done.events, done.left_out) == ({"deal": 3}, {})
    assert (events[0]["data"]["account_id"], events[0]["data"]["region"]) == ("Total", "NA")


# Ids, revisions, rows of one id


def test_the_same_file_again_is_the_same_bytes_and_a_corrected_one_a_new_revision(tmp_path: Path) -> None:
    content = "Campaign,Day,Amount spent (EUR)\na,2026-03-01,5\n"
    run(tmp_path, content, ADS)
    first = (tmp_path / "out" / "marketing.spend.jsonl").read_bytes()
    run(tmp_path, content, ADS)
    assert (tmp_path / "out" / "marketing.spend.jsonl").read_bytes() == first
    later = saved(tmp_path / "in", content.replace(",5", ",6"), stamp=STAMP + 60)
    converted("csv", later, tmp_path / "out", entry(ADS))
    (event,) = events_of(tmp_path / "out")
    assert (event["id"], event["data"]["revision"], event["data"]["amount"]) == (f"a/2026-03-01@{STAMP + 60}000", (STAMP + 60) * 1000, "6")


def test_the_order_of_rows_and_columns_changes_nothing(tmp_path: Path) -> None:
    run(tmp_path, "Campaign,Day,Amount spent (EUR),More\na,2026-03-01,5,x\nb,2026-03-01,6,\n", ADS)
    first = (tmp_path / "out" / "marketing.spend.jsonl").read_bytes()
    run(tmp_path, "AMOUNT SPENT (EUR);day;campaign\n6;2026-03-01;b\n5;2026-03-01;a\n", ADS)
    assert (tmp_path / "out" / "marketing.spend.jsonl").read_bytes() == first


def test_rows_of_one_campaign_and_day_are_added_up_and_told(tmp_path: Path) -> None:
    rows = "a,1,2026-03-01,0.1,1\na,2,2026-03-01,0.2,2\na,3,2026-03-01,0.000001,\na,1,2026-03-02,7,\n"
    content = f"Campaign,Ad,Day,Amount spent (EUR),Clicks\n{rows}"
    done, events = run(tmp_path, content, ADS.replace(" }", ', clicks = "Clicks" }'))
    assert amounts(events) == {"a/2026-03-01": "0.300001", "a/2026-03-02": "7"}
    assert [event["data"].get("clicks") for event in events] == [3, None]
    assert done.assumed == {"rows of export.csv added to another of their campaign and day": 2}


def test_key_columns_name_rows_that_are_finer_than_campaign_and_day(tmp_path: Path) -> None:
    content = "Campaign,Ad,Day,Amount spent (EUR)\na,1,2026-03-01,0.1\na,2,2026-03-01,0.2\n"
    done, events = run(tmp_path, content, ADS + 'key = ["Ad", "Day"]')
    assert [(event["id"], event["data"]["spend_id"], event["data"]["amount"]) for event in events] == [
        (f"1/2026-03-01@{MS}", "1/2026-03-01", "0.1"),
        (f"2/2026-03-01@{MS}", "2/2026-03-01", "0.2"),
    ]
    assert done.assumed == {}


def test_rows_of_one_id_that_differ_are_an_error_and_equal_ones_are_one(tmp_path: Path) -> None:
    mapping = ADS + 'key = ["Campaign"]'
    rows = "Campaign,Day,Amount spent (EUR)\na,2026-03-01,5\na,2026-03-01,5\n"
    assert run(tmp_path, rows, mapping)[0].events == {"spend": 1}
    with pytest.raises(
        SourceError, match=rf"several rows of one spend differ, such as a@{MS}: name the columns that tell them apart in its mapping, key"
    ):
        run(tmp_path, rows + "a,2026-03-02,5\n", mapping)
    with pytest.raises(SourceError, match="several rows of one spend differ"):
        examined("csv", saved(tmp_path / "in", rows + "a,2026-03-02,5\n"), entry(mapping))


def test_amounts_that_are_finer_than_the_books_are_rounded_and_told(tmp_path: Path) -> None:
    done, events = run(tmp_path, "Campaign,Day,Amount spent (EUR)\na,2026-03-01,1.429999948\nb,2026-03-01,1.5\n", ADS)
    assert amounts(events) == {"a/2026-03-01": "1.43", "b/2026-03-01": "1.5"}
    assert done.assumed == {"amounts of export.csv with more decimals than the books hold, rounded half to even": 1}


def test_ids_may_be_put_into_a_namespace(tmp_path: Path) -> None:
    mapping = ADS + 'prefixes = { campaign_id = "google_ads:" }'
    assert amounts(run(tmp_path, "Campaign,Day,Amount spent (EUR)\n17,2026-03-01,5\n", mapping)[1]) == {"google_ads:17/2026-03-01": "5"}


def test_monthly_files_are_one_entry(tmp_path: Path) -> None:
    header = "Campaign,Day,Amount spent (EUR)\n"
    folder = saved(tmp_path / "in", header + "a,2026-03-01,5\n", "ads-03.csv")
    saved(folder, header + "a,2026-03-01,6\na,2026-04-01,7\n", "ads-04.csv", STAMP + 1)
    done = converted("csv", folder, tmp_path / "out", entry(ADS, "ads-*.csv"))
    assert [(event["id"], event["data"]["amount"]) for event in events_of(done.directory)] == [
        (f"a/2026-03-01@{MS}", "5"),
        (f"a/2026-03-01@{STAMP + 1}000", "6"),
        (f"a/2026-04-01@{STAMP + 1}000", "7"),
    ]


# Every type of event

CRM = """type = "deal"
columns = { deal_id = "Record ID", name = "Deal", account_id = "Company", stage = "Stage", status = "Stage", amount = "Amount", \
opened_on = "Created", closed_on = "Close date" }
constants = { currency = "USD" }
values.status = { "Closed won" = "won", "Closed Lost" = "lost", "Proposal" = "open" }
"""
DEALS = (
    "Record ID,Deal,Company,Stage,Amount,Created,Close date\n"
    '1,First,Acme,Closed won,"$1,000.00",2026-01-01,2026-03-31\n2,Second,,proposal,,2026-01-02,\n'
    "3,Third,Acme,Closed Lost,5,2026-01-03,2026-02-01\n"
)


def test_deals_of_a_crm(tmp_path: Path) -> None:
    done, events = run(tmp_path, DEALS, CRM)
    assert (done.events, done.left_out, done.assumed) == ({"deal": 3}, {}, {})
    first, second, third = (event["data"] for event in events)
    assert first == {
        "deal_id": "1",
        "name": "First",
        "account_id": "Acme",
        "stage": "Closed won",
        "status": "won",
        "amount": "1000.00",
        "currency": "USD",
        "opened_on": "2026-01-01",
        "closed_on": "2026-03-31",
        "revision": int(MS),
    }
    assert second == {
        "deal_id": "2",
        "name": "Second",
        "stage": "proposal",
        "status": "open",
        "opened_on": "2026-01-02",
        "revision": int(MS),
    }
    assert (third["status"], third["amount"]) == ("lost", "5.00")
    assert [event["id"] for event in events] == [f"{number}@{MS}" for number in "123"]


def test_dates_of_another_zone_are_its_ends_of_day(tmp_path: Path) -> None:
    _, events = run(tmp_path, DEALS, CRM, time_zone="America/Los_Angeles")
    data = events[0]["data"]
    assert (data["opened_at"], data["closed_at"]) == ("2026-01-01T08:00:00Z", "2026-04-01T06:59:59Z")
    assert not {"opened_on", "closed_on"} & set(data)


def test_when_a_row_last_changed_is_its_revision_where_a_column_says_it(tmp_path: Path) -> None:
    content = (
        DEALS.replace("Close date\n", "Close date,Changed\n")
        .replace("2026-03-31", "2026-03-31,2026-04-01 10:30")
        .replace("2026-02-01", "2026-02-01,")
    )
    done, events = run(tmp_path, content, CRM.replace("closed_on =", 'time = "Changed", closed_on ='), time_zone="Europe/Berlin")
    assert done.events == {"deal": 3}
    assert (events[0]["id"], events[0]["time"]) == ("1@1775032200000", "2026-04-01T08:30:00.000000Z")
    assert (events[2]["id"], events[2]["time"]) == (f"3@{MS}", "2026-03-03T12:00:00.000000Z")


def test_words_without_an_answer_are_all_named(tmp_path: Path) -> None:
    mapping = CRM.replace(', "Proposal" = "open"', "")
    message = refused(tmp_path, DEALS + "4,F,A,Verbal,5,2026-01-01,\n5,F,A,Verbal,5,2026-01-01,\n", mapping)
    assert "values.status: 'Verbal' (2 rows); values.status: 'proposal' (1 rows)" in message
    found = examined("csv", tmp_path / "in", entry(mapping))
    assert found.unmapped == (("values.status", "Verbal", 2), ("values.status", "proposal", 1))
    shared = run(tmp_path, DEALS, mapping, values={"status": {"proposal": "open"}})[0]
    assert shared.events == {"deal": 3}


def test_deals_that_no_book_can_hold_are_left_out(tmp_path: Path) -> None:
    content = (
        DEALS
        + "4,F,A,Closed won,5,2026-01-01,\n5,F,A,Proposal,-5,2026-01-01,\n6,F,A,Proposal,5,,\n7,F,A,Closed won,,2026-01-01,2026-02-02\n"
    )
    done, _ = run(tmp_path, content, CRM)
    assert done.events == {"deal": 4}
    assert done.left_out == {
        "rows of export.csv of deals with a negative amount, such as line 6": 1,
        "rows of export.csv that are won or lost, and without a date of closing, such as line 5": 1,
        "rows of export.csv without a date of opening, such as line 7": 1,
    }
    assert done.assumed == {"won deals of export.csv without an amount": 1}


EACH: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "campaign": (
        "Id,Name,Type,Budget\nc1,Spring,paid,500\n",
        'columns = { campaign_id = "Id", name = "Name", campaign_type = "Type", budget = "Budget" }\n'
        'constants = { channel = "paid_search", currency = "EUR" }',
        f"c1@{MS}",
        {"campaign_id": "c1", "name": "Spring", "campaign_type": "paid", "budget": "500.00", "channel": "paid_search", "currency": "EUR"},
    ),
    "account": (
        "Id,Firm,People,Gone\na1,Acme,1.200,nein\n",
        'columns = { account_id = "Id", name = "Firm", employees = "People", deleted = "Gone" }\ndecimal = ","',
        f"a1@{MS}",
        {"account_id": "a1", "name": "Acme", "employees": 1200, "deleted": False, "revision": int(MS)},
    ),
    "lead_stage": (
        "Lead,Status,When,Score\nl1,Contacted,2026-03-01 09:00,85 %\n",
        'columns = { lead_id = "Lead", stage = "Status", time = "When", score = "Score" }\nvalues = { stage = { contacted = "sal" } }',
        "l1/sal@1772355600000",
        {"lead_id": "l1", "stage": "sal", "score": 0.85},
    ),
    "fx": (
        "Date;Rate\n01.03.2026;1,0834\n",
        'columns = { date = "Date", rate = "Rate" }\nconstants = { base = "EUR", quote = "USD" }\ndates = "%d.%m.%Y"\ndecimal = ","',
        f"EUR/USD/2026-03-01@{MS}",
        {"date": "2026-03-01", "base": "EUR", "quote": "USD", "rate": "1.0834"},
    ),
    "adjustment": (
        "Note,Deal,Amount (JPY),Day\nn1,d1,-500,2026-03-01\n",
        'columns = { deal_id = "Deal", amount = "Amount (JPY)", effective_on = "Day" }\nkey = ["Note"]',
        f"n1@{MS}",
        {"adjustment_id": "n1", "deal_id": "d1", "amount": "-500", "currency": "JPY", "effective_on": "2026-03-01"},
    ),
    "identity": (
        "Contact,Account,Since\nc1,a1,2026-03-01\n",
        'columns = { left.id = "Contact", right.id = "Account", since = "Since" }\n'
        'constants = { op = "link", left.kind = "person", right.kind = "account" }',
        f"person:c1/account:a1@{MS}",
        {"op": "link", "left": {"kind": "person", "id": "c1"}, "right": {"kind": "account", "id": "a1"}, "since": "2026-03-01T00:00:00Z"},
    ),
    "retraction": (
        "Touch\nt1\n",
        'columns = { touch_id = "Touch" }\nconstants = { touch_source = "web", reason = "spam" }\ndelimiter = ","',
        f"web/t1@{MS}",
        {"touch_id": "t1", "touch_source": "web", "reason": "spam"},
    ),
    "erasure": (
        "Person,Why\np1,asked\n",
        'columns = { person_id = "Person", reason = "Why" }',
        f"person:p1@{MS}",
        {"person_id": "p1", "reason": "asked"},
    ),
    "touch": (
        "Mail,At,Event,Source,City\n Ann@Acme.example ,2026-03-01T10:00:00+03:00,Fair,news,Riyadh\n",
        'columns = { person_id = "Mail", time = "At", campaign_id = "Event", utm.source = "Source", attributes."the city" = "City" }\n'
        'constants = { channel = "event", kind = "event_attended", team = "marketing" }',
        "/email:54b31ca61b4af00b5cf83f4c5ab64a6e//event/event_attended/Fair/2026-03-01T07:00:00.000000Z",
        {
            "person_id": "email:54b31ca61b4af00b5cf83f4c5ab64a6e",
            "campaign_id": "Fair",
            "channel": "event",
            "kind": "event_attended",
            "team": "marketing",
            "utm": {"source": "news"},
            "attributes": {"the city": "Riyadh"},
        },
    ),
}


@pytest.mark.parametrize("fact_type", EACH)
def test_every_type_of_event_can_be_made(fact_type: str, tmp_path: Path) -> None:
    content, mapping, identity, data = EACH[fact_type]
    if fact_type == "touch":
        expected = "email:" + hashlib.sha256(b"ann@acme.example").hexdigest()[:32]
        identity, data = identity.replace("email:54b31ca61b4af00b5cf83f4c5ab64a6e", expected), {**data, "person_id": expected}
    done, (event,) = run(tmp_path, content, f'type = "{fact_type}"\n{mapping}')
    assert done.events == {fact_type: 1}
    assert (event["id"], event["data"]) == (identity, data)


def test_several_entries_of_one_type_and_of_several(tmp_path: Path) -> None:
    folder = saved(tmp_path / "in", "Campaign,Day,Cost\na,2026-03-01,€5\n", "one.csv")
    saved(folder, "Kampagne;Tag;Klicks;Kosten in EUR\nb;2026-03-02;4;6\n", "two.csv")
    files = [
        entry(ADS.replace("Amount spent (EUR)", "Cost"), "one.csv")["file"][0],
        entry(
            'type = "spend"\ncolumns = { campaign_id = "Kampagne", starts_on = "Tag", amount = "Kosten in EUR", clicks = "Klicks" }',
            "two.csv",
        )["file"][0],
        entry(
            'type = "campaign"\ncolumns = { campaign_id = "Campaign", name = "Campaign" }\nconstants = { channel = "paid_search" }',
            "one.csv",
        )["file"][0],
    ]
    done = converted("csv", folder, tmp_path / "out", {"file": files})
    assert done.events == {"spend": 2, "campaign": 1}
    assert [event["data"].get("clicks") for event in events_of(done.directory, "spend")] == [None, 4]


def test_one_cost_in_two_entries_is_an_error(tmp_path: Path) -> None:
    """The registers would keep one of them: two platforms may both have a campaign called Brand."""
    folder = saved(tmp_path / "in", "Campaign,Day,Amount spent (EUR)\nBrand,2026-03-01,5\n", "one.csv")
    saved(folder, "Campaign,Day,Amount spent (EUR)\nBrand,2026-03-01,6\n", "two.csv", STAMP + 1)
    one, two = (entry(ADS, name)["file"][0] for name in ("one.csv", "two.csv"))
    with pytest.raises(
        SourceError, match=r"two entries have a cost of one campaign and day, .*: Brand/2026-03-01: tell them apart, prefixes = \{ camp"
    ):
        converted("csv", folder, tmp_path / "out", {"file": [one, two]})
    apart = {"file": [one, {**two, "prefixes": {"campaign_id": "bing:"}}]}
    converted("csv", folder, tmp_path / "out", apart)
    assert amounts(events_of(tmp_path / "out")) == {"Brand/2026-03-01": "5", "bing:Brand/2026-03-01": "6"}
    assert converted("csv", folder / "two.csv", tmp_path / "two", {"file": [one, two]}).events == {"spend": 1}
    with pytest.raises(SourceError, match=r"four\.csv is none of the files of the mapping: one\.csv, two\.csv\."):
        converted("csv", saved(folder, "", "four.csv") / "four.csv", tmp_path / "out", {"file": [one, two]})


def test_a_source_is_called_after_its_section(tmp_path: Path) -> None:
    folder = saved(tmp_path / "in", "Campaign,Day,Amount spent (EUR)\na,2026-03-01,5\n")
    config = config_of("linkedin_by_hand", {"adapter": "csv", "from": str(folder), **entry(ADS)})
    (pull,) = pulls(config)
    convert(pull, config, tmp_path / "out")
    assert [event["source"] for event in events_of(tmp_path / "out")] == ["linkedin_by_hand"]


# A mapping or a file that is wrong


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ('type = "spent"', "type: there is no 'spent'; did you mean 'spend'?"),
        ("", 'it has no type; add a line such as type = "spend"'),
        (ADS + 'date = "x"', "there is no key 'date'; did you mean 'dates'?"),
        (ADS.replace("campaign_id", "campain_id"), "columns: 'campain_id' is no field of a spend; did you mean 'campaign_id'?"),
        (ADS.replace("starts_on", "ends_on"), 'a spend needs starts_on; add columns = { starts_on = "…" }.'),
        (ADS + 'constants = { amount = "5" }', "amount is a column and a constant; keep one of them."),
        (ADS + 'constants = { currency = "euro" }', "constants.currency: expected one such as \"EUR\", found 'euro'."),
        (ADS + 'constants = { ends_on = "31.03.2026" }', "constants.ends_on: expected one such as \"2026-03-01\", found '31.03.2026'."),
        (ADS + "constants = { clicks = 1.5 }", "constants.clicks: expected a text, found 1.5."),
        (
            'type = "spend"\ncolumns = { campaign_id = "C", starts_on = "D" }\nconstants = { amount = "5" }',
            'amount has no currency; add constants = { currency = "…" }.',
        ),
        (ADS + 'constants = { spend_id = ["5"] }', "constants.spend_id: expected a text, found ['5']."),
        (ADS + 'dates = "DD.MM.YYYY"', "dates: 'DD.MM.YYYY' is no format; write one such as dates = \"%d.%m.%Y\"."),
        (ADS + 'decimal = ";"', 'decimal: expected "." or ",", found \';\'.'),
        (ADS + 'encoding = "ansi-1252"', "there is no encoding 'ansi-1252'"),
        (ADS + 'delimiter = ";;"', "delimiter: expected one character"),
        (ADS + 'prefixes = { campaign = "x" }', "'campaign' is no field of a spend; did you mean 'campaign_id'?"),
        (ADS.replace(" }", ', revision = "Version" }'), "'revision' is no field of a spend"),
        (CRM.replace('"Closed won" = "won"', '"Closed won" = "wonn"'), "status: 'wonn' is none of open, won, lost; did you mean 'won'?"),
        (
            'type = "touch"\ncolumns = { person_id = "Mail", time = "At", channel = "C", kind = "K" }',
            'a touch needs team; add columns = { team = "…" } or constants = { team = "…" }.',
        ),
        (
            'type = "touch"\ncolumns = { person_id = "M", channel = "C", kind = "K", team = "T" }',
            'a touch needs time; add columns = { time = "…" }.',
        ),
        (CRM.replace('opened_on = "Created", ', ""), 'a deal needs opened_on or opened_at; add columns = { opened_on = "…" }.'),
    ],
)
def test_a_mapping_that_makes_no_event_says_what_to_mend(tmp_path: Path, mapping: str, said: str) -> None:
    message = refused(tmp_path, "Campaign,Day\n", mapping)
    assert said in message
    assert message.startswith("[[adapters.csv.file]] 1")


def test_shared_words_of_a_field_that_no_file_has_are_told(tmp_path: Path) -> None:
    message = refused(tmp_path, DEALS, CRM, values={"statsu": {"x": "won"}})
    assert message == "adapters.csv.values: 'statsu' is no field of its files; did you mean 'status'?"


def test_dates_of_toml_are_constants(tmp_path: Path) -> None:
    mapping = ADS.replace('starts_on = "Day", ', "") + "constants = { starts_on = 2026-03-01, ends_on = 2026-03-31 }"
    (event,) = run(tmp_path, "Campaign,Amount spent (EUR)\na,5\n", mapping)[1]
    assert (event["id"], event["data"]["starts_on"], event["data"]["ends_on"]) == (
        f"a/2026-03-01/2026-03-31@{MS}",
        "2026-03-01",
        "2026-03-31",
    )


def test_what_is_looked_at_is_called_as_the_file(tmp_path: Path) -> None:
    found = examined("csv", saved(tmp_path / "in", DEALS), entry(CRM))
    assert [(table.name, table.found) for table in found.tables] == [("file_1", "export.csv")]
    assert (found.events, found.unread) == ({"deal": 3}, ())


def test_a_missing_file_and_a_missing_column_are_named_with_what_is_there(tmp_path: Path) -> None:
    folder = saved(tmp_path / "in", "Kampagne,Day,Amount spent (USD)\na,2026-03-01,5\n")
    with pytest.raises(
        SourceError, match=r"in has no file exports\.csv; did you mean 'export\.csv'\?; there is: export\.csv: mend path in \[\["
    ):
        converted("csv", folder, tmp_path / "out", entry(ADS, "exports.csv"))
    message = refused(tmp_path, "Campaigns,Day,Amount spent (EUR)\na,2026-03-01,5\n", ADS)
    assert message == (
        "export.csv has no column 'Campaign'; did you mean 'Campaigns'?; it has 'Campaigns', 'Day', 'Amount spent (EUR)': "
        'mend columns = { campaign_id = "…" } in [[adapters.csv.file]] 1 (export.csv).'
    )
    assert "has no column 'Amount spent (EUR)'" in refused(tmp_path, "Campaign,Day,Amount spent (USD)\na,2026-03-01,5\n", ADS)
    assert "has 2 columns 'Day'" in refused(tmp_path, "Campaign,Day,Day,Amount spent (EUR)\na,2026-03-01,5,6\n", ADS)
    assert "has no column 'Ad'; " in refused(tmp_path, "Campaign,Day,Amount spent (EUR)\na,2026-03-01,5\n", ADS + 'key = ["Ad"]')
    with pytest.raises(SourceError, match=r"nowhere: no such file or folder; name what holds the exports\."):
        converted("csv", "nowhere", tmp_path / "out", entry(ADS))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"PK\x03\x04rest",
            "export.csv is a spreadsheet (.xlsx, .ods) or an archive and no text; save it as CSV (UTF-8), and name that file.",
        ),
        (b"\xd0\xcf\x11\xe0rest", "export.csv is an old spreadsheet (.xls) and no text"),
        (b"", "export.csv: no line in it looks like a header"),
    ],
)
def test_what_is_no_csv_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refused(tmp_path, content, ADS)


def test_a_file_without_rows_has_no_events(tmp_path: Path) -> None:
    done, events = run(tmp_path, "Campaign,Day,Amount spent (EUR)\n", ADS)
    assert (done.events, events, done.left_out) == ({"spend": 0}, [], {})


def test_a_section_without_a_mapping_says_how_to_get_one(tmp_path: Path) -> None:
    folder = saved(tmp_path / "in", "a,b\n")
    with pytest.raises(ConfigError, match=r"adapters\.csv: it maps no file: `nisba adapters check csv FILE` proposes what to write"):
        converted("csv", folder, tmp_path / "out")


# The mapping that is proposed


def proposal(where: Path) -> str:
    """Return what `nisba adapters check csv` proposes, as it is pasted."""
    config = load_config(None, {})
    (pull,) = pulls(config, "csv", str(where))
    lines: dict[str, list[str]] = {}
    for section, line in examine(pull, config).proposed:
        lines.setdefault(section, []).append(line)
    files = [f"[[adapters.f.file]]\n{text}" for text in "\n".join(lines.pop("[adapters.in.file]", [])).split("\npath")]
    assert lines.keys() <= {"adapters.in"}
    return "\n".join(files)


PROPOSED = {
    "spend": (
        "Bericht vom 1.4.2026\n\nKampagne;Tag;Ausgegebener Betrag (EUR);Impressionen\nA;01.03.2026;1.234,50;10\nGesamt;;1.234,50;10\n",
        'path = "export.csv"\ntype = "spend"\ncolumns.campaign_id = "Kampagne"\ncolumns.starts_on = "Tag"\n'
        'columns.amount = "Ausgegebener Betrag (EUR)"\ncolumns.impressions = "Impressionen"\nconstants.currency = "EUR"\n'
        'dates = "%d.%m.%Y"\ndecimal = ","',
    ),
    "deal": (
        "Record ID,Deal Name,Deal Stage,Amount,Create Date,Close Date,Associated Company\n"
        "1,A,Closed won,£5,2026-01-01,2026-02-01,X\n2,B,Offer,£5,2026-01-01,,\n",
        'path = "export.csv"\ntype = "deal"\ncolumns.deal_id = "Record ID"\ncolumns.name = "Deal Name"\n'
        'columns.account_id = "Associated Company"\ncolumns.stage = "Deal Stage"\ncolumns.status = "Deal Stage"\n'
        'columns.amount = "Amount"\n'
        'columns.opened_on = "Create Date"\ncolumns.closed_on = "Close Date"\n'
        'constants.currency = "…"  # needed; the cells may be of EGP, GBP, GIP, LBP\n'
        'values.status."Closed won" = "won"\nvalues.status."Offer" = "open"',
    ),
    "touch": (
        "Email;Registered at;Webinar\nann@acme.example;03/04/2026 10:00;W1\n",
        'path = "export.csv"\ntype = "touch"\ncolumns.person_id = "Email"\ncolumns.time = "Registered at"\n'
        'columns.campaign_id = "Webinar"\n'
        'constants.channel = "…"  # needed; no column is called so\nconstants.kind = "…"  # needed; no column is called so\n'
        'constants.team = "marketing"  # needed; one of marketing, sales, partner, customer\n'
        'dates = "%m/%d/%Y %H:%M"  # or "%d/%m/%Y %H:%M": these cells fit all of them',
    ),
}


@pytest.mark.parametrize("fact_type", PROPOSED)
def test_a_mapping_is_proposed_with_what_nobody_can_know(fact_type: str, tmp_path: Path) -> None:
    content, lines = PROPOSED[fact_type]
    assert proposal(saved(tmp_path / "in", content)) == f"[[adapters.f.file]]\n{lines}"


@pytest.mark.parametrize("fact_type", PROPOSED)
def test_what_is_proposed_reads_the_file_once_the_gaps_are_filled(fact_type: str, tmp_path: Path) -> None:
    content, lines = PROPOSED[fact_type]
    filled = {"spend": lines, "deal": lines.replace("…", "GBP"), "touch": lines.replace("…", "webinar")}[fact_type]
    section = {"file": [tomllib.loads(filled)]}
    done = converted("csv", saved(tmp_path / "in", content), tmp_path / "out", section)
    assert done.events == {fact_type: {"spend": 1, "deal": 2, "touch": 1}[fact_type]}


def test_a_header_that_says_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"export\.csv: nothing in its header says what it holds \('Alpha', 'Beta'\)"):
        proposal(saved(tmp_path / "in", "Alpha,Beta\n1,2\n"))
    with pytest.raises(SourceError, match="no CSV file there"):
        proposal(tmp_path / "nothing")


# Real exports


def test_real_facebook_ads(sample_data: Path, tmp_path: Path) -> None:
    """1,143 ads without a date: what was spent over the whole time, exact to six decimals."""
    mapping = """type = "spend"
columns = { campaign_id = "xyz_campaign_id", amount = "Spent", impressions = "Impressions", clicks = "Clicks" }
constants = { starts_on = "2017-08-01", ends_on = "2017-08-31", currency = "USD" }
decimal = "."
"""
    done = converted("csv", sample_data / "kag_facebook_ads", tmp_path / "out", entry(mapping, "KAG_conversion_data.csv"))
    events = events_of(done.directory)
    assert done.events == {"spend": 3}
    assert done.assumed["rows of KAG_conversion_data.csv added to another of their campaign and day"] == 1140
    assert sum(event["data"]["impressions"] for event in events) == 213_434_828
    assert sum(event["data"]["clicks"] for event in events) == 38_165
    assert sum((Decimal(event["data"]["amount"]) for event in events), Decimal(0)).quantize(Decimal("0.01")) == Decimal("58705.23")


def test_a_real_crm_of_8_800_deals(sample_data: Path, tmp_path: Path) -> None:
    """The same figures as by the adapter that knows this CRM."""
    mapping = """type = "deal"
columns = { deal_id = "opportunity_id", account_id = "account", stage = "deal_stage", status = "deal_stage", amount = "close_value", \
opened_on = "engage_date", closed_on = "close_date", owner = "sales_agent", product = "product" }
constants = { currency = "USD" }
dates = "%m/%d/%Y"
values.status = { Engaging = "open", Prospecting = "open" }
"""
    done = converted("csv", sample_data / "maven_crm", tmp_path / "out", entry(mapping, "sales_pipeline.csv"))
    events = events_of(done.directory)
    assert done.left_out == {"rows of sales_pipeline.csv without a date of opening, such as line 8302": 500}
    assert Counter(event["data"]["status"] for event in events) == {"won": 4238, "lost": 2473, "open": 1589}
    assert sum(Decimal(event["data"].get("amount", 0)) for event in events if event["data"]["status"] == "won") == Decimal(10_005_534)
