"""Campaigns in PostgreSQL: values in, values out."""

from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from psycopg.rows import DictRow

from shared.campaigns.model import BudgetRequest, Campaign, Change, State, Timeline, Turn
from shared.kernel.errors import NotFound
from shared.platform.call import Transaction
from shared.platform.database import Queries, one, rows

SQL = Queries(__file__)


def insert(tx: Transaction, campaign: Campaign) -> bool:
    """Store a new campaign; False when its id is taken."""
    values = asdict(campaign) | {"state": campaign.state.value, "revision": tx.bump("campaigns")}
    return one(tx.connection, SQL["insert_campaign"], **values) is not None


def read(tx: Transaction, campaign_id: UUID, *, lock: bool = False) -> Campaign:
    """One campaign, held until the end of the transaction if asked. Raises NotFound."""
    row = one(tx.connection, SQL["lock_campaign" if lock else "read_campaign"], campaign_id=campaign_id)
    if row is None:
        raise NotFound("There is no such campaign.")
    return _campaign(row)


def list_all(tx: Transaction, *, limit: int, offset: int) -> list[Campaign]:
    """Campaigns, newest first."""
    return [_campaign(row) for row in rows(tx.connection, SQL["list_campaigns"], limit=limit, offset=offset)]


def move(tx: Transaction, before: Campaign | None, after: Campaign, change: Change) -> None:
    """Write a campaign's new state and the line of history that goes with it."""
    if before is not None and before.state is not after.state:
        revision = tx.bump("campaigns")
        tx.connection.execute(SQL["set_state"], {"campaign_id": after.campaign_id, "state": after.state.value, "revision": revision})
    tx.connection.execute(SQL["add_history"], change.row() | {"campaign_id": after.campaign_id, "now": tx.now})


def history(tx: Transaction, campaign_id: UUID) -> list[Change]:
    """The audit trail of a campaign, oldest first."""
    return [Change.of_row(row, State) for row in rows(tx.connection, SQL["read_history"], campaign_id=campaign_id)]


def insert_request(tx: Transaction, request: BudgetRequest) -> bool:
    """Store a new request for budget; False when the campaign has one open."""
    return one(tx.connection, SQL["insert_budget_request"], **asdict(request)) is not None


def open_request(tx: Transaction, campaign_id: UUID) -> BudgetRequest | None:
    """The request that waits for a decision."""
    row = one(tx.connection, SQL["read_open_request"], campaign_id=campaign_id)
    return BudgetRequest(**row) if row else None


def decide(tx: Transaction, request: BudgetRequest) -> None:
    """Write the decision on a request."""
    tx.connection.execute(SQL["decide_request"], asdict(request))


def list_requests(tx: Transaction, campaign_id: UUID) -> list[BudgetRequest]:
    """The requests of a campaign in the order they were made."""
    return [BudgetRequest(**row) for row in rows(tx.connection, SQL["list_requests"], campaign_id=campaign_id)]


def lock_due(tx: Transaction, *, now: datetime, most: int) -> list[Campaign]:
    """Campaigns that time should have moved by now, at most so many, held until the end of the transaction."""
    return [_campaign(row) for row in rows(tx.connection, SQL["lock_due"], now=now, most=most)]


def timelines_since(tx: Transaction, revision: int) -> list[Timeline]:
    """The timelines of campaigns that changed after a revision."""
    found = rows(tx.connection, SQL["turns_since"], revision=revision)
    return [Timeline(campaign_id=key, turns=tuple(map(_turn, of_one))) for key, of_one in groupby(found, key=itemgetter("campaign_id"))]


def _turn(row: DictRow) -> Turn:
    return Turn(State(row["to_state"]), row["at"], row["recorded_at"])


def _campaign(row: DictRow) -> Campaign:
    return Campaign(**row | {"state": State(row["state"])})
