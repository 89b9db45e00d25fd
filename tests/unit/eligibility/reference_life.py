"""The life of a purchase written once more: money is moved from one heap to another, message by message.

What is authorised lies on one heap, what clears is carried to another, and what is refunded is taken off what lies on both.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.eligibility.life import Kind, Message
from shared.eligibility.model import Item, Purchase
from shared.kernel.reasons import Reason

PARTS = ("amount_minor", "tip_minor", "tax_minor", "cash_back_minor")
WORD_GOES_FIRST = ["purchase", "clearing", "authorization", "reversal", "decline", "expiry", "refund"]
Heap = dict[str, int]


@dataclass
class Seen:
    """A purchase as it was before refunds and as it is after them; of each what there is in all, and what of that has cleared."""

    gross: Purchase
    gross_cleared: Purchase
    net: Purchase
    net_cleared: Purchase
    ended: Reason | None
    refunded: bool
    posted_at: datetime

    @property
    def wiped_out(self) -> Reason | None:
        """Why nothing is left of it."""
        return self.ended or (Reason.REFUNDED if self.refunded and self.net.amount_minor == 0 else None)


def plain(purchase: Purchase) -> Seen:
    """A purchase of which nothing more is known."""
    return Seen(purchase, purchase, purchase, purchase, None, False, purchase.posted_at or purchase.at)  # noqa: FBT003


def seen_of(messages: Iterable[Message]) -> list[Seen]:
    """All purchases that messages tell of, each message once."""
    lives: dict[str, dict[tuple[str, str, int], Message]] = {}
    for message in messages:
        if message.purchase_id:
            lives.setdefault(message.purchase_id, {})[message.key] = message
    return [_seen(list(life.values())) for life in lives.values() if any(message.kind is not Kind.REFUND for message in life.values())]


def _seen(life: list[Message]) -> Seen:
    ordered = sorted(life, key=lambda message: (message.sequence, message.said.transaction_id))
    kinds = {message.kind.value for message in ordered}
    firm = [message for message in ordered if message.kind.value == ("purchase" if "purchase" in kinds else "clearing")]
    waiting, cleared = _move(ordered, firm, single="purchase" in kinds)
    teller = min(ordered, key=lambda message: WORD_GOES_FIRST.index(message.kind.value)).said
    recorded = [message.said.recorded_at for message in ordered if message.kind is not Kind.REFUND and message.said.recorded_at]
    told = replace(teller, recorded_at=min(recorded, default=None))
    lines = [item for message in firm for item in message.said.items]
    gross_cleared = _with(told, cleared, items=tuple(lines))
    gross = gross_cleared
    if waiting["amount_minor"] and _may_clear_more(ordered, firm, kinds):
        authorised = [item for message in ordered if message.kind is Kind.AUTHORIZATION for item in message.said.items]
        gross = _with(told, {part: cleared[part] + waiting[part] for part in PARTS}, items=tuple(authorised or lines))
    ends = {"decline": Reason.DECLINED, "reversal": Reason.REVERSED, "expiry": Reason.AUTHORIZATION_EXPIRED}
    nothing = gross is gross_cleared and cleared["amount_minor"] == 0
    refunds = [message.said for message in ordered if message.kind is Kind.REFUND]
    return Seen(
        gross=gross,
        gross_cleared=gross_cleared,
        net=_give_back(gross, refunds),
        net_cleared=_give_back(gross_cleared, refunds),
        ended=next((reason for kind, reason in ends.items() if kind in kinds), None) if nothing else None,
        refunded=bool(refunds),
        posted_at=max([message.said.posted_at or message.said.at for message in firm], default=told.at),
    )


def _move(ordered: list[Message], firm: list[Message], *, single: bool) -> tuple[Heap, Heap]:
    """What still waits to be cleared, and what has cleared, never less than nothing on either heap."""
    waiting, cleared = dict.fromkeys(PARTS, 0), dict.fromkeys(PARTS, 0)
    back = dict.fromkeys(PARTS, 0)
    for message in ordered:
        for part in PARTS:
            waiting[part] += getattr(message.said, part) * (message.kind is Kind.AUTHORIZATION)
            back[part] += getattr(message.said, part) * (message.kind is Kind.REVERSAL)
    for part in PARTS:
        waiting[part] = max(waiting[part] - back[part], 0)
        cleared[part] = sum(getattr(message.said, part) for message in firm)
        if single:
            cleared[part] = max(cleared[part] - back[part], 0)
        waiting[part] = max(waiting[part] - cleared[part], 0)
    return waiting, cleared


def _may_clear_more(ordered: list[Message], firm: list[Message], kinds: set[str]) -> bool:
    if kinds & {"purchase", "decline", "expiry"}:
        return False
    return not firm or all(message.sequence_count is not None and message.sequence_count > len(firm) for message in firm)


def _give_back(purchase: Purchase, refunds: list[Purchase]) -> Purchase:
    """Line by line for what was in the basket; a product that was not bought can't be given back."""
    if not refunds:
        return purchase
    left = {part: getattr(purchase, part) for part in PARTS}
    lines = list(purchase.items)
    bought = {item.product for item in purchase.items}
    for refund in refunds:
        left = {part: left[part] - getattr(refund, part) for part in PARTS}
        lines += [Item(item.product, -item.amount_minor) for item in refund.items if item.product in bought]
    return _with(purchase, {part: max(amount, 0) for part, amount in left.items()}, items=tuple(lines))


def _with(purchase: Purchase, heap: dict[str, Any], **more: Any) -> Purchase:
    return replace(purchase, **heap, **more)
