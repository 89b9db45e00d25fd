"""How much of a purchase counts, and for what: to complete a grant, to be promised, to be earned for good."""

from typing import NamedTuple

from shared.eligibility.compile import CompiledVersion
from shared.eligibility.model import Purchase


class Weight(NamedTuple):
    """Qualifying amounts in minor units, of one purchase or of several together."""

    judged_minor: int = 0
    """What completes a grant and is held against thresholds."""
    standing_minor: int = 0
    """What the reward is reckoned on: less than what is judged where refunds take the reward back but not the completion."""
    cleared_minor: int = 0
    """What of that has cleared: the rest of the reward is provisional."""

    def plus(self, other: "Weight") -> "Weight":
        """Both together."""
        return Weight(
            self.judged_minor + other.judged_minor, self.standing_minor + other.standing_minor, self.cleared_minor + other.cleared_minor
        )

    def less(self, amount_minor: int) -> "Weight":
        """What is left when a completion has taken so much; what it took provisionally is owed by what clears next."""
        return Weight(self.judged_minor - amount_minor, self.standing_minor - amount_minor, self.cleared_minor - amount_minor)


NOTHING = Weight()


def weigh(version: CompiledVersion, purchase: Purchase) -> tuple[Purchase, Weight]:
    """The purchase as it is judged under the version's clawback terms, and what of it counts."""
    gross = purchase.before_refunds
    if gross is None:
        amount_minor = version.qualifying_minor(purchase)
        cleared_minor = amount_minor if purchase.cleared is None else version.qualifying_minor(purchase.cleared)
        return purchase, Weight(amount_minor, amount_minor, cleared_minor)
    left = gross if purchase.ended is None and version.clawback.partial_refund == "keep" else purchase
    judged = gross if version.clawback.limits == "keep" else left
    standing_minor = version.qualifying_minor(left)
    cleared_minor = standing_minor if left.cleared is None else version.qualifying_minor(left.cleared)
    return judged, Weight(version.qualifying_minor(judged), standing_minor, cleared_minor)
