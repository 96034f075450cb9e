-- The end of a date of a source whose dates are not those of the reports: for `closed_at`, `effective_at`; else null.
CREATE MACRO at_day_end(d) AS CASE WHEN NOT is_reporting_zone() THEN day_end(d) END
