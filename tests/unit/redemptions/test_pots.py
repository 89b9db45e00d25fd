"""The limited pots of an offer: what they cover to the last minor unit, which of them a redemption is in, and how it moves between them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from shared.eligibility.compile import compile_offer
from shared.eligibility.model import Outcome
from shared.kernel.reasons import Reason
from shared.redemptions.admission import Pots, keys_of, left_of
from shared.redemptions.model import Redemption, State
from shared.redemptions.pots import Given, Key, Left, SharedPot, shared_pots
from tests.unit.eligibility.builders import offer, terms
from tests.unit.redemptions.builders import CAMPAIGN, OFFER, Record, outcome, owner

MINUTES_A_DAY: Final = 24 * 60
ELSEWHERE: Final[dict[str, dict[str, Any]]] = {
    "budget_per_day": {"minutes": MINUTES_A_DAY},
    "budget_per_month": {"minutes": 31 * MINUTES_A_DAY},
    "budget_per_merchant": {"merchant": "shop-2"},
    "reward_per_account": {"account": "acc-2"},
}
"""For each limit, what puts a redemption into another pot."""
REASONS: Final = {
    "budget_per_day": Reason.DAY_BUDGET_EXHAUSTED,
    "budget_per_month": Reason.MONTH_BUDGET_EXHAUSTED,
    "budget_per_merchant": Reason.MERCHANT_BUDGET_EXHAUSTED,
    "reward_per_account": Reason.ACCOUNT_LIMIT_REACHED,
}
each_limit = pytest.mark.parametrize("limit", list(REASONS))


class Books(Record):
    """Books of an offer with limited pots, none of which has given anything yet."""

    def given(self, wanted: dict[str, tuple[int, dict[str, Any]]], **limits: int) -> list[Redemption]:
        """Fold so much of reward for each grant, with what is said of it; how the grants' redemptions stand."""
        who = owner(pots=pots_of(limits))
        said: dict[str, Any] = {"account": "acc-1", "merchant": "shop-1", "minutes": 0}
        outcomes = [
            (who, outcome(grant, reward, transaction=f"t-{grant}", **said | more)) for grant, (reward, more) in wanted.items() if reward
        ]
        for key, pot in keys_of(self.changes(outcomes)).items():
            self.pots.shared.setdefault(key, pot.most)
        self.fold(*outcomes)
        return [self.one(grant) for grant in wanted]


def pots_of(limits: Mapping[str, int | str], zone: str = "UTC") -> tuple[SharedPot, ...]:
    return shared_pots(compile_offer(offer(terms(limits=limits, window={"zone": zone}, reward={"kind": "fixed", "amount": 1}))))


@pytest.fixture
def books() -> Books:
    return Books(pots=Pots(available_minor={CAMPAIGN: 10_000}))


def rewards(redemptions: list[Redemption]) -> list[int]:
    return [redemption.reward_minor for redemption in redemptions]


@each_limit
@pytest.mark.parametrize(("second", "paid"), [(39, 39), (40, 40), (41, 0)])
def test_a_pot_covers_up_to_its_last_minor_unit_and_refuses_whole_what_is_more(books: Books, limit: str, second: int, paid: int) -> None:
    given = books.given({"g1": (60, {}), "g2": (second, {"minutes": 1})}, **{limit: 100})
    assert rewards(given) == [60, paid]
    assert given[1].reason is (None if paid else REASONS[limit])
    assert given[1].state is (State.PAYABLE if paid else State.REJECTED)


@each_limit
def test_another_pot_of_the_same_kind_is_full_still(books: Books, limit: str) -> None:
    assert rewards(books.given({"g1": (100, {}), "g2": (100, ELSEWHERE[limit])}, **{limit: 100})) == [100, 100]


