-- A number as a sentence writes it: without zeros at its end.
CREATE OR REPLACE MACRO marts.plain(number) AS rtrim(regexp_replace(number::VARCHAR, '(\.\d*?)0+$', '\1'), '.')
