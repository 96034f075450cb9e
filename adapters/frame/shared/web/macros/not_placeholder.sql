-- A value of a campaign parameter, or null where an analytics tool says that there is none.
CREATE MACRO not_placeholder(x) AS
CASE
    WHEN lower(trim(x)) NOT IN ('', 'null', '(none)', '(not set)', '(direct)', '(organic)', '(referral)', '(data not available)', '(not provided)')
        THEN trim(x)
END
