-- check: won_deal_has_currency_and_close
-- reason: A won deal without a close date cannot be booked, nor can an amount in no currency; one without an amount waits for it.
-- severity: critical
SELECT deal_id, amount, currency, closed_at
FROM core.deal
WHERE status = 'won' AND (closed_at IS NULL OR (amount IS NOT NULL AND currency IS NULL))

-- check: deal_closes_after_it_opens
-- reason: A sales cycle below zero days is an error of the CRM that moves revenue between periods.
-- severity: warning
SELECT deal_id, opened_at, closed_at FROM core.deal WHERE closed_at < opened_at

-- check: segment_is_no_reserved_word
-- reason: 'all' is the total of the segments, '(none)' are the deals without one: a segment of such a name would be counted twice.
-- severity: critical
SELECT deal_id, segment FROM core.deal WHERE lower(segment) IN ('all', '(none)', 'unattributed', '(unattributed)')
