"""Setting what is owed to a customer against what was paid to him too much, before it is credited. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.kernel.ids import derived_id
from shared.redemptions.model import Redemption


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

    @property
    def credit_minor(self) -> int:
        """What is left to be credited."""
        return self.owed.owed_minor - sum(offset.amount_minor for offset in self.offsets)


def settle(owed: Iterable[Redemption], debts: Sequence[Redemption]) -> list[Settlement]:
    """Settle what is owed in order; debts of the same customer and currency are made good in their order."""
    open_minor = {debt.redemption_id: -debt.owed_minor for debt in debts}
    of_customer: dict[tuple[str, str], list[Redemption]] = {}
    for debt in debts:
        of_customer.setdefault((debt.customer_id, debt.currency), []).append(debt)
    return [_settle(one, of_customer.get((one.customer_id, one.currency), ()), open_minor) for one in owed]


def _settle(owed: Redemption, debts: Sequence[Redemption], open_minor: dict[UUID, int]) -> Settlement:
    left_minor, offsets = owed.owed_minor, list[Offset]()
    for debt in debts:
        amount_minor = min(left_minor, open_minor[debt.redemption_id])
        if amount_minor:
            left_minor -= amount_minor
            open_minor[debt.redemption_id] -= amount_minor
            offset_id = derived_id(owed.redemption_id, "offset", owed.revision, debt.redemption_id)
            offsets.append(Offset(offset_id=offset_id, owed=owed, debt=debt, amount_minor=amount_minor))
    return Settlement(owed=owed, offsets=tuple(offsets))
