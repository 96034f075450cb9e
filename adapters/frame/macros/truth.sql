-- Whether a text says yes; what is absent says no.
CREATE MACRO truth(x) AS lower(coalesce(x, '')) IN ('true', 't', '1', '1.0', 'yes', 'y')
