-- grain: one row per pass of a lead and kind of segment: the segments of a kind add up to all
WITH pass AS (
    SELECT lead_id, pass_no, segment, channel, owner FROM core.lead_pass
),

final AS (
    SELECT lead_id, pass_no, 'all' AS segment_kind, 'all' AS segment FROM pass
    UNION ALL
    SELECT lead_id, pass_no, 'segment', coalesce(segment, '(none)') FROM pass
    UNION ALL
    SELECT lead_id, pass_no, 'channel', channel FROM pass
    UNION ALL
    SELECT lead_id, pass_no, 'owner', coalesce(owner, '(none)') FROM pass
)

SELECT * FROM final
