-- Grain: one row per deal with a company or contacts: the primary company (association type 5), else that of the smallest number.
--
-- Associations are a table (Fivetran), children of contacts and companies (dlt), or lists of the deal (Airbyte).
with companies as (
  select hs_id(deal_id) as deal_id, hs_id(company_id) as company_id, if(split_part(type_id, '.', 1) = '5', 0, 1) as place
  from deal_company
  where not truth(is_deleted) and company_id is not null
  union all
  select deal_id, hs_id(unnest(numbers_in(companies))), 1
  from deal_now
),

contacts as (
  select hs_id(deal_id) as deal_id, hs_id(contact_id) as contact_id
  from deal_contact
  where not truth(is_deleted) and contact_id is not null and split_part(coalesce(type_id, '3'), '.', 1) = '3'
  union
  select deal_id, hs_id(unnest(numbers_in(contacts)))
  from deal_now
),

chosen as (
  select deal_id, arg_min(company_id, (place, length(company_id), company_id)) as company_id, min(place) as place, count(distinct company_id) as companies
  from companies
  group by all
),

listed as (
  select deal_id, list(contact_id order by length(contact_id), contact_id) as contact_ids
  from contacts
  group by all
)

select deal_id, company_id, contact_ids, place = 1 and companies > 1 as is_one_of_several
from chosen
full join listed using (deal_id)
