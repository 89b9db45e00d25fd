"""What finance reads: the postings behind a campaign's figures, redemptions page by page, the trial balance."""

from uuid import UUID

import pytest

from shared.kernel.errors import Invalid
from shared.kernel.ids import BUDGET_REQUEST, REDEMPTION, derived_id
from shared.kernel.reasons import Reason
from shared.reports import service
from shared.reports.api import LedgerQuery, PostingView, Redemptions, RedemptionsQuery
from tests.conftest import MakeCall
from tests.world import World, purchase

CUSTOMERS = ("a", "b", "c", "d", "e")


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def campaign_id(world: World) -> UUID:
    """A campaign with five completions of two dollars, of which its budget covers four."""
    campaign_id = world.campaign(budget=900)
    offer_id = world.offer(campaign_id)
    world.grant(offer_id, *CUSTOMERS)
    for customer in CUSTOMERS:
        world.post(purchase(f"t-{customer}", customer))
    return campaign_id


def ledger_pages(call: MakeCall, campaign_id: UUID, limit: int) -> list[list[PostingView]]:
    pages, after = [], None
    for _ in range(100):
        page = service.campaign_ledger(call(), campaign_id, LedgerQuery(after=after, limit=limit))
        pages.append(page.postings)
        after = page.next
        if after is None:
            return pages
    raise AssertionError("the pages never end")


def test_ledger_proves_what_was_spent(call: MakeCall, campaign_id: UUID) -> None:
    ledger = service.campaign_ledger(call(), campaign_id, LedgerQuery())

    assert ledger.spent_minor == 800
    assert [(total.step, total.postings, total.amount_minor) for total in ledger.totals] == [
        ("approve", 1, 900),
        ("reserve", 4, 800),
        ("post", 4, 800),
    ]
    added = {step: sum(p.amount_minor for p in ledger.postings if p.step == step) for step in ("approve", "reserve", "post")}
    assert added == {"approve": 900, "reserve": 800, "post": 800}
    assert {(p.step, p.debit, p.credit) for p in ledger.postings} == {
        ("approve", "funding", "available"),
        ("reserve", "available", "reserved"),
        ("post", "reserved", "payable"),
    }


def test_ledger_names_what_each_posting_is_about(call: MakeCall, world: World, campaign_id: UUID) -> None:
    ledger = service.campaign_ledger(call(), campaign_id, LedgerQuery())

    redemptions = {REDEMPTION.render(row["redemption_id"]) for row in world.redemptions() if row["reward_minor"]}
    requests = {BUDGET_REQUEST.render(row["request_id"]) for row in world.rows("SELECT request_id FROM budget_requests")}
    assert {p.reference for p in ledger.postings if p.step == "post"} == redemptions
    assert {p.reference for p in ledger.postings if p.step == "approve"} == requests


@pytest.mark.parametrize("limit", [1, 4, 9, 10])
def test_ledger_pages_hold_every_posting_once(call: MakeCall, campaign_id: UUID, limit: int) -> None:
    pages = ledger_pages(call, campaign_id, limit)

    postings = [posting for page in pages for posting in page]
    assert all(len(page) == limit for page in pages[:-1])
    assert postings == service.campaign_ledger(call(), campaign_id, LedgerQuery()).postings
    assert len({posting.posting_id for posting in postings}) == 9
    assert postings == sorted(postings, key=lambda p: (p.seal, p.posting_id))


def test_ledger_refuses_to_go_on_after_another_campaigns_posting(call: MakeCall, world: World, campaign_id: UUID) -> None:
    other = world.campaign(name="Other")
    theirs = service.campaign_ledger(call(), other, LedgerQuery()).postings[0].posting_id

    with pytest.raises(Invalid) as error:
        service.campaign_ledger(call(), campaign_id, LedgerQuery(after=theirs))
    assert [problem.path for problem in error.value.problems] == ["/query/after"]


def redemption_pages(call: MakeCall, limit: int) -> list[Redemptions]:
    pages = [service.list_redemptions(call(), RedemptionsQuery(limit=limit))]
    while pages[-1].next and len(pages) < 100:
        pages.append(service.list_redemptions(call(), RedemptionsQuery(limit=limit, after=pages[-1].next)))
    return pages


