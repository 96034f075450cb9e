-- Grain: one row per response to a campaign, task that was done, and meeting.
select id, time, person_id, account_id, channel, kind, team, campaign_id
from touches
where left_out is null
order by id
