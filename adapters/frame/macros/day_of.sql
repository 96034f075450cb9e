-- The date that a source's text begins with, which is the source's own day; of milliseconds since 1970, the date in UTC.
CREATE MACRO day_of(x) AS CASE WHEN regexp_full_match(x, '[0-9]{11,}([.]0+)?') THEN (moment(x) AT TIME ZONE 'UTC')::DATE ELSE left(x, 10)::DATE END
