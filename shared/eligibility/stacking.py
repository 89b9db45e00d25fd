"""Offers that share stacking groups, folded together: of those of a group that a purchase would complete, one pays.

For the others of the group the purchase does not count: it completes nothing, adds to no sum and uses up no limit. Where none is completed
it counts for all. A completion that a shared pot refused does not compete: it stays an outcome, and the next in line pays. Where only some
of what an offer completes was refused, it keeps its place: were it to give way, what was refused would be history no more, and come back.
"""

from collections.abc import Iterable, Sequence
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
    wanted_minor: int
    promised_minor: int
    """What of that no shared pot refused."""


class JointFold:
    """Folds of one customer's offers that go on purchase by purchase."""

    def __init__(self, members: Sequence[Member]) -> None:
        """Start where no purchase has been made."""
        self.folds = [Fold(compiled, history) for compiled, history in members]
        self.winners: dict[tuple[str, str], Winner] = {}
        """By group and transaction id."""
        self._offers = [member.compiled for member in members]

    def take(self, purchases: Sequence[Iterable[Purchase]]) -> None:
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
            self._take_one(list(of_purchase))

    def _take_one(self, arrivals: Sequence[_Arrival]) -> None:
        groups: dict[str, list[_Trial]] = {}
        for arrival in arrivals:
            stacking = arrival.version.terms.stacking
            if stacking is None:
                self.folds[arrival.place].take_one(arrival.purchase, arrival.version)
            else:
                groups.setdefault(stacking.group, []).append(self._try(arrival, stacking))
        for group, trials in groups.items():
            self._compete(group, trials)

    def _try(self, arrival: _Arrival, stacking: Stacking) -> _Trial:
        fold = self.folds[arrival.place]
        tried = fold.fork()
        tried.take_one(arrival.purchase, arrival.version)
        return _Trial(arrival, stacking, tried, tried.wanted_minor - fold.wanted_minor, tried.promised_minor - fold.promised_minor)

    def _compete(self, group: str, trials: Sequence[_Trial]) -> None:
        """Let the first in line pay; the others pass the purchase over, where their own completions were not refused."""
        winner = min((trial for trial in trials if trial.promised_minor > 0), key=self._rank, default=None)
        if winner:
            compiled = self._offers[winner.arrival.place]
            currency = winner.arrival.version.terms.currency
            self.winners[group, winner.arrival.purchase.transaction_id] = Winner(compiled.offer.offer_id, winner.promised_minor, currency)
        for trial in trials:
            place = trial.arrival.place
            refused = len(trial.fold.outcomes) > len(self.folds[place].outcomes) and trial.promised_minor <= 0
            if winner is None or trial is winner or refused:
                self.folds[place] = trial.fold
            else:
                self.folds[place].pass_over(trial.fold)

    def _rank(self, trial: _Trial) -> tuple[int, int, UUID]:
        """The lowest comes first. Ids are in order of time."""
        return -trial.stacking.priority, -trial.wanted_minor, self._offers[trial.arrival.place].offer.offer_id
