"""What the simulated company does: its campaigns, what each truly causes, and the touches they leave.

Everything that makes the story believable is a number in a table here; the other modules only carry it out.
Shares and probabilities are parts of 10,000, money is in US cents per account and year, days are whole days.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CAMPAIGNS",
    "CURRENCIES",
    "INDUSTRIES",
    "JOB_TITLES",
    "LEAD_SEGMENTS",
    "LOSS_REASONS",
    "NEXT_STEPS",
    "OWNERS",
    "OWNER_CARELESSNESS",
    "PAGES",
    "PARENTS",
    "PRODUCTS",
    "RECYCLE_REASONS",
    "REGIONS",
    "REJECT_REASONS",
    "ROUTES",
    "SDRS",
    "SDR_PACE",
    "SEGMENTS",
    "STREAMS",
    "Campaign",
    "Region",
    "Segment",
    "Stream",
]


@dataclass(frozen=True)
class Campaign:
    """A campaign: what is booked about it, and the truth that no book sees."""

    id: str
    name: str
    channel: str
    type: str
    begins: int  # parts of 10,000 of the simulated time
    ends: int
    cost: int  # US cents per account of the whole simulation and year
    uplift: int  # parts of 10,000 added to a deal's probability of being won once its account has seen the campaign
    currency: str = "USD"
    daily: bool = True  # an ad platform that reports by the day; else one or two invoices over a range
    parent: str | None = None
    owner: str = "Mira Lindqvist"
    days: int | None = None  # length of a fair or a webinar, from `begins` on


CAMPAIGNS: tuple[Campaign, ...] = (
    Campaign("c-brand-search", "Brand search, always on", "paid_search", "paid", 0, 10_000, 5_600, 0),
    Campaign("c-category-search", "Category keywords: close software", "paid_search", "paid", 0, 10_000, 9_800, 300, "EUR"),
    Campaign("c-linkedin-cfo", "LinkedIn: CFOs of the mid-market", "paid_social", "paid", 1_000, 9_000, 12_400, 500),
    Campaign("c-retargeting", "Retargeting of pricing page visitors", "paid_social", "paid", 0, 10_000, 5_200, 0),
    Campaign("c-newsletter", "The Ledger Letter, monthly newsletter", "email", "email", 0, 10_000, 1_500, 100, daily=False),
    Campaign("c-nurture", "Nurture: from first look to business case", "email", "email", 0, 10_000, 1_900, 400, daily=False),
    Campaign("c-webinar-close", "Webinar: Close the books in a day", "webinar", "webinar", 1_900, 0, 2_600, 700, daily=False, days=9),
    Campaign("c-webinar-audit", "Webinar: Audit without tears", "webinar", "webinar", 6_300, 0, 2_900, 600, daily=False, days=9),
    Campaign("c-fair-spring", "Hannover Finance Fair, stand 4-B17", "event", "event", 3_000, 0, 11_500, 1_200, "EUR", False, days=4),
    Campaign("c-fair-autumn", "Controllers' Congress London", "event", "event", 7_400, 0, 9_000, 200, "GBP", False, days=3),
    Campaign("c-report", "The State of Closing report", "content", "content", 0, 10_000, 3_400, 350, "GBP", False, "c-thought-leadership"),
    Campaign(
        "c-calculator",
        "Cost of a late close: calculator",
        "content",
        "content",
        4_500,
        10_000,
        2_200,
        250,
        "USD",
        False,
        "c-thought-leadership",
    ),
    Campaign(
        "c-partner-fund",
        "Partner fund with the audit firms",
        "partner",
        "partner",
        0,
        10_000,
        5_400,
        900,
        daily=False,
        owner="Tomasz Zieliński",
    ),
    Campaign(
        "c-outbound-cfo",
        "Outbound sequence to new finance chiefs",
        "outbound",
        "outbound",
        0,
        10_000,
        6_200,
        450,
        daily=False,
        owner="Rosa Almeida",
    ),
)
PARENTS: tuple[Campaign, ...] = (
    Campaign("c-thought-leadership", "Thought leadership programme", "content", "content", 0, 10_000, 0, 0, "GBP", False),
)
"""Campaigns that only hold others together: no cost, no touches."""


@dataclass(frozen=True)
class Stream:
    """A kind of touch that keeps coming: who makes it, for whom, when and how well we know the person."""

    source: str
    channel: str
    team: str
    kinds: tuple[tuple[str, int], ...]  # kind, weight
    rate: int  # touches per 100 accounts and year
    ids: str  # web, form, email, known, account: which ids the touch carries
    campaign: str | None = None
    near_deal: int = 0  # of 100 touches, how many belong to the story of a deal
    days: tuple[int, ...] = (-170, -90, -45, -15, 0, 25)  # quantiles of days from the deal's opening
    routes: tuple[int, ...] = (24, 1, 2, 2)  # how much each of ROUTES is its audience
    wants_intent: bool = False  # chases those who would buy anyway: looks better than it is
    repeats: int = 0  # parts of 10,000 that are repeated within the session


ROUTES: tuple[tuple[str, int], ...] = (("marketing", 1_500), ("sales", 5_200), ("partner", 1_300), ("customer", 2_000))
"""How an account is won, and how many are: who makes the first move."""

_EARLY = (-175, -140, -95, -55, -25, -5)
_LATE = (-8, 5, 20, 45, 80, 130)

STREAMS: tuple[Stream, ...] = (
    Stream("web", "paid_search", "marketing", (("click", 1),), 80, "web", "c-brand-search", 70, wants_intent=True, repeats=1_200),
    Stream("web", "paid_search", "marketing", (("click", 5), ("form", 1)), 90, "web", "c-category-search", 55, _EARLY, repeats=1_500),
    Stream("web", "paid_social", "marketing", (("click", 6), ("form", 1)), 80, "web", "c-linkedin-cfo", 45, _EARLY),
    Stream("linkedin", "paid_social", "marketing", (("impression", 1),), 300, "account", "c-linkedin-cfo", 30),
    Stream("web", "paid_social", "marketing", (("click", 1),), 45, "web", "c-retargeting", 75, _LATE, wants_intent=True),
    Stream("web", "paid_social", "marketing", (("impression", 1),), 320, "web", "c-retargeting", 50, wants_intent=True),
    Stream("mail", "email", "marketing", (("email_open", 4), ("email_click", 1)), 130, "email", "c-newsletter", 5, routes=(6, 1, 2, 4)),
    Stream(
        "mail", "email", "marketing", (("email_open", 2), ("email_click", 1)), 80, "email", "c-nurture", 70, (-90, -60, -35, -15, 0, 30)
    ),
    Stream("webinars", "webinar", "marketing", (("webinar", 1),), 40, "known", "c-webinar-close", routes=(10, 2, 2, 4)),
    Stream("webinars", "webinar", "marketing", (("webinar", 1),), 44, "known", "c-webinar-audit", routes=(10, 2, 2, 4)),
    Stream("events", "event", "marketing", (("event_attended", 3), ("meeting", 1)), 45, "known", "c-fair-spring", routes=(8, 3, 2, 3)),
    Stream("events", "event", "marketing", (("event_attended", 3), ("meeting", 1)), 32, "known", "c-fair-autumn", routes=(8, 3, 2, 3)),
    Stream("web", "content", "marketing", (("visit", 3), ("form", 2)), 50, "form", "c-report", 55, _EARLY),
    Stream("web", "content", "marketing", (("visit", 3), ("form", 1)), 30, "form", "c-calculator", 60),
    Stream("web", "organic_search", "marketing", (("visit", 9), ("form", 1)), 150, "web", None, 35, _EARLY, repeats=1_000),
    Stream("web", "direct", "marketing", (("visit", 1),), 110, "web", None, 60, (-100, -40, -10, 5, 30, 90), repeats=2_000),
    Stream(
        "partners", "partner", "partner", (("meeting", 1), ("call", 1)), 70, "known", "c-partner-fund", 80, _EARLY, routes=(1, 1, 24, 1)
    ),
    Stream("partners", "partner", "partner", (("email_click", 1),), 45, "account", None, 60, routes=(1, 1, 24, 1)),
    Stream(
        "crm",
        "outbound",
        "sales",
        (("email_open", 3), ("call", 2), ("meeting", 1)),
        420,
        "known",
        "c-outbound-cfo",
        75,
        _EARLY,
        (1, 14, 3, 1),
    ),
    Stream(
        "crm",
        "outbound",
        "sales",
        (("call", 4), ("email_click", 1)),
        560,
        "account",
        None,
        80,
        (-178, -150, -110, -70, -30, 0),
        (0, 14, 2, 1),
    ),
    Stream(
        "crm", "sales", "sales", (("call", 5), ("meeting", 4), ("demo", 2)), 520, "known", None, 92, (-30, -4, 8, 25, 55, 110), (6, 9, 7, 5)
    ),
    Stream("support", "customer_success", "customer", (("call", 2), ("meeting", 1)), 260, "known", None, 45, _EARLY, (0, 0, 1, 12)),
)


@dataclass(frozen=True)
class Segment:
    """A class of accounts by size; quantiles from least to greatest."""

    name: str
    share: int
    people: tuple[int, ...]
    deals: int  # per year, in 10,000ths
    amount: tuple[int, ...]  # whole US dollars
    cycle: tuple[int, ...]  # days from opening to close
    base_win: int


SEGMENTS: tuple[Segment, ...] = (
    Segment("enterprise", 800, (4, 6, 9, 14), 16_000, (40_000, 62_000, 90_000, 150_000, 320_000), (60, 95, 130, 170, 240), 200),
    Segment("mid_market", 2_900, (2, 4, 6, 9), 9_500, (12_000, 18_000, 26_000, 38_000, 60_000), (30, 50, 75, 100, 150), 300),
    Segment("small_business", 6_300, (1, 2, 3, 4), 5_500, (2_400, 4_000, 6_000, 8_500, 14_000), (10, 22, 35, 50, 90), 400),
)


@dataclass(frozen=True)
class Region:
    """Where accounts are: their share, their local times and their currencies with weights."""

    name: str
    share: int
    offsets: tuple[int, ...]  # minutes east of UTC
    currencies: tuple[tuple[str, int], ...]


REGIONS: tuple[Region, ...] = (
    Region("AMER", 4_200, (-480, -300, -180, -210), (("USD", 1),)),
    Region("EMEA", 4_300, (0, 60, 120, 180), (("EUR", 6), ("GBP", 3), ("CHF", 1))),
    Region("APAC", 1_500, (330, 480, 540, 765), (("USD", 2), ("JPY", 3))),
)

CURRENCIES: dict[str, tuple[int, int, int]] = {
    # currency: first rate to one EUR in 10,000ths, decimals of the minor unit, whole units that deals are rounded to
    "USD": (10_800, 2, 50),
    "GBP": (8_400, 2, 50),
    "CHF": (9_400, 2, 50),
    "JPY": (1_625_000, 0, 10_000),
    "EUR": (10_000, 2, 50),
}

LEAD_SEGMENTS = (*(segment.name for segment in SEGMENTS), "micro")
"""What the form of a lead says about its company; the last one is nobody's customer."""

