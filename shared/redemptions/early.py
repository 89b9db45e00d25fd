"""Purchases that were told before their moment, by clocks that are ahead: what people decide before that moment counts for them too.

Pauses, withdrawals and versions hold for what is bought from then on, so nothing that was folded changes by them, but for this.
"""

from datetime import timedelta
from typing import Final

from shared.audiences.histories import emit_changed
from shared.platform.call import Call, Transaction
from shared.redemptions import history

LATELY: Final = timedelta(hours=1)
"""Longer than anything that takes messages may last, and than ticks may be apart."""
MOST: Final = 50_000
"""So many histories are folded again for decisions of the last hour, the most there can be of clocks that are a little ahead."""
WHY: Final = "something was decided before the moment of a purchase that was told before it"


def look_again(call: Call, tx: Transaction) -> None:
    """Let the histories be folded again of purchases that were told before their moment, of offers on which was decided lately."""
    emit_changed(call, tx, history.told_early(tx, since=tx.now - LATELY, most=MOST), WHY)
