import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked, Why
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Conflict, Invalid, NotFound, SelfApproval
from shared.kernel.ids import new_id
from shared.offers import service, store
from shared.offers.api import DiffQuery, NewOffer, NewVersion, OfferQuery, OfferView
from shared.offers.model import Change
from shared.platform.call import Call, Replayed, Transaction
from shared.platform.database import Database, exactly_one
from shared.platform.local.postgres import EmbeddedPostgres
from tests.conftest import NOW, MakeCall
from tests.integration.offers.builders import LATER, WHY, WINDOW, approved, body, campaign, draft, revise_and_approve, start, submitted
from tests.unit.eligibility.builders import terms

Decision = Callable[[Call, UUID, Why], OfferView]
DECISIONS: tuple[Decision, ...] = (service.approve_offer, service.request_changes, service.reject_offer)
CHEAPER = NewVersion(terms=terms(window=WINDOW, reward={"kind": "fixed", "amount": 400}))


def test_a_draft_becomes_an_approved_offer(call: MakeCall) -> None:
    campaign_id = campaign(call)
    offer_id = approved(call, campaign_id)
    view = service.get_offer(call(), offer_id)
    assert (view.state, view.review, view.version_in_force, view.campaign_id) == ("approved", "approved", 1, campaign_id)
    history = service.offer_history(call(), offer_id).history
    assert [(h.action, h.from_state, h.to_state, h.by) for h in history] == [
        ("create", None, "draft", "maya"),
        ("submit", "draft", "in_review", "otto"),
        ("approve", "in_review", "approved", "noor"),
    ]
    assert {h.at for h in history} == {NOW}


@pytest.mark.parametrize("decide", DECISIONS)
@pytest.mark.parametrize("author", ["maya", "otto"])
def test_neither_who_wrote_nor_who_submitted_decides(call: MakeCall, author: str, decide: Decision) -> None:
    offer_id = submitted(call, campaign(call))
    with pytest.raises(SelfApproval):
        decide(call(author), offer_id, WHY)
    assert service.get_offer(call(), offer_id).state == "in_review"


def test_who_writes_a_later_version_may_not_approve_it_but_the_first_ones_author_may(call: MakeCall) -> None:
    offer_id = approved(call, campaign(call))
    service.create_version(call("noor"), offer_id, CHEAPER)
    service.submit_offer(call("noor"), offer_id, WHY)
    with pytest.raises(SelfApproval):
        service.approve_offer(call("noor"), offer_id, WHY)
    assert service.approve_offer(call("maya"), offer_id, WHY).version_in_force == 2


def test_the_database_itself_refuses_an_author_as_approver(call: MakeCall, database: Database) -> None:
    submitted(call, campaign(call))
    with database.connection() as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE offer_versions SET decided_by = 'otto', state = 'approved'")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE offer_versions SET terms = replace(terms, '500', '900')",
        "UPDATE offer_versions SET state = 'draft'",
        "UPDATE offer_versions SET decided_at = now()",
        "DELETE FROM offer_versions",
    ],
)
def test_an_approved_version_never_changes_even_for_the_owner(call: MakeCall, postgres: EmbeddedPostgres, statement: str) -> None:
    approved(call, campaign(call))
    with psycopg.connect(postgres.owner_url()) as owner, pytest.raises(psycopg.errors.RaiseException, match="never changes"):
        owner.execute(statement)


def test_terms_never_change_while_in_review(call: MakeCall, database: Database) -> None:
    submitted(call, campaign(call))
    with database.connection() as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute("UPDATE offer_versions SET terms = '{}'")


def test_an_offer_in_review_is_locked(call: MakeCall) -> None:
    offer_id = submitted(call, campaign(call))
    with pytest.raises(Conflict):
        service.create_version(call(), offer_id, CHEAPER)
    with pytest.raises(Conflict):
        service.submit_offer(call(), offer_id, WHY)


def test_an_offer_sent_back_with_a_message_can_be_mended(call: MakeCall) -> None:
    offer_id = submitted(call, campaign(call))
    assert service.request_changes(call("noor"), offer_id, Why(reason="cheaper")).state == "changes_requested"
    view = service.create_version(call(), offer_id, CHEAPER)
    assert (view.state, view.latest_version) == ("draft", 2)
    versions = service.list_versions(call(), offer_id).versions
    assert [(v.version, v.review, v.decision_reason) for v in versions] == [(1, "changes_requested", "cheaper"), (2, "draft", None)]


def test_a_rejected_version_is_not_submitted_again(call: MakeCall) -> None:
    offer_id = submitted(call, campaign(call))
    assert service.reject_offer(call("noor"), offer_id, WHY).state == "rejected"
    with pytest.raises(Conflict):
        service.submit_offer(call(), offer_id, WHY)
    assert service.create_version(call(), offer_id, CHEAPER).state == "draft"