@pytest.mark.usefixtures("campaign_id")
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_redemption_pages_hold_every_redemption_once(call: MakeCall, limit: int) -> None:
    found = [redemption for page in redemption_pages(call, limit) for redemption in page.redemptions]

    assert [r.redemption_id for r in found] == sorted({r.redemption_id for r in found})
    assert sorted(r.customer_id for r in found) == list(CUSTOMERS)


def test_redemptions_meet_every_condition(call: MakeCall, world: World, campaign_id: UUID) -> None:
    other = world.campaign(name="Other")
    offer_id = world.offer(other)
    (grant_id,) = world.grant(offer_id, "a")
    world.post(purchase("t-other", "a"))

    def customers(**conditions: object) -> list[str]:
        query = RedemptionsQuery.model_validate(conditions)
        return sorted(r.customer_id for r in service.list_redemptions(call(), query).redemptions)

    assert customers() == ["a", "a", "b", "c", "d", "e"]
    assert customers(campaign_id=campaign_id) == list(CUSTOMERS)
    assert customers(offer_id=offer_id) == ["a"]
    assert customers(grant_id=grant_id) == ["a"]
    assert customers(customer_id="a") == ["a", "a"]
    assert customers(customer_id="a", campaign_id=campaign_id) == ["a"]
    assert customers(state="rejected") == customers(campaign_id=campaign_id, state="rejected")
    assert len(customers(state="rejected")) == 1
    assert customers(grant_id=derived_id("none")) == []


@pytest.mark.usefixtures("campaign_id")
def test_refused_redemption_says_why(call: MakeCall) -> None:
    (refused,) = service.list_redemptions(call(), RedemptionsQuery(state="rejected")).redemptions

    assert (refused.wanted_minor, refused.reward_minor, refused.reason) == (200, 0, "budget_exhausted")
    assert refused.sentence == Reason.BUDGET_EXHAUSTED.support


@pytest.mark.usefixtures("campaign_id")
def test_trial_balance_adds_up_the_postings(call: MakeCall) -> None:
    balance = service.trial_balance(call())

    (dollars,) = balance.currencies
    assert balance.balanced
    assert (dollars.currency, dollars.debit_minor, dollars.credit_minor, dollars.balanced) == ("USD", 2_500, 2_500, True)
    assert [(a.kind, a.debit_minor, a.credit_minor, a.agrees) for a in dollars.accounts] == [
        ("funding", 900, 0, True),
        ("available", 800, 900, True),
        ("reserved", 800, 800, True),
        ("payable", 0, 800, True),
        ("instructed", 0, 0, True),
        ("paid", 0, 0, True),
    ]


@pytest.mark.usefixtures("campaign_id")
def test_trial_balance_sees_an_account_that_disagrees_with_its_postings(call: MakeCall) -> None:
    with call().transaction() as tx:
        tx.connection.execute("UPDATE accounts SET credit_minor = credit_minor + 1 WHERE kind = 'payable'")

    balance = service.trial_balance(call())

    assert not balance.balanced
    assert [a.kind for a in balance.currencies[0].accounts if not a.agrees] == ["payable"]
    assert balance.currencies[0].debit_minor == balance.currencies[0].credit_minor


def test_trial_balance_sees_a_posting_between_two_currencies(call: MakeCall, campaign_id: UUID) -> None:
    with call().transaction() as tx:
        tx.connection.execute("INSERT INTO accounts (kind, currency, credit_minor) VALUES ('funding', 'EUR', 5)")
        tx.connection.execute(
            "INSERT INTO postings"
            " SELECT gen_random_uuid(), 'approve', d.account_no, c.account_no, 5, %s, gen_random_uuid(), NULL, now(), now(), 1"
            " FROM accounts d, accounts c WHERE d.kind = 'funding' AND d.currency = 'USD' AND c.kind = 'funding' AND c.currency = 'EUR'",
            (campaign_id,),
        )
        tx.connection.execute("UPDATE accounts SET debit_minor = debit_minor + 5 WHERE kind = 'funding' AND currency = 'USD'")

    balance = service.trial_balance(call())

    assert {currency.currency: currency.balanced for currency in balance.currencies} == {"EUR": False, "USD": False}
    assert all(account.agrees for currency in balance.currencies for account in currency.accounts)


def test_trial_balance_of_an_empty_ledger_is_balanced(call: MakeCall) -> None:
    balance = service.trial_balance(call())

    assert balance.balanced
    assert balance.currencies == []
