-- How many units of so many decimals a DECIMAL(38, 9) that is not negative has, half even: a HUGEINT.
CREATE MACRO half_even(x, digits) AS
(units(x) // power_of_ten(9 - digits))
+ CASE
    WHEN units(x) % power_of_ten(9 - digits) * 2 > power_of_ten(9 - digits) THEN 1
    WHEN units(x) % power_of_ten(9 - digits) * 2 = power_of_ten(9 - digits) THEN (units(x) // power_of_ten(9 - digits)) % 2
    ELSE 0
END