@each_limit
def test_what_is_taken_back_may_be_given_again(books: Books, limit: str) -> None:
    books.given({"g1": (100, {})}, **{limit: 100})
    assert rewards(books.given({"g1": (30, {}), "g2": (70, {"minutes": 1})}, **{limit: 100})) == [30, 70]


@each_limit
def test_a_batch_that_exhausts_a_pot_admits_a_prefix(books: Books, limit: str) -> None:
    asked = {f"g{n}": (reward, {"minutes": n}) for n, reward in enumerate([50, 30, 40, 10, 1])}
    given = books.given(asked, **{limit: 100})
    assert rewards(given) == [50, 30, 0, 0, 0]
    assert [redemption.reason for redemption in given] == [None, None, *[REASONS[limit]] * 3]
    assert books.pots.available_minor[CAMPAIGN] == 10_000 - 80


@each_limit
def test_a_reward_that_grows_asks_for_the_difference(books: Books, limit: str) -> None:
    books.given({"g1": (60, {})}, **{limit: 100})
    assert rewards(books.given({"g1": (100, {})}, **{limit: 100})) == [100]
    (refused,) = books.given({"g1": (101, {})}, **{limit: 100})
    assert (refused.reward_minor, refused.wanted_minor, refused.reason) == (100, 101, REASONS[limit])


@each_limit
def test_one_that_moves_is_held_to_the_pot_into_which_it_moves(books: Books, limit: str) -> None:
    books.given({"g1": (70, {}), "g2": (70, ELSEWHERE[limit])}, **{limit: 100})
    moved, stays = books.given({"g1": (70, ELSEWHERE[limit]), "g2": (70, ELSEWHERE[limit])}, **{limit: 100})
    assert (moved.state, moved.reward_minor, moved.wanted_minor, moved.reason) == (State.REJECTED, 0, 70, REASONS[limit])
    assert stays.reward_minor == 70
    assert books.pots.available_minor[CAMPAIGN] == 10_000 - 70


@each_limit
@pytest.mark.parametrize(("there", "paid"), [(30, 70), (31, 0)])
def test_one_that_moves_asks_for_all_of_it_where_it_moves(books: Books, limit: str, there: int, paid: int) -> None:
    books.given({"g1": (70, {}), "g2": (there, ELSEWHERE[limit])}, **{limit: 100})
    assert rewards(books.given({"g1": (70, ELSEWHERE[limit]), "g2": (there, ELSEWHERE[limit])}, **{limit: 100})) == [paid, there]


@each_limit
def test_one_that_moves_leaves_its_pot_to_others(books: Books, limit: str) -> None:
    books.given({"g1": (70, {})}, **{limit: 100})
    assert rewards(books.given({"g1": (70, ELSEWHERE[limit]), "g2": (100, {})}, **{limit: 100})) == [70, 100]


@each_limit
def test_two_that_change_places_both_stand_though_both_pots_are_empty(books: Books, limit: str) -> None:
    books.given({"g1": (100, {}), "g2": (100, ELSEWHERE[limit])}, **{limit: 100})
    assert rewards(books.given({"g1": (100, ELSEWHERE[limit]), "g2": (100, {})}, **{limit: 100})) == [100, 100]


@each_limit
def test_one_that_moves_and_grows_keeps_what_it_had_where_only_the_budget_lacks_the_rest(books: Books, limit: str) -> None:
    books.given({"g1": (70, {})}, **{limit: 100})
    books.pots.available_minor[CAMPAIGN] = 20
    (moved,) = books.given({"g1": (95, ELSEWHERE[limit])}, **{limit: 100})
    assert (moved.reward_minor, moved.reason) == (70, Reason.BUDGET_EXHAUSTED)
    assert [left.minor for left in books.pots.shared.values()] == [100, 30]


@each_limit
def test_one_that_is_refused_where_it_moves_and_was_paid_is_owed_back(books: Books, limit: str) -> None:
    books.given({"g1": (70, {}), "g2": (70, ELSEWHERE[limit])}, **{limit: 100})
    books.pay()
    moved, _ = books.given({"g1": (70, ELSEWHERE[limit]), "g2": (70, ELSEWHERE[limit])}, **{limit: 100})
    assert (moved.state, moved.owed_minor) == (State.REJECTED, -70)


