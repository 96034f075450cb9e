-- An instant as the text of an event, in UTC.
CREATE MACRO in_utc(t) AS strftime(t AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')
