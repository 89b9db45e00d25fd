"""What a test over HTTP is about: a funded campaign, approved offers, customers and their purchases, with valid defaults."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.e2e.process import BANK, CHECKER, MARKETING, Client

WHY = {"reason": "A test."}
ZONE = "America/New_York"
MOST = 5_000


class Scene:
    """Makes things through the public interface; all names begin with the same word."""

    def __init__(self, client: Client, name: str) -> None:
        """Make things by a client."""
        self.client, self.name = client, name
        self._numbers = count(1)
        self.now = datetime.fromisoformat(client.http.get("/local/clock").json()["now"])

    def fresh(self, word: str) -> str:
        """An id that was not used yet."""
        return f"{self.name}-{word}-{next(self._numbers)}"

    def day(self, away: int) -> str:
        """The date so many days away from today."""
        return (self.now + timedelta(days=away)).date().isoformat()

    def window(self, start: int = -20, end: int = 20) -> dict[str, Any]:
        """A window from so many days to so many days away from today."""
        return {"start": self.day(start), "end": self.day(end), "zone": ZONE}

    def draft(self, **overrides: Any) -> str:
        """A campaign as a draft; its id."""
        body = {"name": self.name, "objective": "More visits", "portfolio": "cards", "currency": "USD", "window": self.window()}
        return str(self.client.post("/v1/campaigns", body | overrides)["campaign_id"])

    def fund(self, campaign_id: str, budget: int | str = 1_000_000) -> None:
        """A budget asked by one person and approved by another."""
        self.client.post(f"/v1/campaigns/{campaign_id}/budget-requests", {"amount": budget, "reason": "Plan"})
        self.client.post(f"/v1/campaigns/{campaign_id}/approve", WHY, who=CHECKER)

    def campaign(self, *, budget: int | str = 1_000_000, **overrides: Any) -> str:
        """A campaign that runs."""
        campaign_id = self.draft(**overrides)
        self.fund(campaign_id, budget)
        self.client.post(f"/v1/campaigns/{campaign_id}/schedule", WHY)
        return campaign_id

    def terms(self, **overrides: Any) -> dict[str, Any]:
        """Terms that pay two dollars for a purchase of ten dollars or more."""
        return {
            "currency": "USD",
            "reward": {"kind": "fixed", "amount": 200},
            "qualification": {"kind": "single_purchase", "threshold": 1000},
            "window": self.window(),
        } | overrides

    def offer(self, campaign_id: str, **overrides: Any) -> str:
        """An approved offer; its id."""
        body = {"campaign_id": campaign_id, "name": "Two dollars back", "terms": self.terms(**overrides)}
        offer_id = str(self.client.post("/v1/offers", body)["offer_id"])
        self.client.post(f"/v1/offers/{offer_id}/submit", WHY)
        self.client.post(f"/v1/offers/{offer_id}/approve", WHY, who=CHECKER)
        return offer_id

    def customers(self, number: int, **overrides: Any) -> list[str]:
        """So many customers who consent, since long ago; their ids."""
        ids = [self.fresh("cust") for _ in range(number)]
        known = {"consent": True, "consent_at": "2010-01-01T00:00:00Z"} | overrides
        answer = self.client.post("/v1/customers", {"customers": [{"customer_id": one, **known} for one in ids]}, who=BANK)
        assert answer == {"accepted": number, "rejected": []}
        return ids

    def grant(self, offer_id: str, customers: list[str], at: datetime | None = None, *, key: str | None = None) -> dict[str, str]:
        """The offer given to customers, ten days ago if nothing is said; grant by customer."""
        granted_at = (at or self.now - timedelta(days=10)).isoformat()
        body = {"offer_id": offer_id, "customers": customers, "granted_at": granted_at}
        made = self.client.post("/v1/grants", body, who=MARKETING, key=key)
        assert made["granted"] == len(customers), made["rejected"]
        return {grant["customer_id"]: grant["grant_id"] for grant in made["grants"]}

    def purchase(self, customer_id: str, **overrides: Any) -> dict[str, Any]:
        """A purchase of fifteen dollars made yesterday."""
        return {
            "transaction_id": self.fresh("txn"),
            "customer_id": customer_id,
            "at": (self.now - timedelta(days=1)).isoformat(),
            "currency": "USD",
            "amount": 1500,
            "merchant_id": "shop-1",
        } | overrides

    def buy(self, *purchases: dict[str, Any], key: str | None = None) -> None:
        """Purchases posted; all of them are taken."""
        for start in range(0, len(purchases), MOST):
            batch = purchases[start : start + MOST]
            answer = self.client.post("/v1/transactions", {"transactions": batch}, who=BANK, key=key)
            assert answer == {"accepted": len(batch), "rejected": []}

    def redemptions(self, **query: object) -> list[dict[str, Any]]:
        """What is on record once all events are delivered."""
        self.client.wait_until_idle()
        return list(self.client.pages("/v1/redemptions", "redemptions", limit=1000, **query))

    def spent(self, campaign_id: str) -> int:
        """What a campaign has spent, which its report and its ledger must agree on; the books must balance."""
        budget = self.client.get(f"/v1/campaigns/{campaign_id}/report")["budget"]
        assert budget["approved_minor"] == budget["spent_minor"] + budget["left_minor"] + budget["reserved_minor"]
        assert self.client.get(f"/v1/campaigns/{campaign_id}/ledger")["spent_minor"] == budget["spent_minor"]
        assert self.client.get("/v1/ledger/trial-balance")["balanced"]
        return int(budget["spent_minor"])
