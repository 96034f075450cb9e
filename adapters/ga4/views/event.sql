-- Grain: one row per event, with its parameters as a list.
--
-- The source has no id: it is a hash of what makes an event one, with the parameters in the order of their names, so that JSON and Parquet give
-- one id; Fivetran has made such a hash itself. Parquet files of older exports wrap a list twice: {"list": [{"element": …}]}.
-- `traffic_source` is how the user came first of all, ever: it is not read.
with nested as (
  select
    *,
    from_json(
      case when starts_with(event_params, '{') then json_extract(event_params, '$.list[*].element')::varchar else event_params end,
      '[{"key":"VARCHAR","value":{"string_value":"VARCHAR","int_value":"VARCHAR","float_value":"VARCHAR","double_value":"VARCHAR"}}]'
    ) as params
  from events
),

flat as (
  select
    *,
    list_transform(
      params,
      lambda p: {
        'key': p.key,
        'value': coalesce(
          nullif(p.value.string_value, ''), p.value.int_value, coalesce(p.value.double_value, p.value.float_value)::double::varchar, ''
        )
      }
    ) as given
  from nested
)

select
  coalesce(
    _fivetran_id,
    left(
      sha256(
        concat_ws(
          chr(31),
          coalesce(stream_id, ''),
          coalesce(user_pseudo_id, ''),
          event_timestamp,
          coalesce(event_name, ''),
          coalesce(event_bundle_sequence_id, ''),
          coalesce(batch_event_index, ''),
          array_to_string(list_sort(list_transform(given, lambda p: p.key || '=' || p.value)), chr(31))
        )
      ),
      32
    )
  ) as id,
  event_name as name,
  case when regexp_full_match(event_timestamp, '[0-9]{14,}') then make_timestamptz(event_timestamp::bigint) else moment(event_timestamp) end as happened,
  user_pseudo_id as visitor_id,
  user_id as person_id,
  coalesce(param_page_location, list_filter(given, lambda p: p.key = 'page_location')[1].value) as url,
  nullif(coalesce(param_page_referrer, list_filter(given, lambda p: p.key = 'page_referrer')[1].value), '') as referrer,
  null::varchar as user_agent,
  not_placeholder(coalesce(manual_source, collected_traffic_source ->> '$.manual_source')) as utm_source,
  not_placeholder(coalesce(manual_medium, collected_traffic_source ->> '$.manual_medium')) as utm_medium,
  not_placeholder(coalesce(manual_campaign_name, collected_traffic_source ->> '$.manual_campaign_name')) as utm_campaign,
  not_placeholder(coalesce(manual_content, collected_traffic_source ->> '$.manual_content')) as utm_content,
  not_placeholder(coalesce(manual_term, collected_traffic_source ->> '$.manual_term')) as utm_term,
  not_placeholder(coalesce(manual_campaign_id, collected_traffic_source ->> '$.manual_campaign_id')) as utm_id,
  case
    when not_placeholder(coalesce(gclid, collected_traffic_source ->> '$.gclid')) is not null then 'paid_search'
    when not_placeholder(coalesce(dclid, collected_traffic_source ->> '$.dclid')) is not null then 'display'
  end as paid_click,
  case
    when coalesce(gclid, collected_traffic_source ->> '$.gclid', dclid, collected_traffic_source ->> '$.dclid') is not null then 'google_ads'
  end as paid_platform,
  null::boolean as is_internal,
  null::varchar as referrer_category
from flat
