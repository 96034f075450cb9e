-- The upper end of Wilson's 95 % interval of a rate: part of whole.
CREATE OR REPLACE MACRO marts.wilson_high(part, whole) AS
    CASE WHEN whole > 0 AND part = whole THEN 1.0 WHEN whole > 0 THEN
        least(1, (part + 1.920729410347062 + 1.959963984540054 * sqrt(part * (whole - part) / whole + 0.960364705173531)) / (whole + 3.841458820694124))
    END
