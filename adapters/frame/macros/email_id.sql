-- The id of the person behind an address, without the address.
CREATE MACRO email_id(x) AS 'email:' || left(sha256(lower(trim(x))), 32)
