-- Google's default channel of texts that are lower-case and trimmed.
CREATE MACRO default_channel(source, medium, campaign, category) AS
CASE
    WHEN (source IS NULL AND medium IS NULL) OR (source = '(direct)' AND coalesce(medium, '(none)') IN ('(none)', '(not set)')) THEN 'direct'
    WHEN contains(campaign, 'cross-network') THEN 'cross_network'
    WHEN is_paid(medium) AND (category = 'shopping' OR is_shopping(campaign)) THEN 'paid_shopping'
    WHEN is_paid(medium) AND category = 'search' THEN 'paid_search'
    WHEN is_paid(medium) AND category = 'social' THEN 'paid_social'
    WHEN is_paid(medium) AND category = 'video' THEN 'paid_video'
    WHEN medium IN ('display', 'banner', 'expandable', 'interstitial', 'cpm') THEN 'display'
    WHEN is_paid(medium) THEN 'paid_other'
    WHEN category = 'shopping' OR is_shopping(campaign) THEN 'organic_shopping'
    WHEN category = 'social' OR medium IN ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media') THEN 'organic_social'
    WHEN category = 'video' OR contains(medium, 'video') THEN 'organic_video'
    WHEN category = 'search' OR medium = 'organic' THEN 'organic_search'
    WHEN medium IN ('referral', 'app', 'link') THEN 'referral'
    WHEN regexp_full_match(source, 'e[-_ ]?mail') OR regexp_full_match(medium, 'e[-_ ]?mail') THEN 'email'
    WHEN medium = 'affiliate' THEN 'affiliates'
    WHEN medium = 'audio' THEN 'audio'
    WHEN source = 'sms' OR medium = 'sms' THEN 'sms'
    WHEN suffix(medium, 'push') OR contains(medium, 'mobile') OR contains(medium, 'notification') OR source = 'firebase' THEN 'push'
    WHEN category = 'ai' THEN 'ai_assistant'
    ELSE 'unassigned'
END
