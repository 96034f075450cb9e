-- Grain: one row per deal stage of which neither the settings nor the pipelines say whether it is open, won or lost.
select 'stages' as setting, dealstage as value, count(*) as rows
from deal_state
where dealstage is not null and status is null
group by all
