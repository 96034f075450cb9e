-- check: won_deal_has_amount_and_close
-- reason: A won deal without an amount, a currency or a close date cannot be booked.
-- severity: critical
SELECT deal_id, amount, currency, closed_at
FROM core.deal
WHERE status = 'won' AND (amount IS NULL OR currency IS NULL OR closed_at IS NULL)

-- check: deal_closes_after_it_opens
-- reason: A sales cycle below zero days is an error of the CRM that moves revenue between periods.
-- severity: warning
SELECT deal_id, opened_at, closed_at FROM core.deal WHERE closed_at < opened_at

-- check: segment_is_not_named_all
-- reason: 'all' is the total of the segments; a segment of that name would be counted twice.
-- severity: critical
SELECT deal_id, segment FROM core.deal WHERE segment IN ('all', '(none)')
