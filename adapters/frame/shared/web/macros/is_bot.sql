-- Whether a user agent says that it is a program: crawlers, previews, monitors, libraries. Cubot makes phones.
CREATE MACRO is_bot(user_agent) AS
coalesce(
    regexp_matches(
        lower(user_agent),
        '(?:^|[^u])bot|[^c]ubot|crawl|spider|slurp|headless|lighthouse|phantomjs|prerender|puppeteer|selenium|facebookexternalhit|embedly'
        || '|preview|pingdom|uptime|site24x7|statuscake|gtmetrix|monitor(?:ing)?[/ ;)]|archiver|validator|scrapy|mediapartners|google-read-aloud'
        || '|feedfetcher|python-|^python|aiohttp|^curl|^wget|libwww|okhttp/|^java/|go-http-client|httpclient|^axios|node-fetch|^ruby|^php/'
    ),
    false
)
