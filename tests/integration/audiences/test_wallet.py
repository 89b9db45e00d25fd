from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.audiences import wallet
from shared.audiences.wallet_api import Activation, WalletOffer, WalletQuery
from shared.campaigns import service as campaigns
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.kernel.ids import SEGMENT, derived_id
from shared.offers import service as offers
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import changed, issue, launched, listed, put_all, went_live
from tests.world import WHY, World, purchase

DAY = timedelta(days=1)
CONTENT = [
    {"channel": channel, "language": language, "title": f"{channel} {language}", "text": "Ten off."}
    for channel, language in (("email", "en"), ("email", "fr"), ("in_app", "en"))
]


@pytest.fixture
def world(call: MakeCall) -> World:
    put_all(call, "cust-1")
    return World(call)


def offered(call: MakeCall, customer_id: str = "cust-1", **query: Any) -> list[WalletOffer]:
    return wallet.list_customer_offers(call(), customer_id, WalletQuery(**query)).offers


def served(world: World, offer_id: UUID, *moments: datetime, kind: str = "served", channel: str = "email") -> None:
    with world.call().transaction() as tx:
        for at in moments:
            tx.connection.execute(
                "INSERT INTO impressions VALUES (%s, %s, 'cust-1', %s, %s, 'top', %s, %s)",
                (f"{at.isoformat()}-{kind}-{channel}", kind, offer_id, channel, at, tx.now),
            )


def test_shows_a_grant_as_soon_as_it_is_given(call: MakeCall, world: World) -> None:
    campaign_id = world.campaign()
    offer_id = world.offer(campaign_id, content=CONTENT)
    grant_id = issue(call, offer_id, "cust-1").grants[0].grant_id
    [shown] = offered(call)
    assert (shown.grant_id, shown.offer_id, shown.campaign_id, shown.version) == (grant_id, offer_id, campaign_id, 1)
    assert (shown.state, shown.granted_at, shown.activated_at, shown.activation) == ("granted", NOW, None, "automatic")
    assert shown.expires_at.isoformat() == "2026-02-01T05:00:00+00:00"
    assert shown.model_dump(mode="json")["reward"] == {"kind": "fixed", "amount": 200}
    assert [words.title for words in shown.content] == ["email en", "in_app en"]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"channel": "email"}, ["email en"]),
        ({"channel": "email", "language": "fr"}, ["email fr"]),
        ({"channel": "email", "language": "fr-CA"}, ["email fr"]),
        ({"channel": "email", "language": "de"}, ["email en"]),
        ({"channel": "sms"}, []),
        ({"language": "fr"}, ["email fr", "in_app en"]),
    ],
)
def test_shows_the_words_of_channel_and_language(call: MakeCall, world: World, query: dict[str, Any], titles: list[str]) -> None:
    world.grant(world.offer(world.campaign(), content=CONTENT), "cust-1")
    [shown] = offered(call, **query)
    assert [words.title for words in shown.content] == titles


@pytest.mark.parametrize(
    ("asked", "shown"), [(None, "en"), ("es", "es"), ("es-MX", "es"), ("fr-CH", "fr-CH"), ("fr-BE", "fr"), ("it", "en")]
)
def test_shows_the_default_language_where_none_is_near(call: MakeCall, world: World, asked: str | None, shown: str) -> None:
    content = [CONTENT[0] | {"language": language} for language in ("es", "fr-CH", "fr", "en")]
    world.grant(world.offer(world.campaign(), content=content, default_language="en"), "cust-1")
    assert [words.language for words in offered(call, language=asked)[0].content] == [shown]


def test_shows_the_small_print_and_images(call: MakeCall, world: World) -> None:
    image = {"url": "https://img.example/fruit.png", "alt": "A basket of fruit"}
    world.grant(world.offer(world.campaign(), content=[CONTENT[0] | {"terms": "Once only.", "images": [image]}]), "cust-1")
    [words] = offered(call)[0].content
    assert (words.terms, [shown.model_dump() for shown in words.images]) == ("Once only.", [image])


@pytest.mark.parametrize(
    ("who", "lives", "listed"),
    [
        ("new", [], True),
        ("new", [["purchase"]], False),
        ("new", [["purchase", "refund"]], False),
        ("new", [["authorization"]], False),
        ("new", [["authorization", "decline"]], True),
        ("new", [["authorization", "expiry", "clearing"]], False),
        ("new", [["purchase", "reversal"]], True),
        ("lapsed", [["purchase"]], True),
        ("lapsed", [["authorization", "reversal"]], False),
        ("lapsed", [], False),
    ],
)
def test_shows_offers_for_new_and_lapsed_customers_to_these_only(
    call: MakeCall, world: World, who: str, lives: list[list[str]], *, listed: bool
) -> None:
    offer_id = world.offer(world.campaign(), recency={"customers": who, "within": "P7D"}, scope={"include": {"merchants": ["shop-1"]}})
    world.grant(offer_id, "cust-1", at=NOW - DAY)
    at = NOW - DAY - timedelta(days=3 if who == "new" else 7)
    for number, kinds in enumerate(lives):
        for kind in kinds:
            name, of = (f"r{number}", f"t{number}") if kind == "refund" else (f"t{number}", None)
            world.post(purchase(name, at=at, kind=kind, original_transaction_id=of))
    world.post(
        purchase("since", at=NOW - timedelta(hours=1), amount=500), purchase("elsewhere", at=at, merchant_id="other", currency="USD")
    )
    assert bool(offered(call)) == listed


