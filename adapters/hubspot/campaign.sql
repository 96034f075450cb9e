-- Grain: one row per e-mail campaign, marketing campaign, and utm_campaign that a marketing campaign names as its own.
with emails as (
  select hs_id(id) as campaign_id, name, coalesce(ms(modified), ms(synced), ms(getvariable('file_modified'))) as changed_ms
  from email_campaign
  where id is not null
)

select
  campaign_id || '@' || changed_ms as id,
  of_ms(changed_ms) as time,
  campaign_id,
  coalesce(name, campaign_id) as name,
  'email' as channel,
  'email' as campaign_type,
  null as starts_on,
  null as ends_on,
  null as budget,
  null as currency,
  null as owner,
  null as same_as
from emails
union all
select
  campaign_id || '@' || changed_ms,
  of_ms(changed_ms),
  campaign_id,
  coalesce(name, campaign_id),
  'other',
  null,
  starts_on,
  ends_on,
  if(minor_digits(currency) is null, null, money(budget, currency)),
  if(budget is null or minor_digits(currency) is null, null, currency),
  owner,
  null
from campaign_cost
union all
select 'utm:' || utm || '@' || changed_ms, of_ms(changed_ms), 'utm:' || utm, utm, 'other', null, null, null, null, null, null, campaign_id
from campaign_cost
where utm is not null
order by id
