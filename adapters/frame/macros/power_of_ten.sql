-- Ten to the power of 0 to 9: a HUGEINT.
CREATE MACRO power_of_ten(n) AS ('1' || repeat('0', n::INTEGER))::HUGEINT
