-- A date of a source where it is a date of the reports: for `closed_on`, `effective_on`; else null, and at_day_end(d) says the instant.
CREATE MACRO on_day(d) AS CASE WHEN is_reporting_zone() THEN left(d, 10)::DATE::VARCHAR END
