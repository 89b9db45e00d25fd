"""What holds of every fold, whatever the terms and the history.

`CLO_EXAMPLES=10000` makes it a long run: 40,000 histories and 100,000 lives of purchases against the slow reference.
How many decisions these came to is told when the tests are done.
"""

import os
from dataclasses import replace
from random import Random
from typing import Final
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eligibility.compile import CompiledOffer, compile_offer
from shared.eligibility.explain import explain
from shared.eligibility.fold import evaluate, refused_keys
from shared.eligibility.life import Message, purchases_of
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Evaluation, History, Offer, Outcome, Purchase
from shared.eligibility.rule import Case
from shared.eligibility.rules import COUNTS
from shared.eligibility.terms import Terms
from tests.unit.eligibility.builders import history as made
from tests.unit.eligibility.builders import offer
from tests.unit.eligibility.reference import Decisions, Outcomes, evaluate_slowly
from tests.unit.eligibility.strategies import histories, messages_of_lives, offers, purchases, terms_of_lives

EXAMPLES: Final = int(os.environ.get("CLO_EXAMPLES", "60"))

many = settings(max_examples=EXAMPLES, deadline=None)


@settings(max_examples=4 * EXAMPLES, deadline=None)
@given(offers(), histories())
def test_fold_agrees_with_the_slow_reference(compared: dict[str, int], offer: Offer, history: History) -> None:
    _is_the_same(evaluate(compile_offer(offer), history), evaluate_slowly(offer, history), compared)


@settings(max_examples=10 * EXAMPLES, deadline=None)
@given(terms_of_lives, messages_of_lives)
def test_fold_of_lives_agrees_with_the_slow_reference(compared: dict[str, int], agreed: Terms, messages: list[Message]) -> None:
    folded = evaluate(compile_offer(offer(agreed)), made(*purchases_of(messages)))
    _is_the_same(folded, evaluate_slowly(offer(agreed), made(), messages), compared)


def _is_the_same(evaluation: Evaluation, reference: tuple[Outcomes, Decisions], compared: dict[str, int]) -> None:
    outcomes, decisions = reference
    assert list(map(_told, evaluation.outcomes)) == outcomes
    assert [(d.transaction_id, d.grant_id, d.reason) for d in evaluation.decisions] == decisions
    compared["histories"] += 1
    compared["decisions about a purchase and a grant"] += len(decisions)
    compared["of them completions"] += sum(reason is None for _, _, reason in decisions)


def _told(o: Outcome) -> tuple[object, ...]:
    """An outcome as the reference tells it."""
    return o.grant_id, o.completion, o.reward_minor, o.earned_minor, o.held_from, o.transaction_id, o.version


@many
@given(offers(), histories(), st.randoms(use_true_random=False))
def test_order_and_repeats_in_the_history_change_nothing(offer: Offer, history: History, random: Random) -> None:
    compiled = compile_offer(offer)
    shuffled = [*history.purchases, *history.purchases[:2]]
    random.shuffle(shuffled)
    turned = replace(history, purchases=tuple(shuffled), grants=history.grants[::-1], refusals=history.refusals[::-1])
    assert evaluate(compiled, turned) == evaluate(compiled, history)


@many
@given(offers(), histories(), st.data())
def test_same_id_with_other_content_is_settled_whatever_the_order(offer: Offer, history: History, data: st.DataObject) -> None:
    compiled, other = compile_offer(offer), data.draw(purchases("t0"))
    first = evaluate(compiled, replace(history, purchases=(other, *history.purchases)))
    assert first == evaluate(compiled, replace(history, purchases=(*history.purchases, other)))


@many
@given(offers(), histories())
def test_rewards_stay_within_caps_and_limits(offer: Offer, history: History) -> None:
    compiled = compile_offer(offer)
    evaluation, refused = evaluate(compiled, history), refused_keys(history.refusals)
    paid = [outcome for outcome in evaluation.outcomes if (outcome.grant_id, outcome.completion) not in refused]
    limits = [version.reward_per_customer_minor for version in compiled.versions]
    counts = [version.redemptions_per_customer for version in compiled.versions]

    assert all(outcome.reward_minor > 0 for outcome in evaluation.outcomes)
    assert compiled.max_reward_minor is None or all(outcome.reward_minor <= compiled.max_reward_minor for outcome in evaluation.outcomes)
    assert None in limits or sum(outcome.reward_minor for outcome in paid) <= max(limit or 0 for limit in limits)
    assert None in counts or len(paid) <= max(count or 0 for count in counts)
    assert len({(outcome.grant_id, outcome.completion) for outcome in evaluation.outcomes}) == len(evaluation.outcomes)


