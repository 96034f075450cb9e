-- Grain: one row per assumption under which rows were kept.
select 'events without derived_tstamp: at the time of the collector' as reason, count(*) as rows
from event
where is_collected
