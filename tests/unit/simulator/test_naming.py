"""Ids and amounts as events write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import naming


@given(st.integers(-(10**14), 10**14), st.integers(0, 3))
def test_money_is_exact_and_has_its_decimals(minor: int, digits: int) -> None:
    text = naming.money(minor, digits)
    assert Decimal(text) == Decimal(minor).scaleb(-digits)
    assert -int(Decimal(text).as_tuple().exponent) == digits
    assert not text.startswith(("+", "."))


@pytest.mark.parametrize(
    ("minor", "digits", "text"),
    [(0, 2, "0.00"), (5, 2, "0.05"), (-5, 2, "-0.05"), (100, 2, "1.00"), (-12_345, 3, "-12.345"), (-7, 0, "-7")],
)
def test_money_on_the_edges(minor: int, digits: int, text: str) -> None:
    assert naming.money(minor, digits) == text


def test_no_two_things_share_an_id() -> None:
    makers = (naming.account_id, naming.old_account_id, naming.person_id, naming.visitor_id, naming.deal_id, naming.lead_id)
    ids = [make(number) for make in makers for number in range(2_000)]
    assert len(set(ids)) == len(ids)


def test_an_old_account_id_sorts_after_the_new_one() -> None:
    """The smallest id is the canonical one: a merged account is called by its new id."""
    assert all(naming.account_id(number) < naming.old_account_id(number) for number in range(100))


def test_every_37th_person_has_another_id_in_the_crm() -> None:
    twins = [number for number in range(150) if naming.has_contact_twin(number)]
    assert twins == [11, 48, 85, 122]
    for number in range(150):
        assert (naming.contact_id(number) != naming.person_id(number)) == (number in twins)
