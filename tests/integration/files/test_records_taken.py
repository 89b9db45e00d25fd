"""Files of customers, cards and merchants: their records take effect as the same items of a request do, and what is refused is named."""

import hashlib
import json
from datetime import timedelta
from operator import itemgetter
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from events.payloads import PayoutsDue
from shared.aggregators import offers as partner_offers
from shared.audiences import desk
from shared.eligibility.terms import Terms
from shared.files import chunks, receiving, store, taking
from shared.files.drops import Drop
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import CAMPAIGN, CREDIT, DROP, OFFER, REDEMPTION, SEGMENT, derived_id
from shared.kernel.shards import shard_of
from shared.offers import service as offers
from shared.platform.call import Call
from shared.redemptions import payout
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.files.place import Place, as_csv, as_jsonl, manifest_of
from tests.integration.files.test_dying import Died, dying
from tests.world import WHY, World, amounts, purchase, terms

FUTURE = (NOW + timedelta(days=1)).isoformat()
BEFORE = (NOW - timedelta(days=30)).isoformat()
EARLIER = (NOW - timedelta(days=1)).isoformat()
Rows = list[dict[str, Any]]


def send(
    place: Place,
    kind: str,
    rows: Rows,
    *,
    as_lines: bool = True,
    turn: int = 1,
    scope: str = "delta",
    sums: str = "",
    survives: type[Exception] | tuple[()] = (),
) -> str:
    """A file of a kind, taken in; its name."""
    file_id = f"{kind}_mybank_20260112_{turn:04}"
    told = manifest_of(rows)
    trailer = f"T,{told['record_count']},{told['entry_hash']}{',' * bool(sums)}{sums.strip()}\n"
    name = f"{file_id}_{scope}_r1.{'jsonl' if as_lines else 'csv'}"
    data = as_jsonl(rows) if as_lines else as_csv(rows, file_id=file_id, trailer=trailer)
    place.receive(place.drop(data, name=name, **told), survives=survives)
    return name


def card(number: int, customer: str, **other: Any) -> dict[str, Any]:
    return {"card_token": f"card-{number}", "customer_id": customer} | other


def customer(number: int, **other: Any) -> dict[str, Any]:
    return {"customer_id": f"cust-{number}", "consent": True} | other


@pytest.mark.parametrize("as_lines", [True, False], ids=["jsonl", "csv"])
def test_cards_of_a_file_tell_whose_purchases_are(place: Place, call: MakeCall, *, as_lines: bool) -> None:
    world = World(call)
    world.grant(world.offer(world.campaign(), repeat=True), "cust-1", "cust-2")
    world.post(purchase("t1", None, card_token="card-1"), purchase("t2", None, card_token="card-2"))
    send(place, "cards", [card(1, "cust-1", account_token="acc-1"), card(2, "cust-2", valid_from=BEFORE)], as_lines=as_lines)
    assert (place.file().outcome, place.file().accepted) == ("accepted", 2)
    assert [(row["customer_id"], row["account_token"]) for row in world.redemptions()] == [("cust-1", "acc-1"), ("cust-2", None)]
    assert desk.get_card(call(), "card-1").holdings[0].customer_id == "cust-1"
    world.verify()


@pytest.mark.parametrize("as_lines", [True, False], ids=["jsonl", "csv"])
def test_consent_that_a_file_withdraws_holds_from_its_moment(place: Place, call: MakeCall, *, as_lines: bool) -> None:
    world = World(call)
    send(place, "customers", [customer(1, consent_at=BEFORE), customer(2, consent_at=BEFORE)], turn=1)
    world.grant(world.offer(world.campaign(), repeat=True), "cust-1", "cust-2")
    world.post(purchase("t1", "cust-1"), purchase("t2", "cust-2"))
    assert amounts(world.redemptions()) == [200, 200]
    no, yes = (False, True) if as_lines else ("false", "true")
    send(place, "customers", [customer(1, consent=no, consent_at=EARLIER), customer(2, consent=yes)], as_lines=as_lines, turn=2)
    assert amounts(world.redemptions()) == [0, 200]
    assert [consent.given for consent in desk.get_customer(call(), "cust-1").consents] == [True, False]
    world.verify()


