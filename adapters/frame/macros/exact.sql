-- A number as DECIMAL(38, 9). Reading text as DECIMAL(18, 9) first, which holds what is below a billion, is a hundred times as fast.
CREATE MACRO exact(x) AS coalesce(try_cast(x AS DECIMAL(18, 9))::DECIMAL(38, 9), x::DECIMAL(38, 9))
