-- Whether the name of a campaign, lower-case, says shopping, by Google's rule.
CREATE MACRO is_shopping(campaign) AS coalesce(regexp_full_match(campaign, '.*(([^a-df-z]|^)shop|shopping).*'), false)
