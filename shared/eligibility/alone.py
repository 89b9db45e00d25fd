"""The history that is met most: one grant, and one purchase of which all has cleared and nothing came back.

There is nothing to put in order or to add up then, nothing was corrected, and no limit of the customer is used up before. What comes out
is what the fold makes of it; a test holds the one against the other.
"""

from shared.eligibility.compile import CompiledOffer
from shared.eligibility.model import Decision, Evaluation, History, Outcome, Progress
from shared.kernel.reasons import Reason


def evaluate_alone(compiled: CompiledOffer, history: History) -> Evaluation | None:
    """What a history of one grant and one purchase comes to; None where it takes the fold to tell."""
    (grant,), (purchase,) = history.grants, history.purchases
    grant_id, name, at = grant.grant_id, purchase.transaction_id, purchase.at
    version = compiled.version_at(at)
    if grant.variant:
        version = version.for_variant(grant.variant)
    if history.held_out or history.corrections or version.sums or version.usual is None:
        return None
    if purchase.cleared or purchase.before_refunds:
        return None
    if not version.in_scope(purchase):
        return Evaluation(outcomes=(), decisions=(), progress=(Progress(grant_id, 0, 0, 0, None),))
    amount_minor = version.qualifying_minor(purchase)
    reason = version.usual(history, grant, purchase, 0, amount_minor)
    reward_minor = 0 if reason else version.reward(amount_minor)
    if not reward_minor:
        decision = Decision(name, grant_id, reason or Reason.NOTHING_TO_REWARD)
        return Evaluation(outcomes=(), decisions=(decision,), progress=(Progress(grant_id, 0, 0, 0, None),))
    most = version.reward_per_customer_minor
    if most is not None and reward_minor > most:
        reward_minor = most
    held_from, shop, account = purchase.posted_at or at, purchase.merchant_id, purchase.account_token
    outcome = Outcome(grant_id, name, 1, reward_minor, reward_minor, amount_minor, at, held_from, name, version.number, shop, account)
    return Evaluation(outcomes=(outcome,), decisions=(Decision(name, grant_id, None),), progress=(Progress(grant_id, 0, 0, 1, None),))
