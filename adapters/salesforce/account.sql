-- Grain: one row per account, deleted ones too.
--
-- What a person is called does not leave Salesforce: an account that is a person has no name here.
with accounts as (
  select *, sf_id(id) as account_id, ms(coalesce(system_modstamp, getvariable('file_modified'))) as revision
  from account
)

select
  account_id || '@' || revision as id,
  of_ms(revision) as time,
  account_id,
  case when not truth(is_person_account) then name end as name,
  fields_segment as segment,
  fields_region as region,
  industry,
  number_of_employees::decimal(38, 9)::bigint as employees,
  owner_id as owner,
  sf_id(parent_id) as parent_id,
  revision,
  case when truth(is_deleted) then true end as deleted
from accounts
order by id
