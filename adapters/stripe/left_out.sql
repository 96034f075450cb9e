-- Grain: one row per reason for which rows of the source become no event.
select problem as reason, count(*) as rows
from claims
where problem is not null
group by problem
