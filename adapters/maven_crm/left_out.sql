-- Grain: one row per reason for which rows of the source become no event.
select 'opportunities without an engage date (Prospecting)' as reason, count(*) as rows
from read_csv('sales_pipeline.csv', all_varchar = true)
where engage_date is null