def test_each_of_several_pots_must_cover_it(books: Books) -> None:
    limits = {"budget_per_day": 100, "budget_per_month": 150}
    tomorrow = {"minutes": MINUTES_A_DAY}
    given = books.given({"g1": (100, {}), "g2": (60, tomorrow), "g3": (50, tomorrow)}, **limits)
    assert [redemption.reason for redemption in given] == [None, Reason.MONTH_BUDGET_EXHAUSTED, Reason.MONTH_BUDGET_EXHAUSTED]


def test_a_purchase_without_an_account_is_held_to_no_pot_of_accounts(books: Books) -> None:
    assert rewards(books.given({"g1": (500, {"account": None}), "g2": (100, {})}, reward_per_account=100)) == [500, 100]


def test_each_kind_of_limit_has_pots_of_its_own_named_by_what_they_are_of() -> None:
    limits = {"redemptions_total": 9, "budget_per_day": 9, "budget_per_month": 9, "budget_per_merchant": 9, "reward_per_account": 9}
    asked = outcome(account="acc-1")._replace(at=datetime(2017, 3, 15, 12, 34, 56, 789, tzinfo=UTC))
    day, month = datetime(2017, 3, 15, tzinfo=UTC), datetime(2017, 3, 1, tzinfo=UTC)
    expected = {
        Key(OFFER, "total", ""),
        Key(OFFER, "day", "2017-03-15", day, day + timedelta(days=1)),
        Key(OFFER, "month", "2017-03", month, datetime(2017, 4, 1, tzinfo=UTC)),
        Key(OFFER, "merchant", "shop-1"),
        Key(OFFER, "account", "acc-1"),
    }
    assert set(_keys(pots_of(limits), asked)) == expected
    nobody = asked._replace(merchant_id=None, account_token=None)
    assert {key.of for key in _keys(pots_of(limits), nobody)} == {"", "2017-03-15", "2017-03"}


def test_what_is_left_is_the_limit_less_what_was_given_and_tells_the_same_reason() -> None:
    (pot,) = pots_of({"budget_per_day": 100})
    (total,) = pots_of({"redemptions_total": 3})
    assert pots_of({"budget_per_day": "1.00"})[0].most == pot.most
    (yen,) = shared_pots(compile_offer(offer(terms(currency="JPY", limits={"budget_per_day": "100"}))))
    assert yen.most == pot.most
    keys = {Key(OFFER, "day", "2017-03-15"): pot, Key(OFFER, "total", ""): total}
    assert left_of(keys, dict.fromkeys(keys, Given(2, 70))) == {
        Key(OFFER, "day", "2017-03-15"): Left(None, 30, Reason.DAY_BUDGET_EXHAUSTED),
        Key(OFFER, "total", ""): Left(1, None, Reason.OFFER_LIMIT_REACHED),
    }


@pytest.mark.parametrize(("first", "from_start"), [({"budget_per_day": 100}, True), ({}, False)])
def test_a_pot_tells_whether_it_was_there_from_the_first_version_on(first: dict[str, int], *, from_start: bool) -> None:
    (pot,) = shared_pots(compile_offer(offer(terms(limits=first), terms(limits={"budget_per_day": 200}))))
    assert pot.from_start is from_start


def test_what_a_batch_gave_of_a_pot_is_told_as_a_sum(books: Books) -> None:
    outcomes = [(owner(pots=pots_of({"budget_per_day": 100})), outcome(grant, reward)) for grant, reward in (("g1", 30), ("g2", 50))]
    for key, pot in keys_of(books.changes(outcomes)).items():
        books.pots.shared[key] = pot.most
    assert list(books.fold(*outcomes).given.values()) == [Given(2, 80)]
    assert list(books.fold(outcomes[1]).given.values()) == [Given(-1, -30)]


