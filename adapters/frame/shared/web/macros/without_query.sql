-- An address without its query and fragment, where addresses of people and words that they searched for stand.
CREATE MACRO without_query(u) AS nullif(split_part(split_part(u, '?', 1), '#', 1), '')
