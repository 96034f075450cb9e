"""Pull deals, contacts and companies with their history out of HubSpot into Parquet, as `nisba --adapter hubspot` reads them.

    HUBSPOT_TOKEN=… python hubspot.py exports      # writes exports/hubspot/deals/*.parquet and its neighbours

Needs `pip install dlt==1.31.0 pyarrow`, in an environment of its own. The token is that of a private app that may read CRM objects.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

import dlt
from dlt.sources.helpers import requests

URL = os.environ.get("HUBSPOT_URL", "https://api.hubapi.com")
DEAL = ["dealname", "dealstage", "pipeline", "amount", "deal_currency_code", "closedate", "createdate", "dealtype", "hubspot_owner_id"]
DEAL += ["hs_lastmodifieddate", "hs_is_closed", "hs_is_closed_won", "hs_merged_object_ids", "hs_next_step", "closed_lost_reason"]
CONTACT = ["email", "lifecyclestage", "hs_lead_status", "associatedcompanyid", "createdate", "lastmodifieddate", "hubspot_owner_id"]
CONTACT += ["hs_merged_object_ids", "hs_calculated_merged_vids", "hs_object_id"]
COMPANY = ["name", "industry", "numberofemployees", "country", "hs_parent_company_id", "hs_merged_object_ids", "hs_lastmodifieddate"]
HISTORY = {
    "deals": ["dealstage", "amount", "closedate", "deal_currency_code"],
    "contacts": ["lifecyclestage", "hs_lead_status"],
}
COMPANY_OF_DEAL = {"deal_to_company": 5, "deal_to_company_unlabeled": 341}
"""HubSpot's numbers of the two ways in which a company belongs to a deal; 5 is the primary one."""


def pages(path: str, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield the results of a listing, page by page."""
    while True:
        answer = requests.get(f"{URL}{path}", params=parameters, headers={"Authorization": f"Bearer {os.environ['HUBSPOT_TOKEN']}"})
        body = answer.json()
        yield body["results"]
        after = body.get("paging", {}).get("next", {}).get("after")
        if after is None:
            return
        parameters["after"] = after


def objects(name: str, properties: list[str], **more: Any) -> Iterator[dict[str, Any]]:
    """Yield the living and the archived objects of a kind."""
    given = {"properties": ",".join(properties), **more}
    for archived in ("false", "true"):
        for page in pages(f"/crm/v3/objects/{name}", archived=archived, **given):
            yield from page


def flat(one: dict[str, Any]) -> dict[str, Any]:
    """Return an object with its properties beside its id."""
    return {**one["properties"], "id": one["id"], "is_deleted": bool(one.get("archived")), "updated_at": one["updatedAt"]}


def with_history(name: str, properties: list[str], **more: Any) -> Iterator[Any]:
    """Yield objects into the table of their name, and every change of the properties in HISTORY into `<name>_property_history`."""
    for one in objects(name, properties, propertiesWithHistory=",".join(HISTORY[name]), limit=50, **more):
        yield dlt.mark.with_table_name(flat(one), name)
        for changed, versions in (one.get("propertiesWithHistory") or {}).items():
            for version in versions:
                row = {"object_id": one["id"], "property_name": changed, "value": version["value"], "timestamp": version["timestamp"]}
                yield dlt.mark.with_table_name(row, f"{name}_property_history")
        yield from links(name, one)


def links(name: str, one: dict[str, Any]) -> Iterator[Any]:
    """Yield which companies and contacts belong to a deal."""
    for other, column in (("companies", "company_id"), ("contacts", "contact_id")):
        for link in (one.get("associations") or {}).get(other, {}).get("results", []):
            row = {"deal_id": one["id"], column: link["id"], "type_id": COMPANY_OF_DEAL.get(link["type"], 3)}
            yield dlt.mark.with_table_name(row, f"deal_{column.removesuffix('_id')}")


@dlt.source
def hubspot() -> Any:
    """Return what the adapter reads; each run replaces the tables of the one before."""
    return [
        dlt.resource(
            with_history("deals", DEAL, associations="companies,contacts"), name="deals_with_history", write_disposition="replace"
        ),
        dlt.resource(with_history("contacts", CONTACT), name="contacts_with_history", write_disposition="replace"),
        dlt.resource((flat(one) for one in objects("companies", COMPANY, limit=100)), name="companies", write_disposition="replace"),
        dlt.resource(pages("/crm/v3/pipelines/deals"), name="pipelines_deals", write_disposition="replace"),
    ]


if __name__ == "__main__":
    folder = os.path.abspath(sys.argv[1])
    pipeline = dlt.pipeline(
        "hubspot", destination=dlt.destinations.filesystem(f"file://{folder}"), dataset_name="hubspot", pipelines_dir=f"{folder}/.dlt"
    )
    print(pipeline.run(hubspot(), loader_file_format="parquet"))  # noqa: T201 - a script tells what it did
