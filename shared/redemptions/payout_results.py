"""What the card system says became of statement credits: paid, failed, returned. In any order and any number of times.

Each thing told is kept. Where a credit stands is folded from all that was told of it, and the difference is posted. What failed or came
back is owed again, and tried again by rule.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from shared.audiences.histories import emit_changed
from shared.kernel.errors import Conflict
from shared.kernel.ids import CREDIT, RedemptionId
from shared.kernel.shards import shard_of
from shared.ledger import service as ledger
from shared.ledger.model import Movement, movement
from shared.platform.batches import BatchAnswer, Rejected, read_batch
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.platform.operations import BodySchema
from shared.redemptions import results_store, store
from shared.redemptions.model import Redemption
from shared.redemptions.payout import tell_due
from shared.redemptions.results_api import PayoutResult, RetryAsked, RetryTold, Waits, WaitsQuery
from shared.redemptions.results_store import Credit, Told, Wait
from shared.redemptions.standing import GONE, MOVES, Standing, again_at, standing

MOST_RESULTS: Final = 5_000
FIELD: Final = "results"
WHY: Final = "a statement credit failed or came back"
Sent = Sequence[tuple[int, PayoutResult]]


@dataclass(kw_only=True, slots=True)
class Standings:
    """Where credits stand while results are taken one by one, and what that comes to. The redemptions are held."""

    redemptions: Mapping[UUID, Redemption]
    told: dict[UUID, list[Told]]
    """Of each credit."""
    added: list[Told] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    paid: Counter[UUID] = field(default_factory=Counter)
    instructed: Counter[UUID] = field(default_factory=Counter)
    """What of redemptions is paid, and on its way, more (or, negative, less) than before."""

    def take(self, credit: Credit, said: PayoutResult, now: datetime) -> str | None:
        """Take one result; why it can't be taken, where it can't."""
        known = self.told.setdefault(credit.credit_id, [])
        new = Told(redemption_id=credit.redemption_id, credit_id=credit.credit_id, at=said.at, result=Standing(said.result), code=said.code)
        if any((one.at, one.result) == (new.at, new.result) for one in known):
            return None
        before, after = _standing(known), _standing([*known, new])
        leaves_again = after in GONE and before not in GONE
        if leaves_again and self._owed_minor(credit.redemption_id) < credit.amount_minor:
            return "was told as failed or returned before, and its amount was instructed anew or is owed no more"
        if before is not after:
            self._move(credit, before, after, len(known), now)
        known.append(new)
        self.added.append(new)
        return None

    def failed_of(self, redemption_id: UUID) -> list[Told]:
        """What holds of those credits of a redemption that failed or came back, oldest first."""
        held = (max(told, key=_turn) for told in self.told.values() if told and told[0].redemption_id == redemption_id)
        return sorted((one for one in held if one.result not in GONE), key=_turn)

    def owed_minor_to_pay(self, redemption_id: UUID) -> int:
        """What is earned of a redemption and neither paid nor on its way."""
        redemption = self.redemptions[redemption_id]
        return redemption.earned_minor - redemption.paid_minor - self.paid[redemption_id]

    def _owed_minor(self, redemption_id: UUID) -> int:
        return self.redemptions[redemption_id].owed_minor - self.paid[redemption_id]

    def _move(self, credit: Credit, before: Standing, after: Standing, turn: int, now: datetime) -> None:
        self.paid[credit.redemption_id] += credit.amount_minor * ((after in GONE) - (before in GONE))
        self.instructed[credit.redemption_id] -= credit.amount_minor * (before is Standing.INSTRUCTED)
        self.movements += (
            movement(
                step,
                campaign_id=credit.campaign_id,
                amount_minor=credit.amount_minor,
                reference=credit.credit_id,
                turn=turn,
                effective_at=now,
            )
            for step in MOVES[before, after]
        )


def put_payout_results(call: Call, raw: Annotated[bytes, BodySchema(FIELD, PayoutResult, MOST_RESULTS)]) -> BatchAnswer:
    """Take what became of statement credits: `{"results": [...]}`, 1 to 5,000. Bad ones are named, the others taken.

    What is told again is taken and changes nothing. A credit that failed and whose amount was instructed anew can't be told as paid after
    all: that is named, for it was paid twice or is wrong.
    """
    batch = read_batch(raw, FIELD, PayoutResult, MOST_RESULTS, id_field="credit_id")
    with call.transaction() as tx:
        credits_known = results_store.credits_of(tx, {said.credit_id for _, said in batch.accepted})
        sent, rejected = _that_fit(batch.accepted, credits_known, tx.now)
        lock_shards(tx, {shard_of(credits_known[said.credit_id].customer_id, call.shards) for _, said in sent})
        standings = _standings(tx, {credits_known[said.credit_id].redemption_id for _, said in sent})
        for index, said in sent:
            why = standings.take(credits_known[said.credit_id], said, tx.now)
            if why:
                rejected.append(_rejected(index, said, "result", why))
        _store(call, tx, standings)
        refused = [*batch.rejected, *rejected]
        return tx.answer(BatchAnswer.of(len(batch.accepted) - len(rejected), refused))


def list_waiting_payouts(call: Call, query: WaitsQuery) -> Waits:
    """Redemptions that are owed and not instructed, since a credit of theirs failed or came back; longest first."""
    with call.reading() as tx:
        found = results_store.list_waits(tx, query, limit=query.limit + 1)
    waits = found[: query.limit]
    return Waits(waits=waits, next=waits[-1].redemption_id if len(found) > query.limit else None)


def retry_payout(call: Call, redemption_id: RedemptionId, body: RetryAsked) -> RetryTold:
    """Say that what failed or came back is to be tried again now. Raises Conflict where the redemption does not wait."""
    with call.transaction() as tx:
        released = store.release_waits(tx, most=1, redemption_id=redemption_id)
        if not released:
            raise Conflict("The redemption does not wait to be paid again.")
        results_store.note_retry(tx, redemption_id, reason=body.reason, by=call.caller.subject)
        tell_due(tx, call.shards, released)
        return tx.answer(RetryTold(redemption_id=redemption_id), status=202)


def _that_fit(sent: Sent, known: Mapping[UUID, Credit], now: datetime) -> tuple[list[tuple[int, PayoutResult]], list[Rejected]]:
    fit, rejected = [], []
    for index, said in sent:
        wrong = _wrong(said, known.get(said.credit_id), now)
        if wrong:
            rejected.append(_rejected(index, said, *wrong))
        else:
            fit.append((index, said))
    return fit, rejected


def _wrong(said: PayoutResult, credit: Credit | None, now: datetime) -> tuple[str, str] | None:
    """The field with which something is wrong, and what."""
    if credit is None:
        return "credit_id", "is no known statement credit"
    if said.currency != credit.currency:
        return "currency", f"must be {credit.currency}, as it was instructed"
    if said.amount_minor != credit.amount_minor:
        return "amount", f"must be {credit.amount_minor} minor units, as it was instructed"
    return ("at", "must not be in the future") if said.at > now else None


def _standings(tx: Transaction, redemption_ids: set[UUID]) -> Standings:
    redemptions = results_store.lock(tx, redemption_ids)
    told: dict[UUID, list[Told]] = {}
    for one in results_store.told_of(tx, redemption_ids):
        told.setdefault(one.credit_id, []).append(one)
    return Standings(redemptions=redemptions, told=told)


def _store(call: Call, tx: Transaction, standings: Standings) -> None:
    results_store.add(tx, standings.added, call.caller.subject)
    pots = ledger.lock_pots(tx, {move.campaign_id for move in standings.movements})
    ledger.post(tx, standings.movements, pots)
    moved = standings.paid.keys() | standings.instructed.keys()
    store.move_paid(tx, {redemption_id: standings.paid[redemption_id] for redemption_id in moved}, standings.instructed)
    waits = [wait for redemption_id in moved if (wait := _wait(standings, redemption_id, tx.now))]
    results_store.put_waits(tx, waits)
    results_store.end_waits(tx, moved - {wait.redemption_id for wait in waits})
    emit_changed(call, tx, _overwritten(standings), WHY)


def _wait(standings: Standings, redemption_id: UUID, now: datetime) -> Wait | None:
    """Until when a redemption waits that is owed again."""
    failed = standings.failed_of(redemption_id)
    if not failed or standings.owed_minor_to_pay(redemption_id) <= 0:
        return None
    code = failed[-1].code or ""
    return Wait(redemption_id=redemption_id, due_at=again_at(code, len(failed), now), code=code, failures=len(failed))


def _overwritten(standings: Standings) -> list[tuple[str, UUID]]:
    """Customers and offers of which more is written off now than was paid too much: their histories are folded again."""
    after = (
        (redemption, redemption.paid_minor + standings.paid[redemption.redemption_id]) for redemption in standings.redemptions.values()
    )
    return [(r.customer_id, r.offer_id) for r, paid in after if r.written_off_minor > max(paid - r.earned_minor, 0)]


def _standing(told: Sequence[Told]) -> Standing:
    return standing((one.at, one.result) for one in told)


def _turn(one: Told) -> tuple[datetime, int]:
    return one.at, list(Standing).index(one.result)


def _rejected(index: int, said: PayoutResult, place: str, message: str) -> Rejected:
    return Rejected.because(index, CREDIT.render(said.credit_id), f"/{FIELD}/{index}/{place}", message)
