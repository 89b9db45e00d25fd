"""Offers of one stacking group: which of them pays for a purchase, by cases and by what holds of all."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eligibility.compile import CompiledOffer, compile_offer
from shared.eligibility.explain import Admits, explain
from shared.eligibility.fold import evaluate
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Evaluation, History, Outcome, Refusal
from shared.eligibility.stacking import Member, evaluate_together
from shared.eligibility.terms import Stacking, Terms
from shared.eligibility.validation import problems
from shared.kernel.ids import derived_id
from shared.kernel.reasons import Reason
from tests.unit.eligibility.builders import PURCHASED_AT, compiled, history, history_of, names, offer_of, purchase
from tests.unit.eligibility.strategies import histories, offers

CASES: Final = sorted((Path(__file__).parents[2] / "cases" / "stacking").glob("*.json"))

cases = pytest.mark.parametrize("case", [pytest.param(json.loads(path.read_text()), id=path.stem) for path in CASES])
many = settings(max_examples=120, deadline=None)


def _members(case: dict[str, Any]) -> tuple[list[Member], dict[UUID | None, str]]:
    members, grant_names = [], dict[UUID | None, str]()
    for name, asked in case["offers"].items():
        one = {"purchases": case["purchases"], "grants": [{"id": name}], **asked}
        members.append(Member(compile_offer(replace(offer_of(one), offer_id=derived_id("offer", name))), history_of(one)))
        grant_names |= names(one)
    return members, grant_names


@cases
def test_group_comes_to_what_the_case_expects(case: dict[str, Any]) -> None:
    members, grant_names = _members(case)
    evaluations = evaluate_together(members)

    outcomes = [f"{grant_names[o.grant_id]}: {o.reward_minor} by {o.transaction_id}" for one in evaluations for o in one.outcomes]
    decisions = [
        f"{d.transaction_id} for {grant_names[d.grant_id]}: {d.reason.code if d.reason else 'completed'}"
        for one in evaluations
        for d in one.decisions
    ]
    assert outcomes == case["outcomes"]
    assert sorted(decisions) == sorted(case["decisions"])


@cases
def test_explanation_agrees_with_the_group(case: dict[str, Any]) -> None:
    members, grant_names = _members(case)
    said = []
    for number, member in enumerate(members):
        rivals = members[:number] + members[number + 1 :]
        in_scope = [p for p in member.history.purchases if member.compiled.version_at(p.at).in_scope(p)]
        for made in in_scope:
            for verdict in explain(member.compiled, member.history, made, rivals=rivals):
                reasons = [rule.reason for rule in verdict.rules if rule.reason and rule.rule not in {"admitted", "reward stands"}]
                said.append(f"{made.transaction_id} for {grant_names[verdict.grant_id]}: {reasons[0].code if reasons else 'completed'}")
    assert sorted(said) == sorted(case["decisions"])


@cases
def test_terms_of_the_case_could_be_stored(case: dict[str, Any]) -> None:
    versions = [version for member in _members(case)[0] for version in member.compiled.versions]
    assert [problems(version.terms) for version in versions] == [()] * len(versions)


def test_explanation_names_the_offer_that_pays() -> None:
    better = _stacked(compiled(reward={"kind": "fixed", "amount": 700}), derived_id("better"), Stacking(group="fuel"))
    asked = _stacked(compiled(), derived_id("asked"), Stacking(group="fuel"))

    (verdict,) = explain(asked, history(), purchase(), rivals=[Member(better, history())])

    rule = next(rule for rule in verdict.rules if rule.rule == "stacking")
    assert (rule.passed, rule.expected) == (False, "comes first in group fuel, with priority 0")
    assert rule.actual == f"offer {better.offer.offer_id} pays 7.00 USD"
    assert (verdict.eligible, verdict.reasons) == (False, (Reason.OUTDONE,))


def within(budgets: dict[CompiledOffer, int]) -> Admits:
    """What budgets refuse that each cover one reward of so much."""

    def admits(completed: Sequence[tuple[CompiledOffer, Sequence[Outcome]]]) -> dict[UUID, list[Refusal]]:
        return {
            compiled.offer.offer_id: [
                Refusal(grant_id=outcome.grant_id, completion=outcome.completion, reason=Reason.BUDGET_EXHAUSTED)
                for outcome in outcomes
                if outcome.reward_minor > budgets[compiled]
            ]
            for compiled, outcomes in completed
        }

    return admits


def test_purchase_on_file_is_judged_with_the_offers_that_it_is_filed_under_and_one_thought_of_with_all() -> None:
    asked = _stacked(compiled(), derived_id("asked"), Stacking(group="fuel"))
    better = _stacked(compiled(repeat=True, reward={"kind": "fixed", "amount": 700}), derived_id("better"), Stacking(group="fuel"))
    bought, other = purchase(), purchase("t0", at=PURCHASED_AT - timedelta(days=1))
    without, with_it = Member(better, history(other)), Member(better, history(other, bought))

    def reasons(known: History, rival: Member) -> tuple[Reason, ...]:
        return explain(asked, known, bought, rivals=[rival])[0].reasons

    assert reasons(history(bought), without) == ()
    assert reasons(history(bought), with_it) == (Reason.OUTDONE,)
    assert reasons(history(), without) == (Reason.OUTDONE,)
    assert reasons(history(), with_it) == (Reason.OUTDONE,)


@pytest.mark.parametrize(("left", "reasons"), [(700, (Reason.OUTDONE,)), (699, ())])
def test_budget_that_covers_all_but_the_last_minor_unit_gives_way(left: int, reasons: tuple[Reason, ...]) -> None:
    better = _stacked(compiled(reward={"kind": "fixed", "amount": 700}), derived_id("better"), Stacking(group="fuel"))
    asked = _stacked(compiled(), derived_id("asked"), Stacking(group="fuel"))

    (verdict,) = explain(asked, history(), purchase(), rivals=[Member(better, history())], admits=within({better: left, asked: 500}))

    assert (verdict.reward_minor, verdict.reasons) == (0 if reasons else 500, reasons)


def test_offer_whose_own_budget_does_not_cover_the_purchase_is_refused_not_outdone() -> None:
    paying = _stacked(compiled(), derived_id("paying"), Stacking(group="fuel"))
    asked = _stacked(compiled(reward={"kind": "fixed", "amount": 700}), derived_id("asked"), Stacking(group="fuel"))

    (verdict,) = explain(asked, history(), purchase(), rivals=[Member(paying, history())], admits=within({paying: 500, asked: 699}))

    assert (verdict.eligible, verdict.reward_minor, verdict.reasons) == (False, 0, (Reason.BUDGET_EXHAUSTED,))


def test_catalogue_knows_which_offers_are_judged_together() -> None:
    a, b, c, d, alone = [derived_id(name) for name in ("a", "b", "c", "d", "alone")]
    of_two = replace(compiled().offer, offer_id=c)
    fuel, food = compiled(stacking={"group": "fuel"}).versions[0], compiled(stacking={"group": "food"}).versions[0]
    both = compile_offer(replace(of_two, versions=(_version(fuel.terms, 1), _version(food.terms, 2))))
    made = [_stacked(compiled(), a, Stacking(group="fuel")), _stacked(compiled(), b, Stacking(group="food")), both]
    lone = [_stacked(compiled(), d, Stacking(group="other")), compile_offer(replace(compiled().offer, offer_id=alone))]

    catalogue = Catalogue.of([*made, *lone])

    assert {one: catalogue.judged_together(one) for one in (a, b, c)} == dict.fromkeys((a, b, c), frozenset((a, b, c)))
    assert catalogue.judged_together(d) == {d}
    assert catalogue.judged_together(alone) == {alone}
    assert [one.offer.offer_id for one in catalogue.with_rivals(both)][:1] == [c]
    assert {one.offer.offer_id for one in catalogue.with_rivals(both)} == {a, b, c}


stackings = st.none() | st.builds(Stacking, group=st.sampled_from(["g", "g", "h"]), priority=st.sampled_from([0, 0, 1]))
sizes = st.integers(2, 3)


@st.composite
def groups(draw: st.DrawFn) -> list[Member]:
    """Two or three offers, each with its own grants, that see the same purchases."""
    shared: History = draw(histories())
    members = []
    for number in range(draw(sizes)):
        own: History = draw(histories(st.just(shared.purchases)))
        ids = {grant.grant_id: derived_id(grant.grant_id, str(number)) for grant in own.grants}
        grants = tuple(replace(grant, grant_id=ids[grant.grant_id]) for grant in own.grants)
        refusals = tuple(replace(refusal, grant_id=ids[refusal.grant_id]) for refusal in own.refusals)
        offer = draw(offers())
        versions = tuple(replace(v, terms=v.terms.model_copy(update={"stacking": draw(stackings)})) for v in offer.versions)
        compiled = compile_offer(replace(offer, offer_id=derived_id("offer", str(number)), versions=versions))
        members.append(Member(compiled, replace(own, grants=grants, refusals=refusals, zone=shared.zone)))
    return members


@many
@given(groups())
def test_each_offer_comes_to_what_it_would_without_the_purchases_that_others_paid_for(members: list[Member]) -> None:
    for member, together in zip(members, evaluate_together(members), strict=True):
        lost = {decision.transaction_id for decision in together.decisions if decision.reason is Reason.OUTDONE}
        left = tuple(p for p in member.history.purchases if p.transaction_id not in lost)
        alone = evaluate(member.compiled, replace(member.history, purchases=left))
        assert together.outcomes == alone.outcomes
        assert together.progress == alone.progress
        assert [d for d in together.decisions if d.transaction_id not in lost] == list(alone.decisions)


@many
@given(groups())
def test_one_offer_of_a_group_pays_for_a_purchase(members: list[Member]) -> None:
    evaluations = evaluate_together(members)
    paid = [
        (stacking.group, outcome.transaction_id, member.compiled.offer.offer_id)
        for member, evaluation in zip(members, evaluations, strict=True)
        for outcome in _admitted(member.history, evaluation)
        if (stacking := member.compiled.version_at(outcome.at).terms.stacking)
    ]
    assert len({(group, purchase) for group, purchase, _ in paid}) == len(set(paid))


@many
@given(groups())
def test_purchase_is_lost_only_to_an_offer_of_its_group_that_pays(members: list[Member]) -> None:
    evaluations = evaluate_together(members)
    paid = {
        (stacking.group, outcome.transaction_id)
        for member, evaluation in zip(members, evaluations, strict=True)
        for outcome in _admitted(member.history, evaluation)
        if (stacking := member.compiled.version_at(outcome.at).terms.stacking)
    }
    moments = {p.transaction_id: p.at for p in members[0].history.purchases}
    for member, evaluation in zip(members, evaluations, strict=True):
        for decision in evaluation.decisions:
            if decision.reason is Reason.OUTDONE:
                stacking = member.compiled.version_at(moments[decision.transaction_id]).terms.stacking
                assert stacking
                assert (stacking.group, decision.transaction_id) in paid


@many
@given(groups(), st.randoms(use_true_random=False))
def test_order_of_offers_and_purchases_changes_nothing(members: list[Member], random: Random) -> None:
    expected = {m.compiled.offer.offer_id: e for m, e in zip(members, evaluate_together(members), strict=True)}
    turned = []
    for member in members:
        purchases = list(member.history.purchases)
        random.shuffle(purchases)
        turned.append(Member(member.compiled, replace(member.history, purchases=tuple(purchases))))
    random.shuffle(turned)
    assert {m.compiled.offer.offer_id: e for m, e in zip(turned, evaluate_together(turned), strict=True)} == expected


def _admitted(history: History, evaluation: Evaluation) -> list[Any]:
    refused = {(refusal.grant_id, refusal.completion) for refusal in history.refusals}
    return [outcome for outcome in evaluation.outcomes if (outcome.grant_id, outcome.completion) not in refused]


def _stacked(offer: CompiledOffer, offer_id: UUID, stacking: Stacking) -> CompiledOffer:
    versions: Sequence[Any] = [replace(v, terms=v.terms.model_copy(update={"stacking": stacking})) for v in offer.offer.versions]
    return compile_offer(replace(offer.offer, offer_id=offer_id, versions=tuple(versions)))


def _version(terms: Terms, number: int) -> Any:  # noqa: ANN401
    first = compiled().offer.versions[0]
    return replace(first, number=number, terms=terms)
