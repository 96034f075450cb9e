-- A number of a source, exactly: a DECIMAL(38, 9). DuckDB reads a text of at most 18 digits much faster than one that may be longer.
CREATE MACRO exact(x) AS
CASE
    WHEN regexp_full_match(x::VARCHAR, '-?[0-9]{1,9}([.][0-9]{1,9})?') THEN x::VARCHAR::DECIMAL(18, 9)::DECIMAL(38, 9)
    ELSE x::DECIMAL(38, 9)
END
