"""Setting what is owed to a customer against what was paid to him too much, before it is credited. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from shared.kernel.ids import derived_id
from shared.redemptions.model import Redemption

NONE_BEFORE: Final[Mapping[UUID, int]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Offset:
    """What is owed of one redemption and kept for what was paid too much of another, in minor units of their currency."""

    offset_id: UUID
    owed: Redemption
    debt: Redemption
    amount_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """All that is owed of a redemption: what is kept of it, and what is left to be credited."""

    owed: Redemption
    offsets: tuple[Offset, ...]
    turn: int = 0
    """How often the redemption was instructed before."""

    @property
    def credit_minor(self) -> int:
        """What is left to be credited."""
        return self.owed.owed_minor - sum(offset.amount_minor for offset in self.offsets)


def settle(owed: Iterable[Redemption], debts: Sequence[Redemption], turns: Mapping[UUID, int] = NONE_BEFORE) -> list[Settlement]:
    """Settle what is owed in order; debts of the same customer and currency are made good in their order.

    `turns`: how often redemptions were instructed before, where they were.
    """
    open_minor = {debt.redemption_id: debt.recoverable_minor for debt in debts}
    of_customer: dict[tuple[str, str], list[Redemption]] = {}
    for debt in debts:
        of_customer.setdefault((debt.customer_id, debt.currency), []).append(debt)
    return [_settle(one, of_customer.get((one.customer_id, one.currency), ()), open_minor, turns.get(one.redemption_id, 0)) for one in owed]


def id_of(what: str, owed: Redemption, turn: int, *parts: object) -> UUID:
    """The id of a credit or an offset follows from the redemption's revision and the turn: the same debt is never settled twice."""
    return derived_id(owed.redemption_id, what, owed.revision, *parts, *([turn] if turn else []))


def _settle(owed: Redemption, debts: Sequence[Redemption], open_minor: dict[UUID, int], turn: int) -> Settlement:
    left_minor, offsets = owed.owed_minor, list[Offset]()
    for debt in debts:
        amount_minor = min(left_minor, open_minor[debt.redemption_id])
        if amount_minor:
            left_minor -= amount_minor
            open_minor[debt.redemption_id] -= amount_minor
            offset_id = id_of("offset", owed, turn, debt.redemption_id)
            offsets.append(Offset(offset_id=offset_id, owed=owed, debt=debt, amount_minor=amount_minor))
    return Settlement(owed=owed, offsets=tuple(offsets), turn=turn)
