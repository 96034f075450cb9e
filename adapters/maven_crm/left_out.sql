-- Grain: one row per reason for which rows of the source become no event.
select 'opportunities without an engage date (Prospecting)' as reason, count(*) as rows
from sales_pipeline
where engage_date is null
