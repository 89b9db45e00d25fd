"""Whoever changes what histories are folded from waits for who folds them, so that neither misses the other."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from events.payloads import CardsChanged, PlacesTold
from shared.audiences import desk, wallet
from shared.audiences.api import GrantsAsked
from shared.audiences.wallet_api import Activation
from shared.kernel.shards import shard_of
from shared.platform.locks import SHARDS as LOCK_CLASS
from shared.platform.locks import lock_shards
from shared.redemptions import service as redemptions
from tests.conftest import SHARDS, MakeCall
from tests.integration.audiences.builders import issue, launched, listed, put_all, went_live
from tests.world import World

SECONDS = 30
CUSTOMER = "cust-1"
Change = Callable[[MakeCall, World, UUID, UUID, UUID], object]
CHANGES: dict[str, Change] = {
    "consent": lambda call, world, campaign, offer, grant: put_all(call, CUSTOMER, consent=False),
    "grants by name": lambda call, world, campaign, offer, grant: issue(call, offer, CUSTOMER),
    "grants to a segment": lambda call, world, campaign, offer, grant: desk.issue_grants(
        call(), GrantsAsked(offer_id=offer, segment_id=listed(call, CUSTOMER))
    ),
    "launch": lambda call, world, campaign, offer, grant: launched(call, went_live(offer, campaign, segments_in=[listed(call, CUSTOMER)])),
    "erasure": lambda call, world, campaign, offer, grant: desk.erase_customer(call(), CUSTOMER),
    "cards": lambda call, world, campaign, offer, grant: redemptions.attribute(call(), CardsChanged(card_tokens=["k1"])),
    "places": lambda call, world, campaign, offer, grant: redemptions.complete(call(), PlacesTold(location_ids=["at-1"])),
    "activation": lambda call, world, campaign, offer, grant: wallet.activate_offer(call(), CUSTOMER, grant, Activation()),
}


def wait_until_somebody_waits(call: MakeCall) -> None:
    """Until another transaction asks for a shard that is held."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with call().reading() as tx:
            row = tx.connection.execute(
                "SELECT count(*) AS waiting FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT granted", (LOCK_CLASS,)
            ).fetchone()
        if row and row["waiting"]:
            return
    pytest.fail("nobody waited for the shard")


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_waits_for_the_fold_of_its_shard(call: MakeCall, change: str) -> None:
    world = World(call)
    put_all(call, CUSTOMER)
    campaign_id = world.campaign()
    offer_id = world.offer(campaign_id)
    [grant_id] = world.grant(offer_id, CUSTOMER)
    with ThreadPoolExecutor(1) as threads:
        with call().transaction() as folding:
            lock_shards(folding, [shard_of(CUSTOMER, SHARDS)])
            changing = threads.submit(CHANGES[change], call, world, campaign_id, offer_id, grant_id)
            wait_until_somebody_waits(call)
            assert not changing.done()
        changing.result(SECONDS)
