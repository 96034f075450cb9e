-- A decimal text without the zeros behind it that say nothing.
CREATE MACRO without_zeros(x) AS if(contains(x, '.'), rtrim(rtrim(x, '0'), '.'), x)
