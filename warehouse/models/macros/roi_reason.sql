-- Why there is no ROI: no_cost, zero_cost or negative_cost (credit notes above the cost); null where there is one.
CREATE OR REPLACE MACRO marts.roi_reason(cost) AS
    CASE WHEN cost IS NULL THEN 'no_cost' WHEN cost = 0 THEN 'zero_cost' WHEN cost < 0 THEN 'negative_cost' END
