-- Milliseconds since 1970 as the text of an event, in UTC.
CREATE MACRO of_ms(x) AS in_utc(make_timestamptz(x * 1000))
