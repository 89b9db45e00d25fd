"""Where a statement credit stands by all that the card system told of it, whatever the order, and what that moves. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from shared.ledger.model import Step


class Standing(Enum):
    """Where a statement credit stands."""

    INSTRUCTED = "instructed"  # on its way: nothing was told of it
    FAILED = "failed"  # it could not be credited
    PAID = "paid"  # credited to the card
    RETURNED = "returned"  # credited, and the money came back


RANK: Final = {standing: rank for rank, standing in enumerate(Standing)}
"""Of several at one moment the last of these holds."""
GONE: Final = frozenset({Standing.INSTRUCTED, Standing.PAID})
"""Where the amount has left: it is not owed."""

MOVES: Final[Mapping[tuple[Standing, Standing], tuple[Step, ...]]] = {
    (Standing.INSTRUCTED, Standing.PAID): (Step.PAY,),
    (Standing.INSTRUCTED, Standing.FAILED): (Step.FAIL,),
    (Standing.INSTRUCTED, Standing.RETURNED): (Step.PAY, Step.RETURN),
    (Standing.PAID, Standing.FAILED): (Step.RETURN,),
    (Standing.PAID, Standing.RETURNED): (Step.RETURN,),
    (Standing.FAILED, Standing.PAID): (Step.INSTRUCT, Step.PAY),
    (Standing.RETURNED, Standing.PAID): (Step.INSTRUCT, Step.PAY),
    (Standing.FAILED, Standing.RETURNED): (),
    (Standing.RETURNED, Standing.FAILED): (),
}
"""What is posted when a credit comes to stand elsewhere."""

FINAL: Final = frozenset({"account_closed", "account_unknown", "card_unknown"})
"""Reasons that another try would meet as well."""
PAUSES: Final = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""After how long what failed the first time, the second, ... is tried again; then a person must say so."""


def standing(told: Iterable[tuple[datetime, Standing]]) -> Standing:
    """Where a credit stands of which so much was told: the latest by its moment holds, however late it is told."""
    return max(told, key=lambda one: (one[0], RANK[one[1]]), default=(None, Standing.INSTRUCTED))[1]


def again_at(code: str, failures: int, now: datetime) -> datetime | None:
    """When what failed or came back for a reason is tried again, given how often it has; None where only a person may say so."""
    return now + PAUSES[failures - 1] if code not in FINAL and failures <= len(PAUSES) else None
