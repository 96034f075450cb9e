-- Grain: one row per visit that counts.
select * from touches('visit')
