-- An instant as a person's export shows it, as the text of an event: without offset local time of the adapter's zone, a day its first instant.
CREATE MACRO zoned(x) AS
CASE
    WHEN length(x) = 10 THEN day_start(x)
    WHEN regexp_matches(x, '[T ].*(Z|[+-][0-9:]+)$') THEN instant(x)
    ELSE in_utc(x::TIMESTAMP AT TIME ZONE getvariable('time_zone'))
END
