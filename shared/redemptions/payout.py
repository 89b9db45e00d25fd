"""Paying: what is owed of redemptions becomes statement credits, posted and instructed in the same transaction.

A credit is on its way until the card system confirms it (`payout_results`).

What was paid to a customer and is earned no more is carried forward: what is owed next is set against it first.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final
from uuid import UUID

from events.payloads import PayoutsDue, RedemptionsRecorded, StatementCredit, StatementCreditsInstructed
from shared.kernel.shards import shard_key, shard_of
from shared.ledger import service as ledger
from shared.ledger.model import Movement, Step, movement
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.redemptions import store
from shared.redemptions.model import Redemption, State
from shared.redemptions.netting import Settlement, id_of, settle

MOST_DUE: Final = 5_000


def pay_recorded(call: Call, recorded: RedemptionsRecorded) -> None:
    """Pay what is payable at once of redemptions just recorded."""
    _pay(call, recorded.shard, [r.redemption_id for r in recorded.redemptions if r.state == State.PAYABLE.value])


def pay_due(call: Call, due: PayoutsDue) -> None:
    """Pay redemptions whose hold is over."""
    _pay(call, due.shard, due.redemption_ids)


def emit_due(tx: Transaction, shards: int) -> int:
    """Let redemptions be paid whose hold is over, and those that are tried again, at most so many of each in one go; how many."""
    return tell_due(tx, shards, [*store.release_due(tx, now=tx.now, most=MOST_DUE), *store.release_waits(tx, most=MOST_DUE)])


def tell_due(tx: Transaction, shards: int, due: Iterable[tuple[UUID, str]]) -> int:
    """Let redemptions, each with its customer, be paid; how many."""
    by_shard: dict[int, list[UUID]] = {}
    for redemption_id, customer_id in due:
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
        turns = store.count_credits(tx, [redemption.redemption_id for redemption in owed])
        settlements = settle(owed, store.lock_debts(tx, {redemption.customer_id for redemption in owed}), turns)
        concerned = {r.campaign_id for one in settlements for r in (one.owed, *(offset.debt for offset in one.offsets))}
        pots = ledger.lock_pots(tx, concerned)
        ledger.post(tx, [move for one in settlements for move in _payments(one, tx)], pots)
        statement_credits = [_credit(one) for one in settlements if one.credit_minor]
        store.write_settlements(tx, settlements, statement_credits)
        if statement_credits:
            tx.emit(StatementCreditsInstructed(shard=shard, credits=statement_credits), subject=shard_key(shard), key=shard_key(shard))


def _credit(settlement: Settlement) -> StatementCredit:
    """What is left to be credited."""
    redemption = settlement.owed
    return StatementCredit(
        credit_id=_credit_id(settlement),
        redemption_id=redemption.redemption_id,
        customer_id=redemption.customer_id,
        amount_minor=settlement.credit_minor,
        currency=redemption.currency,
    )


def _credit_id(settlement: Settlement) -> UUID:
    return id_of("credit", settlement.owed, settlement.turn)


def _payments(settlement: Settlement, tx: Transaction) -> Iterator[Movement]:
    """The credit as on its way; each offset as paid by the campaign that owes, and recovered by the one that had paid too much."""
    owed = settlement.owed
    if settlement.credit_minor:
        yield _movement(Step.INSTRUCT, owed, settlement.credit_minor, _credit_id(settlement), tx)
    for offset in settlement.offsets:
        yield _movement(Step.INSTRUCT, owed, offset.amount_minor, offset.offset_id, tx)
        yield _movement(Step.PAY, owed, offset.amount_minor, offset.offset_id, tx)
        yield _movement(Step.RECOVER, offset.debt, offset.amount_minor, offset.offset_id, tx)


def _movement(step: Step, redemption: Redemption, amount_minor: int, reference: UUID, tx: Transaction) -> Movement:
    return movement(step, campaign_id=redemption.campaign_id, amount_minor=amount_minor, reference=reference, turn=0, effective_at=tx.now)