def test_consent_without_a_moment_stands_since_the_file_came(place: Place, call: MakeCall, clock: SimulatedClock) -> None:
    rows = [customer(1)]
    dropped = place.drop(as_jsonl(rows), name="customers_mybank_20260112_0001_delta_r1.jsonl", **manifest_of(rows))
    receiving.receive_file(place.call(key="1", consumer="receive_file"), dropped)
    clock.advance(NOW + timedelta(hours=1))
    place.receive()
    assert desk.get_customer(call(), "cust-1").consents[0].at == NOW


def test_what_a_request_would_refuse_is_named_by_its_line_and_the_rest_is_taken(place: Place, call: MakeCall) -> None:
    send(place, "customers", [customer(3)])
    desk.erase_customer(call("dora"), "cust-3")
    rows = [customer(1), customer(2, consent_at=FUTURE), customer(3), customer(4), customer(5, consent="no")]
    name = send(place, "customers", rows, turn=2)
    view = place.by_outcome()["partial"]
    assert (view.accepted, view.rejected) == (2, 3)
    lines = as_jsonl(rows).splitlines()
    told = [(line["line"], line["field"], line["code"]) for line in place.rejects(name)]
    assert told == [(5, "consent", "bool"), (2, "consent_at", "refused"), (3, "customer_id", "refused")]
    assert [line["note"] for line in place.rejects(name)][1:] == [
        "must not be in the future",
        "was erased; a person who returns needs another id",
    ]
    assert {line["line_hash"] for line in place.rejects(name)} == {hashlib.sha256(lines[number]).hexdigest() for number in (1, 2, 4)}
    told_back = place.answer(name)
    assert (told_back["outcome"], told_back["accepted"], told_back["rejected"]) == ("partial", 2, 3)
    assert place.query("SELECT customer_id FROM customers ORDER BY 1") == [{"customer_id": f"cust-{n}"} for n in (1, 3, 4)]
    assert place.left() == []


def test_file_of_which_everything_is_refused_is_rejected(place: Place) -> None:
    name = send(place, "customers", [customer(number, consent_at=FUTURE) for number in range(3)])
    assert (place.file().outcome, place.file().accepted, place.file().rejected) == ("rejected", 0, 3)
    assert len(place.rejects(name)) == 3
    assert list(place.lake.list()) == []


def test_lines_of_csv_are_told_whether_columns_took_them_or_not(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 300)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 300)
    rows = [customer(number, consent="true", zone="Europe/Paris", consent_at=FUTURE if number % 7 == 3 else BEFORE) for number in range(60)]
    rows[5]["consent"] = "maybe"
    name = send(place, "customers", rows, as_lines=False)
    assert place.file().chunks > 3
    refused = [line["line"] for line in place.rejects(name) if line["code"] == "refused"]
    assert sorted(refused) == [number + 3 for number in range(60) if number % 7 == 3]  # the header and the names go before
    lines = as_csv(rows, file_id="customers_mybank_20260112_0001").splitlines()
    assert all(line["line_hash"] == hashlib.sha256(lines[line["line"] - 1]).hexdigest() for line in place.rejects(name))


def test_cards_of_a_file_that_contradict_each_other_are_named(place: Place) -> None:
    name = send(place, "cards", [card(1, "cust-1"), card(1, "cust-2"), card(1, "cust-2", valid_from=BEFORE)])
    assert [(line["line"], line["field"], line["code"]) for line in place.rejects(name)] == [(2, "card_token", "refused")]
    assert place.file().accepted == 2


