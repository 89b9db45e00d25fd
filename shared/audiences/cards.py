"""The use cases of cards: whose each is, of which account, and from when; and whose it was at any moment, for areas with purchases."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Final

from events.payloads import MAX_BATCH, CardsChanged
from shared.audiences import store
from shared.audiences.api import CardSent, CardView, held_by
from shared.audiences.model import Holder, Holding
from shared.kernel.errors import NotFound
from shared.kernel.wire import ExternalId
from shared.platform.batches import BatchAnswer, Rejected, read_batch
from shared.platform.call import Call, Transaction
from shared.platform.operations import BodySchema

MOST_CARDS: Final = 5_000
KEY: Final = "cards"


def put_cards(call: Call, raw: Annotated[bytes, BodySchema("cards", CardSent, MOST_CARDS)]) -> BatchAnswer:
    """Take whose cards are, new or corrected: `{"cards": [...]}`, 1 to 5,000. Bad ones are named, the others taken."""
    batch = read_batch(raw, "cards", CardSent, MOST_CARDS, id_field="card_token")
    cards, repeated = _without_repeats(batch.accepted)
    with call.transaction() as tx:
        record(tx, [held_by(card, card.customer_id) for card in cards])
        return tx.answer(BatchAnswer.of(len(cards), [*batch.rejected, *repeated]))


def get_card(call: Call, card_token: ExternalId) -> CardView:
    """One card, with whose it was and when."""
    with call.reading() as tx:
        holdings = store.card(tx, card_token)
        if not holdings:
            raise NotFound("There is no such card.")
        return CardView.of(card_token, holdings)


def record(tx: Transaction, said: Sequence[Holding]) -> None:
    """Keep what is said of cards, each card and beginning once, and let it be seen anew whose their purchases are."""
    if said:
        emit_changed(tx, store.add_cards(tx, said))


def emit_changed(tx: Transaction, card_tokens: Collection[str]) -> None:
    """Let it be seen anew whose the purchases with these cards are: events of at most 5,000 cards each."""
    remaining = iter(sorted(card_tokens))
    while some := list(islice(remaining, MAX_BATCH)):
        tx.emit(CardsChanged(card_tokens=some), subject=KEY, key=KEY)


def holders(
    tx: Transaction, asked: Collection[tuple[str, datetime]], *, as_of: datetime | None = None
) -> Mapping[tuple[str, datetime], Holder]:
    """Whose cards (by token) were at moments, of those that were somebody's; one statement, none where nothing is asked.

    `as_of`: by what was known then; by all that is known where left out.
    """
    return store.holders(tx, asked, as_of) if asked else {}


def accounts(tx: Transaction, customer_id: str) -> set[str]:
    """The accounts of the cards that a customer holds now, for areas with purchases."""
    held = store.cards(tx, customer_id)
    return {card.account_token for card in held if card.account_token and card.holds_at(tx.now)}


def _without_repeats(accepted: Sequence[tuple[int, CardSent]]) -> tuple[list[CardSent], list[Rejected]]:
    """Each card and beginning once."""
    cards: dict[tuple[str, datetime | None], CardSent] = {}
    rejected = []
    for index, card in accepted:
        if cards.setdefault((card.card_token, card.valid_from), card) is not card:
            message = "is in the batch twice with the same valid_from"
            rejected.append(Rejected.because(index, card.card_token, f"/cards/{index}/card_token", message))
    return list(cards.values()), rejected
