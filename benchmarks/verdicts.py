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
from shared.eligibility.usual import Earned
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

Fact = tuple[History, Grant, Purchase]


def run() -> list[Result]:
    """Measure against all three, once they agree on every fact."""
    histories = _histories(Random(1))
    facts = [(history, history.grants[0], history.purchases[0]) for history in histories]
    contexts = [_context(history) for history in histories]
    compiled = _compiled()
    earned = _earned_under(compiled)
    loaded = zen.ZenEngine({"loader": {"type": "static", "content": {"offer": _graph()}}})
    _agree(compiled, loaded, list(zip(facts, contexts, strict=True)))
    ours, hand, theirs, all_of_ours, all_by_hand = _in_turns(
        lambda: [earned(*fact) for fact in facts],
        lambda: [earned_by_hand(*fact) for fact in facts],
        lambda: [loaded.evaluate("offer", context) for context in contexts],
        lambda: [evaluate(compiled, history) for history in histories],
        lambda: [evaluated_by_hand(history) for history in histories],
    )
    return [
        _result("verdicts, of a decision of zen-engine that its loader keeps compiled", ours, theirs, at_least=15),
        _result("verdicts, of a closure written by hand", ours, hand, at_least=0.8),
        _result("verdicts with all that is recorded of them, of a closure written by hand", all_of_ours, all_by_hand, at_least=0.8),
    ]


MERCHANTS_ASKED, CATEGORIES_ASKED, CHANNELS_ASKED = frozenset(MERCHANTS), frozenset(CATEGORIES), frozenset(CHANNELS)


def earned_by_hand(history: History, grant: Grant, purchase: Purchase) -> Reason | int | None:  # noqa: C901, PLR0911  (so it is written)
    """The same checks in the same order, and the same answer, as one would write them for this very offer."""
    if purchase.merchant_id not in MERCHANTS_ASKED or purchase.mcc not in CATEGORIES_ASKED or purchase.channel not in CHANNELS_ASKED:
        return None
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
    amount_minor = purchase.amount_minor - purchase.cash_back_minor
    if amount_minor < THRESHOLD_MINOR:
        return Reason.AMOUNT_BELOW_THRESHOLD
    return amount_minor * BASIS_POINTS // 10_000


def evaluated_by_hand(history: History) -> Evaluation:
    """All that `evaluate` tells of a history of one grant and one purchase under that offer."""
    (purchase,), (grant,) = history.purchases, history.grants
    name, grant_id = purchase.transaction_id, grant.grant_id
    if history.held_out:
        return Evaluation(outcomes=(), decisions=(Decision(name, None, Reason.HELD_OUT),), progress=())
    found = earned_by_hand(history, grant, purchase)
    if found is None:
        return Evaluation(outcomes=(), decisions=(), progress=(Progress(grant_id, 0, 0, 0, None),))
    if isinstance(found, Reason):
        return Evaluation(outcomes=(), decisions=(Decision(name, grant_id, found),), progress=(Progress(grant_id, 0, 0, 0, None),))
    outcome = _outcome_by_hand(grant, purchase, found)
    return Evaluation(outcomes=(outcome,), decisions=(Decision(name, grant_id, None),), progress=(Progress(grant_id, 0, 0, 1, None),))


def _outcome_by_hand(grant: Grant, purchase: Purchase, reward_minor: int) -> Outcome:
    amount_minor, earned_minor = purchase.amount_minor - purchase.cash_back_minor, reward_minor
    if purchase.cleared is not None:
        cleared_minor = purchase.cleared.amount_minor - purchase.cleared.cash_back_minor
        earned_minor = cleared_minor * BASIS_POINTS // 10_000 if cleared_minor >= THRESHOLD_MINOR else 0
    at, name, merchant, account = purchase.at, purchase.transaction_id, purchase.merchant_id, purchase.account_token
    posted_at = purchase.posted_at or at
    return Outcome(grant.grant_id, name, 1, reward_minor, earned_minor, amount_minor, at, posted_at, name, 1, merchant, account)


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


def _earned_under(compiled: CompiledOffer) -> Earned:
    earned = compiled.versions[0].earned
    if earned is None:
        raise RuntimeError(TERMS)
    return earned


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


def _agree(compiled: CompiledOffer, loaded: Any, facts: Sequence[tuple[Fact, dict[str, Any]]]) -> None:  # noqa: ANN401
    """Refuse to measure what does not come to the same."""
    for fact, context in facts:
        found, theirs = _earned_under(compiled)(*fact), loaded.evaluate("offer", context)["result"]
        reward_minor = found if isinstance(found, int) else 0
        if found != earned_by_hand(*fact) or evaluate(compiled, fact[0]) != evaluated_by_hand(fact[0]):
            raise RuntimeError(fact)
        if (reward_minor > 0, reward_minor) != (theirs["eligible"], theirs["reward"]):
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


def _result(name: str, ours: float, theirs: float, *, at_least: float) -> Result:
    return Result(
        name=name,
        ours=f"{FACTS / ours:,.0f}/s",
        peer=f"{FACTS / theirs:,.0f}/s",
        ratio=theirs / ours,
        at_least=at_least,
    )
