-- Grain: one row per row of a report that counts, and campaign it is or was in, with its currency: where its rows say it, else its
-- campaign, else its account; `account_currencies` goes before that, `currency` behind it.
--
-- A row that names no account has the one currency that all accounts of its platform have (`is_assumed`).
with placed as (
  select
    reported.platform,
    coalesce(reported.account_id, memberships.account_id) as account_id,
    coalesce(reported.campaign_id, memberships.campaign_id) as campaign_id,
    reported.day,
    case when coalesce(is_now, true) then coalesce(reported.amount, 0) else 0 end as amount,
    reported.amount is null as is_empty,
    reported.currency,
    case when coalesce(is_now, true) then reported.impressions else 0 end as impressions,
    case when coalesce(is_now, true) then reported.clicks else 0 end as clicks,
    coalesce(is_now, true) as is_now,
    greatest(coalesce(reported.stamp, moment(getvariable('file_modified'))), memberships.moved_at) as stamp
  from report_rows as reported
  left join memberships on reported.campaign_id is null and reported.platform = memberships.platform and reported.member_id = memberships.member_id
  where reported.fate = 'counts'
),

only_currency as (
  select platform, min(currency) as currency
  from known_accounts
  group by platform
  having count(distinct currency) = 1
),

accounted as (
  select
    placed.*,
    coalesce(placed.account_id, known_campaigns.account_id) as account,
    coalesce(placed.currency, known_campaigns.currency) as own_currency
  from placed
  left join known_campaigns using (platform, campaign_id)
),

told as (
  select
    accounted.* exclude (account_id, currency, own_currency, account),
    account as account_id,
    coalesce(
      of_account.value, own_currency, known_accounts.currency, of_platform.value, getvariable('currency'),
      case when account is null then only_currency.currency end
    ) as said,
    said is not null and of_account.value is null and own_currency is null and known_accounts.currency is null
    and of_platform.value is null and getvariable('currency') is null as is_assumed
  from accounted
  left join known_accounts on accounted.platform = known_accounts.platform and accounted.account = known_accounts.account_id
  left join only_currency on accounted.platform = only_currency.platform
  left join map_account_currencies as of_account on accounted.account = of_account.key
  left join map_account_currencies as of_platform on accounted.platform = of_platform.key
),

coded as (
  select told.*, upper(trim(coalesce(map_currencies.value, said))) as currency
  from told
  left join map_currencies on trim(said) = map_currencies.key
)

select
  *,
  currency = first_value(currency) over (
    partition by platform, campaign_id, day, minor_digits(currency) is null
    order by is_now desc, stamp desc nulls last, currency
  ) as is_first_currency
from coded
