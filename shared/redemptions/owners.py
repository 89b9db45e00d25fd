"""What an offer's terms say of rewards once they are earned. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.eligibility.compile import CompiledOffer
from shared.eligibility.terms import Terms
from shared.kernel.money import to_minor
from shared.redemptions.model import Owner, Policy
from shared.redemptions.pots import SharedPot, shared_pots


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferTerms:
    """An offer, the policies of its versions by their numbers, and its limited pots."""

    compiled: CompiledOffer
    policies: Mapping[int, Policy]
    pots: tuple[SharedPot, ...]

    @classmethod
    def of(cls, compiled: CompiledOffer) -> "OfferTerms":
        """What the versions of an offer say."""
        return cls(
            compiled=compiled,
            policies={version.number: _policy(version.terms) for version in compiled.versions},
            pots=shared_pots(compiled),
        )

    def owner(self, customer_id: str) -> Owner:
        """A customer as the one who has what the offer gives."""
        offer = self.compiled.offer
        return Owner(
            offer_id=offer.offer_id,
            campaign_id=offer.campaign_id,
            customer_id=customer_id,
            currency=self.compiled.versions[-1].terms.currency,
            policies=self.policies,
            pots=self.pots,
        )


def _policy(terms: Terms) -> Policy:
    write_off_minor = to_minor(terms.clawback.write_off_floor, terms.currency)
    hold = timedelta(days=terms.hold_days)
    return Policy(hold=hold, clawback=terms.clawback, write_off_minor=write_off_minor, goodwill=terms.goodwill)
