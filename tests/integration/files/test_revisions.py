"""A later revision of a file of transactions: what is on record in the end is as if it alone had ever been sent."""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from events.files import FileDropped
from shared.files import receiving
from shared.files.api import FileView
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Busy, NotFound
from shared.redemptions.eligibility_api import EligibilityAsked
from shared.redemptions.past import look_back
from tests.conftest import NOW, MakeCall
from tests.integration.files.place import FILE, Place, Row, bought
from tests.world import World, amounts, purchase

CUSTOMERS = tuple(f"cust-{number}" for number in range(6))
BEFORE = (NOW - timedelta(hours=1)).isoformat()
State = list[tuple[str, ...]]


@pytest.fixture
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two records or three."""
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 300)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 300)


@pytest.fixture
def world(call: MakeCall) -> World:
    """Two offers to six customers: two dollars a purchase, and a tenth of what is bought at one shop."""
    world = World(call)
    campaign = world.campaign(budget=1_000_000)
    tenth = {"reward": {"kind": "percent", "basis_points": 1_000}, "scope": {"include": {"mccs": ["5411"]}}}
    for terms in ({}, tenth):
        world.grant(world.offer(campaign, repeat=True, **terms), *CUSTOMERS)
    return world


def dropped(place: Place, revision: int, *rows: Row, file_id: str = FILE, **said: object) -> FileDropped:
    """A revision of a file, that takes the place of the one before."""
    follows = {"revision": revision} | ({"supersedes": revision - 1} if revision > 1 else {})
    return place.rows(*rows, name=f"{file_id}_delta_r{revision}.csv", file_id=file_id, **follows | said)


def state(world: World, prefix: str = "") -> State:
    """What is on record of purchases with a prefix, without it."""
    facts = ("customer_id", "transaction_id", "offer_id", "earned_at", "wanted_minor", "reward_minor", "earned_minor", "qualifying_minor")
    standing = [row for row in world.redemptions() if row["state"] != "reversed" and row["transaction_id"].startswith(prefix)]
    return sorted(tuple(str(row[fact]).removeprefix(prefix) for fact in facts) for row in standing)


def by_revision(place: Place) -> list[FileView]:
    return sorted(place.files(), key=lambda view: view.revision or 0)


def earned(world: World) -> list[tuple[str, str, int]]:
    rows = [row for row in world.redemptions() if row["state"] != "reversed"]
    return sorted((row["customer_id"], row["transaction_id"], row["reward_minor"]) for row in rows)


def test_what_passed_by_counts_once_its_file_is_sent_again_as_it_was(place: Place, call: MakeCall) -> None:
    """Under an offer that was approved since; a second time changes nothing."""
    world, rows = World(call), [bought(number) for number in range(3)]
    place.receive(dropped(place, 1, *rows))
    assert world.rows("SELECT FROM transactions") == []
    world.grant(world.offer(world.campaign(), repeat=True), *CUSTOMERS)
    for revision in (2, 3):
        place.receive(dropped(place, revision, *rows))
        assert [(of[1], of[2]) for of in earned(world)] == [("t0", 200), ("t1", 200), ("t2", 200)]
    world.verify()


@pytest.mark.usefixtures("_small_chunks")
def test_what_is_told_no_more_is_taken_back_and_the_rest_stays_as_it_was(place: Place, world: World) -> None:
    place.receive(dropped(place, 1, *(bought(number) for number in range(6))))
    before = world.redemptions()
    assert amounts(before) == [200] * 6
    place.receive(dropped(place, 2, *(bought(number) for number in (0, 2, 4))))
    assert [of[1] for of in earned(world)] == ["t0", "t2", "t4"]
    kept = [row for row in world.redemptions() if row["state"] != "reversed"]
    assert kept == [row for row in before if row["transaction_id"] in {"t0", "t2", "t4"}]
    assert {row["reason"] for row in world.redemptions() if row["state"] == "reversed"} == {"revised"}
    first, second = by_revision(place)
    assert (first.superseded_by, second.superseded_by, second.outcome) == (second.drop_id, None, "accepted")
    assert place.left() == []
    world.verify()


@pytest.mark.parametrize(
    ("other", "comes_to"),
    [
        ({"amount": 2500}, [("cust-0", "t0", 200)]),
        ({"amount": 500}, []),
        ({"customer_id": "cust-5"}, [("cust-5", "t0", 200)]),
        ({"customer_id": "stranger"}, []),
        ({"mcc": "5411"}, [("cust-0", "t0", 150), ("cust-0", "t0", 200)]),
        ({"at": "2025-12-01T10:00:00Z"}, []),
        ({"currency": "EUR"}, []),
        ({"kind": "authorization"}, [("cust-0", "t0", 200)]),
    ],
    ids=["amount", "below", "customer", "stranger", "scope", "moment", "currency", "kind"],
)
def test_what_is_told_otherwise_counts_as_it_is_told_now(
    place: Place, world: World, other: Mapping[str, Any], comes_to: list[tuple[str, str, int]]
) -> None:
    place.receive(dropped(place, 1, bought(0)))
    assert earned(world) == [("cust-0", "t0", 200)]
    place.receive(dropped(place, 2, bought(0, **other)))
    assert earned(world) == comes_to
    assert len(world.rows("SELECT FROM transactions WHERE NOT withdrawn AND offers <> '{}'")) == 1
    place.receive(dropped(place, 3, bought(0)))
    assert earned(world) == [("cust-0", "t0", 200)]
    world.verify()


def test_a_file_can_be_taken_back_as_a_whole_and_told_again(place: Place, world: World) -> None:
    rows = [bought(number) for number in range(3)]
    place.receive(dropped(place, 1, *rows))
    place.receive(dropped(place, 2))
    assert (earned(world), place.counting(), place.query("SELECT name FROM lake_parts")) == ([], set(), [])
    place.receive(dropped(place, 3, *rows))
    assert [of[1] for of in earned(world)] == ["t0", "t1", "t2"]
    world.verify()


@pytest.mark.parametrize("first", ["api", "file"])
def test_what_somebody_else_tells_stays(place: Place, world: World, first: str) -> None:
    tells: dict[str, Callable[[], None]] = {
        "api": lambda: world.post(purchase("t0", "cust-0")),
        "file": lambda: place.receive(dropped(place, 1, bought(0), bought(1))),
    }
    for who in sorted(tells, reverse=first == "file"):
        tells[who]()
    place.receive(dropped(place, 2, bought(2)))
    assert [of[1] for of in earned(world)] == ["t0", "t2"]
    place.receive(dropped(place, 3, bought(0, amount=9000)))
    assert earned(world) == [("cust-0", "t0", 200)]
    assert world.rows("SELECT transaction_id, file_id, revision FROM set_aside") == [
        {"transaction_id": "t0", "file_id": FILE, "revision": 3}
    ]
    world.verify()


def test_what_two_files_tell_stays_until_neither_does(place: Place, world: World) -> None:
    other = FILE.replace("0001", "0002")
    place.receive(dropped(place, 1, bought(0)), dropped(place, 1, bought(0), file_id=other))
    place.receive(dropped(place, 2, bought(1)))
    assert [of[1] for of in earned(world)] == ["t0", "t1"]
    place.receive(dropped(place, 2, bought(2), file_id=other))
    assert [of[1] for of in earned(world)] == ["t1", "t2"]
    world.verify()


def test_what_was_set_aside_is_told_again_when_the_word_against_it_goes(place: Place, world: World) -> None:
    place.receive(dropped(place, 1, bought(0), bought(1)))
    world.post(purchase("t0", "cust-0", amount=5000))
    place.receive(dropped(place, 2, bought(1)))
    assert earned(world) == [("cust-0", "t0", 200), ("cust-1", "t1", 200)]
    assert world.rows("SELECT amount_minor, told_by FROM transactions WHERE transaction_id = 't0'") == [
        {"amount_minor": 5000, "told_by": None}
    ]
    world.verify()


def test_refunds_of_a_purchase_that_was_withdrawn_wait_for_it(place: Place, world: World) -> None:
    place.receive(dropped(place, 1, bought(0), bought(1)))
    world.post(
        purchase("r0", "cust-0", kind="refund", amount=700, original_transaction_id="t0"),
        purchase("r1", "cust-1", kind="refund", amount=700),
    )
    refunds = "SELECT transaction_id, purchase_id, unmatched FROM transactions WHERE loose"
    assert world.rows(refunds) == [{"transaction_id": "r1", "purchase_id": "t1", "unmatched": None}]
    place.receive(dropped(place, 2, bought(2)))
    assert earned(world) == [("cust-2", "t2", 200)]
    assert world.rows(refunds) == [{"transaction_id": "r1", "purchase_id": None, "unmatched": "no_purchase_to_refund"}]
    place.receive(dropped(place, 3, bought(0, amount=1800), bought(1, amount=1800)))
    assert earned(world) == [("cust-0", "t0", 200), ("cust-1", "t1", 200)]
    assert world.rows(refunds) == [{"transaction_id": "r1", "purchase_id": "t1", "unmatched": None}]
    world.verify()


def test_what_was_paid_of_a_purchase_that_was_withdrawn_is_owed_back(place: Place, world: World) -> None:
    place.receive(dropped(place, 1, bought(0)))
    world.confirm()  # what is payable at once was instructed by the same events
    (redemption,) = world.redemptions()
    assert (redemption["state"], redemption["paid_minor"]) == ("paid", 200)
    place.receive(dropped(place, 2))
    (taken_back,) = world.redemptions()
    assert (taken_back["state"], taken_back["earned_minor"], taken_back["paid_minor"]) == ("reversed", 0, 200)
    place.receive(dropped(place, 1, bought(0, transaction_id="t9"), file_id=FILE.replace("0001", "0002")))
    assert world.rows("SELECT amount_minor FROM offsets") == [{"amount_minor": 200}]
    world.verify()


def test_what_it_earned_then_and_earns_now_is_explained(place: Place, world: World, clock: SimulatedClock, call: MakeCall) -> None:
    place.receive(dropped(place, 1, bought(0), bought(1)))
    clock.advance(NOW + timedelta(hours=1))
    place.receive(dropped(place, 2, bought(0, amount=500)))
    asked = EligibilityAsked(transaction_id="t0")
    now = look_back(call(), asked).record
    assert now
    assert now.differs
    assert [(known.what, known.told) for known in now.known_since] == [
        ("restated", "A later revision of its file told otherwise what had been told as 15.00 USD.")
    ]
    assert sum(verdict.reward_minor for verdict in now.decided) == 200
    gone = EligibilityAsked(transaction_id="t1")
    with pytest.raises(NotFound, match="withdrawn 2026-01-15T13:00:00"):
        look_back(call(), gone)
    then = look_back(call(), gone.model_copy(update={"as_of": NOW})).record
    assert then
    assert [event.what for event in then.events][:1] == ["earned"]


def test_a_revision_that_is_rejected_changes_nothing_and_another_may_follow(place: Place, world: World) -> None:
    place.receive(dropped(place, 1, bought(0), bought(1)))
    before = world.redemptions()
    place.receive(dropped(place, 2, bought(1), record_count=7))
    assert (world.redemptions(), place.by_outcome()["rejected"].revision) == (before, 2)
    place.receive(dropped(place, 3, bought(1)))
    assert [of[1] for of in earned(world)] == ["t1"]
    first, second, third = by_revision(place)
    assert (first.superseded_by, second.superseded_by, third.superseded_by) == (third.drop_id, None, None)


def test_records_that_a_revision_tells_wrongly_it_does_not_tell(place: Place, world: World) -> None:
    place.receive(dropped(place, 1, bought(0), bought(1)))
    place.receive(dropped(place, 2, bought(0, currency="usd"), bought(1)))
    assert (by_revision(place)[1].outcome, [of[1] for of in earned(world)]) == ("partial", ["t1"])


def test_revisions_come_one_after_the_other(place: Place, world: World) -> None:
    first = dropped(place, 1, bought(0))
    receiving.receive_file(place.call(key="1", consumer="receive_file"), first)
    third = dropped(place, 3, bought(1))
    with pytest.raises(Busy):
        receiving.receive_file(place.call(key="3", consumer="receive_file"), third)
    place.receive()
    place.receive(third)
    assert [problem.message for problem in place.by_outcome()["refused"].problems] == ["must be 1"]
    assert [of[1] for of in earned(world)] == ["t0"]


def test_nothing_is_needed_of_purchases_in_no_offers_scope(place: Place, call: MakeCall) -> None:
    world = World(call)
    world.grant(world.offer(world.campaign(), scope={"include": {"mccs": ["5411"]}}, repeat=True), *CUSTOMERS)
    place.receive(dropped(place, 1, *(bought(number) for number in range(4))))
    place.receive(dropped(place, 2, bought(0)))
    assert world.rows("SELECT FROM transactions") == world.redemptions() == []
    place.receive(dropped(place, 3, bought(0, mcc="5411")))
    assert [of[1] for of in earned(world)] == ["t0"]


@pytest.mark.usefixtures("_small_chunks")
def test_the_lake_holds_what_the_last_revision_tells(place: Place, world: World) -> None:
    place.receive(dropped(place, 1, *(bought(number) for number in range(5))))
    before = {stored.name for stored in place.lake.list()}
    place.receive(dropped(place, 2, *(bought(number, at=BEFORE) for number in range(3))))
    assert before
    assert not before & place.counting()
    assert {stored.name for stored in place.lake.list()} == before | place.counting()
    assert place.query("SELECT sum(records)::int AS records FROM lake_parts") == [{"records": 3}]


@pytest.mark.usefixtures("_small_chunks")
@pytest.mark.parametrize("seed", range(6))
def test_random_revisions_end_as_the_last_alone(place: Place, world: World, seed: int) -> None:
    chance = random.Random(seed)
    alone = FILE.replace("0001", "0002")
    last: list[dict[str, object]] = []
    for revision in range(1, chance.randrange(3, 5)):
        last = [_row(chance, number) for number in range(9) if chance.random() < 0.7]
        chance.shuffle(last)
        place.receive(dropped(place, revision, *last))
    renamed = [row | {"transaction_id": f"alone-{row['transaction_id']}", "customer_id": f"alone-{row['customer_id']}"} for row in last]
    for (offer_id,) in {tuple(row.values()) for row in world.rows("SELECT DISTINCT offer_id FROM offers")}:
        world.grant(offer_id, *(f"alone-{customer}" for customer in CUSTOMERS))
    place.receive(dropped(place, 1, *renamed, file_id=alone))
    revised = [row for row in state(world) if not row[1].startswith("alone-")]
    assert revised == [(row[0].removeprefix("alone-"), *row[1:]) for row in state(world, "alone-")]
    assert revised
    world.verify()


def _row(chance: random.Random, number: int) -> dict[str, object]:
    return bought(
        number,
        amount=chance.choice([500, 1500, 1500, 1500, 4000]),
        customer_id=chance.choice([CUSTOMERS[number % 6]] * 4 + list(CUSTOMERS)),
        at=chance.choice([NOW.isoformat(), BEFORE]),
        mcc=chance.choice(["", "5411", "5814"]),
    )
