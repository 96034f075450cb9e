-- Whether the source's dates are those of the reports: then they stay dates.
CREATE MACRO is_reporting_zone() AS getvariable('time_zone') = getvariable('reporting_time_zone')
