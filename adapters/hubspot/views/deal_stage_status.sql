-- Grain: one row per deal stage that the settings or the pipelines name; `status` is null where two pipelines say different things.
--
-- A stage that is closed is won or lost. HubSpot's flag comes first: an open stage may have the probability 0.
with listed as (
  select unnest(json_extract(stages, '$[*]')) as stage
  from deal_pipeline
  where stages is not null
),

stages as (
  select stage_id, closed_won, is_closed, probability, truth(is_deleted) as is_deleted
  from deal_pipeline_stage
  union all
  select
    coalesce(stage ->> '$.stageId', stage ->> '$.id'),
    null,
    coalesce(stage ->> '$.metadata.isClosed', stage ->> '$.isClosed'),
    coalesce(stage ->> '$.metadata.probability', stage ->> '$.probability'),
    truth(stage ->> '$.archived')
  from listed
),

judged as (
  select
    stage_id,
    is_deleted,
    case
      when truth(closed_won) then 'won'
      when is_closed is not null and not truth(is_closed) then 'open'
      when closed_won is null and try_cast(probability as double) = 1 then 'won'
      when is_closed is not null or try_cast(probability as double) = 0 then 'lost'
      when probability is not null then 'open'
    end as status
  from stages
  qualify is_deleted = min(is_deleted) over (partition by stage_id)
),

said as (
  select stage_id, if(count(distinct status) = 1, any_value(status), null) as status
  from judged
  where stage_id is not null
  group by all
)

select coalesce(map_stages.key, said.stage_id) as stage_id, coalesce(map_stages.value, said.status) as status
from said
full join map_stages on map_stages.key = said.stage_id
