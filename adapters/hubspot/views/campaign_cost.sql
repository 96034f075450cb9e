-- Grain: one row per marketing campaign of HubSpot; its days are dates.
select
  hs_id(id) as campaign_id,
  hs_name as name,
  lower(hs_utm) as utm,
  instant(hs_start_date)[:10] as starts_on,
  instant(hs_end_date)[:10] as ends_on,
  hs_owner as owner,
  hs_budget_items_sum_amount as budget,
  hs_spend_items_sum_amount as spend,
  coalesce(known_as.value, upper(trim(hs_currency_code)), getvariable('currency'), getvariable('reporting_currency')) as currency,
  coalesce(ms(modified), ms(synced), ms(getvariable('file_modified'))) as changed_ms
from marketing_campaign
left join map_currencies as known_as on known_as.key = hs_currency_code
where id is not null
