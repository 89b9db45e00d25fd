"""Offers go live: once approved, with a live campaign and an open window, each exactly once."""

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from events.payloads import CampaignWentLive, OfferApproved, OfferWentLive, RolloutContent, VariantDrawn
from shared.eligibility.terms import Content, Terms
from shared.kernel.ids import OFFER, derived_id
from shared.offers import store
from shared.offers.store import Launched
from shared.platform.call import Call, Transaction

MOST_LAUNCHED: Final = 1_000
SCHEDULER: Final = "schedule"


def launch_campaign(call: Call, event: CampaignWentLive) -> None:
    """A campaign began: its approved offers go live with it, those whose window opens later excepted."""
    with call.transaction() as tx:
        _launch(tx, event.campaign_id, by=call.caller.subject)


def launch_approved(call: Call, event: OfferApproved) -> None:
    """An offer was approved: it goes live at once where its campaign is."""
    with call.transaction() as tx:
        _launch(tx, event.campaign_id, by=call.caller.subject)


def launch_due(tx: Transaction) -> int:
    """Let offers go live whose window has opened since their campaign began, at most a thousand in one go; how many went live."""
    return _launch(tx, None, by=SCHEDULER)


def _launch(tx: Transaction, campaign_id: UUID | None, *, by: str) -> int:
    launched = store.launch(tx, campaign_id, by=by, most=MOST_LAUNCHED)
    for offer in launched:
        tx.emit(
            _went_live(offer),
            subject=OFFER.render(offer.offer_id),
            key=offer.campaign_id.hex,
            event_id=derived_id("offer went live", offer.offer_id),
        )
    return len(launched)


def _went_live(offer: Launched) -> OfferWentLive:
    audience = offer.terms.audience
    return OfferWentLive(
        offer_id=offer.offer_id,
        campaign_id=offer.campaign_id,
        version=offer.version,
        live_at=offer.live_at,
        segments_in=audience.segments_in,
        segments_out=audience.segments_out,
        holdout=audience.holdout,
        variants=[VariantDrawn(name=variant.name, segments=variant.segments) for variant in offer.terms.variants],
        content=[*_content(offer.terms.content), *_of_variants(offer.terms)],
    )


def _of_variants(terms: Terms) -> Iterator[RolloutContent]:
    for variant in terms.variants:
        yield from _content(variant.content or (), variant.name)


def _content(listed: Iterable[Content], variant: str | None = None) -> Iterator[RolloutContent]:
    for content in listed:
        yield RolloutContent(
            channel=content.channel.value,
            language=content.language,
            title=content.title,
            text=content.text,
            terms=content.terms,
            images=content.images,
            variant=variant,
        )
