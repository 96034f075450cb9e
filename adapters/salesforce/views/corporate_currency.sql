-- Grain: one row per corporate currency: one in an organization with several currencies, none in others.
select coalesce(map_currencies.value, iso_code) as base
from currency_type
left join map_currencies on map_currencies.key = iso_code
where truth(is_corporate)