INDUSTRIES = ("manufacturing", "logistics", "retail", "healthcare", "hospitality", "energy", "media", "agriculture", "insurance")
PRODUCTS = ("Close", "Consolidate", "Audit Trail", "Suite")
PAGES = ("/", "/pricing", "/product/close", "/product/audit-trail", "/customers", "/docs/start", "/blog/late-close", "/compare")
OWNERS = ("Ana Duarte", "Bola Adeyemi", "Chen Wei", "Dario Conti", "Elif Kaya", "Freya Nilsen", "Goran Ilić", "Hana Sato")
OWNER_CARELESSNESS = (6, 9, 5, 13, 8, 7, 20, 12)
"""Of each owner, in tenths: how much likelier gaps in the record and steep discounts are than usual."""
SDRS = ("Ivo Marek", "Jade Moreau", "Kofi Mensah", "Leila Haddad")
SDR_PACE = (8, 10, 9, 13)
"""Of each of them, in tenths: how long an answer takes beside the usual."""
LOSS_REASONS = ("price", "no_decision", "competitor", "missing_feature", "timing")
NEXT_STEPS = ("Demo with the controller", "Send the offer", "Security questionnaire", "Reference call", "Contract to legal")
JOB_TITLES = ("CFO", "Controller", "Head of accounting", "Accountant", "IT manager", "Consultant", "Student")
REJECT_REASONS = (
    ("not_a_fit", "no_budget", "duplicate", "student", "competitor"),
    ("no_budget", "no_response", "bad_timing", "chose_another"),
)
"""Of weak leads, and of good ones."""
RECYCLE_REASONS = ("bad_timing", "no_response", "no_budget")
