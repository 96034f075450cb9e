"""What the firm calls each label in use, and how labels are compared: SQL can neither look a label up nor fold its case as Unicode does."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from nisba.attribution.facts import TEXT
from nisba.attribution.labels import folded, is_no_campaign, labels_of, relabelled
from nisba.config import Labels

__all__ = ["model"]

RAW = {"channel": "channel", "kind": "kind", "lead_segment": "segment", "deal_segment": "segment"}
"""Fields whose labels are still as the sources write them, and the map that they go through; the others are the firm's own already."""


def model(label_in_use: pa.Table, label: pa.Table) -> pa.Table:
    """Return one row per label in use: `field, label, name, folded`, the name null where the label is none."""
    labels = labels_of(label.to_pylist())
    fields, found = label_in_use["field"].to_pylist(), label_in_use["label"].to_pylist()
    names = [_name(field, text, labels) for field, text in zip(fields, found, strict=True)]
    compared = [None if name is None else folded(name) for name in names]
    return pa.table(
        {"field": pa.array(fields, TEXT), "label": pa.array(found, TEXT), "name": pa.array(names, TEXT), "folded": pa.array(compared, TEXT)}
    )


def _name(field: str, text: str, labels: Labels) -> Any:
    if field == "campaign":
        return None if is_no_campaign(text) else text
    return relabelled(pa.array([text], TEXT), RAW[field], labels)[0].as_py() if field in RAW else text
