-- check: day_lies_within_its_period
-- reason: A figure that is dated outside the dates of its period is compared with the wrong days.
-- severity: critical
SELECT period_kind, period, starts_on, ends_on, day FROM core.period WHERE NOT day BETWEEN starts_on AND ends_on
