-- check: statement_lines_add_up
-- reason: What payees get and give back is what the plan earned and took back, to the last minor unit.
-- severity: critical
WITH line AS (
    SELECT statement_id, kind, sum(amount) AS amount FROM locked.statement_line GROUP BY ALL
),

summed AS (
    SELECT
        statement_id, coalesce(sum(amount) FILTER (kind = 'earned'), 0) AS earned,
        coalesce(sum(amount) FILTER (kind = 'clawed_back'), 0) AS clawed_back
    FROM line
    GROUP BY statement_id
),

final AS (
    SELECT statement.statement_id, statement.earned, statement.clawed_back, summed.earned AS earned_lines, summed.clawed_back AS clawed_back_lines
    FROM locked.statement AS statement
    LEFT JOIN summed ON summed.statement_id = statement.statement_id
    WHERE statement.earned <> coalesce(summed.earned, 0) OR statement.clawed_back <> coalesce(summed.clawed_back, 0)
)

SELECT * FROM final ORDER BY statement_id

-- check: statement_pays_or_carries
-- reason: What is payable is paid, and what is below zero is taken to the next statement; nothing is lost in between.
-- severity: critical
SELECT statement_id, earned, clawed_back, carried_in, paid, carried_out
FROM locked.statement
WHERE paid + carried_out <> earned + clawed_back + carried_in OR (paid <> 0 AND carried_out <> 0)
    OR carried_in > 0 OR carried_out > 0
ORDER BY statement_id
