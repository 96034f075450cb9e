-- A number of a source as an amount of a currency: text with the currency's decimals, half even; null for a currency that is none.
CREATE MACRO money(x, currency) AS decimals(x::DECIMAL(38, 9), minor_digits(currency))
