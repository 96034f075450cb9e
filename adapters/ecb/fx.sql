-- Grain: one row per day and currency that is in use: the reporting currency, and those of `currencies`.
-- The bank publishes in the afternoon of the day; its rates are for that day, and are never restated.
select
  'EUR/' || quote || '/' || day as id,
  day || 'T15:00:00Z' as time,
  day as date,
  'EUR' as base,
  quote,
  rate
from rates
where (quote = getvariable('reporting_currency') or quote in (select upper(value) from list_currencies))
  and day >= coalesce(getvariable('since')::varchar, '')
order by id
