-- Milliseconds since 1970 as the text of an event, in UTC.
CREATE MACRO of_ms(x) AS strftime(make_timestamptz(x * 1000) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')
