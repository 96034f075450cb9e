-- A number of a source as an amount of a currency: text with the currency's decimals, half even; null for a currency that is none.
CREATE MACRO money(x, currency) AS decimals(exact(x), minor_digits(currency))
