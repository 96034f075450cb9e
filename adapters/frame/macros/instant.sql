-- An instant of a source as the text of an event, in UTC.
CREATE MACRO instant(x) AS in_utc(moment(x))
