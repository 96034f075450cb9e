-- A DECIMAL(38, 9) as text with so many decimals, 9 at most, half even; exact, since it counts in whole numbers.
CREATE MACRO decimals(x, digits) AS
if(x < 0 AND half_even(abs(x), digits) > 0, '-', '')
|| (half_even(abs(x), digits) // power_of_ten(digits))::VARCHAR
|| if(digits > 0, '.' || lpad((half_even(abs(x), digits) % power_of_ten(digits))::VARCHAR, digits, '0'), '')
