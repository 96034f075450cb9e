-- An instant of a source as the text of an event, in UTC.
CREATE MACRO instant(x) AS strftime(moment(x) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')
