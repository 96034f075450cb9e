-- The advertising platform that a link's `utm_source` (or HubSpot's `hsa_net`) means, by the name of its tables; null for what is none.
CREATE MACRO platform_of(source) AS
CASE
    WHEN regexp_full_match(lower(trim(source)), '(www\.)?(google|adwords|google[-_ ]?ads?|youtube)(\.com)?') THEN 'google_ads'
    WHEN regexp_full_match(lower(trim(source)), '(www\.)?(facebook|fb|instagram|ig|meta|messenger|(facebook|instagram|meta)[-_ ]?ads?)(\.com)?')
        THEN 'facebook_ads'
    WHEN regexp_full_match(lower(trim(source)), '(www\.)?(bing|microsoft|msn|(bing|microsoft)[-_ ]?ads?)(\.com)?') THEN 'microsoft_ads'
    WHEN regexp_full_match(lower(trim(source)), '(www\.)?(linkedin|linkedin[-_ ]?ads?)(\.com)?') THEN 'linkedin_ads'
    WHEN regexp_full_match(lower(trim(source)), '(www\.)?(tiktok|tiktok[-_ ]?ads?)(\.com)?') THEN 'tiktok_ads'
    WHEN regexp_full_match(lower(trim(source)), '(www\.)?(twitter|x|(twitter|x)[-_ ]?ads?)(\.com)?') THEN 'twitter_ads'
    WHEN regexp_full_match(lower(trim(source)), '(www\.)?(pinterest|pinterest[-_ ]?ads?)(\.com)?') THEN 'pinterest_ads'
    WHEN regexp_full_match(lower(trim(source)), '(www\.)?(reddit|reddit[-_ ]?ads?)(\.com)?') THEN 'reddit_ads'
    WHEN regexp_full_match(lower(trim(source)), '(www\.)?(snapchat|snapchat[-_ ]?ads?)(\.com)?') THEN 'snapchat_ads'
    WHEN regexp_full_match(lower(trim(source)), '(www\.)?(amazon|amazon[-_ ]?ads?)(\.com)?') THEN 'amazon_ads'
    WHEN regexp_full_match(lower(trim(source)), '(apple[-_ ]?search([-_ ]?ads?)?)') THEN 'apple_search_ads'
END
