"""An offer that went live is given to its audience and rolled out to the channels."""

from collections.abc import Iterator
from typing import Final

from events.payloads import ChannelName, OfferRolledOut, OfferWentLive, RolloutContent
from shared.audiences import store
from shared.audiences.histories import emit_changed
from shared.audiences.service import select, select_variants
from shared.audiences.store import Giving
from shared.kernel.ids import OFFER, derived_id
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards

CHANNELS: Final[tuple[ChannelName, ...]] = ("email", "social", "in_app")
"""Where an offer without words of its own is rolled out."""
WHY: Final = "an offer went live"


def build_audience(call: Call, event: OfferWentLive) -> None:
    """Draw the hold-out, give the offer to the rest of the audience as of its launch, and tell each channel."""
    with call.transaction() as tx:
        lock_shards(tx, range(call.shards))
        selection = select(tx, event.segments_in, event.segments_out)
        variants = select_variants(tx, {variant.name: variant.segments for variant in event.variants})
        if event.holdout:
            store.draw_holdout(tx, selection, event.campaign_id, event.holdout)
        given = store.grant_audience(
            tx,
            selection,
            Giving(event.offer_id, event.campaign_id, event.live_at, variants),
            seed=f"launch of {event.offer_id.hex} to ",
        )
        emit_changed(call, tx, [(customer_id, event.offer_id) for customer_id in given.changed], WHY)
        _roll_out(tx, event, given.standing)


def _roll_out(tx: Transaction, event: OfferWentLive, grants: int) -> None:
    for channel, content in _channels(event):
        tx.emit(
            OfferRolledOut(
                offer_id=event.offer_id,
                campaign_id=event.campaign_id,
                version=event.version,
                channel=channel,
                grants=grants,
                content=content,
            ),
            subject=OFFER.render(event.offer_id),
            key=event.campaign_id.hex,
            event_id=derived_id("offer rolled out", event.offer_id, event.version, channel),
        )


def _channels(event: OfferWentLive) -> Iterator[tuple[ChannelName, list[RolloutContent]]]:
    for channel in dict.fromkeys(content.channel for content in event.content) or CHANNELS:
        yield channel, [content for content in event.content if content.channel == channel]
