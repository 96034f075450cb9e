-- A text, or null where it is none: empty, or the word NULL that some loaders write.
CREATE MACRO said(x) AS CASE WHEN lower(trim(x)) NOT IN ('', 'null') THEN x END
