"""Paying: what is owed of redemptions becomes statement credits, posted and instructed in the same transaction."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from events.payloads import PayoutsDue, RedemptionsRecorded, StatementCredit, StatementCreditsInstructed
from shared.kernel.ids import derived_id
from shared.kernel.shards import shard_key, shard_of
from shared.ledger import service as ledger
from shared.ledger.model import Movement, Step, movement
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.redemptions import store
from shared.redemptions.model import Redemption, State

MOST_DUE: Final = 5_000


def pay_recorded(call: Call, recorded: RedemptionsRecorded) -> None:
    """Pay what is payable at once of redemptions just recorded."""
    _pay(call, recorded.shard, [r.redemption_id for r in recorded.redemptions if r.state == State.PAYABLE.value])


def pay_due(call: Call, due: PayoutsDue) -> None:
    """Pay redemptions whose hold is over."""
    _pay(call, due.shard, due.redemption_ids)


def emit_due(tx: Transaction, shards: int) -> int:
    """Let redemptions whose hold is over be paid, at most so many in one go; how many."""
    by_shard: dict[int, list[UUID]] = {}
    for redemption_id, customer_id in store.release_due(tx, now=tx.now, most=MOST_DUE):
        by_shard.setdefault(shard_of(customer_id, shards), []).append(redemption_id)
    for shard, redemption_ids in by_shard.items():
        tx.emit(PayoutsDue(shard=shard, redemption_ids=redemption_ids), subject=shard_key(shard), key=shard_key(shard))
    return sum(map(len, by_shard.values()))


def _pay(call: Call, shard: int, redemption_ids: Collection[UUID]) -> None:
    with call.transaction() as tx:
        if not redemption_ids:
            return
        lock_shards(tx, [shard])
        owed = store.lock_payable(tx, redemption_ids, now=tx.now)
        if not owed:
            return
        statement_credits = [_credit(redemption) for redemption in owed]
        pots = ledger.lock_pots(tx, {redemption.campaign_id for redemption in owed})
        ledger.post(tx, [_payment(r, c, tx) for r, c in zip(owed, statement_credits, strict=True)], pots)
        store.write_credits(tx, list(zip(owed, statement_credits, strict=True)))
        tx.emit(StatementCreditsInstructed(shard=shard, credits=statement_credits), subject=shard_key(shard), key=shard_key(shard))


def _credit(redemption: Redemption) -> StatementCredit:
    """What is owed of a redemption; its id follows from its revision, so the same debt is never instructed twice."""
    return StatementCredit(
        credit_id=derived_id(redemption.redemption_id, "credit", redemption.revision),
        redemption_id=redemption.redemption_id,
        customer_id=redemption.customer_id,
        amount_minor=redemption.reward_minor - redemption.paid_minor,
        currency=redemption.currency,
    )


def _payment(redemption: Redemption, credit: StatementCredit, tx: Transaction) -> Movement:
    return movement(
        Step.PAY,
        campaign_id=redemption.campaign_id,
        amount_minor=credit.amount_minor,
        reference=credit.credit_id,
        turn=0,
        effective_at=tx.now,
    )
