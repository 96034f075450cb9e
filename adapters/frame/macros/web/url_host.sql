-- The host of an address, without user, port and a dot at the end, lower-case; what has no scheme begins with the host. Null where there is none.
CREATE MACRO url_host(u) AS
nullif(regexp_extract(lower(u), '^\s*(?:(?:[a-z][a-z0-9+.-]*:)?//)?(?:[^/?#@]*@)?([^/?#:\s]*?)\.?(?:[:/?#\s]|$)', 1), '')
