-- Grain: one row per line for nisba.toml that the source suggests: rates without dates, types and statuses without an answer.
select 'reporting' as section, 'fx_policy = "fixed"' as line
from corporate_currency
where not exists(from dated_conversion_rate) and exists(from currency_type where not truth(is_corporate))
union all
select 'reporting.fixed_rates', '"' || base || '/' || code || '" = "' || without_zeros(conversion_rate::decimal(38, 12)::varchar) || '"'
from (
  select *, coalesce(map_currencies.value, iso_code) as code
  from currency_type
  left join map_currencies on map_currencies.key = iso_code
)
cross join corporate_currency
where not exists(from dated_conversion_rate) and not truth(is_corporate) and minor_digits(code) is not null
union all
select 'adapters.salesforce', 'campaign_types = { ' || string_agg(to_json(type)::varchar || ' = "other/campaign_response"', ', ' order by type) || ' }'
from (select distinct type from campaigns where type is not null and not is_known_type and not is_deleted)
having count(*) > 0
union all
select 'adapters.salesforce', 'lead_statuses = { ' || string_agg(to_json(new_value)::varchar || ' = "…"', ', ' order by new_value) || ' }'
from (select distinct new_value from lead_history anti join map_lead_statuses on key = new_value where lower(field) = 'status' and new_value is not null)
having count(*) > 0
order by all
