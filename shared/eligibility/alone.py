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
    if version.earned is None or history.held_out or history.corrections or purchase.cleared or purchase.before_refunds:
        return None
    found = version.earned(history, grant, purchase)
    if found is None or isinstance(found, Reason):
        decisions = (Decision(name, grant_id, found),) if found else ()
        return Evaluation(outcomes=(), decisions=decisions, progress=(Progress(grant_id, 0, 0, 0, None),))
    most = version.reward_per_customer_minor
    reward_minor = found if most is None or found < most else most
    amount_minor = version.qualifying_minor(purchase)
    held_from, shop, account = purchase.posted_at or at, purchase.merchant_id, purchase.account_token
    outcome = Outcome(grant_id, name, 1, reward_minor, reward_minor, amount_minor, at, held_from, name, version.number, shop, account)
    return Evaluation(outcomes=(outcome,), decisions=(Decision(name, grant_id, None),), progress=(Progress(grant_id, 0, 0, 1, None),))
