"""What is due by the clock, whenever it ticks."""

from collections.abc import Callable
from typing import Final

from events.payloads import ScheduleTicked
from shared.campaigns import service as campaigns
from shared.claims import service as claims
from shared.exports import due as exports
from shared.exports.sweeping import sweep_exports
from shared.files import compaction
from shared.files.sweeping import sweep_left_behind
from shared.offers import launch
from shared.platform.call import Call
from shared.platform.letters.service import forget_decided
from shared.redemptions import attribution, early, expiry, payout, unmatched

MOST_ROUNDS: Final = 50
"""Rounds of one kind of work in one tick; what is left then is due at the next tick as well."""


def run_schedule(call: Call, tick: ScheduleTicked) -> None:  # noqa: ARG001  (a tick may come late: the clock says what is due)
    """Do all that is due, in one transaction, then let the stores of files be swept.

    Refunds that waited too long go. Refunds that were taken at the very moment of their purchase, and purchases that were told before their
    own, are seen anew. Campaigns start and end, offers go live, authorisations expire, payouts are sent out, and overdue claims are marked.
    Files for partners that are due are planned, and the alert is raised of those that were not acknowledged in time. Dead letters that were
    decided on long ago are removed.
    """
    with call.transaction() as tx:
        _until_done(lambda: attribution.look_again(call, tx))  # while no shard is held
        unmatched.let_go(call, tx)
        early.look_again(call, tx)
        _until_done(lambda: campaigns.move_due_campaigns(tx))
        _until_done(lambda: launch.launch_due(tx))
        _until_done(lambda: expiry.expire_authorizations(call, tx))
        _until_done(lambda: payout.emit_due(tx, call.shards))
        _until_done(lambda: claims.mark_overdue(tx))
        _until_done(lambda: exports.mark_overdue(tx))
        exports.plan_due(call, tx)
        compaction.plan_due(call, tx)
        _until_done(lambda: forget_decided(call, tx))
    sweep_left_behind(call)
    sweep_exports(call)
    compaction.remove_left(call, exports.in_use(call))


def _until_done(work: Callable[[], int]) -> None:
    for _ in range(MOST_ROUNDS):
        if not work():
            return
