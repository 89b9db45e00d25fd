"""The use cases of partners' offers: each is drafted, handed in, changed and taken back by the use cases of the bank's own offers.

Nothing that a partner says is in force before a person of the bank approves it: the partner is its author, so it can't approve it itself.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Final
from uuid import UUID

from shared.aggregators.api import Partner, PartnerOffer, PartnerOfferView
from shared.campaigns.api import Why
from shared.kernel.errors import Conflict, Invalid, NotFound, Problem
from shared.kernel.ids import derived_id
from shared.kernel.wire import ExternalId
from shared.offers import service as offers
from shared.offers.api import NewOffer, NewVersion
from shared.platform.batches import BatchAnswer, ItemProblem, Rejected, read_batch
from shared.platform.call import Call, Replayed
from shared.platform.operations import BodySchema

MOST_OFFERS: Final = 200
FIELD: Final = "offers"
BROUGHT: Final = "Brought by the partner."
SUBMITTED: Final = "Handed in by the partner."


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a partner says of one offer, and the offer's id with us."""

    offer: PartnerOffer
    offer_id: UUID

    @property
    def reason(self) -> str:
        """Why, in the partner's words where it has some."""
        return self.offer.reason or BROUGHT


def put_partner_offers(call: Call, partner: Partner, raw: Annotated[bytes, BodySchema(FIELD, PartnerOffer, MOST_OFFERS)]) -> BatchAnswer:
    """Take offers that a partner brings, changes or withdraws: `{"offers": [...]}`, 1 to 200. Bad ones are named, the others taken.

    Each is a transaction of its own: new and changed offers are in review afterwards, for people of the bank to decide.
    """
    batch = read_batch(raw, FIELD, PartnerOffer, MOST_OFFERS, id_field="reference")
    refused = list(batch.rejected)
    for index, offer in batch.accepted:
        problems = _problems(call, Said(offer=offer, offer_id=offer_id_of(partner, offer.reference)))
        if problems:
            refused.append(_rejected(index, offer, problems))
    with call.transaction() as tx:
        return tx.answer(BatchAnswer.of(len(batch.accepted) + len(batch.rejected) - len(refused), refused))


def get_partner_offer(call: Call, partner: Partner, reference: ExternalId) -> PartnerOfferView:
    """Where an offer of a partner stands, with the reason of the last decision about it. Raises NotFound."""
    offer_id = offer_id_of(partner, reference)
    offer = offers.get_offer(call, offer_id)
    return PartnerOfferView.of(reference, offer, offers.list_versions(call, offer_id).versions[-1])


def offer_id_of(partner: str, reference: str) -> UUID:
    """The id of a partner's offer follows from the partner and its own name of it."""
    return derived_id("partner offer", partner, reference)


def _problems(call: Call, said: Said) -> tuple[Problem, ...]:
    """Do what is said of one offer, step by step; what is wrong with it, or nothing."""
    try:
        for number, step in enumerate(STEPS[said.offer.action]):
            with suppress(Replayed):
                step(_part_of(call, f"{said.offer.reference}/{number}"), said)
    except Invalid as error:
        return error.problems or (Problem(path="", message=str(error)),)
    except (Conflict, NotFound) as error:
        return (Problem(path="/reference", message=str(error)),)
    return ()


def _part_of(call: Call, part: str) -> Call:
    """A call that is carried out once as a part of this one."""
    return replace(call, once=replace(call.once, key=f"{call.once.key}/{part}") if call.once else None)


def _create(call: Call, said: Said) -> None:
    offer = said.offer
    if offer.campaign_id and offer.name and offer.terms:
        offers.create_offer(call, NewOffer(offer_id=said.offer_id, campaign_id=offer.campaign_id, name=offer.name, terms=offer.terms))


def _update(call: Call, said: Said) -> None:
    if said.offer.terms:
        offers.create_version(call, said.offer_id, NewVersion(terms=said.offer.terms, reason=said.reason))


def _submit(call: Call, said: Said) -> None:
    offers.submit_offer(call, said.offer_id, Why(reason=said.offer.reason or SUBMITTED))


def _withdraw(call: Call, said: Said) -> None:
    offers.withdraw_offer(call, said.offer_id, Why(reason=said.reason))


STEPS: Final[Mapping[str, tuple[Callable[[Call, Said], None], ...]]] = {
    "create": (_create, _submit),
    "update": (_update, _submit),
    "withdraw": (_withdraw,),
}


def _rejected(index: int, offer: PartnerOffer, problems: tuple[Problem, ...]) -> Rejected:
    told = [ItemProblem(path=f"/{FIELD}/{index}{problem.path}", message=problem.message) for problem in problems]
    return Rejected(index=index, id=offer.reference, problems=told)
