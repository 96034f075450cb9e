-- Grain: one row per campaign, part, day and currency of the reports, and campaign it is or was in; `rows` of a report it sums up.
--
-- The currency is what the rows say, else their campaign, else their account; `account_currencies` goes before that, `currency` behind it.
--
-- A row that names no account has the one currency that all accounts of its platform have (`is_assumed`).
with reported as (
  select
    platform,
    account_id,
    campaign_id,
    member_id,
    day,
    currency,
    sum(coalesce(amount, 0)) as amount,
    sum(impressions) as impressions,
    sum(clicks) as clicks,
    coalesce(max(stamp), moment(getvariable('file_modified')::varchar)) as stamp,
    count(*) as rows,
    count(*) filter (where amount is null) as empty_rows
  from report_rows
  where fate = 'counts'
  group by all
),

placed as (
  select
    reported.platform,
    coalesce(reported.account_id, memberships.account_id) as account_id,
    coalesce(reported.campaign_id, memberships.campaign_id) as campaign_id,
    day,
    currency,
    coalesce(is_now, true) as is_now,
    if(coalesce(is_now, true), amount, 0) as amount,
    if(coalesce(is_now, true) or impressions is null, impressions, 0) as impressions,
    if(coalesce(is_now, true) or clicks is null, clicks, 0) as clicks,
    greatest(stamp, moved_at) as stamp,
    if(coalesce(is_now, true), rows, 0) as rows,
    if(coalesce(is_now, true), empty_rows, 0) as empty_rows
  from reported
  left join memberships
    on reported.campaign_id is null and reported.platform = memberships.platform and reported.member_id = memberships.member_id
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
      of_account.value, own_currency, known_accounts.currency, of_platform.value, getvariable('currency')::varchar,
      case when account is null then only_currency.currency end
    ) as said,
    said is not null and of_account.value is null and own_currency is null and known_accounts.currency is null
    and of_platform.value is null and getvariable('currency')::varchar is null as is_assumed
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
  * replace (epoch_ms(coded.stamp) as stamp),
  currency = first_value(currency) over (
    partition by platform, campaign_id, day, minor_digits(currency) is null
    order by is_now desc, coded.stamp desc nulls last, currency
  ) as is_first_currency
from coded
