-- The first instant of a date in the adapter's time zone, as the text of an event.
CREATE MACRO day_start(d) AS strftime((left(d, 10)::DATE::TIMESTAMP AT TIME ZONE getvariable('time_zone')) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')
