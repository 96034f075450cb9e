-- Grain: one row per reason for which rates of the source become no event.
select 'rates of currencies that are not in use: add them to currencies = ["…"]' as reason, count(*) as rows
from rates
where quote <> getvariable('reporting_currency') and quote not in (select upper(value) from list_currencies)
union all
select 'rates before the first day that is read (since)', count(*)
from rates
where (quote = getvariable('reporting_currency') or quote in (select upper(value) from list_currencies))
  and day < coalesce(getvariable('since')::varchar, '')
