"""Ids and names, made from the numbers of rows, and money, made from minor units."""

from __future__ import annotations

__all__ = [
    "account_id",
    "account_name",
    "contact_id",
    "contract_id",
    "deal_id",
    "deal_name",
    "has_contact_twin",
    "lead_id",
    "money",
    "old_account_id",
    "person_id",
    "visitor_id",
]

_CONTACT_EVERY = 37
_PLACES = (
    *("Alder", "Birch", "Cedar", "Dale", "Elm", "Fjord", "Grove", "Harbour", "Iris", "Juniper", "Kestrel", "Larch", "Meadow"),
    *("North", "Oak", "Pine", "Quarry", "Ridge", "Stone", "Tarn", "Umber", "Vale", "Willow", "Yarrow", "Zephyr"),
)
_TRADES = (
    *("Foods", "Freight", "Energy", "Systems", "Clinics", "Hotels", "Retail", "Textiles", "Robotics", "Insurance", "Dairy", "Paper"),
    *("Shipping", "Optics", "Press", "Seeds", "Steel"),
)


def account_id(number: int) -> str:
    """Return the id of an account."""
    return f"acct-{number:05d}"


def account_name(number: int) -> str:
    """Return what an account is called: a name of its own, whatever else the number makes.

    >>> account_name(0), account_name(1)
    ('Alder Foods', 'Birch Freight')
    """
    places, trades = len(_PLACES), len(_TRADES)
    place, trade, more = number % places, (number + number // places) % trades, number // (places * trades)
    return f"{_PLACES[place]} {_TRADES[trade]}" + (f" {more + 1}" if more else "")


def deal_name(number: int, product: str, deal_type: str) -> str:
    """Return what a deal is called: `Alder Foods: Suite (renewal)`, of the account's number."""
    return f"{account_name(number)}: {product} ({deal_type})"


def old_account_id(number: int) -> str:
    """Return the second id of an account that was merged."""
    return f"acct-{number:05d}-old"


def person_id(number: int) -> str:
    """Return the id under which the website knows a person."""
    return f"p-{number:06d}"


def contact_id(number: int) -> str:
    """Return the id under which the CRM knows a person: for a few it is another one, joined by an identity event."""
    return f"crm-{number:06d}" if has_contact_twin(number) else person_id(number)


def has_contact_twin(number: int) -> bool:
    """Say whether the CRM knows a person under an id of its own."""
    return number % _CONTACT_EVERY == 11


def visitor_id(number: int) -> str:
    """Return the id of a browser."""
    return f"v-{number:06d}"


def deal_id(number: int) -> str:
    """Return the id of a deal."""
    return f"D-{number:05d}"


def contract_id(number: int) -> str:
    """Return the id of the first contract of an account that was a customer before the story."""
    return f"C-{number:05d}"


def lead_id(number: int) -> str:
    """Return the id of a lead."""
    return f"L-{number:06d}"


def money(minor: int, digits: int) -> str:
    """Write minor units as a decimal.

    >>> money(-150, 2), money(5000, 0)
    ('-1.50', '5000')
    """
    if not digits:
        return str(minor)
    whole, part = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{digits}d}"
