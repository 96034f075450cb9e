-- An instant of a source in milliseconds since 1970: what revisions are made of.
CREATE MACRO ms(x) AS epoch_ms(moment(x))
