-- A host without the `www.` before it.
CREATE MACRO without_www(host) AS CASE WHEN starts_with(host, 'www.') THEN host[5:] ELSE host END
