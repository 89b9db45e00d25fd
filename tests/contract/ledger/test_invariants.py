"""What must always hold of a ledger, whatever keeps it: one suite, run on the ledger in memory and on PostgreSQL."""

import random
from collections.abc import Iterator
from itertools import count, permutations, product
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.kernel.ids import derived_id
from shared.ledger.model import ROUTES, Kind, Movement, Step
from tests.conftest import MakeCall
from tests.contract.ledger.books import ABROAD, CURRENCIES, ONE, OTHER, REFUSED, Books, FakeBooks, PostgresBooks, move, signed

APPROVED = 1_000
ENDS = list(permutations([Step.POST, Step.VOID, Step.EXPIRE], 2))
PER_CAMPAIGN = (Kind.AVAILABLE, Kind.RESERVED, Kind.PAYABLE, Kind.INSTRUCTED, Kind.PAID)


@pytest.fixture(params=["memory", "postgres"])
def books(request: pytest.FixtureRequest) -> Books:
    """A ledger with a budget of 1,000 for each of two campaigns in USD and for one in JPY."""
    made: Books = FakeBooks() if request.param == "memory" else PostgresBooks(call=request.getfixturevalue("call"))
    for campaign_id in CURRENCIES:
        made.approve(campaign_id, derived_id("request", campaign_id), APPROVED)
    return made


def balances(books: Books, campaign: UUID = ONE) -> list[int]:
    """Available, reserved, payable, paid."""
    return [books.balance(campaign, kind) for kind in PER_CAMPAIGN]


def paid(minor: int, reference: str, campaign: UUID = ONE) -> list[Movement]:
    """An amount that is instructed, and confirmed."""
    return [move(step, minor, reference, campaign=campaign) for step in (Step.INSTRUCT, Step.PAY)]


def some_of_everything(books: Books) -> None:
    """Every step, in two campaigns of one currency and in one of another."""
    for campaign in CURRENCIES:
        first = [move(Step.RESERVE, 300, "a", campaign=campaign), move(Step.POST, 300, "a", campaign=campaign)]
        second = [move(Step.RESERVE, 200, "b", campaign=campaign), move(Step.VOID, 150, "b", campaign=campaign)]
        third = [move(Step.EXPIRE, 50, "b", campaign=campaign), *paid(250, "c", campaign)]
        last = [move(Step.REVERSE, 40, "a", campaign=campaign, reason="revised"), move(Step.WITHDRAW, 10, "d", campaign=campaign)]
        more = [move(Step.RECOVER, 5, "e", campaign=campaign), move(Step.SHRINK, 3, "a", campaign=campaign, turn=2)]
        back = [move(Step.INSTRUCT, 7, "f", campaign=campaign), move(Step.FAIL, 7, "f", campaign=campaign)]
        again = [*paid(6, "g", campaign), move(Step.RETURN, 6, "g", campaign=campaign)]
        for movements in (first, second, third, last, more, back, again):
            books.post(movements)


def test_debits_equal_credits_in_each_currency(books: Books) -> None:
    some_of_everything(books)
    sums: dict[str, int] = {}
    for (_, _, currency), minor in signed(books.entries()).items():
        sums[currency] = sums.get(currency, 0) + minor
    assert sums == {"USD": 0, "JPY": 0}
    assert books.findings() == []


def test_no_posting_joins_two_currencies(books: Books) -> None:
    some_of_everything(books)
    assert all(entry.debited[2] == entry.credited[2] for entry in books.entries())


def test_each_step_joins_its_two_accounts_and_no_others(books: Books) -> None:
    some_of_everything(books)
    entries = books.entries()
    assert {(entry.step, (entry.debited[0], entry.credited[0])) for entry in entries} == set(ROUTES.items())


def test_two_campaigns_never_mix(books: Books) -> None:
    before = balances(books, OTHER)
    books.post([move(Step.RESERVE, 300), move(Step.POST, 300), move(Step.REVERSE, 100)])
    assert balances(books, OTHER) == before
    owners = [{entry.debited[1], entry.credited[1]} - {None} for entry in books.entries()]
    assert all(len(campaigns) == 1 for campaigns in owners)


