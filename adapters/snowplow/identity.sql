-- Grain: one row per visitor and user id that are in one event: the newest event of the two.
select * from seen_together('event') order by id