def test_shows_what_the_customers_variant_promises(call: MakeCall, world: World) -> None:
    segment = SEGMENT.render(listed(call, "cust-1"))
    words = [CONTENT[0] | {"title": "For you"}]
    gold = {"name": "gold", "segments": [segment], "reward": {"kind": "fixed", "amount": 900}, "threshold": 1200, "content": words}
    offer_id = world.offer(world.campaign(), content=CONTENT[:2], variants=[gold])
    world.grant(offer_id, "cust-1", turn=1, at=NOW - DAY)
    issue(call, offer_id, "cust-1")
    shown, other = offered(call)
    assert (shown.variant, shown.qualification.threshold, [words.title for words in shown.content]) == ("gold", 1200, ["For you"])
    assert (other.variant, other.qualification.threshold, [words.title for words in other.content]) == (None, 1000, ["email en"])
    assert [one.model_dump(mode="json")["reward"]["amount"] for one in (shown, other)] == [900, 200]


def test_a_grants_own_life_ends_before_the_window(call: MakeCall, world: World, clock: SimulatedClock) -> None:
    window = {"start": "2026-01-01", "end": "2026-01-31", "zone": "America/New_York", "life_after_grant": "P10D", "end_inclusive": False}
    world.grant(world.offer(world.campaign(), window=window), "cust-1", at=NOW - 9 * DAY)
    assert [shown.expires_at for shown in offered(call)] == [NOW + DAY]
    clock.advance(NOW + DAY)
    assert offered(call) == []


@pytest.mark.parametrize(
    "asked",
    [{"excluded_dates": ["2026-01-15"]}, {"days_of_week": ["sunday"]}, {"times_of_day": ["01:00-02:00"]}],
    ids=lambda asked: next(iter(asked)),
)
def test_an_offer_that_does_not_hold_today_or_now_is_shown_all_the_same(call: MakeCall, world: World, asked: dict[str, Any]) -> None:
    window = {"start": "2026-01-01", "end": "2026-01-31", "zone": "America/New_York"}
    world.grant(world.offer(world.campaign(), window=window | asked), "cust-1")
    assert len(offered(call)) == 1
    world.post(purchase("t1"))
    assert world.redemptions() == []


def test_a_customer_who_is_not_known_is_offered_nothing(call: MakeCall, world: World) -> None:
    world.grant(world.offer(world.campaign()), "cust-1")
    assert offered(call, "nobody") == []
    assert len(offered(call)) == 1


Stop = Callable[[MakeCall, World, UUID, UUID], object]
STOPS: dict[str, Stop] = {
    "campaign paused": lambda call, world, campaign_id, offer_id: campaigns.pause_campaign(call(), campaign_id, WHY),
    "campaign cancelled": lambda call, world, campaign_id, offer_id: campaigns.cancel_campaign(call(), campaign_id, WHY),
    "offer withdrawn": lambda call, world, campaign_id, offer_id: offers.withdraw_offer(call(), offer_id, WHY),
    "consent withdrawn": lambda call, world, campaign_id, offer_id: put_all(call, "cust-1", consent=False),
    "completed once": lambda call, world, campaign_id, offer_id: world.post(purchase("t1")),
    "grant revoked": lambda call, world, campaign_id, offer_id: revoke(world),
}


def spend_all_but(world: World, campaign_id: UUID, minor: int) -> None:
    """As if all but so much of the budget had been reserved."""
    with world.call().transaction() as tx:
        tx.connection.execute(
            "UPDATE accounts SET credit_minor = (SELECT credit_minor - %s FROM accounts WHERE campaign_id = %s AND kind = 'available')"
            " WHERE campaign_id = %s AND kind = 'reserved'",
            (minor, campaign_id, campaign_id),
        )
        tx.connection.execute(
            "UPDATE accounts SET debit_minor = credit_minor - %s WHERE campaign_id = %s AND kind = 'available'", (minor, campaign_id)
        )


def revoke(world: World) -> None:
    with world.call().transaction() as tx:
        tx.connection.execute("UPDATE grants SET revoked_at = %s", (NOW,))


