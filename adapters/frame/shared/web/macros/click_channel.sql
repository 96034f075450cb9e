-- The channel that was paid for a click, by the id that the platform adds to a query; `fbclid` is added to every link, paid or not.
CREATE MACRO click_channel(q) AS
CASE
    WHEN NOT contains(q, 'id=') AND NOT contains(q, 'epik=') THEN NULL
    WHEN regexp_matches(q, '(?:^|[&;])(?:gclid|gbraid|wbraid|msclkid)=[^&]') THEN 'paid_search'
    WHEN regexp_matches(q, '(?:^|[&;])dclid=[^&]') THEN 'display'
    WHEN regexp_matches(q, '(?:^|[&;])(?:ttclid|twclid|li_fat_id|rdt_cid|(?i:sccid)|epik)=[^&]') THEN 'paid_social'
END
