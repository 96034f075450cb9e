-- A name as warehouses write it: `Demo Requested` is `demo_requested`.
CREATE MACRO snake(x) AS lower(trim(regexp_replace(regexp_replace(trim(x), '([a-z0-9])([A-Z])', '\1_\2', 'g'), '[^A-Za-z0-9]+', '_', 'g'), '_'))
