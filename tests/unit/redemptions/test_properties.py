"""What holds of any series of folds, however histories change, whatever the pots hold."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eligibility.model import Outcome
from shared.kernel.reasons import Reason
from shared.ledger.model import Step
from shared.redemptions.admission import admit
from shared.redemptions.model import Change, Owner, State
from shared.redemptions.pots import NOTHING_GIVEN
from tests.unit.redemptions.builders import (
    ABROAD,
    CAMPAIGN,
    CAMPAIGN_OF,
    LIMITED,
    OFFER,
    OTHER_CAMPAIGN,
    TOMORROW,
    TOTAL_KEY,
    Record,
    increases,
    outcome,
    owner,
    posted,
    record,
)  # fmt: skip

Fold = list[tuple[Owner, Outcome]]
OFFER_OF = {"a": OFFER, "b": OFFER, "c": LIMITED, "d": LIMITED, "e": LIMITED, "f": ABROAD}
EXAMPLES = settings(max_examples=100)


def _completion(key: tuple[str, int], reward: int, minutes: int, transaction: int, hold: int) -> tuple[Owner, Outcome]:
    grant, ordinal = key
    found = outcome(grant, reward, minutes=minutes, ordinal=ordinal, transaction=f"t{transaction}")
    return owner(OFFER_OF[grant], hold=hold), found


KEYS = st.tuples(st.sampled_from(sorted(OFFER_OF)), st.integers(1, 2))
COMPLETIONS = st.builds(_completion, KEYS, st.integers(1, 300), st.integers(0, 5), st.integers(0, 3), st.integers(0, 2))
FOLDS = st.lists(st.lists(COMPLETIONS, max_size=8, unique_by=lambda pair: (pair[1].grant_id, pair[1].completion)), min_size=1, max_size=6)
POTS: dict[str, Any] = {"available": st.integers(0, 900), "other": st.integers(0, 400), "limit": st.integers(0, 5)}


def _same(first: Record, second: Record) -> bool:
    return (first.redemptions, first.pots) == (second.redemptions, second.pots)


@EXAMPLES
@given(folds=FOLDS, **POTS)
def test_after_admission_nothing_is_left_to_do(folds: list[Fold], **pots: int) -> None:
    books = record(**pots)
    for outcomes in folds:
        books.fold(*outcomes)
        assert books.changes(outcomes) == []


@EXAMPLES
@given(folds=FOLDS, **POTS)
def test_the_record_is_the_outcomes_but_for_what_was_refused(folds: list[Fold], **pots: int) -> None:
    books = record(**pots)
    for outcomes in folds:
        books.fold(*outcomes)
        wanted = {(o.grant_id, o.completion): o.reward_minor for _, o in outcomes}
        standing = {key: r for key, r in books.redemptions.items() if r.state is not State.REVERSED}
        assert {key: r.wanted_minor for key, r in standing.items()} == wanted
        assert all(r.reward_minor <= r.wanted_minor for r in standing.values())
        assert all((r.reward_minor < r.wanted_minor) == (r.reason is not None) for r in standing.values())
        assert all(r.reward_minor == 0 for r in books.redemptions.values() if r.state in {State.REVERSED, State.REJECTED})


@EXAMPLES
@given(folds=FOLDS, **POTS)
def test_pots_are_never_overspent_and_tell_what_is_left(folds: list[Fold], **pots: int) -> None:
    books = record(**pots)
    for outcomes in folds:
        books.fold(*outcomes)
        assert books.pots.available_minor == {
            CAMPAIGN: pots["available"] - books.spent(CAMPAIGN),
            OTHER_CAMPAIGN: pots["other"] - books.spent(OTHER_CAMPAIGN),
        }
        assert books.left_of_limit() == pots["limit"] - books.rewarded(LIMITED)
        assert min(*books.pots.available_minor.values(), books.left_of_limit() or 0) >= 0


@EXAMPLES
@given(folds=FOLDS, **POTS)
def test_movements_carry_exactly_the_change_of_each_reward(folds: list[Fold], **pots: int) -> None:
    books = record(**pots)
    for outcomes in folds:
        before = {r.redemption_id: r.reward_minor for r in books.redemptions.values()}
        admission = books.fold(*outcomes)
        change = {r.redemption_id: r.reward_minor - before.get(r.redemption_id, 0) for r in admission.redemptions}
        assert posted(admission.movements) == {reference: minor for reference, minor in change.items() if minor}
        reserved, used = (
            {(m.reference, m.amount_minor) for m in admission.movements if m.step is step} for step in (Step.RESERVE, Step.POST)
        )
        assert reserved == used
    assert len({move.posting_id for move in books.movements}) == len(books.movements)


@EXAMPLES
@given(folds=FOLDS, **POTS)
def test_counts_of_redemptions_are_the_change_of_those_with_a_reward(folds: list[Fold], **pots: int) -> None:
    books = record(**pots)
    for outcomes in folds:
        before = {offer: books.rewarded(offer) for offer in CAMPAIGN_OF}
        given = books.fold(*outcomes).given
        assert given.get(TOTAL_KEY, NOTHING_GIVEN).redemptions == books.rewarded(LIMITED) - before[LIMITED]


@EXAMPLES
@given(folds=FOLDS, chance=st.randoms(use_true_random=False), **POTS)
def test_the_order_within_a_batch_does_not_matter(folds: list[Fold], chance: Any, **pots: int) -> None:  # noqa: ANN401
    first, second = record(**pots), record(**pots)
    for outcomes in folds:
        first.fold(*outcomes)
        shuffled = second.changes(chance.sample(outcomes, k=len(outcomes)))
        chance.shuffle(shuffled)
        second.take(admit(shuffled, second.pots, now=TOMORROW))
        assert _same(first, second)


@EXAMPLES
@given(folds=FOLDS, **POTS)
def test_each_pot_admits_a_prefix_of_what_was_asked(folds: list[Fold], **pots: int) -> None:
    books = record(**pots)
    for outcomes in folds:
        changes = books.changes(outcomes)
        books.fold(*outcomes)
        for campaign in (CAMPAIGN, OTHER_CAMPAIGN):
            covered = [_covered(books, change) for change in increases(changes, campaign) if _asks_for_money(books, change)]
            assert covered == sorted(covered, reverse=True)


def _asks_for_money(books: Record, change: Change) -> bool:
    """Whether it was the pot that decided: refusals that stood before and those by an offer's limit are others' decisions."""
    stood = change.before is not None and change.before.state is State.REJECTED
    return not stood and books.redemptions[change.after.grant_id, change.after.completion].reason is not Reason.OFFER_LIMIT_REACHED


def _covered(books: Record, change: Change) -> bool:
    now = books.redemptions[change.after.grant_id, change.after.completion]
    return now.reward_minor == now.wanted_minor


@EXAMPLES
@given(folds=FOLDS, **POTS)
def test_a_pot_refuses_only_what_it_could_not_cover_when_all_before_it_were_served(folds: list[Fold], **pots: int) -> None:
    """No reward is refused while there is money: the first refusal of a batch is more than what is left at the end."""
    books = record(**pots)
    for outcomes in folds:
        changes = books.changes(outcomes)
        books.fold(*outcomes)
        for campaign in (CAMPAIGN, OTHER_CAMPAIGN):
            asking = [c for c in increases(changes, campaign) if _asks_for_money(books, c)]
            refused = [c for c in asking if not _covered(books, c)]
            assert all(c.increase_minor > books.pots.available_minor[campaign] for c in refused[:1])


@EXAMPLES
@given(folds=FOLDS, **POTS)
def test_a_rejection_lasts_as_long_as_its_completion(folds: list[Fold], **pots: int) -> None:
    books = record(**pots)
    for outcomes in folds:
        rejected = {key for key, r in books.redemptions.items() if r.state is State.REJECTED}
        books.fold(*outcomes)
        books.pots.available_minor[CAMPAIGN] += 50
        for key in rejected & {(o.grant_id, o.completion) for _, o in outcomes}:
            assert books.redemptions[key].state is State.REJECTED
        for key in rejected - {(o.grant_id, o.completion) for _, o in outcomes}:
            assert books.redemptions[key].state is State.REVERSED


@EXAMPLES
@given(folds=FOLDS, **POTS)
def test_with_enough_in_the_pots_the_way_there_does_not_matter(folds: list[Fold], **pots: int) -> None:
    del pots
    long, short = record(10**6, other=10**6, limit=10**6), record(10**6, other=10**6, limit=10**6)
    for outcomes in folds:
        long.fold(*outcomes)
    short.fold(*folds[-1])
    rewards = [{key: r.reward_minor for key, r in books.redemptions.items() if r.reward_minor} for books in (long, short)]
    assert rewards[0] == rewards[1]
    assert long.pots == short.pots


@EXAMPLES
@given(folds=FOLDS, paid=st.lists(st.booleans(), min_size=6, max_size=6), **POTS)
def test_nothing_is_owed_of_what_was_paid_and_all_else_is(folds: list[Fold], paid: list[bool], **pots: int) -> None:
    books = record(**pots)
    for outcomes, pays in zip(folds, paid, strict=False):
        changed = {(r.grant_id, r.completion) for r in books.fold(*outcomes).redemptions}
        for key in changed:
            r = books.redemptions[key]
            if r.state in {State.HELD, State.PAYABLE}:
                assert r.reward_minor > r.paid_minor
                assert (r.state is State.PAYABLE) == (r.payable_at <= TOMORROW)
            elif r.state is State.PAID:
                assert 0 < r.reward_minor <= r.paid_minor
        if pays:
            books.pay()
