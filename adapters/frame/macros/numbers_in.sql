-- The numbers that a text lists: `1;2`, `[1, 2]`, `["1","2"]`; of `1:1617297167000;2:1617297168000` those before the colons.
CREATE MACRO numbers_in(x) AS regexp_extract_all(x, '(?:^|[;,\["\s])([0-9]+)', 1)
