"""Every rule by its cases: what is given, which outcomes and which decisions follow. The explanation must say the same."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from shared.eligibility.compile import compile_offer
from shared.eligibility.explain import explain
from shared.eligibility.fold import evaluate
from shared.eligibility.rules_of_scope import SCOPE
from shared.eligibility.validation import problems
from shared.kernel.reasons import Reason
from tests.unit.eligibility.builders import history_of, names, offer_of

CASES: Final = sorted((Path(__file__).parents[2] / "cases" / "eligibility").glob("*.json"))
FOUND_ELSEWHERE: Final = {
    Reason.OFFER_LIMIT_REACHED,  # shared pots are judged at admission, refunds are matched and repeats are found at intake
    Reason.ACCOUNT_LIMIT_REACHED,
    Reason.DAY_BUDGET_EXHAUSTED,
    Reason.MONTH_BUDGET_EXHAUSTED,
    Reason.MERCHANT_BUDGET_EXHAUSTED,
    Reason.BUDGET_EXHAUSTED,
    Reason.OUTDONE,  # found where several offers are folded together: the cases of stacking
    Reason.NO_PURCHASE_TO_REFUND,
    Reason.REFUND_ABOVE_PURCHASE,
    Reason.REFUND_NOT_OURS,
    Reason.REVISED,
    Reason.CORRECTED,
    Reason.CARD_UNKNOWN,
    Reason.TRANSACTION_ID_REUSED,
}
OUT_OF_SCOPE: Final = {rule.reason for rule in SCOPE} | {Reason.MERCHANT_UNKNOWN, Reason.MERCHANT_AMBIGUOUS}

cases = pytest.mark.parametrize("case", [pytest.param(json.loads(path.read_text()), id=path.stem) for path in CASES])


@cases
def test_history_comes_to_what_the_case_expects(case: dict[str, Any]) -> None:
    offer, grant_names = offer_of(case), names(case)
    evaluation = evaluate(compile_offer(offer), history_of(case))

    outcomes = [
        f"{grant_names[outcome.grant_id]} #{outcome.ordinal}: {outcome.reward_minor} by {outcome.transaction_id}"
        for outcome in evaluation.outcomes
    ]
    not_all_earned = [
        f"{grant_names[outcome.grant_id]} #{outcome.ordinal}: {outcome.earned_minor}"
        for outcome in evaluation.outcomes
        if outcome.earned_minor != outcome.reward_minor
    ]
    decisions = [
        f"{decision.transaction_id} for {grant_names[decision.grant_id]}: {decision.reason.code if decision.reason else 'completed'}"
        for decision in evaluation.decisions
    ]
    assert outcomes == case["outcomes"]
    assert not_all_earned == case.get("earned", [])
    assert decisions == case["decisions"]
    assert [f"{grant_names[p.grant_id]}: {p.spend_minor}" for p in evaluation.progress] == case.get(
        "progress", [f"{grant_names[p.grant_id]}: 0" for p in evaluation.progress]
    )


@cases
def test_explanation_names_the_reason_that_the_case_expects(case: dict[str, Any]) -> None:
    compiled, history, grant_names = compile_offer(offer_of(case)), history_of(case), names(case)
    explained = {
        f"{purchase.transaction_id} for {grant_names[verdict.grant_id]}": verdict.reasons
        for purchase in history.purchases
        for verdict in explain(compiled, history, purchase)
    }
    taken_back = set(case.get("taken_back", []))
    completed = {line.removesuffix(": completed") for line in case["decisions"] if line.endswith(": completed")}
    assert {pair for pair in completed if explained[pair] == (Reason.REFUNDED,)} == taken_back
    said = {
        f"{pair}: {reasons[0].code if reasons and reasons[0] not in FOUND_ELSEWHERE and pair not in taken_back else 'completed'}"
        for pair, reasons in explained.items()
        if not OUT_OF_SCOPE & set(reasons)
    }
    assert said == set(case["decisions"])
    expected_out_of_scope = set(case.get("out_of_scope", []))
    assert {f"{pair}: {reasons[0].code}" for pair, reasons in explained.items() if OUT_OF_SCOPE & set(reasons)} == expected_out_of_scope


def test_terms_of_every_case_could_be_stored() -> None:
    offers = {path.stem: offer_of(json.loads(path.read_text())) for path in CASES}
    wrong = {name: [found for version in made.versions if (found := problems(version.terms))] for name, made in offers.items()}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_every_reason_of_the_fold_has_a_case() -> None:
    expected = {line.rpartition(": ")[2] for path in CASES for line in _lines(json.loads(path.read_text()))}
    assert {reason.code for reason in Reason} - {reason.code for reason in FOUND_ELSEWHERE} <= expected


def _lines(case: dict[str, Any]) -> list[str]:
    return [*case["decisions"], *case.get("out_of_scope", [])]