def test_an_approval_adds_exactly_its_amount(books: Books) -> None:
    books.approve(ONE, derived_id("more"), 7)
    assert balances(books) == [APPROVED + 7, 0, 0, 0, 0]
    assert books.available(CURRENCIES) == {ONE: APPROVED + 7, OTHER: APPROVED, ABROAD: APPROVED}
    assert books.balance(ONE, Kind.FUNDING) == -(2 * APPROVED + 7)


def test_an_approval_counts_once(books: Books) -> None:
    with pytest.raises(REFUSED):
        books.approve(ONE, derived_id("request", ONE), APPROVED)
    assert balances(books) == [APPROVED, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([Step.RESERVE], [700, 300, 0, 0, 0]),
        ([Step.RESERVE, Step.POST], [700, 0, 300, 0, 0]),
        ([Step.RESERVE, Step.VOID], [1000, 0, 0, 0, 0]),
        ([Step.RESERVE, Step.EXPIRE], [1000, 0, 0, 0, 0]),
        ([Step.RESERVE, Step.POST, Step.INSTRUCT], [700, 0, 0, 300, 0]),
        ([Step.RESERVE, Step.POST, Step.INSTRUCT, Step.PAY], [700, 0, 0, 0, 300]),
        ([Step.RESERVE, Step.POST, Step.INSTRUCT, Step.FAIL], [700, 0, 300, 0, 0]),
        ([Step.RESERVE, Step.POST, Step.INSTRUCT, Step.PAY, Step.RETURN], [700, 0, 300, 0, 0]),
        ([Step.RESERVE, Step.POST, Step.REVERSE], [1000, 0, 0, 0, 0]),
    ],
    ids=lambda value: "-".join(step.value for step in value) if isinstance(value[0], Step) else "",
)
def test_money_goes_from_reserved_to_posted_voided_or_expired(books: Books, steps: list[Step], expected: list[int]) -> None:
    for step in steps:
        books.post([move(step, 300)])
    assert balances(books) == expected


@pytest.mark.parametrize(
    "ends", list(permutations([Step.POST, Step.VOID, Step.EXPIRE], 2)), ids=lambda ends: "-".join(e.value for e in ends)
)
def test_a_reservation_ends_once(books: Books, ends: tuple[Step, Step]) -> None:
    books.post([move(Step.RESERVE, 300), move(ends[0], 300)])
    before = balances(books)
    with pytest.raises(REFUSED):
        books.post([move(ends[1], 300)])
    assert balances(books) == before


@pytest.mark.parametrize("step", [Step.POST, Step.VOID, Step.EXPIRE])
def test_nothing_is_used_that_was_not_reserved(books: Books, step: Step) -> None:
    with pytest.raises(REFUSED):
        books.post([move(step, 1)])
    assert balances(books) == [APPROVED, 0, 0, 0, 0]


def test_a_posting_id_is_carried_out_once(books: Books) -> None:
    books.post([move(Step.RESERVE, 300)])
    for again in ([move(Step.RESERVE, 300)], [move(Step.RESERVE, 1, "new"), move(Step.RESERVE, 300)]):
        with pytest.raises(REFUSED):
            books.post(again)
    assert balances(books) == [700, 300, 0, 0, 0]


def test_a_posting_id_is_carried_out_once_within_a_batch_too(books: Books) -> None:
    with pytest.raises(REFUSED):
        books.post([move(Step.RESERVE, 1), move(Step.RESERVE, 1)])
    assert balances(books) == [APPROVED, 0, 0, 0, 0]


def test_another_turn_of_the_same_thing_is_another_posting(books: Books) -> None:
    books.post([move(Step.RESERVE, 300, turn=1), move(Step.RESERVE, 20, turn=2)])
    assert balances(books) == [680, 320, 0, 0, 0]


