-- Grain: one row per campaign and day.
--
-- LinkedIn's campaign is its campaign group here too. A sum of floats, as warehouses add them up, is read to six decimals. The report says
-- of no row when it changed: a day is as new as the file.
select * from day_costs('costs') order by id
