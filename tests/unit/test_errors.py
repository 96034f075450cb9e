"""The tree of errors: drawn as it is, one sentence each, and whole after a journey between processes."""

from __future__ import annotations

import pickle
import re

import pytest

from nisba import errors
from nisba.errors import AmountError, NisbaError, OffsetConflict, Refused, TooManyDeadLetters

CLASSES = [getattr(errors, name) for name in errors.__all__]
ARGUMENTS: dict[type, tuple[object, ...]] = {
    OffsetConflict: ("crm.deal", 3, 7, None),
    TooManyDeadLetters: (9, 10, 5.0, "$.time: missing"),
    Refused: ("schema", "$.data.amount: missing"),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_survive_pickling(kind: type[NisbaError]) -> None:
    error = kind(*ARGUMENTS.get(kind, ("what was found: what to do",)))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.args, vars(again)) == (kind, str(error), error.args, vars(error))
    assert issubclass(kind, NisbaError)


def test_the_drawing_is_the_tree() -> None:
    drawn: dict[str, str] = {}
    depth_of: list[str] = []
    for indent, name in re.findall(r"^    ([│├└─ ]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(indent) // 4
        depth_of[depth:] = [name]
        drawn[name] = depth_of[depth - 1] if depth else "Exception"
    assert drawn == {kind.__name__: kind.__base__.__name__ for kind in CLASSES}


def test_a_refusal_shows_its_sentence_and_keeps_its_class() -> None:
    refusal = Refused("semantic", "$.data.right: cannot be linked with itself")
    assert (str(refusal), refusal.error_class, refusal.message) == (refusal.message, "semantic", str(refusal))


def test_an_amount_is_refused_as_one_of_ours() -> None:
    from nisba.money import parse_amount

    with pytest.raises(AmountError, match=r"'1.5' has more decimals than JPY has \(0\)"):
        parse_amount("1.5", "JPY")
