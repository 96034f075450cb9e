-- Whether an instant is one that the books know: from 1970 to 2199, whatever an earlier door let in.
CREATE OR REPLACE MACRO marts.is_within_bounds(instant) AS instant >= TIMESTAMPTZ '1970-01-01 00:00:00Z' AND instant < TIMESTAMPTZ '2200-01-01 00:00:00Z'