@pytest.mark.parametrize("stop", STOPS)
def test_an_offer_that_can_not_be_used_is_not_shown(call: MakeCall, world: World, stop: str) -> None:
    campaign_id = world.campaign()
    offer_id = world.offer(campaign_id)
    world.grant(offer_id, "cust-1")
    assert [shown.offer_id for shown in offered(call)] == [offer_id]
    STOPS[stop](call, world, campaign_id, offer_id)
    assert offered(call) == []


@pytest.mark.parametrize(("budget", "left", "shown"), [(1_000, 200, 1), (1_000, 199, 0), (100_000, 2_000, 1), (100_000, 1_999, 0)])
def test_an_offer_is_shown_until_its_money_is_about_to_run_out(call: MakeCall, world: World, budget: int, left: int, shown: int) -> None:
    """Less than the largest reward, or than 2 % of what was approved."""
    campaign_id = world.campaign(budget=budget)
    world.grant(world.offer(campaign_id), "cust-1")
    spend_all_but(world, campaign_id, left)
    assert len(offered(call)) == shown


def test_an_offer_is_shown_only_while_its_window_is_open(call: MakeCall, world: World, clock: SimulatedClock) -> None:
    window = {"start": "2026-01-16", "end": "2026-01-17", "zone": "America/New_York"}
    world.grant(world.offer(world.campaign(), window=window), "cust-1")
    shown = []
    for hours in (0, 16, 17, 64, 65):  # local midnight is 05:00 UTC, 17 hours from now
        clock.advance(NOW + timedelta(hours=hours))
        shown.append(len(offered(call)))
    assert shown == [0, 0, 1, 1, 0]


def test_an_offer_ends_with_its_campaign_though_its_window_is_open_elsewhere(call: MakeCall, world: World, clock: SimulatedClock) -> None:
    put_all(call, "cust-1", zone="Pacific/Honolulu")
    window = {"start": "2026-01-01", "end": "2026-01-15", "zone": "America/New_York", "zone_policy": "customer"}
    world.grant(world.offer(world.campaign(end="2026-01-15"), window=window), "cust-1")
    assert [shown.expires_at.hour for shown in offered(call)] == [10]
    clock.advance(NOW + timedelta(hours=18))  # one in the morning in New York, an hour to eight in the evening in Honolulu
    assert offered(call) == []


def test_a_repeated_offer_stays_until_the_customers_limit(call: MakeCall, world: World) -> None:
    world.grant(world.offer(world.campaign(), repeat=True, limits={"redemptions_per_customer": 2}), "cust-1")
    world.post(purchase("t1"))
    assert [(shown.state, shown.completions) for shown in offered(call)] == [("completed", 1)]
    world.post(purchase("t2"))
    assert offered(call) == []


def test_limits_are_of_the_customer_over_all_grants_of_the_offer(call: MakeCall, world: World) -> None:
    offer_id = world.offer(world.campaign(), limits={"reward_per_customer": 200})
    world.grant(offer_id, "cust-1")
    world.post(purchase("t1"))
    world.grant(offer_id, "cust-1", turn=1)
    assert offered(call) == []


def test_an_offer_that_needs_activation_is_shown_without_it(call: MakeCall, world: World) -> None:
    [grant_id] = world.grant(world.offer(world.campaign(), activation="required"), "cust-1")
    assert [(shown.state, shown.activation) for shown in offered(call)] == [("granted", "required")]
    wallet.activate_offer(call(), "cust-1", grant_id, Activation())
    assert [(shown.state, shown.activated_at) for shown in offered(call)] == [("activated", NOW)]


def test_a_withdrawn_offer_stays_with_who_activated_it_before(call: MakeCall, world: World, clock: SimulatedClock) -> None:
    offer_id = world.offer(world.campaign(), activation="required")
    [activated, _] = world.grant(offer_id, "cust-1", "cust-2")
    wallet.activate_offer(call(), "cust-1", activated, Activation())
    clock.advance(NOW + DAY)
    offers.withdraw_offer(call(), offer_id, WHY)
    assert [len(offered(call, customer_id)) for customer_id in ("cust-1", "cust-2")] == [1, 0]


def test_an_offer_is_not_shown_more_often_than_its_cap(call: MakeCall, world: World, clock: SimulatedClock) -> None:
    offer_id = world.offer(world.campaign(), frequency_cap={"impressions": 2, "per": "P7D"})
    world.grant(offer_id, "cust-1")
    served(world, offer_id, NOW - 7 * DAY, NOW - DAY)
    served(world, offer_id, NOW - DAY, kind="viewed")
    assert len(offered(call, channel="email")) == 1  # one left the period, one was no serving
    served(world, offer_id, NOW - DAY, channel="web")
    assert offered(call, channel="email") == []
    assert len(offered(call)) == 1
    clock.advance(NOW + 6 * DAY)
    assert len(offered(call, channel="email")) == 1


