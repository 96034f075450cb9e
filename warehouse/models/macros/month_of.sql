-- The first day of the month of a day.
CREATE OR REPLACE MACRO marts.month_of(day) AS date_trunc('month', day)::DATE
