"""What the demo's company is advised: the evidence of each piece holds the rows behind its figure, and the report says them all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nisba.config import Config, Publish
from reports.render.sentences import advice
from reports.values import read_report
from reports.words import words
from tests.some_models import build_models
from warehouse.connection import open_reader, open_writer
from warehouse.models.publication import prepare
from warehouse.query import rows_as_dicts

Row = dict[str, Any]
DEFAULT = "model = (SELECT default_model FROM core.setting)"


@pytest.fixture(scope="module")
def con(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The company's books with everything that could be advised, down to samples of three."""
    copied = tmp_path_factory.mktemp("advised") / "warehouse.duckdb"
    copied.write_bytes(company.read_bytes())
    with open_writer(copied) as connection:
        connection.execute("UPDATE core.agreement SET advice_count = 1000, min_sample = 3")
        build_models(connection, {"marts.advice"})
        yield connection


def rate(con: duckdb.DuckDBPyConnection, piece: Row, rows: list[Row]) -> tuple[float, None]:
    """Of the passes in the evidence those that have the later stage."""
    _, from_stage, to_stage = piece["metric"].split("_")
    assert {row["stage"] for row in rows} == {from_stage}
    there = {row[:2] for row in con.execute("SELECT lead_id, pass_no FROM core.lead_stage WHERE stage = ?", [to_stage]).fetchall()}
    return sum((row["lead_id"], row["pass_no"]) in there for row in rows) / len(rows), None


def roi(con: duckdb.DuckDBPyConnection, piece: Row, rows: list[Row]) -> tuple[float, Decimal]:
    (row,) = rows
    return float((row["revenue"] - row["cost"]) / row["cost"]), row["cost"]


def cost_per_mql(con: duckdb.DuckDBPyConnection, piece: Row, rows: list[Row]) -> tuple[float, int]:
    key = "campaign_id" if piece["entity_kind"] == "campaign" else "channel"
    where = f"FROM marts.{piece['entity_kind']}_roi WHERE period = ? AND {key} = ? AND {DEFAULT}"
    (bought,) = rows_as_dicts(con, where, [piece["period"], piece["entity"]])
    return float(bought["cost"] / len(rows)), len(rows)


def win_rate(con: duckdb.DuckDBPyConnection, piece: Row, rows: list[Row]) -> tuple[float, None]:
    return Counter(row["status"] for row in rows)["won"] / len(rows), None


def exceptions(con: duckdb.DuckDBPyConnection, piece: Row, rows: list[Row]) -> tuple[float, Decimal]:
    """A deal counts once, with its largest; its money is set against what the owner won."""
    at_risk: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        at_risk[row["deal_id"]] = max(at_risk[row["deal_id"]], row["money_at_risk"])
    where = f"FROM marts.marketing_share WHERE period = ? AND segment_kind = 'owner' AND segment = ? AND {DEFAULT}"
    (won,) = rows_as_dicts(con, where, [piece["period"], piece["entity"]])
    return float(sum(at_risk.values()) / won["won_revenue"]), won["won_revenue"]


BEHIND: dict[str, Callable[[duckdb.DuckDBPyConnection, Row, list[Row]], tuple[float, Decimal | int | None]]] = {
    "advice.conversion": rate,
    "advice.roi": roi,
    "advice.cost_per_mql": cost_per_mql,
    "advice.win_rate": win_rate,
    "advice.exception_share_of_revenue": exceptions,
}
"""The figure that the rows of the evidence make, and what a unit of it is worth where they tell."""


@pytest.mark.parametrize("sentence_key", BEHIND)
def test_evidence_is_the_rows_behind_the_figure(con: duckdb.DuckDBPyConnection, sentence_key: str) -> None:
    pieces = rows_as_dicts(con, "FROM marts.advice WHERE sentence_key = ? ORDER BY rank", [sentence_key])
    assert len(pieces) >= 3
    for piece in pieces:
        value, unit = BEHIND[sentence_key](con, piece, rows_as_dicts(con, piece["evidence"]))
        assert value == pytest.approx(piece["value"], rel=1e-9), piece
        if unit is not None:
            assert abs(piece["best_quartile"] - value) * float(unit) == pytest.approx(piece["money"], rel=1e-9)


def test_report_says_every_piece_in_its_place(company: Path) -> None:
    with open_reader(company) as con:
        found = read_report(con)
        columns = "rank, metric, entity, period, value, best_quartile, money, evidence"
        rows = con.execute(f"SELECT {columns} FROM marts.advice ORDER BY rank").fetchall()
    assert [piece.rank for piece in found.advice] == list(range(1, 11))
    assert [
        (piece.rank, piece.metric, piece.entity, piece.period, piece.value, piece.best_quartile, piece.evidence) for piece in found.advice
    ] == [(*row[:6], row[7]) for row in rows]
    assert [float(piece.money) for piece in found.advice] == pytest.approx([row[6] for row in rows], abs=0.005)
    for language in ("en", "ar"):
        sentences = advice(found, words(language))
        assert len(set(sentences)) == len(rows)
        assert [piece.name in text for piece, text in zip(found.advice, sentences, strict=True)] == [True] * len(rows)
    assert {piece.name for piece in found.advice if piece.entity_kind == "campaign"} >= {"LinkedIn: CFOs of the mid-market"}


def test_evidence_runs_on_a_snapshot_and_names_no_owner_there(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    snapshot = prepare(con, Config(publish=Publish(directory=str(tmp_path))))
    with open_reader(snapshot) as published:
        pieces = rows_as_dicts(published, "FROM marts.advice")
        found = {piece["rank"]: len(rows_as_dicts(published, piece["evidence"])) for piece in pieces}
    here = rows_as_dicts(con, "FROM marts.advice WHERE entity_kind <> 'owner'")
    assert found == {piece["rank"]: len(rows_as_dicts(con, piece["evidence"])) for piece in here}
    assert min(found.values()) >= 1
