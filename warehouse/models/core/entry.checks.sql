-- check: final_entry_has_a_date
-- reason: Money without a date is in no period and would be missing from every figure.
-- severity: critical
SELECT deal_id, entry_no, entry FROM core.entry WHERE is_final AND booked_on IS NULL

-- check: entry_is_converted
-- reason: Held money is in no figure: rates are missing.
-- severity: warning
SELECT deal_id, entry_no, currency FROM core.entry WHERE amount_reporting IS NULL
