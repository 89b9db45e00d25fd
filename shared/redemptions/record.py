"""What is on record of a purchase: decisions in their order, payments, and what became known after the first decision."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

from shared.eligibility import wording
from shared.eligibility.life import Kind, Message
from shared.eligibility.model import Purchase
from shared.kernel.wire import ReasonView
from shared.platform.call import Transaction
from shared.platform.database import joined, prepared
from shared.redemptions.eligibility_api import Eligibility, KnownSince, Record, RecordEvent, VerdictView
from shared.redemptions.model import Redemption, State
from shared.redemptions.store import SQL, redemption_of_row

TOLD: Final = {
    "purchase": "The purchase of {amount} was recorded.",
    "authorization": "An authorisation of {amount} was recorded.",
    "clearing": "A clearing of {amount} was recorded.",
    "reversal": "A reversal of {amount} was recorded.",
    "decline": "It was recorded that the authorisation was declined.",
    "expiry": "It was recorded that the authorisation expired.",
    "refund": "A refund of {amount}, given {at}, was recorded.",
    "grant": "A grant, given {at}, was recorded.",
    "activation": "An activation, made {at}, was recorded.",
    "consent": "Consent, given {at}, was recorded.",
    "opt_out": "The withdrawal of consent, {at}, was recorded.",
    "zone": "The customer's time zone was changed; it was {detail} before.",
    "version": "Version {detail} of the offer was approved.",
    "withdrawal": "The offer was withdrawn.",
    "campaign": "It was recorded that the campaign was {detail} from {at} on.",
    "correction": "A correction ({detail}) was approved by a second person.",
    "match": "The purchase was matched to its merchant anew; it was {detail} before.",
    "place": "More was told of the place of the purchase: {detail}.",
    "restated": "A later revision of its file told otherwise what had been told as {detail}.",
    "withdrawn": "A later revision of its file told no more of what had been told as {detail}.",
    "told_again": "What had been withdrawn, of {detail}, was told again.",
    "others": "Messages about other purchases, earlier ones or refunded, were recorded: {number}.",
}
"""What was recorded, in words."""


class Decided(NamedTuple):
    """One revision of a redemption, and when it was decided."""

    at: datetime
    redemption: Redemption


def read(tx: Transaction, purchase: Purchase, messages: Iterable[Message], now: Eligibility, then: Eligibility) -> Record:
    """The record of a purchase by what was known at the moment of `now`, beside the decision of `then`, when it became known.

    `messages` are those about this purchase and the customer's others, as they were filed at the moment of `now`.
    """
    offers = {verdict.offer_id: verdict.campaign_id for verdict in (*now.verdicts, *then.verdicts)}
    values: dict[str, Any] = {"customer_id": now.customer_id, "offer_ids": joined(offers), "as_of": now.as_of}
    values["transaction_id"] = purchase.transaction_id
    found = prepared(tx.connection, SQL["read_record"], **values)
    decided = [Decided(row.pop("recorded_at"), redemption_of_row(row)) for row in found]
    ids = {one.redemption.redemption_id for one in decided}
    payments = prepared(tx.connection, SQL["read_payments"], redemption_ids=joined(ids), as_of=now.as_of) if ids else []
    since = prepared(
        tx.connection,
        SQL["read_known_since"],
        campaign_ids=joined(set(offers.values())),
        at=purchase.at,
        since=then.as_of,
        **values,
    )
    told = [*map(_since, since), *_said_since(purchase, messages, then.as_of)]
    known_since = sorted(told, key=attrgetter("recorded_at"))
    differs = _gist(now.verdicts) != _gist(then.verdicts)
    return Record(
        transaction_id=purchase.transaction_id,
        at=purchase.at,
        recorded_at=then.as_of,
        amount_minor=purchase.amount_minor,
        currency=purchase.currency,
        merchant_id=purchase.merchant_id,
        decided=then.verdicts,
        events=events(purchase.transaction_id, decided, payments),
        known_since=known_since,
        differs=differs,
        summary=_summary(now, then, known_since, differs=differs),
    )


def events(transaction_id: str, decided: Iterable[Decided], payments: Iterable[DictRow]) -> list[RecordEvent]:
    """What was decided about redemptions while a purchase completed them, and what was paid of them, in order of time."""
    by_redemption = {key: list(of_one) for key, of_one in groupby(sorted(decided, key=_turn), key=attrgetter("redemption.redemption_id"))}
    told = [event for revisions in by_redemption.values() for event in _decisions(transaction_id, revisions)]
    told += (_payment(by_redemption[payment["redemption_id"]][-1].redemption, payment) for payment in payments)
    return sorted(told, key=attrgetter("at"))


def _turn(one: Decided) -> tuple[UUID, int]:
    return one.redemption.redemption_id, one.redemption.revision


def _decisions(transaction_id: str, revisions: Sequence[Decided]) -> Iterator[RecordEvent]:
    before: Redemption | None = None
    for at, after in revisions:
        mine = after.transaction_id == transaction_id
        if mine:
            yield _event(after, at, _what(before, after), after.reward_minor or after.wanted_minor)
        elif before:
            yield _event(before, at, "moved", before.reward_minor)
        before = after if mine else None


def _what(before: Redemption | None, after: Redemption) -> str:
    if after.state in ENDED:
        return ENDED[after.state]
    if before is None or before.reward_minor in {0, after.reward_minor}:
        return "earned" if after.earned_minor == after.reward_minor else "promised"
    return "adjusted"


ENDED: Final = {State.REJECTED: "refused", State.REVERSED: "reversed"}


def _payment(redemption: Redemption, payment: DictRow) -> RecordEvent:
    return _event(redemption, payment["at"], payment["what"], payment["amount_minor"], paid=True)


def _event(redemption: Redemption, at: datetime, what: str, amount_minor: int, *, paid: bool = False) -> RecordEvent:
    return RecordEvent.model_validate(
        {
            "at": at,
            "what": what,
            "redemption_id": redemption.redemption_id,
            "offer_id": redemption.offer_id,
            "grant_id": redemption.grant_id,
            "version": redemption.version,
            "amount_minor": amount_minor,
            "currency": redemption.currency,
            "reason": ReasonView.of(redemption.reason) if redemption.reason and not paid else None,
        }
    )


def _since(row: DictRow) -> KnownSince:
    detail = wording.money(row["amount_minor"], row["detail"]) if row["amount_minor"] is not None else row["detail"]
    told = TOLD[row["what"]].format(at=wording.moment(row["at"]), detail=detail)
    return KnownSince(what=row["what"], offer_id=row["offer_id"], recorded_at=row["recorded_at"], told=told)


def _said_since(purchase: Purchase, messages: Iterable[Message], since: datetime) -> Iterator[KnownSince]:
    """Messages about the purchase one by one, those about others that come before it, or are refunds, together."""
    others: list[datetime] = []
    for message in sorted(messages, key=attrgetter("key")):
        said, what = message.said, message.kind.value
        recorded_at = said.recorded_at or since
        if recorded_at <= since:
            continue
        if message.purchase_id == purchase.transaction_id:
            told = TOLD[what].format(amount=wording.money(said.amount_minor, said.currency), at=wording.moment(said.at))
            yield KnownSince(what=what, offer_id=None, recorded_at=recorded_at, told=told)
        elif message.kind is Kind.REFUND or said.at <= purchase.at:
            others.append(recorded_at)
    if others:
        told = TOLD["others"].format(number=len(others))
        yield KnownSince(what="others", offer_id=None, recorded_at=max(others), told=told)


def _gist(verdicts: Iterable[VerdictView]) -> set[tuple[object, ...]]:
    """What of verdicts makes a difference: per offer and grant what is earned, or why nothing is."""
    return {(one.offer_id, one.grant_id, one.reward_minor, *(reason.code for reason in one.reasons)) for one in verdicts}


def _summary(now: Eligibility, then: Eligibility, since: Iterable[KnownSince], *, differs: bool) -> str:
    decided = f"When it became known, {wording.moment(then.as_of)}, the purchase {_earned(then.verdicts)}."
    if not differs:
        return f"{decided} By what is known {wording.moment(now.as_of)} the decision is the same."
    told = " ".join(one.told for one in since)
    return f"{decided} By what is known {wording.moment(now.as_of)} it {_earned(now.verdicts)}. Since then: {told}".rstrip()


def _earned(verdicts: Sequence[VerdictView]) -> str:
    earned: dict[str, int] = {}
    for verdict in verdicts:
        earned[verdict.currency] = earned.get(verdict.currency, 0) + verdict.reward_minor
    amounts = [wording.money(minor, currency) for currency, minor in sorted(earned.items()) if minor]
    codes = dict.fromkeys(reason.code for verdict in verdicts for reason in verdict.reasons)
    return f"earned {' and '.join(amounts)}" if amounts else f"earned nothing ({', '.join(codes) or 'no offer was known'})"