@many
@given(offers(), histories())
def test_explanation_agrees_with_the_fold(offer: Offer, history: History) -> None:
    _agrees(compile_offer(offer), history)


@many
@given(terms_of_lives, messages_of_lives)
def test_explanation_of_lives_agrees_with_the_fold(agreed: Terms, messages: list[Message]) -> None:
    _agrees(compile_offer(offer(agreed)), made(*purchases_of(messages)))


def _agrees(compiled: CompiledOffer, history: History) -> None:
    evaluation, refused = evaluate(compiled, history), refused_keys(history.refusals)
    reasons = {(decision.transaction_id, decision.grant_id): decision.reason for decision in evaluation.decisions}
    for purchase in history.purchases:
        for verdict in explain(compiled, history, purchase):
            key = (purchase.transaction_id, verdict.grant_id)
            mine = [o for o in evaluation.outcomes if (o.transaction_id, o.grant_id) == key]
            reward_minor = sum(o.reward_minor for o in mine if (o.grant_id, o.completion) not in refused)
            assert (verdict.reward_minor, verdict.eligible) == (reward_minor, reward_minor > 0)
            assert verdict.eligible or verdict.reasons
            if not mine and key in reasons:
                assert verdict.reasons[0] == reasons[key]
            assert bool(mine) == all(rule.passed for rule in verdict.rules if rule.rule not in {"admitted", "reward stands"})


@many
@given(offers(), histories(), purchases("new"))
def test_explaining_a_purchase_not_made_is_the_fold_with_it_minus_without(offer: Offer, history: History, purchase: Purchase) -> None:
    compiled = compile_offer(offer)
    latest = replace(purchase, at=max([purchase.at, *(other.at for other in history.purchases)]), transaction_id="~")
    unrefused = replace(history, refusals=())
    with_it, without = (
        sum(outcome.reward_minor for outcome in evaluate(compiled, replace(unrefused, purchases=bought)).outcomes)
        for bought in ((*history.purchases, latest), history.purchases)
    )
    assert sum(verdict.reward_minor for verdict in explain(compiled, unrefused, latest)) == with_it - without


@many
@given(offers(), histories(), purchases("new"))
def test_purchase_out_of_scope_changes_nothing(offer: Offer, history: History, purchase: Purchase) -> None:
    compiled = compile_offer(offer)
    before, after = (
        evaluate(compiled, replace(history, purchases=bought)) for bought in (history.purchases, (*history.purchases, purchase))
    )
    in_scope = compiled.version_at(purchase.at).in_scope(purchase)
    assert (before == after) == (not in_scope)


@many
@given(offers(), histories())
def test_rule_that_is_not_asked_never_fails(offer: Offer, history: History) -> None:
    compiled = compile_offer(offer)
    for purchase in history.purchases:
        for grant in history.grants:
            version = compiled.version_at(purchase.at)
            case = Case(offer, version, history, grant, purchase, 0, version.qualifying_minor(purchase))
            assert all(rule.passes(case) for rule in COUNTS if not rule.asked(case))


@many
@given(st.lists(offers(), max_size=4), st.lists(purchases(), min_size=1, max_size=4), st.integers(0, 4))
def test_catalogue_finds_what_asking_every_offer_finds(listed: list[Offer], bought: list[Purchase], first: int) -> None:
    compiled = [compile_offer(replace(offer, offer_id=UUID(int=n))) for n, offer in enumerate(listed)]
    catalogue = Catalogue.of(compiled[:first]).with_changes(compiled[first:])
    wanted = [{offer for offer in compiled if offer.may_hold(purchase)} for purchase in bought]
    batch = list(catalogue.match([*bought, *bought]))
    assert list(map(set, batch)) == [*wanted, *wanted]
    assert list(map(len, batch)) == [*map(len, wanted), *map(len, wanted)]
    assert [set(catalogue.candidates(purchase)) for purchase in bought] == wanted


@many
@given(offers(), histories())
def test_coarse_range_holds_every_purchase_that_counts(offer: Offer, history: History) -> None:
    compiled = compile_offer(offer)
    for outcome in evaluate(compiled, history).outcomes:
        assert compiled.earliest <= outcome.at < compiled.latest
