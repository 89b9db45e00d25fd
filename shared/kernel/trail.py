"""Audit trails: who took something from which state to which, when and why."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Generic, Self, TypeVar

from shared.kernel.wire import Moment, Wire

State = TypeVar("State", bound=Enum)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change(Generic[State]):
    """One line of an audit trail. `at` is when the change holds from."""

    action: str
    from_state: State | None
    to_state: State
    by: str
    at: datetime
    reason: str

    @classmethod
    def of_row(cls, row: Mapping[str, Any], states: type[State]) -> Self:
        """The change that a table holds; it may hold other columns beside."""
        return cls(
            action=row["action"],
            from_state=states(row["from_state"]) if row["from_state"] else None,
            to_state=states(row["to_state"]),
            by=row["by"],
            at=row["at"],
            reason=row["reason"],
        )

    def row(self) -> dict[str, Any]:
        """The change as a table holds it."""
        return asdict(self) | {"from_state": self.from_state.value if self.from_state else None, "to_state": self.to_state.value}


class ChangeView(Wire):
    """One line of the audit trail."""

    action: str
    from_state: str | None
    to_state: str
    by: str
    at: Moment
    reason: str

    @classmethod
    def of(cls, change: Change[Any]) -> Self:
        """Show a change."""
        return cls(**change.row())
