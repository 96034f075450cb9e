-- A Salesforce id with 18 characters: pages and reports show 15, of which the last three say what is a capital letter.
CREATE MACRO sf_id(x) AS
CASE
    WHEN length(x) = 15 THEN
        x || array_to_string(
            list_transform(
                [0, 5, 10],
                lambda s: substr(
                    'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345',
                    1 + list_sum(
                        list_transform([0, 1, 2, 3, 4], lambda k: CASE WHEN ascii(substr(x, s + k + 1, 1)) BETWEEN 65 AND 90 THEN 1 << k ELSE 0 END)
                    )::INTEGER,
                    1
                )
            ),
            ''
        )
    ELSE x
END
