-- grain: one row per period, channel and model
WITH returns AS (
    SELECT * EXCLUDE (key_kind, key), key AS channel FROM core.returns WHERE key_kind = 'channel'
),

-- the books know no channel of a deal without touches; a reader of the marts reads one word for that, whatever the table
final AS (
    SELECT * REPLACE (if(channel = 'unattributed', '(unattributed)', channel) AS channel) FROM returns
)

SELECT * FROM final
