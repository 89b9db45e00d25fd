"""Whether a grant can be used at a moment, by the very rules that purchases are judged by."""

from datetime import datetime
from typing import Final

from shared.audiences.model import Held
from shared.eligibility import bounds, model
from shared.eligibility.compile import CompiledOffer, CompiledVersion
from shared.eligibility.rule import Attempt, Case, first_failing
from shared.eligibility.rules import COMPLETES, COUNTS
from shared.kernel.reasons import Reason
from shared.redemptions.had import Had

TO_BE_DONE: Final = frozenset(
    {Reason.NOT_ACTIVATED, Reason.ACTIVATED_AFTER_PURCHASE, Reason.AMOUNT_BELOW_THRESHOLD, Reason.AMOUNT_ABOVE_MAXIMUM}
)
"""What the customer can still see to: no reason to hide an offer."""
TO_BE_AWAITED: Final = frozenset({Reason.DATE_EXCLUDED, Reason.DAY_EXCLUDED, Reason.TIME_EXCLUDED})
"""What another day or hour brings: no reason to hide an offer either."""
OF_THE_MOMENT: Final = tuple(rule for rule in COUNTS if rule.reason not in TO_BE_DONE | TO_BE_AWAITED)
OF_THE_LIMITS: Final = tuple(rule for rule in COMPLETES if rule.reason is Reason.CUSTOMER_LIMIT_REACHED)


def why_not(compiled: CompiledOffer, held: Held, had: Had, at: datetime, bought_at: datetime | None = None) -> Reason | None:
    """The reason why a purchase could not count, whatever is bought, as things stand at this moment; None where it could.

    `had` is what the customer has had of the offer; `bought_at` is when something in scope was last bought before the grant, where the
    offer asks for that. What the customer can do or wait for (an activation, another day of the week, another period) is none. A budget
    that runs out takes away nothing that is activated.
    """
    version = compiled.version_at(at).for_variant(held.grant.variant)
    attempt = Attempt(version, 0, 0, 0, len(had.used.moments), had.used.reward_minor, 0, ())
    reason = first_failing(OF_THE_MOMENT, _case(compiled, version, held, had, at, bought_at)) or first_failing(OF_THE_LIMITS, attempt)
    if reason or held.grant.activated_at:
        return reason
    most_minor = least_reward_minor(version, had) if compiled.max_reward_minor is None else compiled.max_reward_minor
    return Reason.BUDGET_EXHAUSTED if held.left_minor < most_minor else None  # what is left might not cover the next: no promise then


def asks_what_was_had(version: CompiledVersion) -> bool:
    """Whether what a customer has had of the offer may use it up for him."""
    limits = (version.redemptions_per_customer, version.reward_per_customer_minor)
    return not version.repeat or bool(version.periods) or any(most is not None for most in limits)


def least_reward_minor(version: CompiledVersion, had: Had) -> int:
    """The least that the next redemption of the offer would pay the customer: the last one within the customer's limit is trimmed."""
    least, most = bounds.least_reward_minor(version), version.reward_per_customer_minor
    return least if most is None else max(min(least, most - had.used.reward_minor), 1)


def expires_at(version: CompiledVersion, held: Held) -> datetime:
    """The first moment at which the grant can't be used any more, where nothing stops it before."""
    stop = version.window.span(None, held.zone).stop
    own = version.window.grant_stop(held.grant.granted_at, None, held.zone)
    return stop if own is None else min(stop, own)


def pays_again_at(version: CompiledVersion, held: Held, had: Had, at: datetime) -> datetime | None:
    """From when on the limits of periods let the customer have more; None where they do at this moment.

    The periods are read on the clock on which a purchase at no particular merchant is read.
    """
    zone, moments = version.window.zone(None, held.zone), had.before(at)
    ends = [period.free_from(moments, zone) for period in version.periods if period.is_used_up(moments, at, zone)]
    return max(ends, default=None)


def _case(compiled: CompiledOffer, version: CompiledVersion, held: Held, had: Had, at: datetime, bought_at: datetime | None) -> Case:
    grant = model.Grant(
        grant_id=held.grant.grant_id,
        granted_at=held.grant.granted_at,
        activated_at=held.grant.activated_at,
        revoked_at=held.grant.revoked_at,
        variant=held.grant.variant,
    )
    withdrawn = () if held.consent else (model.Interval(start=at),)
    history = model.History(grants=(grant,), purchases=(), consent_withdrawn=withdrawn, zone=held.zone)
    purchase = model.Purchase(transaction_id="", at=at, amount_minor=0, currency=version.terms.currency)
    return Case(compiled.offer, version, history, grant, purchase, had.completions.get(grant.grant_id, 0), 0, bought_at)
