"""The small adapter over which one suite of invariants holds any ledger: the one in memory, and PostgreSQL's."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast
from uuid import UUID

from psycopg.errors import CheckViolation, UniqueViolation

from shared.kernel.ids import derived_id
from shared.ledger import service
from shared.ledger.chain import INVARIANT
from shared.ledger.model import Kind, Movement, Pot, Step, movement
from shared.platform.call import Transaction
from tests.conftest import NOW, MakeCall
from tests.fakes.ledger import FakeLedger

ONE, OTHER, ABROAD = (derived_id("campaign", name) for name in ("one", "other", "abroad"))
CURRENCIES: Final = {ONE: "USD", OTHER: "USD", ABROAD: "JPY"}
"""The campaigns of the suite; any other is in USD."""
REFUSED: Final = (CheckViolation, UniqueViolation)
OF_THE_BOOKS: Final = frozenset({"totals are the sums of postings", "a step joins its two accounts, of one campaign and currency",
                                 "no campaign promises more than was approved", "no campaign pays more than was ever posted",
                                 INVARIANT})  # fmt: skip
"""The invariants of the books alone; the others hold them against redemptions, which this suite has none of."""


NOWHERE: Final = Transaction(connection=cast("Any", None), database=cast("Any", None), now=NOW, once=None, trace=None)
"""A transaction of no database: the ledger in memory asks it for the time only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One posting, its accounts by what they hold and whose they are."""

    posting_id: UUID
    step: Step
    debited: tuple[Kind, UUID | None, str]
    credited: tuple[Kind, UUID | None, str]
    amount_minor: int
    reference: UUID
    reason: str | None
    seal: int


class Books(Protocol):
    """What the suite does with a ledger, and what it looks at."""

    def approve(self, campaign_id: UUID, request_id: UUID, amount_minor: int) -> None:
        """Approve a budget, in a transaction of its own."""

    def post(self, movements: list[Movement]) -> None:
        """Carry out movements in one transaction of their own. Raises one of REFUSED."""

    def available(self, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
        """What is left in pots."""

    def nearly_exhausted(self, campaign_ids: Collection[UUID]) -> set[UUID]:
        """Campaigns about to run out."""

    def pots(self, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
        """The pots of campaigns."""

    def balance(self, campaign_id: UUID, kind: Kind) -> int:
        """Credits less debits of an account by its kept totals; funding is that of the campaign's currency."""

    def entries(self) -> list[Entry]:
        """All postings."""

    def findings(self) -> list[str]:
        """The broken invariants of the books."""


@dataclass(kw_only=True)
class FakeBooks:
    """The ledger in memory."""

    ledger: FakeLedger = field(default_factory=FakeLedger)

    def approve(self, campaign_id: UUID, request_id: UUID, amount_minor: int) -> None:
        currency = CURRENCIES.get(campaign_id, "USD")
        self.ledger.approve_budget(NOWHERE, campaign_id, request_id=request_id, amount_minor=amount_minor, currency=currency)

    def post(self, movements: list[Movement]) -> None:
        self.ledger.post(NOWHERE, movements, self.pots({move.campaign_id for move in movements}))

    def available(self, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
        return self.ledger.balances(NOWHERE, campaign_ids)

    def nearly_exhausted(self, campaign_ids: Collection[UUID]) -> set[UUID]:
        return self.ledger.nearly_exhausted(NOWHERE, campaign_ids)

    def pots(self, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
        return self.ledger.lock_pots(NOWHERE, campaign_ids)

    def balance(self, campaign_id: UUID, kind: Kind) -> int:
        return self.ledger.accounts[self.pots([campaign_id])[campaign_id].accounts[kind]].balance_minor

    def entries(self) -> list[Entry]:
        accounts = {number: (a.kind, a.campaign_id, a.currency) for number, a in self.ledger.accounts.items()}
        return [
            Entry(
                posting_id=p.move.posting_id,
                step=p.move.step,
                debited=accounts[p.debit_account],
                credited=accounts[p.credit_account],
                amount_minor=p.move.amount_minor,
                reference=p.move.reference,
                reason=p.move.reason,
                seal=p.seal,
            )
            for p in self.ledger.postings.values()
        ]

    def findings(self) -> list[str]:
        return [finding.invariant for finding in self.ledger.findings(NOWHERE)]


@dataclass(kw_only=True)
class PostgresBooks:
    """The ledger in PostgreSQL, as the role that functions run as."""

    call: MakeCall

    def approve(self, campaign_id: UUID, request_id: UUID, amount_minor: int) -> None:
        with self._transaction() as tx:
            currency = CURRENCIES.get(campaign_id, "USD")
            service.approve_budget(tx, campaign_id, request_id=request_id, amount_minor=amount_minor, currency=currency)

    def post(self, movements: list[Movement]) -> None:
        with self._transaction() as tx:
            service.post(tx, movements, service.lock_pots(tx, {move.campaign_id for move in movements}))

    def available(self, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
        with self._transaction() as tx:
            return service.balances(tx, campaign_ids)

    def nearly_exhausted(self, campaign_ids: Collection[UUID]) -> set[UUID]:
        with self._transaction() as tx:
            return service.nearly_exhausted(tx, campaign_ids)

    def pots(self, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
        with self._transaction() as tx:
            return service.lock_pots(tx, campaign_ids)

    def balance(self, campaign_id: UUID, kind: Kind) -> int:
        number = self.pots([campaign_id])[campaign_id].accounts[kind]
        with self._transaction() as tx:
            found = tx.connection.execute("SELECT credit_minor - debit_minor AS minor FROM accounts WHERE account_no = %s", (number,))
            return int(next(found)["minor"])

    def entries(self) -> list[Entry]:
        with self._transaction() as tx:
            found = tx.connection.execute(
                "SELECT p.*, d.kind AS from_kind, d.campaign_id AS from_campaign, d.currency AS from_currency,"
                " c.kind AS to_kind, c.campaign_id AS to_campaign, c.currency AS to_currency FROM postings AS p"
                " JOIN accounts AS d ON d.account_no = debit_account JOIN accounts AS c ON c.account_no = credit_account"
            ).fetchall()
        return [
            Entry(
                posting_id=row["posting_id"],
                step=Step(row["step"]),
                debited=(Kind(row["from_kind"]), row["from_campaign"], row["from_currency"]),
                credited=(Kind(row["to_kind"]), row["to_campaign"], row["to_currency"]),
                amount_minor=row["amount_minor"],
                reference=row["reference"],
                reason=row["reason"],
                seal=row["seal"],
            )
            for row in found
        ]

    def findings(self) -> list[str]:
        return [finding.invariant for finding in service.verify(self.call("auditor")) if finding.invariant in OF_THE_BOOKS]

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        with self.call("bookkeeper").transaction() as tx:
            yield tx


def move(step: Step, amount_minor: int, what: str = "thing", *, campaign: UUID = ONE, turn: int = 1, reason: str | None = None) -> Movement:
    """A movement about a thing of that name."""
    return movement(
        step,
        campaign_id=campaign,
        amount_minor=amount_minor,
        reference=derived_id(what, campaign),
        turn=turn,
        effective_at=NOW,
        reason=reason,
    )


def signed(entries: Iterable[Entry]) -> dict[tuple[Kind, UUID | None, str], int]:
    """Credits less debits of each account, by the postings alone."""
    sums: dict[tuple[Kind, UUID | None, str], int] = {}
    for entry in entries:
        sums[entry.debited] = sums.get(entry.debited, 0) - entry.amount_minor
        sums[entry.credited] = sums.get(entry.credited, 0) + entry.amount_minor
    return sums
