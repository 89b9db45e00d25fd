import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest

from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked
from shared.eligibility.compile import CompiledOffer
from shared.eligibility.model import Offer
from shared.kernel.clock import SimulatedClock
from shared.offers import catalogue as module
from shared.offers import service, store
from shared.offers.catalogue import catalogue
from shared.offers.store import ALWAYS
from shared.platform.call import Transaction
from shared.platform.database import Database
from shared.platform.local.postgres import EmbeddedPostgres
from tests.conftest import NOW, MakeCall
from tests.integration.offers.builders import WHY, approved, campaign, draft, revise_and_approve, start, submitted
from tests.unit.eligibility.builders import purchase


class Undone(Exception):
    """Ends a transaction that is to leave nothing."""


def found(call: MakeCall, offer_id: UUID) -> CompiledOffer:
    with call().reading() as tx:
        compiled = catalogue(tx).get(offer_id)
    assert compiled
    return compiled


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that offers were read from the database."""
    counted: list[int] = []
    read: Callable[..., object] = store.approved_since

    def count(tx: object, revision: int) -> object:
        counted.append(revision)
        return read(tx, revision)

    monkeypatch.setattr(store, "approved_since", count)
    return counted


def test_holds_offers_once_they_were_approved(call: MakeCall) -> None:
    campaign_id = campaign(call)
    offer_ids = [draft(call, campaign_id).offer_id, submitted(call, campaign_id), approved(call, campaign_id)]
    with call().reading() as tx:
        seen = catalogue(tx)
        assert [seen.get(offer_id) is not None for offer_id in offer_ids] == [False, False, True]
        bought = purchase(at=NOW, merchant_id="m1")
        assert offer_ids[2] in {candidate.offer.offer_id for candidate in seen.candidates(bought)}


def test_is_loaded_again_only_when_something_changed(call: MakeCall, loads: list[int]) -> None:
    campaign_id = campaign(call)
    approved(call, campaign_id)
    with call().reading() as tx:
        first = catalogue(tx)
        loads.clear()
        assert catalogue(tx) is first
    draft(call, campaign_id)
    with call().reading() as tx:
        assert catalogue(tx) is first
    assert loads == []
    approved(call, campaign_id)
    with call().reading() as tx:
        assert catalogue(tx) is not first
    assert len(loads) == 1


def test_only_what_changed_is_compiled_again(call: MakeCall) -> None:
    one, other = campaign(call), campaign(call)
    kept, changed = approved(call, one), approved(call, other)
    before = found(call, kept), found(call, changed)
    revise_and_approve(call, changed)
    assert found(call, kept) is before[0]
    assert found(call, changed) is not before[1]


def test_the_first_version_holds_from_always_a_later_one_from_its_approval(call: MakeCall, clock: SimulatedClock) -> None:
    offer_id = approved(call, campaign(call))
    clock.advance(NOW + timedelta(hours=1))
    revise_and_approve(call, offer_id, reward={"kind": "fixed", "amount": 400})
    versions = found(call, offer_id).offer.versions
    assert [(v.number, v.in_force_from) for v in versions] == [(1, ALWAYS), (2, NOW + timedelta(hours=1))]
    assert found(call, offer_id).version_at(NOW).number == 1
    assert found(call, offer_id).version_at(NOW + timedelta(hours=1)).max_reward_minor == 400


def test_a_version_that_was_refused_before_leaves_the_first_approved_one_in_force_from_always(call: MakeCall) -> None:
    offer_id = submitted(call, campaign(call))
    service.reject_offer(call("noor"), offer_id, WHY)
    revise_and_approve(call, offer_id)
    assert [(v.number, v.in_force_from) for v in found(call, offer_id).offer.versions] == [(2, ALWAYS)]


def test_sees_withdrawals_pauses_and_cancellation(call: MakeCall, clock: SimulatedClock) -> None:
    campaign_id = start(call, campaign(call))
    offer_id, withdrawn = approved(call, campaign_id), approved(call, campaign_id)
    found(call, offer_id)
    service.withdraw_offer(call(), withdrawn, WHY)
    assert found(call, withdrawn).offer.withdrawn_at == NOW
    campaigns.pause_campaign(call(), campaign_id, WHY)
    assert [(p.start, p.end) for p in found(call, offer_id).offer.pauses] == [(NOW, None)]
    assert found(call, withdrawn).offer.withdrawn_at == NOW
    later = clock.advance(NOW + timedelta(hours=2))
    campaigns.resume_campaign(call(), campaign_id, WHY)
    assert [(p.start, p.end) for p in found(call, offer_id).offer.pauses] == [(NOW, later)]
    campaigns.cancel_campaign(call(), campaign_id, WHY)
    assert found(call, offer_id).offer.cancelled_at == later
    assert len(found(call, offer_id).offer.pauses) == 1


def test_asking_for_more_budget_does_not_end_a_pause(call: MakeCall, clock: SimulatedClock) -> None:
    campaign_id = start(call, campaign(call))
    offer_id = approved(call, campaign_id)
    campaigns.pause_campaign(call(), campaign_id, WHY)
    clock.advance(NOW + timedelta(hours=1))
    campaigns.request_budget(call("maya"), campaign_id, BudgetAsked(amount=100, reason="More."))
    campaigns.approve_budget(call("noor"), campaign_id, WHY)
    assert [(p.start, p.end) for p in found(call, offer_id).offer.pauses] == [(NOW, None)]
    clock.advance(NOW + timedelta(hours=2))
    campaigns.resume_campaign(call(), campaign_id, WHY)
    assert [(p.start, p.end) for p in found(call, offer_id).offer.pauses] == [(NOW, NOW + timedelta(hours=2))]


def test_an_offer_that_came_after_a_pause_knows_of_it(call: MakeCall) -> None:
    campaign_id = start(call, campaign(call))
    found(call, approved(call, campaign_id))
    campaigns.pause_campaign(call(), campaign_id, WHY)
    found(call, approved(call, campaign_id))
    assert len(found(call, approved(call, campaign_id)).offer.pauses) == 1


def test_what_a_transaction_changed_itself_is_seen_by_it_and_never_kept(call: MakeCall) -> None:
    offer_id = approved(call, campaign(call))
    found(call, offer_id)
    with suppress(Undone), call().transaction() as tx:
        tx.connection.execute("UPDATE offers SET withdrawn_at = %s, revision = %s", (tx.now, tx.bump("offers")))
        seen = catalogue(tx).get(offer_id)
        assert seen
        assert seen.offer.withdrawn_at == NOW
        raise Undone
    assert found(call, offer_id).offer.withdrawn_at is None
    service.withdraw_offer(call(), offer_id, WHY)
    assert found(call, offer_id).offer.withdrawn_at == NOW


def test_many_threads_load_once_and_see_the_same(call: MakeCall, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = campaign(call)
    offer_ids = [approved(call, campaign_id) for _ in range(3)]
    module.CACHES.clear()
    together, another = threading.Barrier(8), threading.Event()
    loads: list[int] = []
    load = store.approved_since

    def load_slowly(tx: Transaction, revision: int) -> list[Offer]:
        loads.append(revision)
        if len(loads) > 1:
            another.set()
        another.wait(0.3)  # time for another thread to load as well, were it let
        return load(tx, revision)

    monkeypatch.setattr(store, "approved_since", load_slowly)

    def read() -> object:
        together.wait(10)
        with call().reading() as tx:
            return catalogue(tx)

    with ThreadPoolExecutor(8) as threads:
        seen = {id(future.result(30)): future.result() for future in [threads.submit(read) for _ in range(8)]}
    assert (len(seen), len(loads)) == (1, 1)
    assert all(found(call, offer_id) for offer_id in offer_ids)


def test_readers_beside_a_writer_never_see_less_than_was_committed_before(call: MakeCall) -> None:
    campaign_id = campaign(call)
    committed: list[UUID] = []
    done = threading.Event()

    def read() -> int:
        rounds = 0
        while not done.is_set() or rounds == 0:
            expected = list(committed)
            with call().reading() as tx:
                seen = catalogue(tx)
            assert all(seen.get(offer_id) for offer_id in expected)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        try:
            for _ in range(10):
                offer_id = approved(call, campaign_id)
                committed.append(offer_id)
        finally:
            done.set()
        assert all(reader.result(30) > 0 for reader in readers)


def test_each_database_has_a_catalogue_of_its_own(call: MakeCall, postgres: EmbeddedPostgres) -> None:
    offer_id = approved(call, campaign(call))
    kept = found(call, offer_id)
    other = Database(postgres.app_url(), pool_size=2, timeout_seconds=10)
    try:
        base = call()
        elsewhere = type(base)(caller=base.caller, clock=base.clock, database=other, shards=base.shards)
        with elsewhere.reading() as tx:
            theirs = catalogue(tx).get(offer_id)
    finally:
        other.close()
    assert theirs
    assert theirs is not kept
    assert found(call, offer_id) is kept
