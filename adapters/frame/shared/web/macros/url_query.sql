-- The query of an address, between the first `?` and the fragment; null where there is none.
CREATE MACRO url_query(u) AS CASE WHEN contains(u, '?') THEN nullif(regexp_extract(u, '^[^?#]*\?([^#]*)', 1), '') END