def test_lake_holds_what_took_effect(place: Place) -> None:
    send(place, "customers", [customer(1, consent_at=BEFORE), customer(2, consent_at=FUTURE)])
    assert [stored.name for stored in place.lake.list()] == [f"kind=customers/day=2025-12-16/{place.drop_id().hex}-000001.parquet"]


def test_customers_are_told_on_behalf_of_the_sender(place: Place) -> None:
    send(place, "customers", [customer(1)])
    (handled,) = place.query("SELECT source FROM handled WHERE consumer = 'files'")
    assert handled["source"] == DROP.render(place.drop_id())


@pytest.mark.parametrize("as_lines", [True, False], ids=["jsonl", "csv"])
def test_lists_change_by_delta_files_and_are_replaced_by_full_ones(place: Place, call: MakeCall, *, as_lines: bool) -> None:
    world = World(call)
    segment_id = world.segment("cust-1", "cust-2")
    rows = [{"customer_id": "cust-3", **in_(segment_id)}, {"customer_id": "cust-1", **in_(segment_id), "action": "remove"}]
    send(place, "segments", rows, as_lines=as_lines, turn=1)
    assert members(place) == ["cust-2", "cust-3"]
    send(place, "segments", [{"customer_id": f"cust-{n}", **in_(segment_id)} for n in (3, 4)], as_lines=as_lines, turn=2, scope="full")
    assert members(place) == ["cust-3", "cust-4"]
    assert [view.outcome for view in place.files()] == ["accepted", "accepted"]


def in_(segment_id: UUID) -> dict[str, Any]:
    return {"segment_id": SEGMENT.render(segment_id)}


def members(place: Place) -> list[str]:
    return [row["customer_id"] for row in place.query("SELECT customer_id FROM segment_members ORDER BY 1")]


def test_full_list_is_seen_when_its_last_chunk_took_effect(place: Place, call: MakeCall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 300)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 300)
    segment_id = World(call).segment("old")
    seen: list[list[str]] = []
    finish = taking.finish

    def watched(call: Call, drop: Drop) -> None:
        seen.append(members(place))
        finish(call, drop)

    monkeypatch.setattr(taking, "finish", watched)
    rows = [{"customer_id": f"new-{number:02}", **in_(segment_id)} for number in range(20)]
    send(place, "segments", rows, scope="full")
    assert (place.file().outcome, place.file().chunks > 3) == ("accepted", True)
    assert (seen, members(place)) == ([["old"]], [f"new-{number:02}" for number in range(20)])


@pytest.mark.parametrize("as_lines", [True, False], ids=["jsonl", "csv"])
def test_offers_are_given_and_taken_back_by_files(place: Place, call: MakeCall, *, as_lines: bool) -> None:
    world = World(call)
    offer_id = world.offer(world.campaign(), repeat=True)
    send(place, "customers", [customer(1), customer(2), customer(3, consent=False)], turn=1)
    rows = [given(offer_id, number, granted_at=EARLIER) for number in (1, 2, 3)]
    name = send(place, "grants", rows, as_lines=as_lines, turn=2)
    refused = [(line["code"], line["field"], line["note"]) for line in place.rejects(name)]
    assert refused == [("refused", "customer_id", "has not consented to offers")]
    world.post(purchase("t1", "cust-1"), purchase("t2", "cust-2"))
    assert amounts(world.redemptions()) == [200, 200]
    send(place, "grants", [given(offer_id, 1, action="revoke")], as_lines=as_lines, turn=3)
    world.post(purchase("t3", "cust-1", at=NOW), purchase("t4", "cust-2", at=NOW))
    assert sorted((row["transaction_id"], row["reward_minor"]) for row in world.redemptions()) == [("t1", 0), ("t2", 200), ("t4", 200)]
    world.verify()


def given(offer_id: UUID, number: int, **other: Any) -> dict[str, Any]:
    return {"reference": f"grant-{number}", "offer_id": OFFER.render(offer_id), "customer_id": f"cust-{number}"} | other


