"""What was bought at places, matched anew when more is told of these: as if it were sent again, but that what is known of it stays.

What a message did not say, and its place did not tell, its place may tell now: zone, category, country, region. With that it is matched to
its merchant anew, and filed under the offers into whose scope it falls by it.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final
from uuid import UUID

from events.payloads import PlacesTold
from shared.audiences import cards
from shared.audiences.histories import emit_changed
from shared.merchants import service as merchants
from shared.merchants.ladder import Book, Clues, match
from shared.offers.catalogue import catalogue
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.redemptions import history
from shared.redemptions.purchases import Filed
from shared.redemptions.taking import match_loose, take_anew

MOST: Final = 5_000
"""So many transactions are looked at in one go; then another event goes on."""
WHY: Final = "more was told of a place"
KEY: Final = "places"


def complete(call: Call, told: PlacesTold) -> None:
    """Match what was bought at places anew. All shards are held: whoever folds what was bought there knows the places before, or after."""
    with call.transaction() as tx:
        lock_shards(tx, range(call.shards))
        on_file = history.read_places(tx, told.location_ids, after=told.after, most=MOST)
        known = merchants.look_up(tx, [_clues(one) for one in on_file])
        changed = [(before, after) for before in on_file if (after := completed(before, known)) != before]
        if changed:
            emit_changed(call, tx, _refile(tx, changed), WHY)
            cards.emit_changed(tx, _refunded(tx, changed))
        ids = {one.message.said.transaction_id for one in on_file}
        if len(ids) == MOST:
            tx.emit(PlacesTold(location_ids=told.location_ids, after=max(ids)), subject=KEY, key=KEY)


def completed(one: Filed, known: Book) -> Filed:
    """A message with what its place tells by now of what was not known, and the merchant that it is matched to by that. Pure."""
    said, clues = one.message.said, known.completed(_clues(one))
    place, found = known.place(said.location_id), match(clues, known)
    brand, zone = (place.brand if place else None) or known.brands.get(found.merchant_id or ""), place.zone if place else None
    same = (found.merchant_id, found.matched_by.value) == (said.merchant_id, said.matched_by)
    now = replace(
        said,
        merchant_id=found.merchant_id,
        matched_by=found.matched_by.value,
        brand=said.brand or brand if same else brand,
        zone=said.zone or zone,
        mcc=clues.mcc,
        country=clues.country,
        region=clues.region,
    )
    return replace(one, message=replace(one.message, said=now))


def _clues(one: Filed) -> Clues:
    """What is known of where a message's purchase was made."""
    said = one.message.said
    return Clues(
        at=said.at,
        merchant_id=one.merchant_said,
        network=one.network,
        network_merchant_id=said.network_merchant_id,
        descriptor=said.descriptor,
        mcc=said.mcc,
        country=said.country,
        region=said.region,
        city=one.city,
        location_id=said.location_id,
    )


def _refunded(tx: Transaction, changed: Collection[tuple[Filed, Filed]]) -> set[str]:
    """Cards with refunds that may be for other purchases now, of whoever held them, as these are known to be of other merchants."""
    moved = {one.card_token for one, now in changed if one.card_token and one.message.said.merchant_id != now.message.said.merchant_id}
    return history.refunded(tx, moved) if moved else set()


def _refile(tx: Transaction, changed: Collection[tuple[Filed, Filed]]) -> Iterable[tuple[str, UUID]]:
    """Store what is known of messages now; the histories that change by it."""
    history.match_anew(tx, [after for _, after in changed])
    taken = take_anew(tx, {after.message.purchase_id for _, after in changed if after.message.purchase_id}, catalogue(tx))
    taken.touched.update((one.customer_id, offer_id) for one, _ in changed if one.customer_id for offer_id in one.offers)
    moved = {one.customer_id for one, now in changed if one.customer_id and one.message.said.merchant_id != now.message.said.merchant_id}
    match_loose(tx, taken, moved)
    return sorted(taken.touched)
