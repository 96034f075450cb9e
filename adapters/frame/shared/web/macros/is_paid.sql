-- Whether a medium, lower-case, is one that is paid for, by Google's rule.
CREATE MACRO is_paid(medium) AS coalesce(regexp_full_match(medium, '.*cp.*|ppc|retargeting|paid.*'), false)
