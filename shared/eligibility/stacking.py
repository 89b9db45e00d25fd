"""Offers that share stacking groups, folded together: of those of a group that a purchase would complete, one pays.

For the others of the group the purchase does not count: it completes nothing, adds to no sum and uses up no limit. Where none is completed
it counts for all. A completion that a shared pot refused does not compete: it stays an outcome, and the next in line pays.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from shared.eligibility.compile import CompiledOffer, CompiledVersion
from shared.eligibility.fold import Fold, evaluate, in_scope, purchase_order
from shared.eligibility.model import Evaluation, History, Purchase
from shared.eligibility.terms import Stacking


class Member(NamedTuple):
    """One of the offers that are folded together, and what is known of one customer and it."""

    compiled: CompiledOffer
    history: History


class Winner(NamedTuple):
    """Which offer of a group pays for a purchase, and how much, in minor units of its currency."""

    offer_id: UUID
    promised_minor: int
    currency: str


Covers = Callable[[CompiledOffer, int], bool]
"""Whether an offer's budget covers so much, of a purchase that is yet to be admitted."""


def evaluate_together(members: Sequence[Member]) -> list[Evaluation]:
    """Fold one customer's histories of several offers: what each comes to, in their order."""
    if len(members) == 1:
        return [evaluate(*members[0])]
    joint = JointFold(members)
    joint.take([member.history.purchases for member in members])
    return [
        evaluation if (evaluation := fold.evaluation()).progress else evaluate(*member)
        for member, fold in zip(members, joint.folds, strict=True)
    ]


class _Arrival(NamedTuple):
    """A purchase in the scope of one of the offers, under its version in force."""

    place: int
    purchase: Purchase
    version: CompiledVersion


class _Trial(NamedTuple):
    """What an arrival would come to if its offer stood alone."""

    arrival: _Arrival
    stacking: Stacking
    fold: Fold
    promised_minor: int


class JointFold:
    """Folds of one customer's offers that go on purchase by purchase."""

    def __init__(self, members: Sequence[Member]) -> None:
        """Start where no purchase has been made."""
        self.folds = [Fold(compiled, history) for compiled, history in members]
        self.winners: dict[tuple[str, str], Winner] = {}
        """By group and transaction id."""
        self._offers = [member.compiled for member in members]

    def take(self, purchases: Sequence[Iterable[Purchase]], covers: Covers | None = None) -> None:
        """Go on with each offer's purchases, in any order, that are all later than those taken before."""
        if len(self.folds) == 1:
            self.folds[0].take(purchases[0])
            return
        arrivals = [
            _Arrival(place, purchase, version)
            for place, (compiled, taken) in enumerate(zip(self._offers, purchases, strict=True))
            for purchase, version in in_scope(compiled, taken)
        ]
        arrivals.sort(key=lambda arrival: purchase_order(arrival.purchase))
        for _, of_purchase in groupby(arrivals, key=lambda arrival: arrival.purchase.transaction_id):
            self._take_one(list(of_purchase), covers)

    def _take_one(self, arrivals: Sequence[_Arrival], covers: Covers | None) -> None:
        groups: dict[str, list[_Trial]] = {}
        for arrival in arrivals:
            stacking = arrival.version.terms.stacking
            if stacking is None:
                self.folds[arrival.place].take_one(arrival.purchase, arrival.version)
            else:
                groups.setdefault(stacking.group, []).append(self._try(arrival, stacking))
        for group, trials in groups.items():
            self._compete(group, trials, covers)

    def _try(self, arrival: _Arrival, stacking: Stacking) -> _Trial:
        fold = self.folds[arrival.place]
        tried = fold.fork()
        tried.take_one(arrival.purchase, arrival.version)
        return _Trial(arrival, stacking, tried, tried.promised_minor - fold.promised_minor)

    def _compete(self, group: str, trials: Sequence[_Trial], covers: Covers | None) -> None:
        """Let the first in line pay; the others pass the purchase over, where their own completions were not refused."""
        winner = min((trial for trial in trials if self._competes(trial, covers)), key=self._rank, default=None)
        if winner:
            compiled = self._offers[winner.arrival.place]
            currency = winner.arrival.version.terms.currency
            self.winners[group, winner.arrival.purchase.transaction_id] = Winner(compiled.offer.offer_id, winner.promised_minor, currency)
        for trial in trials:
            place = trial.arrival.place
            refused = len(trial.fold.outcomes) > len(self.folds[place].outcomes) and not self._competes(trial, covers)
            if winner is None or trial is winner or refused:
                self.folds[place] = trial.fold
            else:
                self.folds[place].pass_over(trial.fold)

    def _competes(self, trial: _Trial, covers: Covers | None) -> bool:
        covered = covers is None or covers(self._offers[trial.arrival.place], trial.promised_minor)
        return trial.promised_minor > 0 and covered

    def _rank(self, trial: _Trial) -> tuple[int, int, UUID]:
        """The lowest comes first. Ids are in order of time."""
        return -trial.stacking.priority, -trial.promised_minor, self._offers[trial.arrival.place].offer.offer_id
