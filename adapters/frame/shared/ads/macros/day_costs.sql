-- Grain: one row per campaign and day of a relation of costs: the exact sum of its rows, up to six decimals, in the account's currency.
--
-- The day is the platform's own: zones are not converted. Platforms restate for weeks: a day is as new as the newest of its rows (`stamp`, in
-- milliseconds), and replaces what was told of it before.
CREATE MACRO day_costs(costs) AS TABLE
WITH days AS (
    SELECT
        platform || ':' || campaign_id AS campaign,
        day,
        currency,
        sum(amount) AS amount,
        sum(impressions)::BIGINT AS impressions,
        sum(clicks)::BIGINT AS clicks,
        max(stamp) AS stamp
    FROM query_table(costs)
    WHERE campaign_id IS NOT NULL AND minor_digits(currency) IS NOT NULL AND is_first_currency
    GROUP BY ALL
)

SELECT
    campaign || '/' || day || coalesce('@' || stamp, '') AS id,
    coalesce(of_ms(stamp), day_start(day::VARCHAR)) AS time,
    campaign AS campaign_id,
    day AS starts_on,
    without_zeros(decimals(amount::DECIMAL(38, 9), 6)) AS amount,
    currency,
    impressions,
    clicks,
    stamp AS revision
FROM days
