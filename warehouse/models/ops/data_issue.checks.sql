-- check: nothing_to_look_at
-- reason: The books accept it, and somebody should look at it: a figure may not mean what people think.
-- severity: warning
SELECT kind, sentence FROM ops.data_issue ORDER BY ALL
