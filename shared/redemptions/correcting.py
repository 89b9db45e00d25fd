"""What corrections need of redemptions: what is known of a purchase, what is on record, and the fold that posts what was decided."""

from uuid import UUID

from shared.eligibility.life import purchase_of
from shared.eligibility.model import Purchase
from shared.kernel.errors import Invalid, NotFound, Problem
from shared.offers.catalogue import catalogue
from shared.platform.call import Transaction
from shared.redemptions import history, store
from shared.redemptions.history import Pair
from shared.redemptions.model import Completion, Redemption
from shared.redemptions.service import fold_and_post
from shared.redemptions.taking import Taken


def purchase_on_file(tx: Transaction, customer_id: str, transaction_id: str) -> Purchase | None:
    """What is on file of a customer's purchase. Raises Invalid where it is another customer's."""
    filed = [one for one in history.read_lives(tx, {transaction_id}, ()) if one.message.purchase_id == transaction_id]
    if any(one.customer_id != customer_id for one in filed):
        raise Invalid(problems=(Problem(path="/transaction_id", message="is a purchase of another customer"),))
    return purchase_of([one.message for one in filed]) if filed else None


def redemption(tx: Transaction, redemption_id: UUID) -> Redemption:
    """One redemption on record. Raises NotFound."""
    found = store.read_redemption(tx, redemption_id)
    if found is None:
        raise NotFound("There is no such redemption.")
    return found


def standing(tx: Transaction, grant_id: UUID) -> dict[str, Redemption]:
    """What is on record of a grant, by completion."""
    return {found.completion: found for found in store.read_redemptions(tx, [grant_id])}


def post_correction(tx: Transaction, shard: int, pair: Pair, completion: Completion, forced_by: str | None) -> Redemption | None:
    """Fold a history in which a completion was corrected, and post the difference as always; how the completion stands then.

    The shard is held. A purchase that a completion is `forced_by` becomes part of the history, so that its refunds count.
    """
    if forced_by:
        filed = history.read_lives(tx, {forced_by}, ())
        more = [(one.message.key, pair[1]) for one in filed if one.message.purchase_id == forced_by and pair[1] not in one.offers]
        if more:
            history.file_under_more(tx, more)
    anew = frozenset([completion]) if forced_by else frozenset[Completion]()
    fold_and_post(tx, shard, catalogue(tx), Taken(touched={pair}), anew)
    return standing(tx, completion[0]).get(completion[1])