def test_a_new_version_waits_beside_the_one_in_force(call: MakeCall) -> None:
    offer_id = approved(call, campaign(call))
    view = service.create_version(call(), offer_id, CHEAPER)
    assert (view.state, view.review, view.latest_version, view.version_in_force) == ("approved", "draft", 2, 1)
    assert view.terms == CHEAPER.terms


def test_who_waits_for_an_offer_sees_what_was_written_meanwhile(call: MakeCall) -> None:
    offer_id = draft(call, campaign(call)).offer_id
    with ThreadPoolExecutor(1) as threads:
        with call().transaction() as tx:
            offer = store.lock(tx, offer_id)
            waiting = threads.submit(service.create_version, call("otto"), offer_id, CHEAPER)
            version = replace(store.read_version(tx, offer_id, 1), number=2)
            store.add_version(tx, version)
            change = Change(version=2, action="revise", from_state=None, to_state="draft", by="maya", at=tx.now, reason="because")
            store.move(tx, offer, offer.with_version(version), change)
            wait_until_blocked(tx)
        assert waiting.result(30).latest_version == 3


def wait_until_blocked(tx: Transaction) -> None:
    """Until another connection waits for a lock that this one holds."""
    blocked = "SELECT count(*) AS n FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    until = time.monotonic() + 10
    while exactly_one(tx.connection, blocked)["n"] == 0:
        assert time.monotonic() < until


def test_versions_are_compared(call: MakeCall) -> None:
    offer_id = draft(call, campaign(call)).offer_id
    service.create_version(call(), offer_id, CHEAPER)
    service.create_version(call(), offer_id, NewVersion(terms=terms(window=WINDOW, scope={"include": {"merchants": ["m1", "m2"]}})))

    def compare(**query: int) -> tuple[int, int, list[tuple[str, object, object]]]:
        diff = service.diff_versions(call(), offer_id, DiffQuery.model_validate(query))
        return diff.from_version, diff.to_version, [(d.path, d.before, d.after) for d in diff.differences]

    merchant = ("/scope/include/merchants/1", None, "m2")
    assert compare() == (2, 3, [("/reward/amount", 400, 500), merchant])
    assert compare(to=2) == (1, 2, [("/reward/amount", 500, 400)])
    assert compare(**{"from": 1}) == (1, 3, [merchant])
    with pytest.raises(NotFound):
        compare(to=4)


def test_a_withdrawn_offer_stays_withdrawn(call: MakeCall) -> None:
    offer_id = approved(call, campaign(call))
    view = service.withdraw_offer(call(), offer_id, WHY)
    assert (view.state, view.withdrawn_at) == ("withdrawn", NOW)
    with pytest.raises(Conflict):
        service.create_version(call(), offer_id, CHEAPER)
    with pytest.raises(Conflict):
        service.withdraw_offer(call(), offer_id, WHY)


def test_nothing_is_approved_once_the_campaign_is_cancelled(call: MakeCall) -> None:
    campaign_id = campaign(call)
    offer_id, pending = approved(call, campaign_id), submitted(call, campaign_id)
    campaigns.cancel_campaign(call(), campaign_id, WHY)
    with pytest.raises(Conflict):
        service.approve_offer(call("noor"), pending, WHY)
    assert service.get_offer(call(), offer_id).state == "ended"
    assert service.get_offer(call(), pending).state == "in_review"


def test_all_that_is_wrong_is_told_at_once(call: MakeCall) -> None:
    segment = f"seg_{new_id(NOW).hex}"
    wrong = body(
        campaign(call),
        currency="EUR",
        reward={"kind": "fixed", "amount": 0},
        window={"start": "2025-12-31", "end": "2026-02-01", "zone": "America/New_York"},
        audience={"segments_in": [segment]},
        variants=[{"name": "gold", "segments": [segment], "reward": {"kind": "fixed", "amount": 0}}],
    )
    with pytest.raises(Invalid) as refused:
        service.create_offer(call(), wrong)
    assert {problem.path for problem in refused.value.problems} == {
        "/terms/currency",
        "/terms/reward/amount",
        "/terms/window/start",
        "/terms/window/end",
        "/terms/audience/segments_in/0",
        "/terms/variants/0/reward/amount",
        "/terms/variants/0/segments/0",
    }
    assert service.list_offers(call(), OfferQuery()).offers == []


def test_an_unknown_campaign_is_told_with_what_else_is_wrong(call: MakeCall) -> None:
    with pytest.raises(Invalid) as refused:
        service.create_offer(call(), body(new_id(NOW), reward={"kind": "fixed", "amount": 0}))
    assert [problem.path for problem in refused.value.problems] == ["/terms/reward/amount", "/campaign_id"]


