-- Grain: one row per row of the list that is not repeated, with why it is no touch (`problem`), or null.
--
-- Nobody's address leaves the source: a person is known by what `email_id` makes of it.
-- Where the list has no id of its own, a row is the person, the event, the kind and the time.
with named as (
  select
    coalesce(columns_email, email) as email,
    coalesce(columns_event, event) as event,
    coalesce(columns_time, time) as time,
    coalesce(columns_kind, kind) as kind,
    coalesce(columns_attended, attended) as attended,
    coalesce(columns_person_id, person_id) as person_id,
    coalesce(columns_account_id, account_id) as account_id,
    coalesce(columns_id, id) as id
  from attendance
),

read as (
  select
    case when contains(email, '@') then email_id(email) end as email_id,
    trim(event) as event,
    case
      when getvariable('time_format')::varchar is not null then strftime(try_strptime(trim(time), getvariable('time_format')::varchar), '%Y-%m-%d %H:%M:%S')
      when regexp_full_match(trim(time), '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?') and try_cast(time as timestamptz) is not null
        then regexp_replace(trim(time), ' ', 'T')
    end as time,
    coalesce(map_kinds.value, named.kind, getvariable('kind')) as kind,
    coalesce(lower(trim(attended)) in (select lower(value) from list_attended), true) as has_come,
    case when contains(person_id, '@') then email_id(person_id) else person_id end as person_id,
    account_id,
    id
  from named
  left join map_kinds on lower(trim(map_kinds.key)) = lower(trim(named.kind))
)

select distinct
  email_id,
  event,
  zoned(time) as happened_at,
  lower(replace(kind, ' ', '_')) as kind,
  person_id,
  account_id,
  coalesce(id, concat_ws('/', coalesce(email_id, person_id), event, lower(replace(kind, ' ', '_'))) || '@' || ms(zoned(time))) as id,
  case
    when not has_come then 'rows of people who did not come'
    when coalesce(email_id, person_id) is null then 'rows without an e-mail address'
    when event is null then 'rows without an event'
    when time is null then 'rows without a time that can be read (time_format says how they are written)'
  end as problem
from read
