"""Who is let in first: nobody with a basket is turned away before somebody without one, and the till comes last."""

import pytest

from router.model import GUEST, Visit
from router.ranks import BROWSING, BUYING, CARRYING, CLOSE, KNOWN, NAMES, RANKS, rank_of

INTENTS = ("browse", "buy", "account", "api", "asset")
FILLED, CUSTOMER = Visit(items=2), Visit(login=True)


@pytest.mark.parametrize(
    ("intent", "visit", "rank"),
    [
        ("browse", GUEST, BROWSING), ("asset", GUEST, BROWSING), ("account", GUEST, KNOWN), ("api", GUEST, KNOWN),
        ("browse", CUSTOMER, KNOWN), ("asset", CUSTOMER, KNOWN), ("browse", FILLED, CARRYING),
        ("asset", FILLED, CARRYING), ("account", FILLED, CLOSE), ("api", FILLED, CLOSE), ("buy", GUEST, BUYING),
        ("buy", FILLED, BUYING), ("", GUEST, BROWSING),
    ],
)  # fmt: skip
def test_who_has_which_rank(intent, visit, rank):
    assert rank_of(intent, visit) == rank


@pytest.mark.parametrize("login", [False, True])
@pytest.mark.parametrize("intent", INTENTS)
@pytest.mark.parametrize("other", [intent for intent in INTENTS if intent != "buy"])
def test_whoever_has_a_basket_goes_before_everybody_without_one_who_is_not_buying(intent, other, login):
    assert rank_of(intent, Visit(login, items=1)) > rank_of(other, Visit(login=True))


def test_every_rank_has_a_name():
    assert len(NAMES) == RANKS
    assert NAMES[BUYING] == "buying"
