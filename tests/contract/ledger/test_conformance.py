"""One suite of named invariants for every ledger: each is read off one life that it led, or was tried to be broken in it."""

import pytest

from tests.conftest import MakeCall
from tests.contract.ledger.books import FakeBooks, PostgresBooks
from tests.contract.ledger.conformance import NOT_OVER_HTTP, SEEN, TRIED, Life
from tests.contract.ledger.lives import live

LIVES: dict[str, Life] = {}


@pytest.fixture(params=["memory", "postgres"])
def life(request: pytest.FixtureRequest) -> Life:
    """The life that this ledger led; it is led once."""
    if request.param not in LIVES:
        make: MakeCall | None = request.getfixturevalue("call") if request.param == "postgres" else None
        LIVES[request.param] = live(PostgresBooks(call=make) if make else FakeBooks())
    return LIVES[request.param]


@pytest.mark.parametrize("invariant", [*SEEN, *TRIED])
def test_invariant(life: Life, invariant: str) -> None:
    assert SEEN[invariant](life) if invariant in SEEN else life.tried[invariant]


def test_the_suite_names_what_it_cannot_drive() -> None:
    assert len({*SEEN, *TRIED}) == len(SEEN) + len(TRIED) >= 15
    assert set(NOT_OVER_HTTP) < set(TRIED)
