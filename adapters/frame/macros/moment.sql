-- An instant of a source: ISO 8601 with or without offset (none: UTC, which loaders store), or milliseconds since 1970.
CREATE MACRO moment(x) AS
CASE
    WHEN regexp_full_match(x, '[0-9]{11,}([.]0+)?') THEN make_timestamptz(split_part(x, '.', 1)::BIGINT * 1000)
    ELSE regexp_replace(x, ' ([+-][0-9:]+)$', '\1')::TIMESTAMPTZ
END
