"""The attribution core beside the same models in hand-written SQL, on one core each; both exact to the cent.

1M touches, 111k won deals, all built-in models. The SQL has the easier task: it takes `account_id` as it is, where the core also
settles identity, and it leaves out pipeline created, so what is compared is rows a second. Both must credit the same cents, row by row,
or the benchmark fails.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from benchmarks.timing import fastest, show
from benchmarks.workload import company
from nisba.attribution import attribute_shard, fold, resolve
from nisba.attribution.books import Books
from nisba.attribution.facts import Facts
from nisba.attribution.models import RULE_MODELS, Model
from nisba.config import load_config

__all__ = ["assert_same_credits", "attribute_in_sql", "load", "main"]

JOURNEY = """
    CREATE OR REPLACE TEMP TABLE journey AS
    WITH eligible AS (
        SELECT deal.deal_id, deal.opened_at, deal.closed_at, deal.account_id, (100 * deal.amount)::BIGINT AS cents,
            touch.source, touch.event_id, touch.occurred_at, touch.channel,
            touch.occurred_at - lag(touch.occurred_at) OVER (
                PARTITION BY deal.deal_id, touch.person_id, touch.campaign_id, touch.channel, touch.kind
                ORDER BY touch.occurred_at, touch.source, touch.event_id
            ) < INTERVAL 30 MINUTE AS is_collapsed
        FROM deal JOIN touch ON touch.account_id = deal.account_id
            AND touch.occurred_at BETWEEN deal.opened_at - INTERVAL (180 * 24) HOUR AND deal.closed_at
        WHERE touch.kind <> 'impression'
    ),
    numbered AS (
        SELECT *, row_number() OVER in_order AS ordinal, count(*) OVER of_deal AS length, max(occurred_at) OVER of_deal AS last_at
        FROM eligible WHERE NOT coalesce(is_collapsed, false)
        WINDOW in_order AS (PARTITION BY deal_id ORDER BY occurred_at, source, event_id), of_deal AS (PARTITION BY deal_id)
    )
    SELECT deal_id, cents, ordinal, length, last_at, occurred_at, 1 AS ft, length AS cw,
        count(*) FILTER (occurred_at <= opened_at) OVER of_deal AS oc,
        count(*) FILTER (occurred_at <= coalesce(mql.created_at, opened_at)) OVER of_deal AS lc,
        coalesce(max(ordinal) FILTER (channel <> 'direct') OVER of_deal, length) AS not_direct
    FROM numbered LEFT JOIN mql ON mql.account_id = numbered.account_id
        AND mql.created_at BETWEEN opened_at - INTERVAL (180 * 24) HOUR AND closed_at
    WINDOW of_deal AS (PARTITION BY deal_id)
"""
CREDIT = """
    INSERT INTO credit
    WITH held AS (
        SELECT deal_id, cents, ordinal, length, last_at, occurred_at,
            (ordinal = ft)::BIGINT * {ft} + (ordinal = lc)::BIGINT * {lc} + (ordinal = oc)::BIGINT * {oc}
                + (ordinal = {cw_place})::BIGINT * {cw} AS share,
            {ft} + (lc > 0)::BIGINT * {lc} + (oc > 0)::BIGINT * {oc} + {cw} + {rest} AS whole
        FROM journey
    ),
    drawn AS (SELECT *, CASE WHEN share = 0 AND {rest} > 0 THEN {draw} ELSE 0 END AS draw FROM held),
    summed AS (SELECT *, sum(draw) OVER (PARTITION BY deal_id)::HUGEINT AS draws FROM drawn),
    weighed AS (
        SELECT deal_id, cents, ordinal,
            CASE WHEN whole = 0 THEN (ordinal = 1)::HUGEINT WHEN draws = 0 THEN share ELSE share * draws + {rest} * draw END AS weight
        FROM summed
    ),
    quota AS (
        SELECT *, cents * weight // sum(weight) OVER of_deal AS floor, cents * weight % sum(weight) OVER of_deal AS remainder
        FROM weighed WHERE weight > 0 WINDOW of_deal AS (PARTITION BY deal_id)
    )
    SELECT '{model}', deal_id, ordinal,
        (floor + (row_number() OVER by_remainder <= cents - sum(floor) OVER of_deal)::INT)::DECIMAL(18, 3) / 100
    FROM quota
    WINDOW of_deal AS (PARTITION BY deal_id), by_remainder AS (PARTITION BY deal_id ORDER BY remainder DESC, ordinal)