def test_the_last_cent_can_be_promised_and_no_more(books: Books) -> None:
    books.post([move(Step.RESERVE, APPROVED)])
    assert balances(books) == [0, APPROVED, 0, 0, 0]
    with pytest.raises(REFUSED):
        books.post([move(Step.RESERVE, 1, "more")])


def test_an_overdraft_refuses_all_of_its_transaction(books: Books) -> None:
    before = books.entries()
    with pytest.raises(REFUSED):
        books.post([move(Step.RESERVE, 10, "small"), move(Step.RESERVE, 5, campaign=OTHER), move(Step.RESERVE, APPROVED, "large")])
    assert balances(books) == balances(books, OTHER) == [APPROVED, 0, 0, 0, 0]
    assert books.entries() == before


def test_no_budget_is_withdrawn_that_was_promised(books: Books) -> None:
    books.post([move(Step.RESERVE, 600)])
    with pytest.raises(REFUSED):
        books.post([move(Step.WITHDRAW, 401)])
    books.post([move(Step.WITHDRAW, 400)])
    assert balances(books) == [0, 600, 0, 0, 0]


@pytest.mark.parametrize("amount_minor", [0, -1])
def test_an_amount_is_more_than_nothing(books: Books, amount_minor: int) -> None:
    with pytest.raises(REFUSED):
        books.post([move(Step.RESERVE, amount_minor)])


def test_a_reversal_mirrors_what_was_earned_and_gives_its_reason(books: Books) -> None:
    books.post([move(Step.RESERVE, 300), move(Step.POST, 300)])
    books.post([move(Step.REVERSE, 300, turn=2, reason="revised")])
    assert balances(books) == [APPROVED, 0, 0, 0, 0]
    entries = books.entries()
    assert [(entry.step, entry.reason) for entry in entries if entry.reason] == [(Step.REVERSE, "revised")]
    assert {entry.step for entry in entries} == {Step.APPROVE, Step.RESERVE, Step.POST, Step.REVERSE}


def test_what_was_paid_and_then_taken_back_is_owed_to_the_campaign(books: Books) -> None:
    books.post([move(Step.RESERVE, 300), move(Step.POST, 300), *paid(300, "r")])
    books.post([move(Step.REVERSE, 100)])
    assert balances(books) == [800, 0, -100, 0, 300]


def test_totals_are_the_sums_of_postings(books: Books) -> None:
    some_of_everything(books)
    sums = signed(books.entries())
    for campaign, currency in CURRENCIES.items():
        assert balances(books, campaign) == [sums[kind, campaign, currency] for kind in PER_CAMPAIGN]
        assert books.balance(campaign, Kind.FUNDING) == sums[Kind.FUNDING, None, currency]


def test_approved_is_available_plus_all_that_was_promised(books: Books) -> None:
    some_of_everything(books)
    for campaign in CURRENCIES:
        assert sum(balances(books, campaign)) == APPROVED - 10 - 3


def test_postings_stay_as_they_are_when_others_are_added(books: Books) -> None:
    some_of_everything(books)
    before = {entry.posting_id: entry for entry in books.entries()}
    books.post([move(Step.RESERVE, 1, "late"), move(Step.VOID, 1, "late")])
    after = {entry.posting_id: entry for entry in books.entries()}
    assert {posting_id: after[posting_id] for posting_id in before} == before
    assert len(after) == len(before) + 2


def test_a_pot_tells_what_is_free_and_a_campaign_without_budget_has_none(books: Books) -> None:
    books.post([move(Step.RESERVE, 300)])
    nobody = derived_id("nobody")
    assert {campaign: pot.available_minor for campaign, pot in books.pots([ONE, OTHER, nobody]).items()} == {ONE: 700, OTHER: APPROVED}
    assert books.available([ONE, nobody]) == {ONE: 700}


@pytest.mark.parametrize(("left", "nearly"), [(20, False), (19, True), (0, True)])
def test_less_than_two_percent_left_is_nearly_exhausted(books: Books, left: int, nearly: bool) -> None:  # noqa: FBT001
    books.post([move(Step.RESERVE, APPROVED - left)])
    assert books.nearly_exhausted([ONE, OTHER]) == ({ONE} if nearly else set())


