"""The life of a purchase: what was said of it, in whatever order, taken together as the one purchase that the fold sees.

- What has cleared decides: amounts of clearings add up, and the first of them (by sequence) tells when and where. A single-message
  purchase is authorised and cleared in one.
- What is authorised, less reversals, and has not cleared yet is open: it counts, provisionally. Nothing is open any more once the last
  clearing has come, the authorisation was declined, or it expired. A clearing counts all the same, however late it comes.
- A reversal takes back what was authorised, or a single-message purchase; what has cleared is taken back by refunds.
- Refunds take off what they say, items item by item where the basket held such; it does not matter whether they come before or after
  what they refund.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import Any, Final, NamedTuple

from shared.eligibility.model import Item, Purchase
from shared.kernel.reasons import Reason


class Kind(Enum):
    """What a message says of a purchase."""

    PURCHASE = "purchase"  # authorised and cleared in one message
    AUTHORIZATION = "authorization"  # so much is to be paid; several add up
    CLEARING = "clearing"  # so much was paid, in one of perhaps several parts
    REVERSAL = "reversal"  # so much of the authorisation is taken back
    DECLINE = "decline"  # the authorisation was refused after all
    EXPIRY = "expiry"  # the authorisation was not cleared in time
    REFUND = "refund"  # so much was given back

    __hash__ = object.__hash__  # asked of each message; the one that enumerations have hashes the name anew each time


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One thing said of a purchase. `said` holds the message alone, as if it were all of the purchase.

    A refund's own id is that of `said`; the id of the purchase that it is a refund of is `purchase_id`, None while that is not known.
    """

    kind: Kind
    sequence: int
    purchase_id: str | None
    said: Purchase
    sequence_count: int | None = None
    """Of a clearing: how many there are to be; it is the last one where this is not said."""

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells it from all other messages."""
        return self.said.transaction_id, self.kind.value, self.sequence


class Parts(NamedTuple):
    """Amounts of one or several messages together."""

    amount_minor: int = 0
    tip_minor: int = 0
    tax_minor: int = 0
    cash_back_minor: int = 0

    @classmethod
    def of(cls, messages: Iterable[Message]) -> "Parts":
        """Their sums."""
        return cls(*(sum(amounts) for amounts in zip(cls(), *(AMOUNTS(message.said) for message in messages), strict=True)))

    def less(self, other: "Parts") -> "Parts":
        """What is left, never below 0."""
        return Parts(*(max(mine - theirs, 0) for mine, theirs in zip(self, other, strict=True)))

    def or_more(self, other: "Parts") -> "Parts":
        """Of each the larger one."""
        return Parts(*map(max, self, other))


AMOUNTS: Final = attrgetter("amount_minor", "tip_minor", "tax_minor", "cash_back_minor")
TELLING: Final = (Kind.PURCHASE, Kind.CLEARING, Kind.AUTHORIZATION, Kind.REVERSAL, Kind.DECLINE, Kind.EXPIRY, Kind.REFUND)
"""Whose word on when and where the purchase was made goes first."""
ENDS: Final = (
    (Kind.DECLINE, Reason.DECLINED),
    (Kind.REVERSAL, Reason.REVERSED),
    (Kind.EXPIRY, Reason.AUTHORIZATION_EXPIRED),
)
"""What ends a purchase of which nothing has cleared; the first that was said is the reason."""

Said = Mapping[Kind, list[Message]]


def purchases_of(messages: Iterable[Message]) -> list[Purchase]:
    """The purchases of one customer of whom these messages tell; those that tell of no purchase that is known are left out."""
    by_purchase: dict[str, list[Message]] = {}
    for message in messages:
        if message.purchase_id is not None:
            by_purchase.setdefault(message.purchase_id, []).append(message)
    together = (purchase_of(of_one) for of_one in by_purchase.values())
    return [purchase for purchase in together if purchase]


def given_back(messages: Iterable[Message]) -> dict[tuple[str, str], int]:
    """What refunds give back of purchases of which nothing else is told: by purchase and currency, in minor units."""
    known, refunds = set[str | None](), list[Message]()
    for message in messages:
        if message.kind is Kind.REFUND:
            refunds.append(message)
        else:
            known.add(message.purchase_id)
    back: dict[tuple[str, str], int] = {}
    for refund in {message.key: message for message in refunds}.values():
        if refund.purchase_id is not None and refund.purchase_id not in known:
            key = refund.purchase_id, refund.said.currency
            back[key] = back.get(key, 0) + refund.said.amount_minor
    return back


def purchase_of(messages: Collection[Message]) -> Purchase | None:
    """The purchase of which all these messages tell; None where there are only refunds of one that is not known."""
    if len(messages) == 1:
        (only,) = messages
        if only.kind is Kind.PURCHASE:
            return only.said
    said = _by_kind(messages)
    if said.keys() == {Kind.REFUND}:
        return None
    gross = _gross(said)
    return _less_refunds(gross, said[Kind.REFUND]) if Kind.REFUND in said else gross


def _by_kind(messages: Iterable[Message]) -> Said:
    """The messages by kind, each kind by sequence, each message once."""
    said: dict[Kind, list[Message]] = {}
    for message in sorted({message.key: message for message in messages}.values(), key=attrgetter("sequence", "said.transaction_id")):
        said.setdefault(message.kind, []).append(message)
    return said


def _gross(said: Said) -> Purchase:
    """The purchase before refunds: what has cleared and what is open."""
    telling = next(said[kind][0] for kind in TELLING if kind in said)
    firm = said.get(Kind.PURCHASE) or said.get(Kind.CLEARING) or []
    cleared = Parts.of(firm).less(Parts.of(said.get(Kind.REVERSAL, ())) if Kind.PURCHASE in said else Parts())
    authorised = Parts.of(said.get(Kind.AUTHORIZATION, ())).less(Parts.of(said.get(Kind.REVERSAL, ())))
    known: dict[str, Any] = {
        "posted_at": max((message.said.posted_at or message.said.at for message in firm), default=None),
        "recorded_at": _first_recorded(said),
    }
    so_far = replace(telling.said, **known, **cleared._asdict(), items=_items(firm))
    if authorised.amount_minor > cleared.amount_minor and _open(said):
        items = _items(said[Kind.AUTHORIZATION]) or so_far.items
        return replace(so_far, **authorised.or_more(cleared)._asdict(), items=items, cleared=so_far)
    ended = next((reason for kind, reason in ENDS if kind in said), None) if not cleared.amount_minor else None
    return replace(so_far, ended=ended)


def _open(said: Said) -> bool:
    """Whether more may still clear."""
    if not said.keys().isdisjoint({Kind.PURCHASE, Kind.DECLINE, Kind.EXPIRY}):
        return False
    clearings = said.get(Kind.CLEARING, ())
    counts = [clearing.sequence_count for clearing in clearings]
    return all(count is not None and len(clearings) < count for count in counts)


def _items(messages: Iterable[Message]) -> tuple[Item, ...]:
    return tuple(item for message in messages for item in message.said.items)


def _first_recorded(said: Said) -> datetime | None:
    moments = [message.said.recorded_at for of_kind in said.values() for message in of_kind if message.kind is not Kind.REFUND]
    return min((at for at in moments if at is not None), default=None)


def _less_refunds(gross: Purchase, refunds: list[Message]) -> Purchase:
    refunded, returned = Parts.of(refunds), _items(refunds)
    net = _less(gross, refunded, returned)
    cleared = _less(gross.cleared, refunded, returned) if gross.cleared else None
    ended = gross.ended or (None if net.amount_minor else Reason.REFUNDED)
    return replace(net, cleared=cleared, ended=ended)


def _less(gross: Purchase, refunded: Parts, returned: tuple[Item, ...]) -> Purchase:
    bought = {item.product for item in gross.items}
    taken_off = (Item(item.product, -item.amount_minor) for item in returned if item.product in bought)
    amounts = Parts(*AMOUNTS(gross)).less(refunded)._asdict()
    return replace(gross, **amounts, items=(*gross.items, *taken_off), before_refunds=gross)
