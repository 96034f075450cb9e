-- Grain: one row per currency that is asked for and that the bank has no rate of.
select 'currencies' as setting, value, 0 as rows
from list_currencies
where upper(value) not in (select quote from rates) and upper(value) <> 'EUR'
