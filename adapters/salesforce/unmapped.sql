-- Grain: one row per stage of a deal of which neither the settings nor Salesforce say what it is.
select 'stages' as setting, coalesce(stage, '') as value, count(*) as rows
from deal_states
where status is null
group by all
