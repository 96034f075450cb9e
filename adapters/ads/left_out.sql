-- Grain: one row per reason for which rows of the source become no event.
select 'costs in ' || currency || ', which is no currency; say which in currencies = { ' || currency || ' = "…" }' as reason, sum(rows) as rows
from costs
where campaign_id is not null and minor_digits(currency) is null and currency is not null
group by currency
union all
select 'costs of parts whose campaign the history does not know (' || platform || ')', sum(rows)
from costs
where campaign_id is null
group by platform
union all
select 'costs in a second currency of one campaign and day', sum(rows)
from costs
where campaign_id is not null and not is_first_currency and minor_digits(currency) is not null
union all
select
  case fate
    when 'nameless' then 'rows without a campaign or a day'
    when 'replaced' then 'rows that were read again later'
    else 'rows of Airbyte where Fivetran brings the platform'
  end,
  sum(copies)
from report_rows
where fate <> 'counts'
group by fate
union all
select 'rows that are there twice', sum(copies - 1)
from report_rows
where fate = 'counts'
union all
select 'rows that the source deleted, which count as 0', sum(copies)
from report_rows
where fate = 'counts' and is_deleted
union all
from same_as_nothing('campaigns')
