-- What an address says behind `?` or `&` under a name; null where it does not.
CREATE MACRO query_parameter(url, name) AS
nullif(url_decode(replace(regexp_extract(url, '(?i)[?&]' || name || '=([^&#]*)', 1), '+', ' ')), '')
