"""Grants that are told one by one, each by its sender's own name."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.audiences import desk
from shared.audiences.api import GrantsQuery, GrantView
from shared.kernel.errors import Invalid
from shared.kernel.ids import GRANT, OFFER, derived_id
from shared.offers import service as offers
from shared.platform.batches import BatchAnswer
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import customer, drawn, issue, launched, listed, put, put_all, went_live
from tests.world import WHY, World, amounts, purchase

LAST_WEEK = NOW - timedelta(days=7)


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def campaign_id(world: World) -> UUID:
    return world.campaign()


@pytest.fixture
def offer_id(world: World, campaign_id: UUID) -> UUID:
    return world.offer(campaign_id, repeat=True)


def said(reference: str, offer_id: UUID, customer_id: str = "c1", **other: Any) -> dict[str, Any]:
    return {"reference": reference, "offer_id": OFFER.render(offer_id), "customer_id": customer_id} | other


def tell(call: MakeCall, *grants: dict[str, Any], by: str = "maya") -> BatchAnswer:
    return desk.put_grants(call(by), json.dumps({"grants": grants}, default=str).encode())


def told(answer: BatchAnswer) -> list[tuple[int, str, str]]:
    """What was refused: which, at what field, and why."""
    return [(item.index, item.problems[0].path.rsplit("/", 1)[-1], item.problems[0].message) for item in answer.rejected]


def of(call: MakeCall, customer_id: str = "c1") -> list[GrantView]:
    return desk.list_grants(call(), GrantsQuery(customer_id=customer_id)).grants


def test_grant_that_is_told_again_is_the_same_one(call: MakeCall, offer_id: UUID) -> None:
    put_all(call, "c1")
    for _ in range(2):
        assert tell(call, said("g1", offer_id, granted_at=LAST_WEEK)).accepted == 1
    [grant] = of(call)
    assert (grant.offer_id, grant.granted_at, grant.revoked_at) == (offer_id, LAST_WEEK, None)


def test_customer_is_given_an_offer_as_often_as_there_are_references(call: MakeCall, offer_id: UUID) -> None:
    put_all(call, "c1")
    assert tell(call, said("g1", offer_id), said("g2", offer_id)).accepted == 2
    assert len(of(call)) == 2


def test_references_are_each_senders_own(call: MakeCall, offer_id: UUID) -> None:
    put_all(call, "c1")
    for sender in ("maya", "bank"):
        tell(call, said("g1", offer_id), by=sender)
    assert len(of(call)) == 2


def test_grant_counts_from_its_moment_or_from_now(call: MakeCall, world: World, offer_id: UUID) -> None:
    put_all(call, "c1", "c2")
    world.post(*(purchase(f"t-{who}", who, at=NOW - timedelta(days=1)) for who in ("c1", "c2")))
    tell(call, said("g1", offer_id, "c1", granted_at=LAST_WEEK), said("g2", offer_id, "c2"))
    world.deliver()
    assert [(row["customer_id"], row["reward_minor"]) for row in world.redemptions()] == [("c1", 200)]


def test_revoked_grant_counts_for_no_purchase_from_then_on(call: MakeCall, world: World, offer_id: UUID) -> None:
    put_all(call, "c1")
    tell(call, said("g1", offer_id, granted_at=LAST_WEEK))
    world.post(purchase("t1", "c1", at=NOW - timedelta(days=1)), purchase("t2", "c1", at=NOW))
    assert amounts(world.redemptions()) == [200, 200]
    for _ in range(2):
        assert tell(call, said("g1", offer_id, action="revoke")).accepted == 1
    world.deliver()
    assert of(call)[0].revoked_at == NOW
    assert amounts(world.redemptions()) == [200, 0]
    world.verify()


def test_grant_that_was_given_otherwise_is_revoked_by_its_id(call: MakeCall, offer_id: UUID) -> None:
    put_all(call, "c1")
    [made] = issue(call, offer_id, "c1").grants
    tell(call, said(GRANT.render(made.grant_id), offer_id, action="revoke"))
    assert of(call)[0].revoked_at == NOW


def test_what_can_not_be_given_is_named_and_the_rest_is(call: MakeCall, campaign_id: UUID, offer_id: UUID) -> None:
    put(call, customer("c1"), customer("refuses", consent=False), customer("held"))
    launched(call, went_live(derived_id("other"), campaign_id, segments_in=[listed(call, "held")], holdout=10_000))
    tell(call, said("old", offer_id))
    answer = tell(
        call,
        said("g0", offer_id, "nobody"),
        said("g1", offer_id),
        said("g2", offer_id, "refuses"),
        said("g3", offer_id, "held"),
        said("g4", derived_id("no offer")),
        said("g1", offer_id),
        said("g5", offer_id, granted_at=NOW + timedelta(seconds=1)),
        said("old", offer_id, "held"),
        said("g6", offer_id, action="revoke"),
        said("x y", offer_id),
        said("grn_17", offer_id),
    )
    assert answer.accepted == 1
    assert told(answer) == [
        (0, "customer_id", "is no known customer"),
        (2, "customer_id", "has not consented to offers"),
        (3, "customer_id", "belongs to the campaign's hold-out group"),
        (4, "offer_id", "is no offer with an approved version"),
        (5, "reference", "is in the batch twice"),
        (6, "granted_at", "must not be in the future"),
        (7, "reference", "is another grant's, of another offer or customer"),
        (8, "reference", "is no known grant"),
        (9, "reference", answer.rejected[8].problems[0].message),
        (10, "reference", "must be grn_ and 32 hexadecimal digits"),
    ]
    assert len(of(call)) == 2


def test_revoked_grant_is_not_given_again_under_its_reference(call: MakeCall, offer_id: UUID) -> None:
    put_all(call, "c1")
    tell(call, said("g1", offer_id))
    tell(call, said("g1", offer_id, action="revoke"))
    assert told(tell(call, said("g1", offer_id))) == [(0, "reference", "was revoked; a new grant needs a reference of its own")]


def test_offer_that_is_over_is_given_to_nobody(call: MakeCall, offer_id: UUID) -> None:
    put_all(call, "c1")
    offers.withdraw_offer(call("maya"), offer_id, WHY)
    [(_, field, why)] = told(tell(call, said("g1", offer_id)))
    assert (field, why[:18]) == ("offer_id", "The offer is over:")


def test_grants_are_of_the_variants_in_force(call: MakeCall, world: World, campaign_id: UUID) -> None:
    put_all(call, "c1", "c2")
    variants = [{"name": "gold", "segments": [f"seg_{listed(call, 'c2').hex}"]}]
    offer_id = world.offer(campaign_id, variants=variants)
    tell(call, said("g1", offer_id, "c1"), said("g2", offer_id, "c2"))
    assert drawn(call, offer_id) == {"c1": None, "c2": "gold"}


def test_batch_that_is_none_is_refused(call: MakeCall) -> None:
    with pytest.raises(Invalid):
        desk.put_grants(call(), b'{"grants": []}')


def test_moments_are_those_of_the_sender(call: MakeCall, offer_id: UUID) -> None:
    put_all(call, "c1")
    moment = datetime.fromisoformat("2026-01-10T09:00:00+02:00")
    tell(call, said("g1", offer_id, granted_at=moment.isoformat()))
    assert of(call)[0].granted_at == moment
