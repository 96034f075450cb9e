-- The lower end of Wilson's 95 % interval of a rate: part of whole.
CREATE OR REPLACE MACRO marts.wilson_low(part, whole) AS
    CASE WHEN whole > 0 AND part = 0 THEN 0.0 WHEN whole > 0 THEN
        greatest(0, (part + 1.920729410347062 - 1.959963984540054 * sqrt(part * (whole - part) / whole + 0.960364705173531)) / (whole + 3.841458820694124))
    END
