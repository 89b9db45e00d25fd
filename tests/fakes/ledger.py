"""A ledger in memory, with the interface of `shared.ledger.service`; held to the same contract as PostgreSQL's."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.errors import CheckViolation, UniqueViolation

from shared.ledger import chain
from shared.ledger.chain import Head
from shared.ledger.model import NO_HASH, ROUTES, Finding, Kind, Movement, Pot, Seal, Step, movement, newly_posted, open_changes, totals
from shared.ledger.service import NEARLY
from shared.platform.call import Transaction

NEVER_OVERDRAWN: Final = frozenset({Kind.AVAILABLE, Kind.RESERVED, Kind.INSTRUCTED, Kind.PAID})


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
    seal: int
    recorded_at: datetime


@dataclass(kw_only=True, slots=True)
class FakeLedger:
    """Accounts and postings in memory. Each call is a transaction of its own: all of it holds, or nothing was changed."""

    accounts: dict[int, Account] = field(default_factory=dict)
    postings: dict[UUID, Posting] = field(default_factory=dict)
    reservations: dict[tuple[UUID, UUID], int] = field(default_factory=dict)
    seals: dict[tuple[UUID, int], Seal] = field(default_factory=dict)

    def approve_budget(self, tx: Transaction, campaign_id: UUID, *, request_id: UUID, amount_minor: int, currency: str) -> None:
        self._open_accounts(campaign_id, currency)
        approval = movement(
            Step.APPROVE, campaign_id=campaign_id, amount_minor=amount_minor, reference=request_id, turn=0, effective_at=tx.now
        )
        self.post(tx, [approval], self.lock_pots(tx, [campaign_id]))

    def lock_pots(self, tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
        return {campaign_id: self._pot(campaign_id) for campaign_id in campaign_ids if self._numbers(campaign_id)}

    def withdraw_budget(self, tx: Transaction, campaign_id: UUID, *, request_id: UUID, amount_minor: int, pots: dict[UUID, Pot]) -> None:
        taken = movement(
            Step.WITHDRAW, campaign_id=campaign_id, amount_minor=amount_minor, reference=request_id, turn=0, effective_at=tx.now
        )
        self.post(tx, [taken], pots)

    def post(self, tx: Transaction, movements: list[Movement], pots: dict[UUID, Pot]) -> None:
        added = self._added(tx, movements, pots)
        sums = totals(movements, pots)
        changed = {number: self._with(number, *sides) for number, sides in sums.items()}
        if any(account.kind in NEVER_OVERDRAWN and account.balance_minor < 0 for account in changed.values()):
            raise CheckViolation("no account is overdrawn")
        opened = {thing: self.reservations.get(thing, 0) + change for thing, change in open_changes(movements).items()}
        if any(minor < 0 for minor in opened.values()):
            raise CheckViolation("no more is used than was reserved")
        seals = chain.seals((_row(posting) for posting in added.values()), pots)
        after = {seal.campaign_id: pots[seal.campaign_id].after(sums, seal) for seal in seals}
        if any(pot.gone_minor > pot.posted_minor for pot in after.values()):
            raise CheckViolation("no more is paid than was ever posted")
        self.accounts |= changed
        self.postings |= added
        self.reservations |= opened
        self.seals |= {(seal.campaign_id, seal.number): seal for seal in seals}
        pots.update(after)

    def pots(self, tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
        return self.lock_pots(tx, campaign_ids)

    def head(self, tx: Transaction, campaign_id: UUID) -> Head | None:
        seal = self._last_seal(campaign_id)
        return Head(campaign_id=campaign_id, number=seal.number, hash=seal.hash) if seal else None

    def balances(self, tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
        return {campaign_id: pot.available_minor for campaign_id, pot in self.lock_pots(tx, campaign_ids).items()}

    def nearly_exhausted(self, tx: Transaction, campaign_ids: Collection[UUID]) -> set[UUID]:
        pots = self.lock_pots(tx, campaign_ids)
        return {campaign_id for campaign_id, pot in pots.items() if pot.available_minor * 10_000 < NEARLY * pot.approved_minor}

    def findings(self, tx: Transaction) -> list[Finding]:
        """What of the accounts and postings does not hold; redemptions are not known here."""
        wrong = [
            Finding(
                invariant="totals are the sums of postings",
                subject=f"account {number} ({account.kind.value})",
                expected="{} debited, {} credited".format(*self._sides(number)),
                actual=f"{account.debit_minor} debited, {account.credit_minor} credited",
            )
            for number, account in self.accounts.items()
            if self._sides(number) != (account.debit_minor, account.credit_minor)
        ]
        rows = sorted((_row(posting) for posting in self.postings.values()), key=lambda row: (row[6], row[0], row[1]))
        return [*wrong, *chain.breaks([self.seals[place] for place in sorted(self.seals)], rows)]

    def _added(self, tx: Transaction, movements: list[Movement], pots: dict[UUID, Pot]) -> dict[UUID, Posting]:
        added: dict[UUID, Posting] = {}
        for move in movements:
            if move.posting_id in self.postings or move.posting_id in added:
                raise UniqueViolation(f"posting {move.posting_id} was carried out before")
            if move.amount_minor <= 0:
                raise CheckViolation("an amount is more than nothing")
            source, target = ROUTES[move.step]
            pot = pots[move.campaign_id]
            added[move.posting_id] = Posting(
                move=move,
                debit_account=pot.accounts[source],
                credit_account=pot.accounts[target],
                seal=pot.sealed + 1,
                recorded_at=tx.now,
            )
        return added

    def _last_seal(self, campaign_id: UUID) -> Seal | None:
        own = [seal for (owner, _), seal in self.seals.items() if owner == campaign_id]
        return max(own, key=lambda seal: seal.number, default=None)

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
        of_kind = {kind: self.accounts[number] for kind, number in numbers.items()}
        seal = self._last_seal(campaign_id)
        return Pot(
            campaign_id=campaign_id,
            currency=of_kind[Kind.AVAILABLE].currency,
            accounts=numbers,
            available_minor=of_kind[Kind.AVAILABLE].balance_minor,
            reserved_minor=of_kind[Kind.RESERVED].balance_minor,
            payable_minor=of_kind[Kind.PAYABLE].balance_minor,
            instructed_minor=of_kind[Kind.INSTRUCTED].balance_minor,
            paid_minor=of_kind[Kind.PAID].balance_minor,
            posted_minor=newly_posted({kind: (account.debit_minor, account.credit_minor) for kind, account in of_kind.items()}),
            sealed=seal.number if seal else 0,
            seal_hash=seal.hash if seal else NO_HASH,
        )

    def _with(self, number: int, debited: int, credited: int) -> Account:
        account = self.accounts[number]
        return replace(account, debit_minor=account.debit_minor + debited, credit_minor=account.credit_minor + credited)

    def _sides(self, number: int) -> tuple[int, int]:
        """What the postings themselves say of an account: debits, credits."""
        debits = sum(p.move.amount_minor for p in self.postings.values() if p.debit_account == number)
        credits_ = sum(p.move.amount_minor for p in self.postings.values() if p.credit_account == number)
        return debits, credits_


def _row(posting: Posting) -> chain.Row:
    move = posting.move
    return (
        posting.seal,
        move.posting_id,
        move.step.value,
        posting.debit_account,
        posting.credit_account,
        move.amount_minor,
        move.campaign_id,
        move.reference,
        move.reason,
        move.effective_at,
        posting.recorded_at,
    )
