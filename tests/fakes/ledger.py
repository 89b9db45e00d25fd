"""A ledger in memory, with the interface of `shared.ledger.service`; held to the same contract as PostgreSQL's."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from psycopg.errors import CheckViolation, UniqueViolation

from shared.ledger.model import ROUTES, Finding, Kind, Movement, Pot, Step, movement, totals
from shared.ledger.service import NEARLY
from shared.platform.call import Transaction

NEVER_OVERDRAWN: Final = frozenset({Kind.AVAILABLE, Kind.RESERVED, Kind.PAID})


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account and the totals of its postings, in minor units."""

    kind: Kind
    campaign_id: UUID | None
    currency: str
    debit_minor: int = 0
    credit_minor: int = 0

    @property
    def balance_minor(self) -> int:
        return self.credit_minor - self.debit_minor


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """A movement that was carried out, between two accounts."""

    move: Movement
    debit_account: int
    credit_account: int


@dataclass(kw_only=True, slots=True)
class FakeLedger:
    """Accounts and postings in memory. Each call is a transaction of its own: all of it holds, or nothing was changed."""

    accounts: dict[int, Account] = field(default_factory=dict)
    postings: dict[UUID, Posting] = field(default_factory=dict)

    def approve_budget(self, tx: Transaction, campaign_id: UUID, *, request_id: UUID, amount_minor: int, currency: str) -> None:
        self._open_accounts(campaign_id, currency)
        approval = movement(
            Step.APPROVE, campaign_id=campaign_id, amount_minor=amount_minor, reference=request_id, turn=0, effective_at=tx.now
        )
        self.post(tx, [approval], self.lock_pots(tx, [campaign_id]))

    def lock_pots(self, tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
        return {campaign_id: self._pot(campaign_id) for campaign_id in campaign_ids if self._numbers(campaign_id)}

    def post(self, tx: Transaction, movements: list[Movement], pots: dict[UUID, Pot]) -> None:
        added: dict[UUID, Posting] = {}
        for move in movements:
            if move.posting_id in self.postings or move.posting_id in added:
                raise UniqueViolation(f"posting {move.posting_id} was carried out before")
            if move.amount_minor <= 0:
                raise CheckViolation("an amount is more than nothing")
            source, target = ROUTES[move.step]
            numbers = pots[move.campaign_id].accounts
            added[move.posting_id] = Posting(move=move, debit_account=numbers[source], credit_account=numbers[target])
        changed = {number: self._with(number, *sides) for number, sides in totals(movements, pots).items()}
        if any(account.kind in NEVER_OVERDRAWN and account.balance_minor < 0 for account in changed.values()):
            raise CheckViolation("no account is overdrawn")
        self.accounts |= changed
        self.postings |= added

    def balances(self, tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
        return {campaign_id: pot.available_minor for campaign_id, pot in self.lock_pots(tx, campaign_ids).items()}

    def nearly_exhausted(self, tx: Transaction, campaign_ids: Collection[UUID]) -> set[UUID]:
        left = self.balances(tx, campaign_ids)
        return {campaign_id for campaign_id, minor in left.items() if minor * 10_000 < NEARLY * self._sum(Step.APPROVE, campaign_id)}

    def findings(self, tx: Transaction) -> list[Finding]:
        """What of the accounts and postings does not hold; redemptions are not known here."""
        return [
            Finding(
                invariant="totals are the sums of postings",
                subject=f"account {number} ({account.kind.value})",
                expected="{} debited, {} credited".format(*self._sides(number)),
                actual=f"{account.debit_minor} debited, {account.credit_minor} credited",
            )
            for number, account in self.accounts.items()
            if self._sides(number) != (account.debit_minor, account.credit_minor)
        ]

    def _open_accounts(self, campaign_id: UUID, currency: str) -> None:
        there = {(account.kind, account.campaign_id, account.currency) for account in self.accounts.values()}
        for kind in Kind:
            owner = None if kind is Kind.FUNDING else campaign_id
            if (kind, owner, currency) not in there:
                self.accounts[len(self.accounts) + 1] = Account(kind=kind, campaign_id=owner, currency=currency)

    def _numbers(self, campaign_id: UUID) -> dict[Kind, int]:
        own = {account.kind: number for number, account in self.accounts.items() if account.campaign_id == campaign_id}
        if not own:
            return {}
        currency = self.accounts[own[Kind.AVAILABLE]].currency
        funding = next(n for n, account in self.accounts.items() if account.kind is Kind.FUNDING and account.currency == currency)
        return own | {Kind.FUNDING: funding}

    def _pot(self, campaign_id: UUID) -> Pot:
        numbers = self._numbers(campaign_id)
        available = self.accounts[numbers[Kind.AVAILABLE]]
        return Pot(campaign_id=campaign_id, currency=available.currency, available_minor=available.balance_minor, accounts=numbers)

    def _with(self, number: int, debited: int, credited: int) -> Account:
        account = self.accounts[number]
        return replace(account, debit_minor=account.debit_minor + debited, credit_minor=account.credit_minor + credited)

    def _sides(self, number: int) -> tuple[int, int]:
        """What the postings themselves say of an account: debits, credits."""
        debits = sum(p.move.amount_minor for p in self.postings.values() if p.debit_account == number)
        credits_ = sum(p.move.amount_minor for p in self.postings.values() if p.credit_account == number)
        return debits, credits_

    def _sum(self, step: Step, campaign_id: UUID) -> int:
        moves = (posting.move for posting in self.postings.values())
        return sum(move.amount_minor for move in moves if move.step is step and move.campaign_id == campaign_id)
