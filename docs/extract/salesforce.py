"""Pull the objects that `nisba --adapter salesforce` reads out of Salesforce into Parquet, deleted rows included.

    SALESFORCE_URL=https://….my.salesforce.com SALESFORCE_TOKEN=… python salesforce.py exports

Needs `pip install dlt==1.31.0 pyarrow`, in an environment of its own. `sf org display` shows a token and the address of an org.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

import dlt
from dlt.sources.helpers import requests

VERSION = "v62.0"
OBJECTS = ["Opportunity", "OpportunityHistory", "OpportunityStage", "OpportunityContactRole", "Account", "Contact", "ContactHistory"]
OBJECTS += ["Lead", "LeadHistory", "Campaign", "CampaignMember", "Task", "Event", "CurrencyType", "DatedConversionRate"]
"""What the adapter knows; an object that the org does not have, such as rates of a single currency, is passed over."""
COMPOUND = ("address", "location", "base64")
"""Types of fields that are made of others, or are files."""


def answered(path: str, **parameters: Any) -> Any:
    """Return the body of an answer, with exact numbers."""
    headers = {"Authorization": f"Bearer {os.environ['SALESFORCE_TOKEN']}"}
    return requests.get(os.environ["SALESFORCE_URL"] + path, params=parameters, headers=headers).json(parse_float=Decimal)


def known() -> set[str]:
    """Return the names of the objects that the org has."""
    return {one["name"] for one in answered(f"/services/data/{VERSION}/sobjects")["sobjects"]}


def rows(name: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of an object page by page, those in the recycle bin too (queryAll)."""
    fields = answered(f"/services/data/{VERSION}/sobjects/{name}/describe")["fields"]
    columns = ", ".join(field["name"] for field in fields if field["type"] not in COMPOUND)
    page = answered(f"/services/data/{VERSION}/queryAll", q=f"SELECT {columns} FROM {name}")
    while True:
        yield [{column: value for column, value in row.items() if column != "attributes"} for row in page["records"]]
        if page["done"]:
            return
        page = answered(page["nextRecordsUrl"])


@dlt.source
def salesforce() -> Any:
    """Return one table for each object; each run replaces the tables of the one before."""
    there = known()
    return [dlt.resource(rows(name), name=name, write_disposition="replace") for name in OBJECTS if name in there]


if __name__ == "__main__":
    folder = os.path.abspath(sys.argv[1])
    pipeline = dlt.pipeline(
        "salesforce", destination=dlt.destinations.filesystem(f"file://{folder}"), dataset_name="salesforce", pipelines_dir=f"{folder}/.dlt"
    )
    print(pipeline.run(salesforce(), loader_file_format="parquet"))  # noqa: T201 - a script tells what it did
