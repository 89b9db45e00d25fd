"""The use cases of dead letters: kept by the sink of all sources, shown, redriven and discarded by people."""

from uuid import UUID

from events.catalog import BY_PAYLOAD, BY_TYPE
from events.told import CustomersTold
from shared.kernel.ids import LetterId
from shared.platform.call import Call, Transaction
from shared.platform.letters import store
from shared.platform.letters.api import MOST_LETTERS, DecisionView, LetterDecision, LetterDetail, Letters, LettersQuery, LetterView, shown
from shared.platform.letters.model import Decided, Letter, require_decidable, without_customer


def store_dead_letter(call: Call, letter: Letter) -> None:
    """Keep what a function could not take, with the reason; a letter that comes again is the same letter."""
    with call.transaction() as tx:
        store.keep(tx, letter)


def list_dead_letters(call: Call, query: LettersQuery) -> Letters:
    """What functions could not take, the newest first; masked, and without what it says."""
    with call.reading() as tx:
        found = store.list_some(tx, query.model_dump(exclude={"limit"}), most=query.limit + 1)
    letters = [LetterView.of(letter) for letter in found[: query.limit]]
    return Letters(letters=letters, next=letters[-1].letter_id if len(found) > query.limit else None)


def get_dead_letter(call: Call, letter_id: LetterId) -> LetterDetail:
    """One letter with what it says, masked, and what was decided of it."""
    with call.reading() as tx:
        letter = store.read(tx, letter_id)
        decisions = [DecisionView.of(decision) for decision in store.decisions(tx, letter_id)]
    return LetterDetail(letter=LetterView.of(letter), payload=shown(letter.payload), decisions=decisions)


def redrive_dead_letter(call: Call, letter_id: LetterId, body: LetterDecision) -> LetterView:
    """Put a letter back on its way to the function that could not take it. What was done before is not done again."""
    return _decide(call, letter_id, "redrive", body.reason)


def redrivable(call: Call) -> list[UUID]:
    """The letters that wait and may be redriven, the oldest first; at most a page of them."""
    with call.reading() as tx:
        return store.redrivable(tx, most=MOST_LETTERS)


def discard_dead_letter(call: Call, letter_id: LetterId, body: LetterDecision) -> LetterView:
    """Find a letter to be of no use: it is kept, and waits no more."""
    return _decide(call, letter_id, "discard", body.reason)


def forget_decided(call: Call, tx: Transaction) -> int:
    """Remove letters that were redriven or discarded so long ago that nobody asks any more; how many, at most a page."""
    return store.forget_decided(tx, tx.now - call.letters_kept, most=MOST_LETTERS)


def forget_customer(tx: Transaction, customer_id: str) -> None:
    """Take out of all letters what they say of a customer's person.

    Of events that tell of customers the customer's item goes, and the others can still be redriven. Events of ours that only name the id,
    such as purchases, stay as they are. What is no event of ours and names the id is emptied: nobody knows what it says.
    """
    of_customers = BY_PAYLOAD[CustomersTold].type
    for letter_id, kind, payload in store.naming(tx, customer_id, of_customers):
        if kind == of_customers:
            left = without_customer(payload, customer_id)
        elif kind in BY_TYPE:
            continue
        else:
            left = b""
        if left != payload:
            store.replace_payload(tx, letter_id, left, whole=bool(left))


def _decide(call: Call, letter_id: LetterId, decision: Decided, reason: str) -> LetterView:
    with call.transaction() as tx:
        require_decidable(store.read(tx, letter_id, hold=True), decision)
        store.decide(tx, letter_id, decision, by=call.caller.subject, reason=reason)
        return tx.answer(LetterView.of(store.read(tx, letter_id)))
