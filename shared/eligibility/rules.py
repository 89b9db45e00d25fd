"""All rules, in their order.

The fold takes the reason of the first rule that fails; the explanation shows them all. To add a rule: an entry in the table of the module
that it belongs to, at its place in the order; its words in `shared.kernel.reasons`; its cases in `tests/cases/eligibility`. All that a new
term takes is in `docs/architecture.md`.
"""

from typing import Final

from shared.eligibility.rules_of_completion import AMOUNT, COMPLETES, STILL_OPEN
from shared.eligibility.rules_of_recency import RECENCY
from shared.eligibility.rules_of_scope import SCOPE
from shared.eligibility.rules_of_time import WHO_AND_WHEN

COUNTS: Final = WHO_AND_WHEN + RECENCY + STILL_OPEN + AMOUNT
"""What a purchase in scope must pass to count for a grant."""

OF_PURCHASE: Final = (*WHO_AND_WHEN, *RECENCY, *SCOPE, *STILL_OPEN, *AMOUNT)
"""What is held against a purchase and a grant."""

__all__ = ["COMPLETES", "COUNTS", "OF_PURCHASE"]