"""
DECAY = "round(1e12 * pow(2.0, -(epoch_us(last_at) - epoch_us(occurred_at)) / 86400000000.0 / {half_life}))::BIGINT"


def main() -> None:
    """Print credit rows a second and ratios."""
    pa.set_cpu_count(1)
    facts, config = company(1_000_000, 111_000, 40_000), load_config(None, {})
    whole, books = fastest(lambda: fold(facts, config))
    (payload,) = (payload for _, payload in resolve(facts, config).shards(1))
    core, _ = fastest(lambda: attribute_shard(payload, config))
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        load(con, facts)
        sql, _ = fastest(lambda: attribute_in_sql(con), rounds=1)
        assert_same_credits(con, books)
    credits, created = books.credit_line.num_rows, books.pipeline_credit.num_rows
    timed = (
        ("core, journeys to credits", core, credits + created),
        ("core, with identity (fold)", whole, credits + created),
        ("DuckDB SQL, one thread", sql, credits),
    )
    table = [[name, f"{seconds:.2f}", f"{rows / seconds:,.0f}", f"{rows / seconds / (credits / sql):.2f}"] for name, seconds, rows in timed]
    title = f"Attribution: 1M touches, 111k deals, {len(RULE_MODELS)} models, {credits:,} credit rows, {created:,} of pipeline created"
    show(title, ["", "s", "rows/s", "× SQL"], table)


def load(con: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    """Load what the SQL reads: touches, deals, and the first MQL of every account."""
    con.execute("SET TimeZone = 'UTC'")
    for name, table in (("touch", facts.touch), ("deal", facts.deal), ("stage", facts.lead_stage)):
        con.register(f"given_{name}", table)
        con.execute(f"CREATE TEMP TABLE {name} AS FROM given_{name}")
    con.execute("CREATE TEMP TABLE mql AS SELECT account_id, min(occurred_at) AS created_at FROM stage GROUP BY ALL")


def attribute_in_sql(con: duckdb.DuckDBPyConnection) -> None:
    """Credit every deal by every built-in model into the table `credit`."""
    con.execute("CREATE OR REPLACE TEMP TABLE credit (model VARCHAR, deal_id VARCHAR, ordinal INTEGER, revenue DECIMAL(18, 3))")
    con.execute(JOURNEY)
    for model in RULE_MODELS.values():
        con.execute(_credit_sql(model))


def _credit_sql(model: Model) -> str:
    ft, lc, oc, cw = model.milestones
    draw = "1" if model.half_life_days is None else DECAY.format(half_life=model.half_life_days)
    place = "not_direct" if model.passed_over else "cw"
    return CREDIT.format(model=model.id, ft=ft, lc=lc, oc=oc, cw=cw, cw_place=place, rest=model.rest, draw=draw)


def assert_same_credits(con: duckdb.DuckDBPyConnection, books: Books) -> None:
    """Assert that the SQL credited the same cents as the core, row by row."""
    con.register("made", books.credit_line)
    ours, theirs = (
        "SELECT model, deal_id, ordinal, revenue FROM made WHERE ordinal > 0",
        "SELECT model, deal_id, ordinal, revenue FROM credit",
    )
    differing = con.execute(f"SELECT count(*) FROM (({ours} EXCEPT {theirs}) UNION ALL ({theirs} EXCEPT {ours}))").fetchone()
    assert differing == (0,), differing


if __name__ == "__main__":
    main()
