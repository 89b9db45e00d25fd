"""The wallet tells of an offer's limited pots what a purchase would be refused for: with the reasons of eligibility."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from shared.audiences import wallet
from shared.audiences.wallet_api import Activation, WalletOffer, WalletQuery
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Conflict
from shared.kernel.ids import CAMPAIGN, derived_id
from shared.kernel.shards import shard_of
from shared.redemptions import correcting
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.audiences.test_wallet import spend_all_but
from tests.integration.redemptions.asking import Asker, asked
from tests.world import World, purchase

DAY: Final = timedelta(days=1)
TICK: Final = timedelta(microseconds=1)
NEW_YORK: Final = "America/New_York"
ACTIVATED: Final = NOW - 9 * DAY
WINDOW: Final = {"start": "2026-01-01", "end": "2026-02-28", "zone": "America/New_York"}
SHOPS: Final = {"include": {"merchants": ["shop-1", "shop-2"]}}
POTS: Final[dict[str, tuple[str, bool]]] = {
    "redemptions_total": ("offer_limit_reached", False),
    "reward_per_account": ("account_limit_reached", False),
    "budget_per_merchant": ("merchant_budget_exhausted", False),
    "budget_per_day": ("day_budget_exhausted", True),
    "budget_per_month": ("month_budget_exhausted", True),
}
"""For each limit the reason, and whether another day or month brings more."""
each_pot = pytest.mark.parametrize("limit", POTS)


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def offered(world: World, customer_id: str = "cust-1") -> list[WalletOffer]:
    return wallet.list_customer_offers(world.call(), customer_id, WalletQuery()).offers


def used_up(world: World, customer_id: str = "cust-1") -> list[list[str]]:
    return [[reason.code for reason in offer.used_up] for offer in offered(world, customer_id)]


def limited(world: World, limit: str, *, activated_at: datetime | None = None, **terms: Any) -> UUID:
    """Two dollars for a purchase at either of two shops, once in all, on a day, at a shop, of an account; cust-2 pays with it as well."""
    most = {limit: 1 if limit == "redemptions_total" else 200}
    campaign = world.campaign(end="2026-02-28")
    values: dict[str, Any] = {"limits": most, "repeat": True, "window": WINDOW, "scope": SHOPS}
    offer = world.offer(campaign, **values | terms)
    world.grant(offer, "cust-1", "cust-2", activated_at=activated_at)
    world.cards(*({"card_token": f"k-{who}", "customer_id": who, "account_token": "joint"} for who in ("cust-1", "cust-2")))
    return offer


def buy(world: World, name: str = "t1", **values: Any) -> None:
    world.post(purchase(name, "cust-2", **{"card_token": "k-cust-2"} | values))


def use_up(world: World, limit: str) -> None:
    buy(world)
    if limit == "budget_per_merchant":
        buy(world, "t2", merchant_id="shop-2")


@each_pot
def test_an_offer_that_is_used_up_is_not_shown_to_who_has_not_activated_it(world: World, limit: str) -> None:
    """Unless another day or month brings more: then with the reason."""
    reason, comes_back = POTS[limit]
    limited(world, limit)
    assert used_up(world) == [[]]
    use_up(world, limit)
    assert used_up(world) == ([[reason]] if comes_back else [])


@each_pot
def test_what_was_activated_stays_and_says_that_it_is_used_up(world: World, limit: str) -> None:
    limited(world, limit, activated_at=ACTIVATED)
    use_up(world, limit)
    assert used_up(world) == [[POTS[limit][0]]]
    [[told]] = [offer.used_up for offer in offered(world)]
    assert told.customer.startswith(("The offer has been used up", "Your account has already had"))


@each_pot
def test_the_wallet_gives_the_reasons_that_eligibility_gives(world: World, asker: Asker, limit: str) -> None:
    offer = limited(world, limit, activated_at=ACTIVATED)

    def refused() -> set[str]:
        (verdict,) = asker.one(asked("cust-1", offer, merchant_id="shop-1", card_token="k-cust-1")).verdicts
        return {reason.code for reason in verdict.reasons}

    assert refused() == set()
    use_up(world, limit)
    assert [refused()] == [set(codes) for codes in used_up(world)]


def test_another_day_and_month_bring_more(world: World, clock: SimulatedClock) -> None:
    limited(world, "budget_per_day")
    limited(world, "budget_per_month")
    use_up(world, "budget_per_day")
    told = []
    for at in (NOW, NOW + DAY, NOW + 17 * DAY):
        clock.advance(at)
        told.append(sorted(used_up(world)))
    assert told == [[["day_budget_exhausted"], ["month_budget_exhausted"]], [[], ["month_budget_exhausted"]], [[], []]]


def test_a_month_that_is_used_up_is_the_end_where_no_other_is_in_the_window(world: World) -> None:
    limited(world, "budget_per_month", window=WINDOW | {"end": "2026-01-31"})
    use_up(world, "budget_per_month")
    assert offered(world) == []


def test_an_offer_for_several_shops_is_shown_while_one_of_them_has_money(world: World) -> None:
    limited(world, "budget_per_merchant")
    buy(world)
    assert used_up(world) == [[]]
    buy(world, "t2", merchant_id="shop-2")
    assert offered(world) == []


def test_a_shop_that_is_left_out_has_no_money_for_anybody(world: World) -> None:
    limited(world, "budget_per_merchant", scope=SHOPS | {"exclude": {"merchants": ["shop-2"]}})
    buy(world)
    assert offered(world) == []


def test_an_offer_that_names_no_shop_is_shown_for_some_shop_may_have_money(world: World) -> None:
    limited(world, "budget_per_merchant", scope={})
    use_up(world, "budget_per_merchant")
    assert used_up(world) == [[]]


@pytest.mark.parametrize(
    ("card", "shown"),
    [
        ({"account_token": "own"}, True),
        ({"account_token": "own", "valid_to": NOW}, False),
        ({"account_token": "own", "valid_from": NOW + DAY}, False),
        ({}, False),
    ],
)
def test_an_offer_is_shown_while_one_of_the_customers_accounts_may_have_more(world: World, card: dict[str, Any], *, shown: bool) -> None:
    limited(world, "reward_per_account")
    world.cards({"card_token": "k-other", "customer_id": "cust-1"} | card)
    use_up(world, "reward_per_account")
    assert bool(offered(world)) == shown


def test_who_holds_no_card_that_is_known_is_shown_an_offer_with_a_limit_for_accounts(world: World) -> None:
    offer = limited(world, "reward_per_account")
    world.grant(offer, "cust-3")
    use_up(world, "reward_per_account")
    assert used_up(world, "cust-3") == [[]]


@pytest.mark.parametrize(("left", "shown"), [(50, 1), (49, 0)])
def test_what_is_left_need_cover_the_smallest_reward_only(world: World, left: int, shown: int) -> None:
    """Five per cent of ten dollars at least; a purchase of more may still be refused."""
    terms: dict[str, Any] = {"reward": {"kind": "percent", "basis_points": 500}, "limits": {"reward_per_account": 100 + left}}
    limited(world, "reward_per_account", **terms)
    buy(world, amount=2_000)
    assert len(offered(world)) == shown


def test_the_last_reward_within_the_customers_limit_is_smaller_and_asks_for_less(world: World) -> None:
    terms: dict[str, Any] = {"limits": {"reward_per_customer": 250, "reward_per_account": 250}}
    limited(world, "reward_per_account", **terms)
    world.post(purchase("t1", card_token="k-cust-1"))
    assert used_up(world) == [[]]  # the customer may have 50 more, and 50 are left
    assert offered(world, "cust-2") == []  # the other one would have 200


def test_what_is_given_back_makes_an_offer_shown_again(world: World) -> None:
    limited(world, "redemptions_total")
    use_up(world, "redemptions_total")
    assert offered(world) == []
    buy(world, "r1", kind="refund", original_transaction_id="t1")
    assert used_up(world) == [[]]


def test_a_limit_that_a_later_version_brings_or_lifts_holds_at_once(world: World) -> None:
    terms = {"repeat": True, "window": WINDOW, "scope": SHOPS}
    offer = limited(world, "redemptions_total", limits={})
    use_up(world, "redemptions_total")
    assert used_up(world) == [[]]
    world.revise(offer, **terms, limits={"redemptions_total": 1})
    assert offered(world) == []
    world.revise(offer, **terms)
    assert used_up(world) == [[]]


def test_the_budget_of_an_activated_offer_is_told_of_as_well_unless_goodwill_bears_it(world: World) -> None:
    goodwill = world.campaign(budget=1_000, end="2026-02-28")
    for named in ({}, {"goodwill": CAMPAIGN.render(goodwill)}):
        campaign = world.campaign(budget=1_000, end="2026-02-28")
        offer = world.offer(campaign, window=WINDOW, activation="required", **named)
        world.grant(offer, "cust-1", activated_at=ACTIVATED)
        spend_all_but(world, campaign, 199)
    assert sorted(used_up(world)) == [[], ["budget_exhausted"]]
    spend_all_but(world, goodwill, 199)
    assert used_up(world) == [["budget_exhausted"], ["budget_exhausted"]]


@each_pot
def test_refuses_the_activation_of_an_offer_that_is_used_up_with_the_reason(world: World, limit: str) -> None:
    reason, comes_back = POTS[limit]
    offer = limited(world, limit, activation="required")
    world.grant(offer, "cust-2", turn=1, activated_at=ACTIVATED)
    [mine] = world.grant(offer, "cust-1", turn=1)
    use_up(world, limit)
    if comes_back:
        assert wallet.activate_offer(world.call(), "cust-1", mine, Activation()).activated_at == NOW
    else:
        with pytest.raises(Conflict) as refused:
            wallet.activate_offer(world.call(), "cust-1", mine, Activation())
        assert refused.value.facts["reason"] == reason
    assert wallet.activate_offer(world.call(), "cust-1", mine, Activation(at=NOW - DAY)).activated_at == NOW - DAY  # it was shown then


def in_period(redemptions: int = 1, per: str = "P1D", kind: str = "rolling") -> dict[str, Any]:
    """Terms of which a customer has so many redemptions in a period."""
    limit = {"redemptions": redemptions, "per": per, "kind": kind}
    return {"limits": {"per_period": [limit]}, "repeat": True, "window": {"start": "2026-01-01", "end": "2026-03-31", "zone": NEW_YORK}}


def again(world: World) -> list[tuple[list[str], str | None]]:
    """By offer what is used up, and from when it pays again, on the clock of New York."""
    zone = ZoneInfo(NEW_YORK)
    return [
        ([reason.code for reason in offer.used_up], offer.pays_again_at.astimezone(zone).isoformat() if offer.pays_again_at else None)
        for offer in offered(world)
    ]


@pytest.mark.parametrize(
    ("terms", "bought", "pays_again"),
    [
        (in_period(kind="calendar"), ["2026-01-15T01:00:00-05:00"], "2026-01-16T00:00:00-05:00"),
        (in_period(kind="calendar"), ["2026-01-14T23:00:00-05:00"], None),
        (in_period(), ["2026-01-14T23:00:00-05:00"], "2026-01-15T23:00:00-05:00"),
        (in_period(2), ["2026-01-14T23:00:00-05:00"], None),
        (in_period(2), ["2026-01-14T23:00:00-05:00", "2026-01-15T01:00:00-05:00"], "2026-01-15T23:00:00-05:00"),
        (in_period(per="P1M"), ["2026-01-09T10:00:00-05:00"], "2026-02-09T10:00:00-05:00"),
        (in_period(per="P58D"), ["2026-01-10T10:00:00-05:00"], "2026-03-09T10:00:00-04:00"),  # clocks go forward on the 8th of March
        (in_period(per="P1M", kind="calendar"), ["2026-01-10T10:00:00-05:00"], "2026-02-01T00:00:00-05:00"),
    ],
)
def test_a_limit_of_a_period_is_told_of_with_the_moment_from_which_it_pays_again(
    world: World, asker: Asker, clock: SimulatedClock, terms: dict[str, Any], bought: list[str], pays_again: str | None
) -> None:
    """And that is the moment from which eligibility says so."""
    offer = world.offer(world.campaign(end="2026-03-31"), **terms)
    world.grant(offer, "cust-1")
    for number, at in enumerate(bought):
        world.post(purchase(f"t{number}", at=datetime.fromisoformat(at)))
    assert again(world) == [(["period_limit_reached"] if pays_again else [], pays_again)]
    if pays_again:
        moment = datetime.fromisoformat(pays_again)
        verdicts = [asker.one(asked("cust-1", offer, at=at)).verdicts[0] for at in (NOW, moment - TICK, moment)]
        assert [verdict.eligible for verdict in verdicts] == [False, False, True]
        clock.advance(moment)
        assert again(world) == [([], None)]


def test_an_offer_whose_limit_of_a_period_lasts_to_its_end_is_shown_only_where_it_was_activated(world: World) -> None:
    for activated_at in (None, ACTIVATED):
        offer = world.offer(world.campaign(end="2026-02-28"), **in_period(per="P1M") | {"window": WINDOW | {"end": "2026-02-09"}})
        world.grant(offer, "cust-1", activated_at=activated_at)
    world.post(purchase("t1", at=NOW - 2 * DAY))
    assert again(world) == [(["period_limit_reached"], None)]


def test_what_was_forced_uses_up_no_limit_and_what_was_refunded_does_where_it_is_kept(world: World) -> None:
    """The wallet asks the fold: the record alone does not tell."""
    terms: dict[str, Any] = {"kept": in_period() | {"clawback": {"limits": "keep"}}, "once": {"clawback": {"limits": "keep"}}}
    campaign = world.campaign(end="2026-03-31")
    kept, once = (world.offer(campaign, **of_shop, scope={"include": {"merchants": [shop]}}) for shop, of_shop in terms.items())
    world.grant(kept, "cust-1")
    [grant] = world.grant(once, "cust-1", at=NOW - 9 * DAY)
    with world.call().transaction() as tx:
        tx.connection.execute(
            "INSERT INTO corrections (correction_id, kind, customer_id, offer_id, grant_id, completion, amount_minor, currency, at,"
            " transaction_id, merchant_id, state, requested_by, requested_at, reason, decided_by, decided_at, decision_reason)"
            " VALUES (%s, 'force', 'cust-1', %s, %s, 'lost', 100, 'USD', %s, 'lost', 'once', 'approved', 'sam', %s, 'x', 'ada', %s, 'x')",
            (derived_id("a correction"), once, grant, NOW - DAY, NOW, NOW),
        )
        correcting.post_correction(tx, shard_of("cust-1", SHARDS), ("cust-1", once), (grant, "lost"), None)
    assert again(world) == [([], None), ([], None)]
    for shop in ("kept", "once"):
        world.post(
            purchase(f"t-{shop}", merchant_id=shop),
            purchase(f"r-{shop}", merchant_id=shop, kind="refund", original_transaction_id=f"t-{shop}"),
        )
    assert again(world) == [(["period_limit_reached"], "2026-01-16T07:00:00-05:00")]  # the other one is completed, for nothing


def test_pots_are_read_in_two_statements_however_many_there_are(world: World, statements: list[str]) -> None:
    counts = []
    for turn in range(2):
        for _ in range(1 + 4 * turn):
            limited(world, "reward_per_account")
            limited(world, "budget_per_merchant")
        offered(world)  # the catalogue learns of the new offers
        before = len(statements)
        offered(world)
        counts.append(len(statements) - before)
    assert counts == [5, 5]  # revisions of the catalogue, wallet, money left, accounts, pots
