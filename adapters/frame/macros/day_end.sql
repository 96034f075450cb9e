-- The last second of a date in the adapter's time zone, as the text of an event.
CREATE MACRO day_end(d) AS
strftime(((left(d, 10)::DATE + INTERVAL 1 DAY - INTERVAL 1 SECOND) AT TIME ZONE getvariable('time_zone')) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')
