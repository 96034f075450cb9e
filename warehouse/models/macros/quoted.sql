-- A text as a SELECT writes it, in quotation marks.
CREATE OR REPLACE MACRO marts.quoted(said) AS '''' || replace(said, '''', '''''') || ''''
