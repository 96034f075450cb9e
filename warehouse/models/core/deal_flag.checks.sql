-- check: flags_of_a_deal_are_nested
-- reason: A deal that marketing sourced was influenced by it, and one that was influenced has a touch.
-- severity: critical
SELECT deal_id
FROM core.deal_flag
WHERE (is_sourced_first_touch OR is_sourced_before_sales) > is_influenced OR is_influenced > is_coverage