NEW_YORK, HAVANA = "America/New_York", "America/Havana"


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("UTC", "2017-03-12T23:59:59.999999+00:00", ("2017-03-12", 24)),
        ("UTC", "2017-03-13T00:00:00+00:00", ("2017-03-13", 24)),
        (NEW_YORK, "2017-03-12T04:59:59.999999+00:00", ("2017-03-11", 24)),
        (NEW_YORK, "2017-03-12T05:00:00+00:00", ("2017-03-12", 23)),
        (NEW_YORK, "2017-03-13T03:59:59.999999+00:00", ("2017-03-12", 23)),
        (NEW_YORK, "2017-03-13T04:00:00+00:00", ("2017-03-13", 24)),
        (NEW_YORK, "2017-11-05T04:00:00+00:00", ("2017-11-05", 25)),
        (NEW_YORK, "2017-11-06T04:59:59.999999+00:00", ("2017-11-05", 25)),
        (HAVANA, "2017-11-05T04:30:00+00:00", ("2017-11-05", 25)),  # midnight comes twice
        (HAVANA, "2017-11-05T05:30:00+00:00", ("2017-11-05", 25)),
        (HAVANA, "2017-03-12T05:00:00+00:00", ("2017-03-12", 23)),  # midnight is left out
    ],
)
def test_a_day_begins_and_ends_at_midnight_on_the_windows_clock(zone: str, at: str, day: tuple[str, float]) -> None:
    key = _key(zone, at, budget_per_day=100)
    assert (key.of, _hours(key)) == day
    assert _holds(key, at)


@pytest.mark.parametrize(
    ("zone", "at", "month"),
    [
        ("UTC", "2017-02-28T23:59:59.999999+00:00", ("2017-02", 28 * 24)),
        ("UTC", "2016-02-29T12:00:00+00:00", ("2016-02", 29 * 24)),
        (NEW_YORK, "2017-03-01T04:59:59.999999+00:00", ("2017-02", 28 * 24)),
        (NEW_YORK, "2017-03-01T05:00:00+00:00", ("2017-03", 31 * 24 - 1)),
        (NEW_YORK, "2017-04-01T03:59:59.999999+00:00", ("2017-03", 31 * 24 - 1)),
        (NEW_YORK, "2017-11-30T12:00:00+00:00", ("2017-11", 30 * 24 + 1)),
        (NEW_YORK, "2018-01-01T04:59:59.999999+00:00", ("2017-12", 31 * 24)),
        (HAVANA, "2026-11-01T05:30:00+00:00", ("2026-11", 30 * 24 + 1)),  # its first midnight comes twice
    ],
)
def test_a_month_begins_and_ends_at_midnight_on_the_windows_clock(zone: str, at: str, month: tuple[str, float]) -> None:
    key = _key(zone, at, budget_per_month=100)
    assert (key.of, _hours(key)) == month
    assert _holds(key, at)


def _key(zone: str, at: str, **limits: int) -> Key:
    """The pot of a redemption that was earned at a moment, read in a zone."""
    (key,) = _keys(pots_of(limits, zone), outcome()._replace(at=datetime.fromisoformat(at).astimezone(UTC)))
    assert key.offer_id == OFFER
    return key


def _keys(pots: tuple[SharedPot, ...], earned: Outcome) -> dict[Key, SharedPot]:
    return keys_of(Record(pots=Pots(available_minor={})).changes([(owner(pots=pots), earned)]))


def _holds(key: Key, at: str) -> bool:
    return key.start is not None and key.stop is not None and key.start <= datetime.fromisoformat(at) < key.stop


def _hours(key: Key) -> float:
    assert key.start
    assert key.stop
    return (key.stop.astimezone(UTC) - key.start.astimezone(UTC)) / timedelta(hours=1)
