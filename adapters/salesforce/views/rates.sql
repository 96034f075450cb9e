-- Grain: one row per currency and range of days with one rate, those included that become no event: `left_out` says why.
with ranges as (
  select
    coalesce(map_currencies.value, iso_code) as quote,
    left(start_date, 10)::date as starts_on,
    left(next_start_date, 10)::date as next_on,
    conversion_rate::decimal(38, 12) as rate,
    ms(system_modstamp) as stamp_ms
  from dated_conversion_rate
  left join map_currencies on map_currencies.key = iso_code
)

select
  ranges.*,
  base,
  case
    when base is null then 'dated rates without a corporate currency in CurrencyType'
    when minor_digits(quote) is null then 'rates of ' || quote || ', which is no currency: add it to currencies'
    when rate <= 0 then 'rates of zero or below'
    when next_on <= starts_on then 'rates of no day'
  end as left_out
from ranges
left join corporate_currency on true
where base is distinct from quote
