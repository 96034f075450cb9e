-- Grain: one row per reason for which rows of the list become no event.
select problem as reason, count(*) as rows
from attendances
where problem is not null
group by problem
