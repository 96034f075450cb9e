-- A part in percent of its whole; null where the whole is zero.
CREATE OR REPLACE MACRO marts.percent(part, whole) AS 100 * part / nullif(whole, 0) + 0  -- so that -0.0 becomes 0.0