@pytest.mark.parametrize("as_lines", [True, False], ids=["jsonl", "csv"])
def test_results_of_payouts_confirm_credits_and_let_what_failed_be_owed_again(place: Place, call: MakeCall, *, as_lines: bool) -> None:
    world = World(call)
    world.grant(world.offer(world.campaign(), repeat=True), "cust-1", "cust-2", "cust-3")
    world.post(*(purchase(f"t{n}", f"cust-{n}", at=NOW - timedelta(days=2)) for n in (1, 2, 3)))
    for row in world.redemptions():
        due = PayoutsDue(shard=shard_of(row["customer_id"], SHARDS), redemption_ids=[row["redemption_id"]])
        payout.pay_due(call("pay_cashback"), due)
    one, two, three = (told_of(row) for row in sorted(world.credits(), key=itemgetter("customer_id")))
    said = [one, two | {"result": "failed", "code": "account_closed"}, three | {"amount": 199}]
    sums = " USD:599"
    name = send(place, "payouts", said, as_lines=as_lines, sums=sums)
    assert [(row["customer_id"], row["state"], row["instructed_minor"]) for row in world.redemptions()] == [
        ("cust-1", "paid", 0),
        ("cust-2", "payable", 0),
        ("cust-3", "payable", 200),
    ]
    assert [(line["field"], line["code"]) for line in place.rejects(name)] == [("amount", "refused")]
    assert place.answer(name)["sums"] == {"USD": "400"}
    send(place, "payouts", [one, three], as_lines=as_lines, turn=2, sums="USD:400")
    assert [row["state"] for row in world.redemptions()] == ["paid", "payable", "paid"]
    world.verify()


def told_of(credit: dict[str, Any]) -> dict[str, Any]:
    paid = {"result": "paid", "at": NOW.isoformat()}
    return {"credit_id": CREDIT.render(credit["credit_id"]), "amount": credit["amount_minor"], "currency": credit["currency"]} | paid


@pytest.mark.parametrize("as_lines", [True, False], ids=["jsonl", "csv"])
@pytest.mark.parametrize("kind", ["redemptions", "settlement"])
def test_what_a_partner_tells_of_redemptions_is_kept_under_its_name(place: Place, kind: str, *, as_lines: bool) -> None:
    usual = {"redemption_id": REDEMPTION.render(derived_id("one")), "amount": 200, "currency": "USD", "at": NOW.isoformat()}
    other = REDEMPTION.render(derived_id("other"))
    send(place, kind, [{"reference": "l1"} | usual, {"reference": "l2"} | usual], as_lines=as_lines, sums="USD:400")
    assert place.query("SELECT partner, record, reference, amount_minor FROM partner_lines ORDER BY reference") == [
        {"partner": "mybank", "record": kind, "reference": reference, "amount_minor": 200} for reference in ("l1", "l2")
    ]
    name = send(place, kind, [{"reference": "l1"} | usual | {"redemption_id": other}], as_lines=as_lines, turn=2, sums="USD:200")
    assert [(line["field"], line["code"]) for line in place.rejects(name)] == [("reference", "refused")]


def test_partners_offers_are_brought_changed_and_withdrawn_by_files(place: Place, call: MakeCall) -> None:
    world = World(call)
    campaign = CAMPAIGN.render(world.campaign())
    new = {"reference": "o1", "action": "create", "campaign_id": campaign, "name": "Two dollars back"}
    send(place, "offers", [new | {"terms": terms().model_dump(mode="json")}], turn=1)
    offer_id = partner_offers.offer_id_of("mybank", "o1")
    assert offers.get_offer(call(), offer_id).review == "in_review"
    offers.approve_offer(call("omar"), offer_id, WHY)
    send(place, "offers", [{"reference": "o1", "action": "update", "terms": offered("3.00").model_dump(mode="json")}], turn=2)
    assert offers.get_offer(call(), offer_id).latest_version == 2
    name = send(place, "offers", [{"reference": "o1", "action": "withdraw"}, {"reference": "o2", "action": "withdraw"}], turn=3)
    assert offers.get_offer(call(), offer_id).state == "withdrawn"
    assert [(line["line"], line["field"], line["code"], line["note"]) for line in place.rejects(name)] == [
        (2, "reference", "refused", "There is no such offer.")
    ]


