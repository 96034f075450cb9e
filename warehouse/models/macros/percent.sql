-- A part in percent of its whole; null where the whole is not above zero or the part is not between zero and the whole.
CREATE OR REPLACE MACRO marts.percent(part, whole) AS CASE WHEN whole > 0 AND part BETWEEN 0 AND whole THEN if(part = whole, 100.0::DOUBLE, 100 * part / whole) END
