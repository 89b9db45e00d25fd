"""The event table: every event's shape, name, topic and key. One of the two wiring screens."""

from dataclasses import dataclass

from events import payloads as p
from shared.kernel.wire import Wire


@dataclass(frozen=True, kw_only=True, slots=True)
class EventType:
    """One row of the table.

    `key` says what the events are ordered by. `outward` events are kept on their topic for systems outside.
    `bulk` events carry input that has changed no state yet and may skip the outbox.
    """

    payload: type[Wire]
    type: str
    topic: str
    key: str
    outward: bool = False
    bulk: bool = False


def _row(payload: type[Wire], name: str, topic: str, key: str, *, outward: bool = False, bulk: bool = False) -> EventType:
    return EventType(payload=payload, type=f"clo.{name}", topic=f"clo.{topic}", key=key, outward=outward, bulk=bulk)


CATALOG: tuple[EventType, ...] = (
    #    payload                       type                             topic            key
    _row(p.CampaignWentLive, "campaign.went_live.v1", "campaigns", "campaign", outward=True),
    _row(p.CampaignEnded, "campaign.ended.v1", "campaigns", "campaign", outward=True),
    _row(p.OfferApproved, "offer.approved.v1", "offers", "campaign", outward=True),
    _row(p.OfferWentLive, "offer.went_live.v1", "offers", "campaign"),
    _row(p.OfferRolledOut, "offer.rolled_out.v1", "rollouts", "campaign", outward=True),
    _row(p.TransactionsPosted, "transactions.posted.v1", "transactions", "customer shard", bulk=True),
    _row(p.HistoriesChanged, "histories.changed.v1", "transactions", "customer shard"),
    _row(p.CardsChanged, "cards.changed.v1", "cards", "none"),
    _row(p.RedemptionsRecorded, "redemptions.recorded.v1", "redemptions", "customer shard", outward=True),
    _row(p.PayoutsDue, "payouts.due.v1", "redemptions", "customer shard"),
    _row(p.StatementCreditsInstructed, "statement_credits.instructed.v1", "statement-credits", "customer shard", outward=True),
    _row(p.ImpressionsLogged, "impressions.logged.v1", "impressions", "customer shard", bulk=True),
    _row(p.ScheduleTicked, "schedule.ticked.v1", "schedule", "none"),
)

BY_PAYLOAD = {row.payload: row for row in CATALOG}
BY_TYPE = {row.type: row for row in CATALOG}
