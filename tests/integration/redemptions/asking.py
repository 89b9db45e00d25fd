"""Questions about eligibility, asked as a process asks them."""

import asyncio
from typing import Any
from uuid import UUID

from shared.kernel.errors import CloError
from shared.platform.call import Call
from shared.redemptions.eligibility import check_eligibility, check_together
from shared.redemptions.eligibility_api import Eligibility, EligibilityAsked, PurchaseAsked, VerdictView
from tests.conftest import NOW


class Asker:
    """Asks on an event loop of its own, as a process does on its one."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.runner = asyncio.Runner()

    def one(self, body: EligibilityAsked) -> Eligibility:
        return self.runner.run(check_eligibility(self.call, body))

    def together(self, *bodies: EligibilityAsked) -> list[Eligibility | CloError]:
        return self.runner.run(check_together(self.call, bodies))

    def verdict(self, customer_id: str = "cust-1", offer_id: UUID | None = None, **overrides: Any) -> VerdictView:
        """The only verdict."""
        (verdict,) = self.one(asked(customer_id, offer_id, **overrides)).verdicts
        return verdict


def asked(customer_id: str = "cust-1", offer_id: UUID | None = None, **overrides: Any) -> EligibilityAsked:
    values: dict[str, Any] = {"at": NOW, "currency": "USD", "amount": 1500, "merchant_id": "shop-1"}
    return EligibilityAsked(customer_id=customer_id, offer_id=offer_id, purchase=PurchaseAsked(**values | overrides))