def test_nearly_exhausted_asks_of_all_that_was_approved(books: Books) -> None:
    books.approve(ONE, derived_id("more"), 9 * APPROVED)
    books.post([move(Step.RESERVE, 10 * APPROVED - 199)])
    assert books.nearly_exhausted([ONE]) == {ONE}


INDEPENDENT = [
    [move(Step.RESERVE, 300, "a"), move(Step.POST, 300, "a")],
    [move(Step.RESERVE, 200, "b"), move(Step.VOID, 200, "b")],
    [move(Step.RESERVE, 100, "c", campaign=OTHER)],
    [move(Step.RESERVE, 50, "d"), move(Step.POST, 50, "d"), move(Step.REVERSE, 20, "d", turn=2)],
]


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_independent_postings_does_not_matter(books: Books, seed: int) -> None:
    for movements in random.Random(seed).sample(INDEPENDENT, k=len(INDEPENDENT)):
        books.post(movements)
    assert balances(books) == [670, 0, 330, 0, 0]
    assert balances(books, OTHER) == [900, 100, 0, 0, 0]
    assert len(books.entries()) == len(CURRENCIES) + sum(map(len, INDEPENDENT))


def test_one_batch_and_many_give_the_same_totals(books: Books) -> None:
    books.post([one for movements in INDEPENDENT for one in movements])
    assert balances(books) == [670, 0, 330, 0, 0]
    assert books.findings() == []


STEPS = st.sampled_from(list(Step)[1:])
BATCHES = st.lists(st.lists(st.tuples(STEPS, st.integers(1, 700), st.booleans()), min_size=1, max_size=4), max_size=8)
Batches = list[list[tuple[Step, int, bool]]]
NUMBERS = count()
"""Each example of a property has campaigns of its own."""


@settings(max_examples=30)
@given(batches=BATCHES)
def test_exposure_is_never_above_what_was_approved(books: Books, batches: Batches) -> None:
    """Whatever is tried: what does not fit is refused whole, and what is promised, owed or paid never exceeds the approval."""
    campaigns = _two_campaigns(books)
    for movements in _movements(batches, campaigns):
        before = books.entries()
        if _refuses(books, movements):
            assert books.entries() == before
        for campaign in campaigns:
            available, reserved, payable, instructed, paid = (books.balance(campaign, kind) for kind in PER_CAMPAIGN)
            assert min(available, reserved, instructed, paid) >= 0
            assert reserved + payable + instructed + paid <= available + reserved + payable + instructed + paid <= APPROVED
    assert books.findings() == []


@settings(max_examples=30)
@given(batches=BATCHES)
def test_memory_and_postgres_refuse_the_same_and_end_the_same(call: MakeCall, batches: Batches) -> None:
    both: tuple[Books, Books] = (FakeBooks(), PostgresBooks(call=call))
    number = next(NUMBERS)
    campaigns = [derived_id("example", number, name) for name in "ab"]
    for books, campaign in product(both, campaigns):
        _approve(books, campaign)
    for movements in _movements(batches, campaigns):
        assert _refuses(both[0], movements) == _refuses(both[1], movements)
    ends = [[books.balance(campaign, kind) for campaign in campaigns for kind in PER_CAMPAIGN] for books in both]
    assert ends[0] == ends[1]


def _two_campaigns(books: Books) -> list[UUID]:
    number = next(NUMBERS)
    return [_approve(books, derived_id("example", number, name)) for name in "ab"]


def _approve(books: Books, campaign: UUID) -> UUID:
    books.approve(campaign, derived_id("request", campaign), APPROVED)
    return campaign


def _movements(batches: Batches, campaigns: list[UUID]) -> Iterator[list[Movement]]:
    for turn, batch in enumerate(batches):
        yield [move(step, amount, f"{turn}-{i}", campaign=campaigns[other]) for i, (step, amount, other) in enumerate(batch)]


def _refuses(books: Books, movements: list[Movement]) -> bool:
    try:
        books.post(movements)
    except REFUSED:
        return True
    return False
