"""What shared pots would say of a purchase that is only thought of, by the same difference and admission as when it is posted. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.eligibility.compile import CompiledOffer
from shared.eligibility.model import Evaluation, Outcome, Purchase, Refusal, RuleResult
from shared.kernel.reasons import Reason
from shared.redemptions.admission import Pots, admit, keys_of, left_of
from shared.redemptions.model import Completion, Redemption, difference, refusals_of
from shared.redemptions.owners import OfferTerms
from shared.redemptions.pots import Given, Key, Left, SharedPot, Spent, shared_pots

Keys = Mapping[Key, SharedPot]
Completed = Sequence[tuple[CompiledOffer, Sequence[Outcome]]]


def pots_of(offers: Iterable[CompiledOffer], purchase: Purchase) -> Keys:
    """The offers' limited pots that a purchase would take from."""
    return {key: pot for compiled in offers for pot in shared_pots(compiled) if (key := _key(compiled, pot, purchase))}


def _key(compiled: CompiledOffer, pot: SharedPot, purchase: Purchase) -> Key | None:
    return pot.key_of(Spent(compiled.offer.offer_id, purchase.at, purchase.merchant_id, purchase.account_token))


@dataclass(kw_only=True, slots=True)
class Rehearsal:
    """The admission of what a customer's purchase completes. Nothing of it is on record."""

    customer_id: str
    purchase: Purchase
    now: datetime
    left: Mapping[Key, Left]
    """What the offers' pots may give before the purchase."""
    available: Mapping[str, int]
    """What campaigns, by their ids, have available, in minor units."""
    _pots: Pots | None = None
    _redemptions: dict[Completion, Redemption] = field(default_factory=dict)
    _asked: list[Outcome] = field(default_factory=list)

    @classmethod
    def of(cls, customer_id: str, purchase: Purchase, keys: Keys, facts: Mapping[str, Any], now: datetime) -> "Rehearsal":
        """One with these pots of offers; a row of facts tells what they gave, and what campaigns have available."""
        given = {(row["offer_id"], row["kind"], row["of"]): Given(row["redemptions"], row["cost_minor"]) for row in facts["pots"] or ()}
        left = left_of(keys, {key: given[str(key.offer_id), key.kind, key.of] for key in keys})
        return cls(customer_id=customer_id, purchase=purchase, now=now, left=left, available=facts["available"] or {})

    def admits(self, completed: Completed) -> dict[UUID, list[Refusal]]:
        """What the pots refuse of what the purchase completes, by offer; asked again, of what it completes with that refused."""
        mine = self.purchase.transaction_id
        self._asked = [outcome for _, outcomes in completed for outcome in outcomes if outcome.transaction_id == mine]
        if not self._redemptions and self._plainly_cover(completed):
            return {}
        folded = [
            (OfferTerms.of(compiled).owner(self.customer_id), Evaluation(outcomes=tuple(outcomes), decisions=(), progress=()))
            for compiled, outcomes in completed
        ]
        if self._pots is None:
            available_minor = {UUID(campaign): minor for campaign, minor in self.available.items()}
            self._pots = Pots(available_minor=available_minor, shared=dict(self.left))
        changes = difference(folded, list(self._redemptions.values()), now=self.now)
        for key, pot in keys_of(changes).items():  # what was refused may fall to an earlier purchase, of whose pots nothing is asked
            self._pots.shared.setdefault(key, pot.most)
        admitted = admit(changes, self._pots, now=self.now).redemptions
        self._redemptions |= {(redemption.grant_id, redemption.completion): redemption for redemption in admitted}
        return {offer_id: refused for (_, offer_id), refused in refusals_of(self._redemptions.values()).items()}

    def _plainly_cover(self, completed: Completed) -> bool:
        """Whether there are none but the campaigns' budgets, and each could cover all: no need to go through the admission."""
        if self.left:
            return False
        asked_minor = sum([outcome.reward_minor for outcome in self._asked])
        return all(asked_minor <= self.available.get(str(compiled.offer.campaign_id), 0) for compiled, outcomes in completed if outcomes)

    def rules(self, compiled: CompiledOffer, grant_id: UUID | None, budgets_minor: tuple[int, int]) -> Iterator[RuleResult]:
        """Each limited pot of an offer: what the purchase asks of it for a grant, and what it had left. The budget comes last.

        Of the budget, what the campaign has left, and what the one for goodwill has.
        """
        asked = self._for(grant_id)
        for pot in shared_pots(compiled):
            if pot.limited:
                key = _key(compiled, pot, self.purchase)
                yield asked.of_pot(pot, key, self.left[key] if key else None)
        yield asked.of_budget(*budgets_minor)

    def _for(self, grant_id: UUID | None) -> "Asked":
        rewards = [outcome.reward_minor for outcome in self._asked if outcome.grant_id == grant_id and outcome.reward_minor]
        refused = {known.reason for known in self._redemptions.values() if known.grant_id == grant_id and known.reason}
        return Asked(Given(len(rewards), sum(rewards)), refused)


class Asked(NamedTuple):
    """What a purchase asks of the pots for one grant, and why they refuse any of it."""

    given: Given
    refused: Collection[Reason]

    def of_pot(self, pot: SharedPot, key: Key | None, left: Left | None) -> RuleResult:
        """A pot of the offer as a rule; None is left where the purchase is in none of its kind."""
        asked = self.given.redemptions if pot.kind.counts else self.given.cost_minor
        return self._rule(pot.kind.rule, asked, _told(key, left), pot.most.reason, covers=left is None or left.covers(self.given))

    def of_budget(self, own_minor: int, goodwill_minor: int) -> RuleResult:
        """The campaign's budget as a rule, with the one that pays as goodwill what it can't cover."""
        asked_minor = self.given.cost_minor
        actual = f"{own_minor}, and {goodwill_minor} of goodwill" if goodwill_minor else str(own_minor)
        return self._rule("budget", asked_minor, actual, Reason.BUDGET_EXHAUSTED, covers=asked_minor <= max(own_minor, goodwill_minor))

    def _rule(self, rule: str, asked: int, actual: str, reason: Reason, *, covers: bool) -> RuleResult:
        """It passes where the pot refuses nothing and covers all, or all is given out of several."""
        refuses = reason in self.refused
        passed = not refuses and (covers or not self.refused)
        found = f"{actual}, some of it for another grant" if refuses and covers else actual
        return RuleResult(rule=rule, passed=passed, expected=f"at least {asked} left", actual=found, reason=None if passed else reason)


def _told(key: Key | None, left: Left | None) -> str:
    if key is None or left is None:
        return "not known which"
    number = left.minor if left.redemptions is None else left.redemptions
    return f"{number} for {key.of}" if key.start else str(number)
