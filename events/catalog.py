"""The event table: every event's shape, name, topic and key; and the topics they lie on. One of the two wiring screens."""

from dataclasses import dataclass

from events import files as f
from events import payloads as p
from events import told as t
from shared.kernel.wire import Wire


@dataclass(frozen=True, kw_only=True, slots=True)
class EventType:
    """One row of the table.

    `key` says what the events are ordered by. `outward` events are kept on their topic for systems outside.
    `inward` events are written by systems of the bank as well. `bulk` events carry input that has changed no state yet and may skip
    the outbox.
    """

    payload: type[Wire]
    type: str
    topic: str
    key: str
    outward: bool = False
    inward: bool = False
    bulk: bool = False


def _row(payload: type[Wire], name: str, topic: str, key: str, **who: bool) -> EventType:
    return EventType(payload=payload, type=f"clo.{name}", topic=f"clo.{topic}", key=key, **who)


CATALOG: tuple[EventType, ...] = (
    #    payload                       type                             topic            key
    _row(p.CampaignWentLive, "campaign.went_live.v1", "campaigns", "campaign", outward=True),
    _row(p.CampaignEnded, "campaign.ended.v1", "campaigns", "campaign", outward=True),
    _row(p.OfferApproved, "offer.approved.v1", "offers", "campaign", outward=True),
    _row(p.OfferTurnedDown, "offer.turned_down.v1", "offers", "campaign", outward=True),
    _row(p.OfferWentLive, "offer.went_live.v1", "offers", "campaign"),
    _row(p.OfferRolledOut, "offer.rolled_out.v1", "rollouts", "campaign", outward=True),
    _row(p.TransactionsPosted, "transactions.posted.v1", "transactions", "customer shard", inward=True, bulk=True),
    _row(p.TransactionsWithdrawn, "transactions.withdrawn.v1", "transactions", "customer shard", bulk=True),
    _row(p.HistoriesChanged, "histories.changed.v1", "transactions", "customer shard"),
    _row(p.CardsChanged, "cards.changed.v1", "cards", "none"),
    _row(p.PlacesTold, "places.told.v1", "places", "none"),
    _row(p.RedemptionsRecorded, "redemptions.recorded.v1", "redemptions", "customer shard", outward=True),
    _row(p.PayoutsDue, "payouts.due.v1", "redemptions", "customer shard"),
    _row(p.StatementCreditsInstructed, "statement_credits.instructed.v1", "statement-credits", "customer shard", outward=True),
    _row(p.ImpressionsLogged, "impressions.logged.v1", "impressions", "customer shard", bulk=True),
    _row(t.MerchantsTold, "merchants.told.v1", "merchants", "none", inward=True),
    _row(t.CustomersTold, "customers.told.v1", "customers", "customer shard", inward=True),
    _row(f.FileDropped, "file.dropped.v1", "files", "file"),
    _row(f.ChunkReady, "file.chunk_ready.v1", "file-chunks", "chunk"),
    _row(f.FileStepDone, "file.step_done.v1", "files", "file"),
    _row(f.FileClosed, "file.closed.v1", "files", "file", outward=True),
    _row(f.LakeScattered, "lake.scattered.v1", "lake", "kind and day"),
    _row(f.ExportPlanned, "export.planned.v1", "exports", "export"),
    _row(f.ExportPartReady, "export.part_ready.v1", "export-parts", "part"),
    _row(f.ExportPartsDone, "export.parts_done.v1", "exports", "export"),
    _row(f.ExportMoved, "export.moved.v1", "exports", "export", outward=True),
    _row(p.ScheduleTicked, "schedule.ticked.v1", "schedule", "none"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One topic of Kafka. None is compacted: each event is a fact of its own, and none says all that the one before it said.

    `partitions` bound how many instances of a function work side by side. They never grow, or the order of a key would break.
    `retention_days` count from when an event was written; None keeps all, for systems that begin to read later.
    """

    name: str
    partitions: int
    retention_days: int | None

    @property
    def events(self) -> tuple[EventType, ...]:
        """What lies on it."""
        return tuple(kind for kind in CATALOG if kind.topic == self.name)


def _topic(name: str, partitions: int, retention_days: int | None) -> Topic:
    return Topic(name=f"clo.{name}", partitions=partitions, retention_days=retention_days)


TOPICS: tuple[Topic, ...] = (
    #      name         partitions, days
    _topic("campaigns", 4, None),
    _topic("offers", 4, None),
    _topic("rollouts", 4, 365),
    _topic("transactions", 16, 14),
    _topic("cards", 4, 14),
    _topic("places", 1, 14),
    _topic("redemptions", 16, 90),
    _topic("statement-credits", 8, 90),
    _topic("impressions", 16, 14),
    _topic("merchants", 1, 30),
    _topic("customers", 8, 30),
    _topic("files", 4, 90),
    _topic("file-chunks", 32, 14),
    _topic("lake", 8, 14),
    _topic("exports", 4, 90),
    _topic("export-parts", 16, 14),
    _topic("schedule", 1, 1),
)

BY_PAYLOAD = {row.payload: row for row in CATALOG}
BY_TYPE = {row.type: row for row in CATALOG}
