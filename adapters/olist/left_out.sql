-- Grain: one row per reason for which rows of the source become no event.
select 'closed deals of unknown leads' as reason, count(*) as rows
from closed_deals
anti join qualified_leads using (mql_id)
union all
select 'order items of sellers without a closed deal', count(*)
from order_items
anti join closed_deals using (seller_id)
