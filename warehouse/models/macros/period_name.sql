-- The name of a period by its first day: 2026-03, 2026-Q1, 2026, and a trailing year by its last month; a fiscal year and its quarters by the year in which it ends.
CREATE OR REPLACE MACRO marts.period_name(period_kind, starts_on, start_month) AS
    CASE period_kind
        WHEN 'month' THEN strftime(starts_on, '%Y-%m')
        WHEN 'ttm' THEN strftime(starts_on + to_months(11), '%Y-%m')
        WHEN 'quarter' THEN
            year(starts_on + to_months(11 - ((month(starts_on) - start_month + 12) % 12)::INTEGER))
            || '-Q' || ((month(starts_on) - start_month + 12) % 12)::INTEGER // 3 + 1
        ELSE year(starts_on + to_months(11))::VARCHAR
    END
