-- Grain: one row per rate and week: the first day of its range and every seventh after it.
--
-- Rates hold for months, and the books look back seven days. A range without an end goes as far as the export: to the newest change or close
-- of an opportunity. Nobody had a deal in Salesforce before 2000: weeks before it say nothing.
with newest as (
  select greatest(
    (select max(left(close_date, 10)::date) from deal_states where is_current and status in ('won', 'lost')),
    (select max((moment(system_modstamp) at time zone 'UTC')::date) from opportunity)
  ) as newest_on
),

ends as (
  select
    rates.*,
    case when next_on < date '2200-01-01' then next_on - 1 else greatest(newest_on, starts_on) end as last_on
  from rates
  cross join newest
  where left_out is null
),

steps as (
  select base, quote, rate, stamp_ms, unnest(generate_series(starts_on::timestamp, last_on::timestamp, interval 7 day))::date as day
  from ends
)

select
  base || quote || '@' || day || coalesce('/' || stamp_ms, '') as id,
  coalesce(of_ms(stamp_ms), day || 'T00:00:00Z') as time,
  day::varchar as date,
  base,
  quote,
  without_zeros(rate::varchar) as rate
from steps
where day >= date '2000-01-01'
order by id
