-- check: every_deal_is_there_once
-- reason: A win rate is one of all deals - the lost ones, and those that nobody touched, too.
-- severity: critical
SELECT deal_id, core.deal.status, marts.deal.status AS shown
FROM core.deal
FULL JOIN marts.deal USING (deal_id)
WHERE core.deal.status IS DISTINCT FROM marts.deal.status

-- check: people_of_a_deal_touched_it
-- reason: Nobody takes part in a deal without a touch, and a deal without touches was never won by anybody.
-- severity: critical
SELECT deal_id, touches, marketing_touches, people, is_influenced, is_coverage
FROM marts.deal
WHERE people > touches
    OR marketing_touches > touches
    OR is_influenced <> (marketing_touches > 0)
    OR is_coverage <> (touches > 0)
