"""Verdicts in one process, of an offer with five predicates: against zen-engine, and against a closure written by hand for that offer."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from typing import Any, Final
from uuid import UUID

import zen

from benchmarks.result import Result
from shared.eligibility.compile import CompiledOffer, compile_offer
from shared.eligibility.fold import evaluate
from shared.eligibility.model import Decision, Evaluation, Grant, History, Offer, Outcome, Progress, Purchase, Version
from shared.eligibility.terms import Terms
from shared.kernel.reasons import Reason

FACTS = 2_000
ROUNDS = 9
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
STOP: Final = datetime(2026, 7, 1, tzinfo=UTC)
MERCHANTS: Final = [f"shop-{number}" for number in range(10)]
CATEGORIES: Final = ["5411", "5412", "5499"]
CHANNELS: Final = ["in_store", "app"]
THRESHOLD_MINOR: Final = 2_000
BASIS_POINTS: Final = 500
TERMS: Final[dict[str, Any]] = {
    "currency": "USD",
    "reward": {"kind": "percent", "basis_points": BASIS_POINTS, "rounding": "down"},
    "qualification": {"kind": "single_purchase", "threshold": THRESHOLD_MINOR},
    "scope": {"include": {"merchants": MERCHANTS, "mccs": CATEGORIES, "channels": CHANNELS}},
    "window": {"start": "2026-01-01", "end": "2026-07-01", "end_inclusive": False, "zone": "UTC"},
    "activation": "required",
}
"""The five: merchant, category, channel, moment and amount."""

Verdict = Callable[[History], Evaluation]
Decided = tuple[bool, int]


def run() -> list[Result]:
    """Measure against all three, once they agree on every fact."""
    histories = _histories(Random(1))
    contexts = [_context(history) for history in histories]
    compiled, by_hand = _compiled(), written_by_hand()
    decision = zen.ZenEngine().create_decision(json.dumps(_graph()))
    loaded = zen.ZenEngine({"loader": {"type": "static", "content": {"offer": _graph()}}})
    _agree(compiled, by_hand, decision, list(zip(histories, contexts, strict=True)))
    ours, hand, anew, once = _in_turns(
        lambda: [evaluate(compiled, history) for history in histories],
        lambda: [by_hand(history) for history in histories],
        lambda: [decision.evaluate(context) for context in contexts],
        lambda: [loaded.evaluate("offer", context) for context in contexts],
    )
    return [
        _result("a decision of zen-engine", ours, anew, at_least=15),
        _result("a decision of zen-engine that its loader keeps compiled", ours, once, at_least=15),
        _result("a closure written by hand", ours, hand, at_least=0.8),
    ]


def written_by_hand() -> Verdict:  # noqa: C901  (so it is written)
    """The same checks in the same order, and the same answer, as one would write them for this very offer."""
    merchants, categories, channels = frozenset(MERCHANTS), frozenset(CATEGORIES), frozenset(CHANNELS)

    def why_not(history: History, grant: Grant, purchase: Purchase) -> Reason | None:  # noqa: C901, PLR0911
        at = purchase.at
        if grant.granted_at > at:
            return Reason.NOT_TARGETED
        if grant.revoked_at is not None and grant.revoked_at <= at:
            return Reason.GRANT_REVOKED
        for span in history.consent_withdrawn:
            if span.start <= at and (span.end is None or at < span.end):
                return Reason.CONSENT_WITHDRAWN
        if grant.activated_at is None:
            return Reason.NOT_ACTIVATED
        if grant.activated_at > at:
            return Reason.ACTIVATED_AFTER_PURCHASE
        if not START <= at < STOP:
            return Reason.OUTSIDE_WINDOW
        if purchase.currency != "USD":
            return Reason.CURRENCY_MISMATCH
        if purchase.ended is not None:
            return purchase.ended
        if purchase.amount_minor - purchase.cash_back_minor < THRESHOLD_MINOR:
            return Reason.AMOUNT_BELOW_THRESHOLD
        return None

    def completed(grant: Grant, purchase: Purchase) -> Outcome:
        amount_minor = purchase.amount_minor - purchase.cash_back_minor
        reward_minor = earned_minor = amount_minor * BASIS_POINTS // 10_000
        if purchase.cleared is not None:
            cleared_minor = purchase.cleared.amount_minor - purchase.cleared.cash_back_minor
            earned_minor = cleared_minor * BASIS_POINTS // 10_000 if cleared_minor >= THRESHOLD_MINOR else 0
        at, name = purchase.at, purchase.transaction_id
        posted_at = purchase.posted_at or at
        grant_id, merchant, account = grant.grant_id, purchase.merchant_id, purchase.account_token
        return Outcome(grant_id, name, 1, reward_minor, earned_minor, amount_minor, at, posted_at, name, 1, merchant, account)

    def verdict(history: History) -> Evaluation:
        (purchase,), (grant,) = history.purchases, history.grants
        name, grant_id = purchase.transaction_id, grant.grant_id
        if purchase.merchant_id not in merchants or purchase.mcc not in categories or purchase.channel not in channels:
            return Evaluation(outcomes=(), decisions=(), progress=(Progress(grant_id, 0, 0, 0, None),))
        if history.held_out:
            return Evaluation(outcomes=(), decisions=(Decision(name, None, Reason.HELD_OUT),), progress=())
        reason = why_not(history, grant, purchase)
        if reason:
            return Evaluation(outcomes=(), decisions=(Decision(name, grant_id, reason),), progress=(Progress(grant_id, 0, 0, 0, None),))
        outcome = completed(grant, purchase)
        return Evaluation(outcomes=(outcome,), decisions=(Decision(name, grant_id, None),), progress=(Progress(grant_id, 0, 0, 1, None),))

    return verdict


def _histories(random: Random) -> list[History]:
    """Customers who hold the offer and bought something: nine in ten facts are right, so that all of the checks decide."""
    return [_history(random, number) for number in range(FACTS)]


def _history(random: Random, number: int) -> History:
    def mostly(right: Sequence[Any], wrong: Sequence[Any]) -> Any:  # noqa: ANN401  (whatever the fact is)
        return random.choice(right if random.random() < 0.9 else wrong)  # noqa: PLR2004

    at = mostly([START], [STOP, START - timedelta(days=30)]) + timedelta(seconds=random.randrange(10**6))
    purchase = Purchase(
        transaction_id=f"t{number}",
        at=at,
        amount_minor=mostly([THRESHOLD_MINOR], [0]) + random.randrange(THRESHOLD_MINOR),
        currency="USD",
        merchant_id=mostly(MERCHANTS, ["elsewhere"]),
        mcc=mostly(CATEGORIES, ["5812", None]),
        channel=mostly(CHANNELS, ["online", None]),
    )
    given = at - timedelta(days=random.randrange(1, 20))
    return History(grants=(Grant(grant_id=UUID(int=number), granted_at=given, activated_at=given),), purchases=(purchase,))


def _compiled() -> CompiledOffer:
    terms = Terms.model_validate_json(json.dumps(TERMS))
    return compile_offer(
        Offer(offer_id=UUID(int=1), campaign_id=UUID(int=2), versions=(Version(number=1, in_force_from=START, terms=terms),))
    )


def _context(history: History) -> dict[str, Any]:
    (purchase,) = history.purchases
    return {
        "merchant": purchase.merchant_id,
        "category": purchase.mcc,
        "channel": purchase.channel,
        "at": int(purchase.at.timestamp()),
        "amount": purchase.amount_minor,
    }


def _conditions() -> dict[str, str]:
    """The five in the words of zen-engine, each of its field."""
    lists = {"merchant": MERCHANTS, "category": CATEGORIES, "channel": CHANNELS}
    listed = {name: json.dumps(codes) for name, codes in lists.items()}
    return {**listed, "at": f"[{START.timestamp():.0f}..{STOP.timestamp():.0f})", "amount": f">= {THRESHOLD_MINOR}"}


def _graph() -> dict[str, Any]:
    """A decision table: a row for what qualifies, and one for all else."""
    conditions = _conditions()
    rows = [
        {"_id": "yes", **conditions, "eligible": "true", "reward": f"floor(amount * {BASIS_POINTS} / 10000)"},
        {"_id": "no", **dict.fromkeys(conditions, ""), "eligible": "false", "reward": "0"},
    ]
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": name, "name": name, "field": name} for name in conditions],
        "outputs": [{"id": name, "name": name, "field": name} for name in ("eligible", "reward")],
        "rules": rows,
    }
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": table},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [{"id": f"{one}-{two}", "sourceId": one, "targetId": two} for one, two in (("in", "table"), ("table", "out"))]
    return {"nodes": nodes, "edges": edges}


def _agree(compiled: CompiledOffer, by_hand: Verdict, decision: Any, facts: Sequence[tuple[History, dict[str, Any]]]) -> None:  # noqa: ANN401
    """Refuse to measure what does not come to the same."""
    for history, context in facts:
        ours, theirs = evaluate(compiled, history), decision.evaluate(context)["result"]
        reward_minor = sum(outcome.reward_minor for outcome in ours.outcomes)
        if ours != by_hand(history) or (bool(ours.outcomes), reward_minor) != (theirs["eligible"], theirs["reward"]):
            raise RuntimeError(context)


def _in_turns(*contenders: Callable[[], object]) -> tuple[float, ...]:
    """Seconds of each: medians of rounds in which they take turns; one round before warms up."""
    rounds = [[_timed(contender) for contender in contenders] for _ in range(ROUNDS + 1)][1:]
    return tuple(median(times) for times in zip(*rounds, strict=True))


def _timed(work: Callable[[], object]) -> float:
    """Seconds of this process's own time: what else runs on the machine matters less."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _result(peer: str, ours: float, theirs: float, *, at_least: float) -> Result:
    return Result(
        name=f"verdicts, of {peer}",
        ours=f"{FACTS / ours:,.0f}/s",
        peer=f"{FACTS / theirs:,.0f}/s",
        ratio=theirs / ours,
        at_least=at_least,
    )
