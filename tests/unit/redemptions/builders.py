"""Outcomes, owners and records to hold the difference and the admission to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.eligibility.model import Decision, Evaluation, Outcome
from shared.eligibility.terms import Clawback
from shared.kernel.ids import derived_id
from shared.kernel.reasons import Reason
from shared.ledger.model import Movement, Step
from shared.redemptions.admission import Admission, Pots, admit
from shared.redemptions.model import Change, Owner, Policy, Redemption, difference
from shared.redemptions.pots import KINDS, Key, Left, SharedPot
from tests.conftest import NOW

CAMPAIGN, OTHER_CAMPAIGN = derived_id("campaign"), derived_id("other campaign")
OFFER, LIMITED, ABROAD = derived_id("offer"), derived_id("limited"), derived_id("abroad")
CAMPAIGN_OF: Final = {OFFER: CAMPAIGN, LIMITED: CAMPAIGN, ABROAD: OTHER_CAMPAIGN}
TOMORROW: Final = NOW + timedelta(days=1)
SIGNS: Final = {Step.POST: 1, Step.REVERSE: -1}


def outcome(
    grant: str = "g1",
    reward: int = 100,
    *,
    earned: int | None = None,
    minutes: int = 0,
    ordinal: int = 1,
    transaction: str = "t1",
    version: int = 1,
    merchant: str = "shop-1",
    account: str | None = None,
) -> Outcome:
    """What a grant of that name earned, `minutes` after NOW; all of it has cleared where not said."""
    return Outcome(
        grant_id=derived_id(grant),
        completion=str(ordinal),
        ordinal=ordinal,
        reward_minor=reward,
        qualifying_minor=reward * 10,
        at=NOW + timedelta(minutes=minutes),
        held_from=NOW + timedelta(minutes=minutes),
        transaction_id=transaction,
        version=version,
        earned_minor=reward if earned is None else earned,
        merchant_id=merchant,
        account_token=account,
    )


def owner(
    offer: UUID = OFFER, *, hold: int = 0, write_off: int = 0, pots: Sequence[SharedPot] = (), goodwill: UUID | None = None, **clawback: Any
) -> Owner:
    """Who has the outcomes of an offer, held for so many days."""
    policy = Policy(hold=timedelta(days=hold), clawback=Clawback(**clawback), write_off_minor=write_off, goodwill=goodwill)
    return Owner(
        offer_id=offer,
        campaign_id=CAMPAIGN_OF[offer],
        customer_id="cust-1",
        currency="USD",
        policies=dict.fromkeys(range(1, 10), policy),
        pots=(*pots, *TOTAL) if offer == LIMITED else tuple(pots),
    )


TOTAL: Final = (SharedPot(kind=KINDS[0], zone=ZoneInfo("UTC"), most=Left(100, None, Reason.OFFER_LIMIT_REACHED)),)
TOTAL_KEY: Final = Key(LIMITED, "total", "")


@dataclass(kw_only=True, slots=True)
class Record:
    """What is on record and what the pots hold, brought from fold to fold as `redeem` does."""

    pots: Pots
    redemptions: dict[tuple[UUID, str], Redemption] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    decisions: tuple[Decision, ...] = ()

    def changes(self, outcomes: Iterable[tuple[Owner, Outcome]], now: datetime = TOMORROW) -> list[Change]:
        return difference(self._evaluations(outcomes), list(self.redemptions.values()), now=now)

    def _evaluations(self, outcomes: Iterable[tuple[Owner, Outcome]]) -> list[tuple[Owner, Evaluation]]:
        """The outcomes as their histories have them; histories that came to nothing too."""
        pairs = [*((owner(offer), None) for offer in CAMPAIGN_OF), *outcomes]
        return [(who, Evaluation(outcomes=(found,) if found else (), decisions=self.decisions, progress=())) for who, found in pairs]

    def fold(self, *outcomes: tuple[Owner, Outcome], now: datetime = TOMORROW) -> Admission:
        """Post the difference between the outcomes and what is on record."""
        return self.take(admit(self.changes(outcomes, now), self.pots, now=now))

    def take(self, admission: Admission) -> Admission:
        self.redemptions |= {(r.grant_id, r.completion): r for r in admission.redemptions}
        self.movements += admission.movements
        return admission

    def pay(self) -> None:
        """Credit all that is owed."""
        owed = {key: r for key, r in self.redemptions.items() if r.owed_minor > 0}
        self.redemptions |= {key: replace(r, paid_minor=r.posted_minor) for key, r in owed.items()}

    def one(self, grant: str = "g1", ordinal: int = 1) -> Redemption:
        return self.redemptions[derived_id(grant), str(ordinal)]

    def rewarded(self, offer: UUID) -> int:
        """How many redemptions of an offer have a reward."""
        return sum(r.reward_minor > 0 for r in self.redemptions.values() if r.offer_id == offer)

    def spent(self, campaign: UUID) -> int:
        return sum(r.cost_minor for r in self.redemptions.values() if r.campaign_id == campaign)

    def left_of_limit(self) -> int | None:
        """How many redemptions are left of the offer that has a limit in total."""
        return self.pots.shared[TOTAL_KEY].redemptions


def record(available: int = 1_000, *, other: int = 1_000, limit: int = 100) -> Record:
    """Nothing on record, pots with so much of money and of redemptions."""
    shared = {TOTAL_KEY: Left(limit, None, Reason.OFFER_LIMIT_REACHED)}
    return Record(pots=Pots(available_minor={CAMPAIGN: available, OTHER_CAMPAIGN: other}, shared=shared))


def redemption(grant: str = "g1", **overrides: Any) -> Redemption:
    """What a grant of that name earned, as it stands on record: 100 payable, nothing paid; and what is to be otherwise."""
    books = record()
    books.fold((owner(), outcome(grant)))
    return replace(books.one(grant), **overrides)


def posted(movements: Iterable[Movement]) -> dict[UUID, int]:
    """What movements add to the reward of each redemption: posted less reversed."""
    sums: dict[UUID, int] = {}
    for move in movements:
        sums[move.reference] = sums.get(move.reference, 0) + SIGNS.get(move.step, 0) * move.amount_minor
    return sums


def increases(changes: Iterable[Change], campaign: UUID) -> Iterator[Change]:
    """The changes that ask a campaign's pot for more, in the order in which they are to be served."""
    asking = [c for c in changes if c.increase_minor > 0 and c.after.campaign_id == campaign]
    yield from sorted(asking, key=lambda c: (c.after.earned_at, c.after.transaction_id, c.after.grant_id, c.after.completion))
