-- The host of an address, without user, port and a dot at the end, lower-case; what has no scheme begins with the host. Empty where there is none.
CREATE MACRO url_host(u) AS
regexp_extract(lower(u), '^\s*(?:(?:[a-z][a-z0-9+.-]*:)?//)?(?:[^/?#@]*@)?([^/?#:\s]*?)\.?(?:[:/?#\s]|$)', 1)
