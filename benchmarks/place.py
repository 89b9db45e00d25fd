"""A place to measure in: a fresh embedded PostgreSQL with a campaign, offers, customers and grants."""

import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg

from events.payloads import Transaction, TransactionsPosted
from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked, CampaignWindow, NewCampaign, Why
from shared.eligibility.terms import Terms
from shared.kernel.clock import SimulatedClock
from shared.kernel.shards import shard_of
from shared.offers import service as offers
from shared.offers.api import NewOffer
from shared.platform.call import Call, Caller, Once
from shared.platform.database import Database
from shared.platform.local.postgres import EmbeddedPostgres
from shared.platform.migrate import migrate
from shared.platform.runtime import tune_memory
from shared.redemptions import service as redemptions

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SHARDS = 16
OFFERS = 20
SHOPS = tuple(f"shop-{number}" for number in range(OFFERS))
REWARD_MINOR = 200
WHY = Why(reason="To be measured.")


@dataclass(kw_only=True)
class Place:
    """A database with a live campaign whose offers each cover one merchant, and customers who hold a grant of each."""

    postgres: EmbeddedPostgres
    database: Database
    customers: list[str]
    campaign_id: UUID
    offer_ids: list[UUID]
    events: int = 0

    def call(self, subject: str = "bench", key: str | None = None) -> Call:
        """A call as somebody."""
        once = Once(consumer="redeem_cashback", source="bench", key=key, input_hash=b"") if key else None
        return Call(caller=Caller(subject=subject), clock=SimulatedClock(NOW), database=self.database, shards=SHARDS, once=once)

    def redeem(self, shard: int, purchases: list[Transaction]) -> None:
        """Deliver a batch."""
        self.events += 1
        redemptions.redeem(self.call(key=f"event-{id(purchases)}-{self.events}"), TransactionsPosted(shard=shard, transactions=purchases))

    def purchases(self, prefix: str, count: int, *, shard: int | None = None) -> list[Transaction]:
        """Purchases that each complete a grant of their own: one customer and merchant after the other."""
        customers = [c for c in self.customers if shard is None or shard_of(c, SHARDS) == shard]
        pairs = ((merchant, customer) for merchant in range(OFFERS) for customer in customers)
        return [
            Transaction(
                transaction_id=f"{prefix}-{number}",
                customer_id=customer,
                at=NOW + timedelta(seconds=number),
                currency="USD",
                amount=1500,
                merchant_id=f"shop-{merchant}",
            )
            for number, (merchant, customer) in zip(range(count), pairs, strict=False)
        ]

    def forget(self) -> None:
        """Take back all that was redeemed, so that the next measurement starts from the same state."""
        with psycopg.connect(self.postgres.owner_url(), autocommit=True) as connection:
            connection.execute(
                "TRUNCATE transactions, filings, redemptions, redemption_revisions, statement_credits, credit_results, offsets,"
                " payout_waits, payout_retries, outbox, handled, refusal_counts, set_aside, file_revisions, drops, drop_chunks,"
                " drop_replays, lake_parts, lake_objects"
            )
            connection.execute("DELETE FROM postings WHERE step <> 'approve'")
            connection.execute(
                "UPDATE accounts SET debit_minor = CASE kind WHEN 'funding' THEN debit_minor ELSE 0 END,"
                " credit_minor = CASE kind WHEN 'available' THEN credit_minor ELSE 0 END"
            )
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")


@contextmanager
def place(
    *,
    customers: int,
    budget_minor: int,
    repeat: bool = False,
    shard: int | None = None,
    names: str = "cust-{}",
    shops: Sequence[str] = SHOPS,
) -> Iterator[Place]:
    """Make a place with customers of one shard, or of all, and take it away afterwards; its offers pay once, or again and again."""
    with tempfile.TemporaryDirectory(prefix="clo-bench-") as folder:
        tune_memory()
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        migrate(postgres.owner_url())
        database = Database(postgres.app_url(), pool_size=16, timeout_seconds=30)
        made = Place(
            postgres=postgres,
            database=database,
            customers=list(itertools.islice(_names(names, shard), customers)),
            campaign_id=UUID(int=0),
            offer_ids=[],
        )
        try:
            _fill(made, budget_minor, shops, repeat=repeat)
            yield made
        finally:
            database.close()
            postgres.stop()


def _names(pattern: str, shard: int | None) -> Iterator[str]:
    names = (pattern.format(number) for number in itertools.count())
    return (name for name in names if shard is None or shard_of(name, SHARDS) == shard)


def _fill(made: Place, budget_minor: int, shops: Sequence[str], *, repeat: bool) -> None:
    window = CampaignWindow(start="2026-01-01", end="2026-12-31", zone="America/New_York")
    body = NewCampaign(name="Bench", objective="Measure", portfolio="bench", currency="USD", window=window)
    made.campaign_id = campaigns.create_campaign(made.call("maya"), body).campaign_id
    campaigns.request_budget(made.call("maya"), made.campaign_id, BudgetAsked(amount=budget_minor, reason="Measure"))
    campaigns.approve_budget(made.call("omar"), made.campaign_id, WHY)
    campaigns.schedule_campaign(made.call("maya"), made.campaign_id, WHY)
    for number, shop in enumerate(shops):
        body_of_offer = NewOffer(campaign_id=made.campaign_id, name=f"Offer {number}", terms=_terms(shop, repeat=repeat))
        offer_id = offers.create_offer(made.call("maya"), body_of_offer).offer_id
        offers.submit_offer(made.call("maya"), offer_id, WHY)
        offers.approve_offer(made.call("omar"), offer_id, WHY)
        made.offer_ids.append(offer_id)
    _grant_all(made)


def _terms(merchant: str, *, repeat: bool) -> Terms:
    return Terms.model_validate_json(
        f'{{"currency":"USD","reward":{{"kind":"fixed","amount":{REWARD_MINOR}}},'
        f'"qualification":{{"kind":"single_purchase","threshold":1000}},"scope":{{"include":{{"merchants":["{merchant}"]}}}},'
        f'"repeat":{json.dumps(repeat)},"window":{{"start":"2026-01-01","end":"2026-12-31","zone":"America/New_York"}}}}'
    )


def _grant_all(made: Place) -> None:
    with psycopg.connect(made.postgres.owner_url()) as connection:
        with connection.cursor().copy(
            "COPY customers (customer_id, shard, attributes, consent, created_at, updated_at) FROM STDIN"
        ) as copy:
            for customer in made.customers:
                copy.write_row((customer, shard_of(customer, SHARDS), "{}", True, NOW, NOW))
        connection.execute(
            "INSERT INTO grants (grant_id, offer_id, campaign_id, customer_id, granted_at, recorded_at)"
            " SELECT gen_random_uuid(), offer_id, campaign_id, customer_id, %s, %s FROM customers, offers",
            (NOW - timedelta(days=1), NOW),
        )
