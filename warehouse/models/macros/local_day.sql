-- The day of an instant, by how far the clock of the reports is from UTC then.
CREATE OR REPLACE MACRO marts.local_day(instant, offset_us) AS DATE '1970-01-01' + floor((epoch_us(instant) + offset_us) / 86400000000)::INTEGER