def test_grants_are_shown_newest_first_and_page_by_page(call: MakeCall, world: World) -> None:
    offer_id = world.offer(world.campaign())
    grants = [world.grant(offer_id, "cust-1", at=NOW - turn * DAY, turn=turn)[0] for turn in range(5)]
    assert [shown.grant_id for shown in offered(call)] == grants
    assert [shown.grant_id for shown in offered(call, limit=2)] == grants[:2]
    assert [shown.grant_id for shown in offered(call, limit=2, after=grants[1])] == grants[2:4]


def test_a_wallet_is_read_in_as_many_statements_however_full_it_is(call: MakeCall, world: World, statements: list[str]) -> None:
    campaign_id = world.campaign()
    counts = []
    for turn in range(2):
        for each in range(1 + 4 * turn):
            world.grant(world.offer(campaign_id, frequency_cap={"impressions": 2, "per": "P7D"}), "cust-1", turn=each)
        offered(call)  # the catalogue learns of the new offers
        before = len(statements)
        offered(call, channel="email")
        counts.append(len(statements) - before)
    assert counts[0] == counts[1] == 4  # revisions of the catalogue, wallet, money left, caps


def test_an_activation_is_kept_once_and_the_earliest_holds(call: MakeCall, world: World) -> None:
    [grant_id] = world.grant(world.offer(world.campaign(), activation="required"), "cust-1")
    told = [NOW - DAY, NOW, NOW - 3 * DAY, None]
    held = [wallet.activate_offer(call(), "cust-1", grant_id, Activation(at=at)).activated_at for at in told]
    assert held == [NOW - DAY, NOW - DAY, NOW - 3 * DAY, NOW - 3 * DAY]


def test_an_activation_told_late_lets_the_purchases_after_it_be_folded_again(call: MakeCall, world: World) -> None:
    offer_id = world.offer(world.campaign(), activation="required")
    [grant_id] = world.grant(offer_id, "cust-1")
    world.post(purchase("t1", at=NOW - 2 * DAY))
    wallet.activate_offer(call(), "cust-1", grant_id, Activation(at=NOW - DAY))
    assert changed(call) == set()
    wallet.activate_offer(call(), "cust-1", grant_id, Activation(at=NOW - 3 * DAY))
    assert changed(call) == {("cust-1", offer_id)}


def test_an_activation_that_changes_nothing_tells_nobody(call: MakeCall, world: World) -> None:
    [grant_id] = world.grant(world.offer(world.campaign(), activation="required"), "cust-1", activated_at=NOW - 9 * DAY)
    world.post(purchase("t1", at=NOW - 2 * DAY))
    wallet.activate_offer(call(), "cust-1", grant_id, Activation(at=NOW - 5 * DAY))
    assert changed(call) == set()


@pytest.mark.parametrize("at", [NOW + timedelta(seconds=1), NOW - 11 * DAY])
def test_refuses_an_activation_from_the_future_or_before_the_grant(call: MakeCall, world: World, at: datetime) -> None:
    [grant_id] = world.grant(world.offer(world.campaign()), "cust-1")
    with pytest.raises(Invalid) as refused:
        wallet.activate_offer(call(), "cust-1", grant_id, Activation(at=at))
    assert [problem.path for problem in refused.value.problems] == ["/at"]


def test_refuses_the_activation_of_an_offer_that_is_over(call: MakeCall, world: World, clock: SimulatedClock) -> None:
    offer_id = world.offer(world.campaign(), activation="required")
    [grant_id] = world.grant(offer_id, "cust-1")
    offers.withdraw_offer(call(), offer_id, WHY)
    clock.advance(NOW + DAY)
    with pytest.raises(Conflict):
        wallet.activate_offer(call(), "cust-1", grant_id, Activation())
    assert wallet.activate_offer(call(), "cust-1", grant_id, Activation(at=NOW - DAY)).activated_at == NOW - DAY


@pytest.mark.parametrize("customer_id", ["cust-2", "nobody"])
def test_nobody_activates_the_grant_of_another(call: MakeCall, world: World, customer_id: str) -> None:
    [grant_id, _] = world.grant(world.offer(world.campaign()), "cust-1", "cust-2")
    with pytest.raises(NotFound):
        wallet.activate_offer(call(), customer_id, grant_id, Activation())
    with pytest.raises(NotFound):
        wallet.activate_offer(call(), customer_id, derived_id("none"), Activation())


def test_a_launched_offer_is_in_the_wallet_at_once(call: MakeCall, world: World) -> None:
    campaign_id = world.campaign()
    offer_id = world.offer(campaign_id)
    launched(call, went_live(offer_id, campaign_id, segments_in=[listed(call, "cust-1")]))
    assert [shown.offer_id for shown in offered(call)] == [offer_id]
