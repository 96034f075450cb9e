-- A parameter of a query, decoded and trimmed, null where it is not there or empty; what cannot be decoded stays as it is.
CREATE MACRO query_value(q, name) AS
CASE
    WHEN contains(q, name) THEN
        nullif(
            trim(
                coalesce(
                    try(url_decode(regexp_extract(q, '(?:^|[&;])' || name || '=([^&]*)', 1))), regexp_extract(q, '(?:^|[&;])' || name || '=([^&]*)', 1)
                )
            ),
            ''
        )
END
