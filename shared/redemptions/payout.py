"""Paying: what is owed of redemptions becomes statement credits, posted and instructed in the same transaction.

What was paid to a customer and is earned no more is carried forward: what is owed next is set against it first.
"""

from collections.abc import Collection, Iterator
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
from shared.redemptions.netting import Settlement, settle

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
        settlements = settle(owed, store.lock_debts(tx, {redemption.customer_id for redemption in owed}))
        concerned = {r.campaign_id for one in settlements for r in (one.owed, *(offset.debt for offset in one.offsets))}
        pots = ledger.lock_pots(tx, concerned)
        ledger.post(tx, [move for one in settlements for move in _payments(one, tx)], pots)
        statement_credits = [_credit(one) for one in settlements if one.credit_minor]
        store.write_settlements(tx, settlements, statement_credits)
        if statement_credits:
            tx.emit(StatementCreditsInstructed(shard=shard, credits=statement_credits), subject=shard_key(shard), key=shard_key(shard))


def _credit(settlement: Settlement) -> StatementCredit:
    """What is left to be credited; its id follows from the redemption's revision, so the same debt is never instructed twice."""
    redemption = settlement.owed
    return StatementCredit(
        credit_id=_credit_id(redemption),
        redemption_id=redemption.redemption_id,
        customer_id=redemption.customer_id,
        amount_minor=settlement.credit_minor,
        currency=redemption.currency,
    )


def _credit_id(redemption: Redemption) -> UUID:
    return derived_id(redemption.redemption_id, "credit", redemption.revision)


def _payments(settlement: Settlement, tx: Transaction) -> Iterator[Movement]:
    """The credit as paid; each offset as paid by the campaign that owes, and recovered by the one that had paid too much."""
    owed = settlement.owed
    if settlement.credit_minor:
        yield _movement(Step.PAY, owed, settlement.credit_minor, _credit_id(owed), tx)
    for offset in settlement.offsets:
        yield _movement(Step.PAY, owed, offset.amount_minor, offset.offset_id, tx)
        yield _movement(Step.RECOVER, offset.debt, offset.amount_minor, offset.offset_id, tx)


def _movement(step: Step, redemption: Redemption, amount_minor: int, reference: UUID, tx: Transaction) -> Movement:
    return movement(step, campaign_id=redemption.campaign_id, amount_minor=amount_minor, reference=reference, turn=0, effective_at=tx.now)
