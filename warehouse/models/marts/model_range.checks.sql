-- check: median_lies_between_lowest_and_highest
-- reason: A range that is none would make models agree that do not.
-- severity: critical
SELECT period_kind, period, entity_kind, entity, lowest, median, highest, positive_models, models
FROM marts.model_range
WHERE NOT median BETWEEN lowest AND highest
    OR positive_models > models
    OR models > (SELECT len(models) FROM core.setting)
    OR (positive_models = models) <> (lowest > 0)
    OR (positive_models = 0) <> (highest <= 0)
