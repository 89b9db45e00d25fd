"""A small world to test in: a funded live campaign, approved offers, customers with grants, made through the use cases."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from events.catalog import BY_PAYLOAD
from events.payloads import (
    BasketItem,
    FileOrigin,
    MessageNamed,
    ScheduleTicked,
    Transaction,
    TransactionsPosted,
    TransactionsWithdrawn,
)
from functions.registry import BY_NAME
from shared.audiences import cards
from shared.audiences import service as audiences
from shared.audiences.api import NewSegment
from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked, CampaignWindow, NewCampaign, Why
from shared.eligibility.terms import Terms
from shared.kernel.ids import CREDIT, derived_id
from shared.kernel.shards import shard_of
from shared.ledger import service as ledger
from shared.offers import service as offers
from shared.offers.api import NewOffer, NewVersion
from shared.platform.batches import BatchAnswer
from shared.platform.call import Call
from shared.redemptions import payout_results, routing
from shared.redemptions import service as redemptions
from shared.schedule import service as schedule
from tests.conftest import NOW, SHARDS, MakeCall

WHY = Why(reason="A test.")
OUTBOX = "SELECT seq, type, payload FROM outbox WHERE seq > %s ORDER BY seq"


def terms(**overrides: Any) -> Terms:
    """Terms that pay two dollars for any purchase of ten dollars or more in January 2026."""
    values: dict[str, Any] = {
        "currency": "USD",
        "reward": {"kind": "fixed", "amount": 200},
        "qualification": {"kind": "single_purchase", "threshold": 1000},
        "window": {"start": "2026-01-01", "end": "2026-01-31", "zone": "America/New_York"},
    }
    return Terms.model_validate_json(json.dumps(values | overrides, default=str))


def purchase(
    transaction_id: str, customer_id: str | None = "cust-1", *, at: datetime = NOW, amount: int = 1500, **overrides: Any
) -> Transaction:
    """A purchase that earns under the terms above."""
    values: dict[str, Any] = {
        "transaction_id": transaction_id,
        "customer_id": customer_id,
        "at": at,
        "currency": "USD",
        "amount": amount,
        "merchant_id": "shop-1",
    }
    return Transaction(**values | overrides)


def basket(*lines: tuple[str, int]) -> list[BasketItem]:
    """Basket items of product code and amount."""
    return [BasketItem(product=product, amount=amount) for product, amount in lines]


class World:
    """Makes what a test needs, through the same use cases as everybody."""

    def __init__(self, call: MakeCall) -> None:
        """Work by calls on the test's database."""
        self.call = call
        self._events = 0
        self._seen = 0

    def campaign(
        self,
        *,
        budget: int = 100_000,
        name: str = "Winter",
        start: str = "2026-01-01",
        end: str = "2026-01-31",
        campaign_id: UUID | None = None,
    ) -> UUID:
        """A live campaign with an approved budget (minor units of USD)."""
        body = NewCampaign(
            campaign_id=campaign_id,
            name=name,
            objective="More visits",
            portfolio="cards",
            currency="USD",
            window=CampaignWindow(start=start, end=end, zone="America/New_York"),
        )
        campaign_id = campaigns.create_campaign(self.call("maya"), body).campaign_id
        campaigns.request_budget(self.call("maya"), campaign_id, BudgetAsked(amount=budget, reason="Plan"))
        campaigns.approve_budget(self.call("omar"), campaign_id, WHY)
        campaigns.schedule_campaign(self.call("maya"), campaign_id, WHY)
        return campaign_id

    def offer(self, campaign_id: UUID, **overrides: Any) -> UUID:
        """An approved offer of a campaign with the terms above, but for the overrides; with an id where one is among them."""
        said = {"offer_id": overrides.pop("offer_id", None), "campaign_id": campaign_id, "name": "Two dollars back"}
        offer_id = offers.create_offer(self.call("maya"), NewOffer(**said, terms=terms(**overrides))).offer_id
        offers.submit_offer(self.call("maya"), offer_id, WHY)
        offers.approve_offer(self.call("omar"), offer_id, WHY)
        return offer_id

    def segment(self, *customer_ids: str) -> UUID:
        """A list of customers."""
        return audiences.create_segment(self.call("maya"), NewSegment(name="Some", kind="list", customers=list(customer_ids))).segment_id

    def revise(self, offer_id: UUID, **overrides: Any) -> None:
        """Other terms of an offer, approved: in force from now."""
        offers.create_version(self.call("maya"), offer_id, NewVersion(terms=terms(**overrides), reason="Other terms"))
        offers.submit_offer(self.call("maya"), offer_id, WHY)
        offers.approve_offer(self.call("omar"), offer_id, WHY)

    def grant(
        self, offer_id: UUID, *customer_ids: str, at: datetime = NOW - timedelta(days=10), turn: int = 0, **values: Any
    ) -> list[UUID]:
        """Grants of an offer to customers (made known where they are not), as facts in the table."""
        grants = [derived_id(offer_id, customer_id, turn) for customer_id in customer_ids]
        with self.call("world").transaction() as tx:
            for customer_id, grant_id in zip(customer_ids, grants, strict=True):
                tx.connection.execute(
                    "INSERT INTO customers VALUES (%s, %s, NULL, '{}', true, %s, %s, NULL) ON CONFLICT DO NOTHING",
                    (customer_id, shard_of(customer_id, SHARDS), tx.now, tx.now),
                )
                tx.connection.execute(
                    "INSERT INTO grants (grant_id, offer_id, campaign_id, customer_id, granted_at, recorded_at, activated_at, revoked_at,"
                    " variant) SELECT %(id)s, offer_id, campaign_id, %(customer)s, %(at)s, %(now)s, %(activated_at)s, %(revoked_at)s,"
                    " %(variant)s"
                    " FROM offers WHERE offer_id = %(offer)s",
                    {"id": grant_id, "customer": customer_id, "at": at, "now": tx.now, "offer": offer_id,
                     "activated_at": values.get("activated_at"), "revoked_at": values.get("revoked_at"), "variant": values.get("variant")},
                )  # fmt: skip
        return grants

    def post(self, *purchases: Transaction, key: str | None = None, file: FileOrigin | None = None) -> None:
        """Purchases as batch events of their shards, delivered; told by a file where one is named."""
        with self.call("world").reading() as tx:
            routed = list(routing.route(purchases, routing.holders_of(tx, purchases)))
        for shard, batch in routing.parts(routed, SHARDS):
            posted = TransactionsPosted(shard=shard, file=file, transactions=batch)
            redemptions.redeem(self._event(f"{key}-{shard}" if key else None), posted)

    def withdraw(self, file: FileOrigin, *purchases: Transaction) -> None:
        """That a revision of a file tells these no more, as events of their shards, delivered."""
        with self.call("world").reading() as tx:
            routed = list(routing.route(purchases, routing.holders_of(tx, purchases)))
        for shard, batch in routing.parts(routed, SHARDS):
            named = [MessageNamed(transaction_id=one.transaction_id, kind=one.kind, sequence=one.sequence) for one in batch]
            redemptions.withdraw(self._event(None), TransactionsWithdrawn(shard=shard, file=file, messages=named))

    def cards(self, *sent: dict[str, Any]) -> None:
        """What the bank says of whose cards are."""
        assert cards.put_cards(self.call("bank"), json.dumps({"cards": sent}, default=str).encode()).rejected == []

    def credits(self) -> list[DictRow]:
        """Statement credits, in the order of their instruction."""
        return self.rows("SELECT * FROM statement_credits ORDER BY instructed_at, amount_minor, credit_id")

    def told(self, *of: DictRow, **said: Any) -> BatchAnswer:
        """What the card system says of credits: that they are paid, but for what is said otherwise."""
        results = [
            {
                "credit_id": CREDIT.render(row["credit_id"]),
                "result": "paid",
                "at": NOW,
                "amount": row["amount_minor"],
                "currency": row["currency"],
            }
            for row in of
        ]
        raw = json.dumps({"results": [result | said for result in results]}, default=str).encode()
        return payout_results.put_payout_results(self.call("cards"), raw)

    def confirm(self) -> None:
        """All credits that are on their way are paid."""
        known = {row["credit_id"] for row in self.rows("SELECT credit_id FROM credit_results")}
        on_their_way = [row for row in self.credits() if row["credit_id"] not in known]
        assert not on_their_way or self.told(*on_their_way).rejected == []

    def deliver(self) -> None:
        """Let the events that wait for `redeem_cashback` be taken, and those that follow from them."""
        consumed = {BY_PAYLOAD[payload].type: (payload, name) for payload, name in BY_NAME["redeem_cashback"].consumes.items()}
        while waiting := self.rows(OUTBOX, self._seen):
            self._seen = waiting[-1]["seq"]
            for row in (row for row in waiting if row["type"] in consumed):
                payload, use_case = consumed[row["type"]]
                getattr(redemptions, use_case)(self._event(None), payload.model_validate_json(bytes(row["payload"])))

    def tick(self) -> int:
        """Let whatever is due now be done, and what it says of purchases be taken in; how many messages that were."""
        before = {row["event_id"] for row in self.rows("SELECT event_id FROM outbox")}
        self._events += 1
        schedule.run_schedule(self.call("run_schedule", key=f"tick-{self._events}", consumer="run_schedule"), ScheduleTicked(at=NOW))
        said = self.rows("SELECT event_id, payload FROM outbox WHERE type = 'clo.transactions.posted.v1' ORDER BY seq")
        new = [TransactionsPosted.model_validate_json(bytes(row["payload"])) for row in said if row["event_id"] not in before]
        for posted in new:
            redemptions.redeem(self._event(None), posted)
        return sum(len(posted.transactions) for posted in new)

    def redemptions(self, columns: str = "*") -> list[DictRow]:
        """What is on record, in order of earning."""
        return self.rows(f"SELECT {columns} FROM redemptions ORDER BY earned_at, transaction_id, customer_id, grant_id, completion")

    def rows(self, statement: str, *values: object) -> list[DictRow]:
        """Rows of a statement."""
        with self.call("world").reading() as tx:
            return tx.connection.execute(statement, values or None).fetchall()

    def available(self, campaign_id: UUID) -> int:
        """What is left of a campaign's budget, in minor units."""
        with self.call("world").reading() as tx:
            return ledger.balances(tx, [campaign_id])[campaign_id]

    def verify(self) -> None:
        """All invariants of the ledger hold."""
        findings = ledger.verify(self.call("auditor"))
        assert findings == []

    def _event(self, key: str | None) -> Call:
        self._events += 1
        return self.call("redeem_cashback", key=key or f"event-{self._events}", consumer="redeem_cashback")


def amounts(redemptions: Iterable[DictRow]) -> list[int]:
    """The rewards of redemptions, in minor units."""
    return [row["reward_minor"] for row in redemptions]
