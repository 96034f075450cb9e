-- Grain: one row per campaign, deleted ones too, with the channel, the kind and the team that its type stands for.
with told as (
  select campaign.*, coalesce(map_currencies.value, currency_iso_code, getvariable('currency'), getvariable('reporting_currency')) as currency
  from campaign
  left join map_currencies on map_currencies.key = currency_iso_code
)

select
  sf_id(id) as campaign_id,
  ms(coalesce(system_modstamp, getvariable('file_modified'))) as stamp_ms,
  truth(is_deleted) as is_deleted,
  coalesce(name, sf_id(id)) as name,
  type,
  sf_id(parent_id) as parent_id,
  left(start_date, 10)::date as starts_on,
  left(end_date, 10)::date as ends_on,
  currency,
  minor_digits(currency) as digits,
  currency_iso_code is null as has_no_currency,
  budgeted_cost::decimal(38, 9) as budget,
  actual_cost::decimal(38, 9) as cost,
  owner_id,
  types.value is not null as is_known_type,
  coalesce(nullif(trim(split_part(types.value, '/', 1)), ''), 'other') as channel,
  coalesce(nullif(trim(split_part(types.value, '/', 2)), ''), 'campaign_response') as kind,
  coalesce(teams.value, if(lower(type) = 'partner', 'partner', 'marketing')) as team
from told
left join map_campaign_types as types on types.key = type
left join map_teams as teams on teams.key = type
