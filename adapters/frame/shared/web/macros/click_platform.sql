-- The advertising platform whose click id a query has.
CREATE MACRO click_platform(q) AS
CASE
    WHEN NOT contains(q, 'id=') AND NOT contains(q, 'epik=') THEN NULL
    WHEN regexp_matches(q, '(?:^|[&;])(?:gclid|gbraid|wbraid|dclid)=[^&]') THEN 'google_ads'
    WHEN regexp_matches(q, '(?:^|[&;])msclkid=[^&]') THEN 'microsoft_ads'
    WHEN regexp_matches(q, '(?:^|[&;])li_fat_id=[^&]') THEN 'linkedin_ads'
    WHEN regexp_matches(q, '(?:^|[&;])ttclid=[^&]') THEN 'tiktok_ads'
    WHEN regexp_matches(q, '(?:^|[&;])twclid=[^&]') THEN 'twitter_ads'
    WHEN regexp_matches(q, '(?:^|[&;])rdt_cid=[^&]') THEN 'reddit_ads'
    WHEN regexp_matches(q, '(?:^|[&;])(?i:sccid)=[^&]') THEN 'snapchat_ads'
    WHEN regexp_matches(q, '(?:^|[&;])epik=[^&]') THEN 'pinterest_ads'
END
