-- Google's default channel of a visit, by source, medium and campaign of its link; `category` is what the source is: search, social, video,
-- shopping or ai. Google's rules in Google's order; what they call unassigned and comes from an AI assistant is `ai_assistant`.
CREATE MACRO channel(source, medium, campaign, category) AS
default_channel(nullif(lower(trim(source)), ''), nullif(lower(trim(medium)), ''), nullif(lower(trim(campaign)), ''), category)
