"""The rules on whether a purchase that counts completes its grant, and within which limits."""

from typing import Final

from shared.eligibility import wording
from shared.eligibility.compile import CompiledVersion
from shared.eligibility.rule import Attempt, Case, Rule
from shared.kernel.reasons import Reason

STILL_OPEN: Final[tuple[Rule[Case], ...]] = (
    Rule(
        name="purchase stands",
        reason=Reason.REFUNDED,
        because=lambda case: case.purchase.ended,
        passes=lambda case: case.purchase.ended is None,
        expected=lambda _: "authorised or cleared, and not refunded",
        actual=lambda case: case.purchase.ended.code if case.purchase.ended else "stands",
    ),
    Rule(
        name="not completed before",
        reason=Reason.ALREADY_COMPLETED,
        passes=lambda case: case.version.repeat or not case.completions,
        expected=lambda _: "completes once",
        actual=lambda case: f"completed {case.completions} times before",
        asked=lambda case: not case.version.repeat,
        otherwise="completes again and again",
    ),
)
"""Whether anything is left of the purchase, and the grant takes any more."""


def _asks_amount(version: CompiledVersion) -> str:
    return f"{version.terms.qualification.operator.value} {wording.money(version.threshold_minor, version.terms.currency)}"


AMOUNT: Final[tuple[Rule[Case], ...]] = (
    Rule(
        name="amount",
        reason=Reason.AMOUNT_BELOW_THRESHOLD,
        passes=lambda case: case.version.cumulative or case.version.reaches_threshold(case.qualifying_minor),
        expected=lambda case: _asks_amount(case.version),
        actual=lambda case: wording.money(case.qualifying_minor, case.version.terms.currency),
        asked=lambda case: not case.version.cumulative,
        otherwise="the sum decides",
    ),
    Rule(
        name="maximum amount",
        reason=Reason.AMOUNT_ABOVE_MAXIMUM,
        passes=lambda case: (most := case.version.maximum_minor) is None or case.qualifying_minor <= most,
        expected=lambda case: f"<= {wording.money(case.version.maximum_minor, case.version.terms.currency)}",
        actual=lambda case: wording.money(case.qualifying_minor, case.version.terms.currency),
        asked=lambda case: case.version.maximum_minor is not None,
        otherwise="any amount",
    ),
)
"""Whether the amount of this one purchase lets it count."""


def _money(attempt: Attempt, minor: int | None) -> str:
    return wording.money(minor, attempt.version.terms.currency)


def _in_periods(attempt: Attempt) -> bool:
    return all(had < period.limit.redemptions for had, period in zip(attempt.in_periods, attempt.version.periods, strict=True))


COMPLETES: Final[tuple[Rule[Attempt], ...]] = (
    Rule(
        name="running sum",
        reason=Reason.PROGRESS_BELOW_THRESHOLD,
        passes=lambda attempt: not attempt.version.cumulative or attempt.version.reaches_threshold(attempt.amount_minor),
        expected=lambda attempt: _asks_amount(attempt.version),
        actual=lambda attempt: _money(attempt, attempt.amount_minor),
        asked=lambda attempt: attempt.version.cumulative,
        otherwise="the one purchase decides",
    ),
    Rule(
        name="visits",
        reason=Reason.PROGRESS_BELOW_THRESHOLD,
        passes=lambda attempt: attempt.visits >= attempt.version.visits,
        expected=lambda attempt: f"{attempt.version.visits} visits",
        actual=lambda attempt: f"{attempt.visits} visits",
        asked=lambda attempt: attempt.version.visits > 0,
        otherwise="visits are not counted",
    ),
    Rule(
        name="something to reward",
        reason=Reason.NOTHING_TO_REWARD,
        passes=lambda attempt: attempt.reward_minor > 0,
        expected=lambda attempt: f"a reward on {_money(attempt, attempt.base_minor)}",
        actual=lambda attempt: _money(attempt, attempt.reward_minor),
    ),
    Rule(
        name="customer's redemptions",
        reason=Reason.CUSTOMER_LIMIT_REACHED,
        passes=lambda attempt: (most := attempt.version.redemptions_per_customer) is None or attempt.redemptions < most,
        expected=lambda attempt: f"fewer than {attempt.version.redemptions_per_customer} before",
        actual=lambda attempt: f"{attempt.redemptions} before",
        asked=lambda attempt: attempt.version.redemptions_per_customer is not None,
        otherwise="any number",
    ),
    Rule(
        name="customer's reward",
        reason=Reason.CUSTOMER_LIMIT_REACHED,
        passes=lambda attempt: (most := attempt.version.reward_per_customer_minor) is None or attempt.rewarded_minor < most,
        expected=lambda attempt: f"less than {_money(attempt, attempt.version.reward_per_customer_minor)} before",
        actual=lambda attempt: f"{_money(attempt, attempt.rewarded_minor)} before",
        asked=lambda attempt: attempt.version.reward_per_customer_minor is not None,
        otherwise="any amount",
    ),
    Rule(
        name="customer's redemptions in a period",
        reason=Reason.PERIOD_LIMIT_REACHED,
        passes=_in_periods,
        expected=lambda attempt: wording.periods([period.limit for period in attempt.version.periods]),
        actual=lambda attempt: " and ".join(f"{had} before" for had in attempt.in_periods),
        asked=lambda attempt: bool(attempt.version.periods),
        otherwise="any number",
    ),
)
"""What a purchase that counts must pass to complete its grant."""