def test_a_zone_that_does_not_exist_hides_nothing_else(call: MakeCall) -> None:
    with pytest.raises(Invalid) as refused:
        service.create_offer(call(), body(campaign(call), window=WINDOW | {"zone": "Mars/Base"}, currency="EUR"))
    assert {problem.path for problem in refused.value.problems} == {"/terms/window/zone", "/terms/currency"}


def test_no_offer_is_written_in_a_campaign_that_is_over(call: MakeCall) -> None:
    campaign_id = campaign(call)
    campaigns.cancel_campaign(call(), campaign_id, WHY)
    with pytest.raises(Invalid) as refused:
        service.create_offer(call(), body(campaign_id))
    assert [problem.path for problem in refused.value.problems] == ["/campaign_id"]


def test_no_version_is_written_while_the_campaigns_budget_stands_rejected(call: MakeCall) -> None:
    campaign_id = campaign(call)
    offer_id = draft(call, campaign_id).offer_id
    campaigns.request_budget(call(), campaign_id, BudgetAsked(amount=100, reason="growth"))
    campaigns.reject_budget(call("noor"), campaign_id, WHY)
    with pytest.raises(Invalid) as refused:
        service.create_version(call(), offer_id, CHEAPER)
    assert [problem.path for problem in refused.value.problems] == [""]


@pytest.mark.parametrize(
    "window",
    [
        {"start": "2026-01-01", "end": "2026-01-31T23:59:59"},
        {"start": "2026-01-01T00:00", "end": "2026-02-01", "end_inclusive": False},
        {"start": "2026-01-01", "end": "2026-02-01T00:00", "end_inclusive": True},
        {"start": "2026-01-01", "end": "2026-01-31", "zone_policy": "customer"},
    ],
)
def test_a_window_may_fill_its_campaigns(call: MakeCall, window: dict[str, object]) -> None:
    assert draft(call, campaign(call), window=WINDOW | window).state == "draft"


def test_a_second_version_is_checked_as_the_first(call: MakeCall) -> None:
    offer_id = draft(call, campaign(call)).offer_id
    with pytest.raises(Invalid) as refused:
        service.create_version(call(), offer_id, NewVersion(terms=terms(window=WINDOW, currency="EUR")))
    assert [problem.path for problem in refused.value.problems] == ["/terms/currency"]
    assert service.get_offer(call(), offer_id).latest_version == 1


def test_offers_are_listed_newest_first_by_campaign(call: MakeCall, clock: SimulatedClock) -> None:
    one, other = campaign(call), campaign(call)
    made = []
    for campaign_id in (one, other, one):
        made.append(draft(call, campaign_id).offer_id)
        clock.advance(clock.now() + timedelta(minutes=1))
    everything = service.list_offers(call(), OfferQuery())
    assert [o.offer_id for o in everything.offers] == made[::-1]
    assert "terms" not in json.loads(everything.model_dump_json())["offers"][0]
    assert [o.offer_id for o in service.list_offers(call(), OfferQuery(campaign_id=one)).offers] == [made[2], made[0]]
    assert [o.offer_id for o in service.list_offers(call(), OfferQuery(limit=1, offset=1)).offers] == [made[1]]


def test_a_repeated_command_gives_the_first_answer(call: MakeCall) -> None:
    wanted = body(campaign(call))
    first = service.create_offer(call(key="k1"), wanted)
    with pytest.raises(Replayed) as repeated:
        service.create_offer(call(key="k1"), wanted)
    assert (repeated.value.status, repeated.value.answer) == (201, first.model_dump_json())


def test_an_id_is_taken_once(call: MakeCall) -> None:
    wanted = body(campaign(call))
    chosen = NewOffer(offer_id=new_id(NOW), campaign_id=wanted.campaign_id, name="Fruit", terms=wanted.terms)
    service.create_offer(call(), chosen)
    with pytest.raises(Conflict):
        service.create_offer(call(), chosen)


def test_an_offer_keeps_its_state_while_a_later_version_is_approved(call: MakeCall) -> None:
    campaign_id = start(call, campaign(call))
    offer_id = approved(call, campaign_id, window=LATER)
    revise_and_approve(call, offer_id, window=LATER)
    view = service.get_offer(call(), offer_id)
    assert (view.state, view.version_in_force, view.live_at) == ("approved", 2, None)


def test_rules_of_validation_are_listed_each_with_a_sentence(call: MakeCall) -> None:
    rules = {rule.name: rule.asks for rule in service.list_validation_rules(call()).rules}
    assert rules.keys() >= {"amount_unreadable", "window_empty", "nothing_in_scope", "campaign_currency"}
    assert all(asks[0].isupper() and asks.endswith(".") for asks in rules.values())
