-- Grain: one row per page that is a visit, with its channel and campaign.
select * from visits('page')
