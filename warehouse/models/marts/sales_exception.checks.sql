-- check: exception_is_of_a_rule_that_is_on
-- reason: Whoever is asked about an exception is shown the rule that found it, as it was agreed.
-- severity: critical
SELECT exception_id, rule, rule_version
FROM marts.sales_exception
ANTI JOIN (SELECT rule, version AS rule_version FROM core.exception_rule WHERE is_enabled) USING (rule, rule_version)

-- check: no_exception_before_the_agreement
-- reason: A process that was agreed on a day cannot have been broken before it.
-- severity: critical
SELECT exception_id, occurred_on, exceptions_since
FROM marts.sales_exception
CROSS JOIN core.agreement
WHERE occurred_on < exceptions_since

-- check: deal_of_an_exception_is_there
-- reason: A deal that was deleted is in no figure, and nobody could look the exception up.
-- severity: critical
SELECT exception_id, deal_id FROM marts.sales_exception ANTI JOIN core.deal USING (deal_id)
