-- Grain: one row per campaign and day. What the platform claims as conversions is not read: it would count twice.
select * from day_costs('costs') order by id
