"""The nisba.toml that `nisba init` writes; nisba.example.toml in the repository is the same text."""

__all__ = ["TEMPLATE"]

TEMPLATE = """\
# Configuration of nisba. Any key can also be a variable: NISBA_REPORTING_CURRENCY=EUR. A flag goes before both.
# A change of what the books depend on, from [reporting] to [[model]], makes every deal dirty: the next `nisba attribute` (or stream, or
# backfill) recomputes them. What the teams agree on is judged anew by `nisba attribute` and `nisba publish`.

[reporting]
currency = "USD"                 # what figures are in
time_zone = "UTC"                # whose dates: "Asia/Riyadh"
fiscal_year_start_month = 1
fx_policy = "dated"              # rates of each date from finance.fx; "fixed" uses [reporting.fixed_rates]
fx_pivot = "EUR"                 # used where there is no rate between two currencies
# [reporting.fixed_rates]
# "EUR/USD" = "1.10"             # one EUR is 1.10 USD

[attribution]
# models = ["first_touch", "linear", "w_30_30_30_10"]   # default: every built-in rule model
default_model = "w_30_30_30_10"  # the model of reports
lookback_days = 180              # touches this long before `anchor` count
anchor = "opened_at"             # or "closed_at"
mapping = "account"              # or "contacts", "primary_contact"
session_gap_minutes = 30         # repeated touches closer than this count as one; 0: each counts
collapse_by = ["campaign_id", "channel", "kind"]        # what such touches have in common
excluded_kinds = ["impression"]  # excluded touches earn nothing
excluded_channels = []
excluded_referrers = []          # hosts: "paypal.com" excludes www.paypal.com too
direct_channels = ["direct"]     # what last_non_direct passes over
teams = ["marketing", "sales", "partner", "customer"]

# What your sources write, and what you call it. Case and blanks do not matter.
# [labels.channel]
# "linkedin" = "paid_social"
# [labels.lead_source]
# "Web" = "website"

[marketing]
target_pct = 30                  # marketing-driven revenue should be at least this
lead_sources = ["website", "event", "webinar"]          # lead sources of deals that are marketing's

# A model of your own, computed beside the others. An id means one thing for ever: a changed rule is a new id.
# [[model]]
# id = "acme_event_heavy_v1"
# first_touch = 30
# lead_creation = 30
# opportunity_creation = 0
# closed_won = 20
# rest = 20
# half_life_days = 60
# multipliers = [{ channel = "event", factor = 1.5 }]

# What the teams agree on; docs/configuration.md has all of it.
# [[lead_quality]]               # what both call a good lead
# id = "fit_2026"
# valid_from = 2026-01-01
# min_score = 50
# [[lead_sla]]                   # how soon it is answered, in business hours
# id = "mql_sal_8h"
# from_stage = "mql"
# to_stage = "sal"
# hours = 8
# [business_hours]
# days = ["sun", "mon", "tue", "wed", "thu"]
# opens = "08:30"
# closes = "16:30"
# holidays = "SA"                # or a list of days
# [sales_process]
# stages = ["discovery", "proposal", "negotiation"]     # of open deals, in order
# [exceptions]                   # what counts as improvised
# discount = { max_pct = 10 }
# quarter_end = { enabled = false }
# [[incentive]]                  # what is paid on a locked quarter
# id = "demand_2026"
# pool_pct = 1
# tiers = [{ from_pct = 0, factor = 0 }, { from_pct = 20, factor = 1 }, { from_pct = 30, factor = 2 }]

[kafka]
bootstrap_servers = "localhost:9092"
# security_protocol = "SASL_SSL"
# sasl_mechanism = "SCRAM-SHA-256"
# sasl_username = "nisba"
# sasl_password_file = "/run/secrets/kafka"             # or the variable NISBA_KAFKA_SASL_PASSWORD; never in this file

[warehouse]
path = "warehouse.duckdb"        # relative to where nisba runs

[publish]
directory = "published"          # nisba.duckdb in it is always the latest snapshot
"""
