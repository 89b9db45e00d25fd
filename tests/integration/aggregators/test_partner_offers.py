"""Offers that a partner brings go the way of the bank's own: drafted, reviewed by people, in force only when approved."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from events.payloads import OfferTurnedDown
from shared.aggregators import offers as partner_offers
from shared.kernel.errors import NotFound, SelfApproval
from shared.kernel.ids import CAMPAIGN, derived_id
from shared.offers import service as offers
from shared.offers.api import NewVersion
from shared.platform.batches import BatchAnswer
from shared.platform.call import Replayed
from tests.conftest import MakeCall
from tests.integration.audiences.builders import emitted
from tests.world import WHY, World, terms


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def campaign(world: World) -> UUID:
    return world.campaign()


def offer(campaign: UUID, reference: str = "o1", **other: Any) -> dict[str, Any]:
    said = {"campaign_id": CAMPAIGN.render(campaign), "name": "Two dollars back", "terms": terms().model_dump(mode="json")}
    return {"reference": reference} | said | other


def changed(reference: str = "o1", **overrides: Any) -> dict[str, Any]:
    return {"reference": reference, "action": "update", "terms": terms(**overrides).model_dump(mode="json"), "reason": "More for less"}


def tell(call: MakeCall, *sent: dict[str, Any], partner: str = "acme", key: str | None = None) -> BatchAnswer:
    body = json.dumps({"offers": sent}).encode()
    return partner_offers.put_partner_offers(call(f"files:{partner}", key=key, said=body), partner, body)


def stands(call: MakeCall, reference: str = "o1") -> tuple[str, str, int, str | None]:
    view = partner_offers.get_partner_offer(call(), "acme", reference)
    return view.state, view.review, view.version, view.decision_reason


def id_of(reference: str = "o1", partner: str = "acme") -> UUID:
    return partner_offers.offer_id_of(partner, reference)


def told(answer: BatchAnswer) -> list[tuple[str | None, str, str]]:
    return [(item.id, item.problems[0].path, item.problems[0].message) for item in answer.rejected]


def test_offer_is_in_review_until_a_person_approves_it(call: MakeCall, campaign: UUID) -> None:
    assert tell(call, offer(campaign)).accepted == 1
    assert stands(call) == ("in_review", "in_review", 1, None)
    with pytest.raises(SelfApproval):
        offers.approve_offer(call("files:acme"), id_of(), WHY)
    offers.approve_offer(call("omar"), id_of(), WHY)
    assert stands(call) == ("approved", "approved", 1, "A test.")


@pytest.mark.parametrize(("decide", "review"), [(offers.reject_offer, "rejected"), (offers.request_changes, "changes_requested")])
def test_partner_reads_why_its_offer_was_not_approved_and_brings_another_version(
    call: MakeCall, campaign: UUID, decide: Callable[..., object], review: str
) -> None:
    tell(call, offer(campaign))
    decide(call("omar"), id_of(), WHY)
    assert stands(call)[1:] == (review, 1, "A test.")
    [event] = emitted(call, OfferTurnedDown)
    assert (event.offer_id, event.version, event.decision, event.reason) == (id_of(), 1, review, "A test.")
    assert tell(call, changed(reward={"kind": "fixed", "amount": 300})).accepted == 1
    assert stands(call)[1:] == ("in_review", 2, None)


def test_change_waits_beside_the_version_in_force(call: MakeCall, campaign: UUID) -> None:
    tell(call, offer(campaign))
    offers.approve_offer(call("omar"), id_of(), WHY)
    tell(call, changed(reward={"kind": "fixed", "amount": 300}))
    view = partner_offers.get_partner_offer(call(), "acme", "o1")
    assert (view.version, view.review, view.version_in_force) == (2, "in_review", 1)


def test_withdrawn_offer_is_withdrawn(call: MakeCall, campaign: UUID) -> None:
    tell(call, offer(campaign))
    offers.approve_offer(call("omar"), id_of(), WHY)
    assert tell(call, {"reference": "o1", "action": "withdraw", "reason": "Sold out"}).accepted == 1
    assert stands(call)[0] == "withdrawn"
    assert offers.offer_history(call(), id_of()).history[-1].reason == "Sold out"


def test_what_can_not_be_is_named_and_the_rest_is_taken(call: MakeCall, campaign: UUID) -> None:
    tell(call, offer(campaign, "known"))
    answer = tell(
        call,
        offer(derived_id("none"), "o0"),
        offer(campaign, "o1"),
        offer(campaign, "known"),
        changed("nothing"),
        changed("known"),
        {"reference": "o2", "action": "withdraw", "name": "x"},
        offer(campaign, "o3") | {"terms": None},
    )
    assert answer.accepted == 1
    assert [(reference, path) for reference, path, _ in told(answer)] == [
        ("o0", "/offers/0/campaign_id"),
        ("known", "/offers/2/reference"),
        ("nothing", "/offers/3/reference"),
        ("known", "/offers/4/reference"),
        ("o2", "/offers/5"),
        ("o3", "/offers/6"),
    ]
    assert stands(call)[1] == "in_review"


def test_terms_that_do_not_fit_the_campaign_are_named_by_their_place(call: MakeCall, campaign: UUID) -> None:
    abroad = terms(currency="EUR").model_dump(mode="json")
    [(_, path, _)] = told(tell(call, offer(campaign) | {"terms": abroad}))
    assert path == "/offers/0/terms/currency"
    with pytest.raises(NotFound):
        stands(call)


def test_same_batch_again_changes_nothing(call: MakeCall, campaign: UUID) -> None:
    sent = [offer(campaign, "o1"), offer(campaign, "o2")]
    first = tell(call, *sent, key="k")
    with pytest.raises(Replayed) as again:
        tell(call, *sent, key="k")
    assert again.value.answer == first.model_dump_json()
    assert [len(offers.list_versions(call(), id_of(reference)).versions) for reference in ("o1", "o2")] == [1, 1]


def test_batch_that_was_cut_short_goes_on_where_it_was(call: MakeCall, campaign: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "submit_offer", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        tell(call, offer(campaign), key="k")
    monkeypatch.undo()
    assert stands(call)[1] == "draft"
    assert tell(call, offer(campaign), key="k").accepted == 1
    assert stands(call)[1:3] == ("in_review", 1)


def test_partners_have_names_of_their_own(call: MakeCall, campaign: UUID) -> None:
    tell(call, offer(campaign))
    assert tell(call, offer(campaign), partner="other").rejected == []
    assert id_of(partner="other") != id_of()


def test_what_people_write_goes_before_what_the_partner_wants_to_change_in_review(call: MakeCall, campaign: UUID) -> None:
    tell(call, offer(campaign))
    offers.request_changes(call("omar"), id_of(), WHY)
    offers.create_version(call("maya"), id_of(), NewVersion(terms=terms(), reason="Ours"))
    assert stands(call)[1:3] == ("draft", 2)
