-- How many billionths a DECIMAL(38, 9) is: a HUGEINT.
CREATE MACRO units(x) AS replace(x::DECIMAL(38, 9)::VARCHAR, '.', '')::HUGEINT