def test_partners_own_words_and_columns_are_a_layout(place: Place, call: MakeCall) -> None:
    campaign = World(call).campaign()
    place.layouts.mkdir()
    (place.layouts / "acme.json").write_text(json.dumps(dialect(CAMPAIGN.render(campaign))))
    row = {
        "id": "A-77",
        "op": "NEW",
        "title": "Back to school",
        "cash_back": "2.50",
        "min_spend": "10.00",
        "from": "2026-01-01",
        "until": "2026-01-31",
    }
    lines = "|".join(row) + "\n" + "|".join(row.values()) + "\n"
    name = "offers_acme_20260112_0001_delta_r1.csv"
    place.receive(place.drop(lines.encode(), name=name, **manifest_of([{"id": "A-77"}])))
    view = offers.get_offer(call(), partner_offers.offer_id_of("acme", "A-77"))
    assert (view.name, view.review, view.created_by) == ("Back to school", "in_review", "files:acme")
    assert view.terms.model_dump(mode="json", include={"reward", "window"}) == offered("2.50").model_dump(
        mode="json", include={"reward", "window"}
    )


def offered(amount: str) -> Terms:
    return terms(reward={"kind": "fixed", "amount": amount})


def dialect(campaign: str) -> dict[str, Any]:
    """A partner's columns, words and the campaign that its offers are for."""
    columns = {
        "reference": ("id", "id"),
        "name": ("text", "title"),
        "terms.reward.amount": ("code", "cash_back"),
        "terms.qualification.threshold": ("code", "min_spend"),
        "terms.window.start": ("code", "from"),
        "terms.window.end": ("code", "until"),
    }
    constants = {
        "campaign_id": ("id", campaign),
        "terms.currency": ("currency", "USD"),
        "terms.reward.kind": ("code", "fixed"),
        "terms.qualification.kind": ("code", "single_purchase"),
        "terms.window.zone": ("code", "America/New_York"),
    }
    action = {"target": "action", "type": "code", "column": "op", "values": {"NEW": "create", "CHG": "update", "DEL": "withdraw"}}
    fields = [
        action,
        *({"target": target, "type": kind, "column": column} for target, (kind, column) in columns.items()),
        *({"target": target, "type": kind, "constant": value} for target, (kind, value) in constants.items()),
    ]
    layout = {"name": "acme-offers", "kind": "offers", "format": "csv", "senders": ["acme"], "delimiter": "|", "column_names": True}
    return layout | {"fields": fields}


@pytest.mark.parametrize(
    ("module", "name", "turn", "after"),
    [
        (taking, "_ask", 1, True),
        (taking, "_ask", 3, True),
        (taking, "take", 1, True),
        (chunks, "keep", 3, True),
        (store, "chunk_applied", 1, True),
        (store, "chunk_applied", 2, False),
    ],
)
def test_death_while_records_take_effect_loses_and_doubles_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, turn: int, *, after: bool
) -> None:
    monkeypatch.setattr(receiving, "CHUNK_BYTES", 300)
    monkeypatch.setattr(receiving, "LONGEST_RECORD", 300)
    calls = dying(monkeypatch, module, name, turn=turn, after=after)
    file = send(place, "customers", [customer(n, consent_at=FUTURE if n == 4 else BEFORE) for n in range(20)], survives=Died)
    assert len(calls) >= turn
    assert (place.file().outcome, place.file().accepted, place.file().rejected) == ("partial", 19, 1)
    assert [line["line"] for line in place.rejects(file)] == [5]
    assert place.query("SELECT count(*) FROM consents") == [{"count": 19}]
    assert place.left() == []
