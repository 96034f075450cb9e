-- Grain: one row per response, task and meeting, those included that become no touch: `left_out` says why.
--
-- A response is dated by a day: it begins with it, so that no response of the day on which a deal closes comes too late.
-- Its kind is that of the campaign: the status of a member changes later. Its person is the lead, where there is one: it stays when the
-- lead is converted; a member may be an account, too. A deleted row stays the touch that it was, and is retracted.
-- Meetings to come are no touches yet: those that begin after everything in the export, and after its files were written.
with newest as (
  select greatest(max(moment(system_modstamp)), getvariable('file_modified')::timestamptz) as at_time
  from (
    select system_modstamp from opportunity
    union all
    select system_modstamp from task
    union all
    select system_modstamp from event
  )
),

responses as (
  select
    sf_id(m.id) || '/responded' as id,
    day_start(m.first_responded_date) as time,
    sf_id(coalesce(m.lead_id, m.contact_id)) as person_id,
    case when coalesce(m.lead_id, m.contact_id) is null then sf_id(m.account_id) end as account_id,
    coalesce(c.channel, 'other') as channel,
    coalesce(c.kind, 'campaign_response') as kind,
    coalesce(c.team, 'marketing') as team,
    sf_id(m.campaign_id) as campaign_id,
    truth(m.is_deleted) as is_deleted,
    ms(coalesce(m.system_modstamp, getvariable('file_modified'))) as stamp_ms,
    c.campaign_id is null as is_campaign_unknown,
    case
      when not truth(m.has_responded) then 'campaign members who have not responded'
      when coalesce(m.lead_id, m.contact_id, m.account_id) is null then 'responses of nobody'
      when m.first_responded_date is null then 'responses without a date'
    end as left_out
  from campaign_member as m
  left join campaigns as c on c.campaign_id = sf_id(m.campaign_id)
),

calls as (
  select
    sf_id(id) as id,
    coalesce(instant(completed_date_time), day_start(activity_date)) as time,
    sf_id(who_id) as person_id,
    null as account_id,
    if(lower(call_type) = 'inbound', 'inbound', 'outbound') as channel,
    case
      when 'call' in (lower(task_subtype), lower(type)) then 'call'
      when lower(task_subtype) in ('email', 'listemail') or lower(type) = 'email' then 'email'
      when lower(type) = 'meeting' then 'meeting'
      else 'task'
    end as kind,
    coalesce((select value from map_teams where lower(key) = 'task'), 'sales') as team,
    null as campaign_id,
    truth(is_deleted) as is_deleted,
    ms(coalesce(system_modstamp, getvariable('file_modified'))) as stamp_ms,
    false as is_campaign_unknown,
    case
      when not truth(is_closed) then 'tasks that are not done'
      when who_id is null then 'tasks with nobody'
      when coalesce(completed_date_time, activity_date) is null then 'tasks without a date'
    end as left_out
  from task
),

meetings as (
  select
    sf_id(id) as id,
    coalesce(instant(start_date_time), day_start(activity_date)) as time,
    sf_id(who_id) as person_id,
    null as account_id,
    'outbound' as channel,
    'meeting' as kind,
    coalesce((select value from map_teams where lower(key) = 'event'), 'sales') as team,
    null as campaign_id,
    truth(is_deleted) as is_deleted,
    ms(coalesce(system_modstamp, getvariable('file_modified'))) as stamp_ms,
    false as is_campaign_unknown,
    case
      when truth(is_child) then 'copies of a meeting, one for each invited'
      when who_id is null then 'meetings with nobody'
      when coalesce(start_date_time, activity_date) is null then 'meetings without a date'
      when coalesce(moment(start_date_time), moment(day_start(activity_date))) > newest.at_time then 'meetings to come'
    end as left_out
  from event
  cross join newest
)

select * from responses
union all
select * from calls
union all
select * from meetings
