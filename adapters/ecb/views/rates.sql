-- Grain: one row per day and currency that has a rate: units of the currency for one euro.
select day, upper(right(column_name, 3)) as quote, trim(rate) as rate
from (unpivot eurofxref_hist on columns('^rate_') into name column_name value rate)
where regexp_full_match(trim(rate), '[0-9]+([.][0-9]+)?')
