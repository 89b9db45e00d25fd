"""What is due by the clock, whenever it ticks."""

from collections.abc import Callable
from typing import Final

from events.payloads import ScheduleTicked
from shared.campaigns import service as campaigns
from shared.offers import launch
from shared.platform.call import Call
from shared.redemptions import expiry, payout

MOST_ROUNDS: Final = 50
"""Rounds of one kind of work in one tick; what is left then is due at the next tick as well."""


def run_schedule(call: Call, tick: ScheduleTicked) -> None:  # noqa: ARG001  (a tick may come late: the clock says what is due)
    """Start and end campaigns, let offers go live, let authorisations expire, and send out payouts that are due, all in one transaction."""
    with call.transaction() as tx:
        _until_done(lambda: campaigns.move_due_campaigns(tx))
        _until_done(lambda: launch.launch_due(tx))
        _until_done(lambda: expiry.expire_authorizations(call, tx))
        _until_done(lambda: payout.emit_due(tx, call.shards))


def _until_done(work: Callable[[], int]) -> None:
    for _ in range(MOST_ROUNDS):
        if not work():
            return
