-- Grain: one row per reason for which rows of the source become no event.
select 'closed deals of unknown leads' as reason, count(*) as rows
from read_csv('olist_closed_deals_dataset.csv', all_varchar = true) as won
anti join read_csv('olist_marketing_qualified_leads_dataset.csv', all_varchar = true) as leads using (mql_id)
union all
select 'order items of sellers without a closed deal', count(*)
from read_csv('closed_deal_sellers_order_items.csv', all_varchar = true) as items
anti join read_csv('olist_closed_deals_dataset.csv', all_varchar = true) as won using (seller_id)
