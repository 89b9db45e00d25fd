"""What limited pots would say of a purchase that is only thought of: each kind just inside and just outside of its limit."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from shared.eligibility.compile import CompiledOffer, compile_offer
from shared.eligibility.model import Purchase
from shared.kernel.ids import derived_id
from shared.redemptions.eligibility_api import VerdictView
from shared.redemptions.pots import KINDS
from shared.redemptions.rehearsal import pots_of
from shared.redemptions.verdicts import answer
from tests.unit.eligibility.builders import PURCHASED_AT, offer, purchase, terms

NEW_YORK: Final = "America/New_York"
REASONS: Final = {kind.limit: kind.reason.code for kind in KINDS}
RULES: Final = {kind.limit: kind.rule for kind in KINDS}
Given = Mapping[str, tuple[int, int]]
"""What pots gave, by their kind and what they are of: redemptions, and minor units."""


def limited(zone: str = "UTC", /, **limits: int) -> CompiledOffer:
    """An offer that pays again and again, all year."""
    window = {"start": "2017-01-01", "end": "2017-12-31", "zone": zone}
    return compile_offer(offer(terms(limits=limits, window=window, repeat=True, scope={}, reward={"kind": "fixed", "amount": 150})))


def bought(at: str = "2017-03-15T12:00:00+00:00", **values: Any) -> Purchase:
    said: dict[str, Any] = {"at": datetime.fromisoformat(at).astimezone(UTC), "merchant_id": "shop-1", "account_token": "acc-1"}
    return purchase(**said | values)


def ask(compiled: CompiledOffer, about: Purchase, given: Given, *, budget: int = 10_000, grants: int = 1) -> list[VerdictView]:
    """The verdicts for a customer who holds so many grants, where pots gave this, and the others nothing."""
    offer_id = str(compiled.offer.offer_id)
    pots = [
        {"offer_id": offer_id, "kind": key.kind, "of": key.of, "redemptions": counted[0], "cost_minor": counted[1]}
        for key in pots_of([compiled], about)
        for counted in [given.get(f"{key.kind} {key.of}", (0, 0))]
    ]
    held = [
        {"grant_id": str(derived_id("grant", str(number))), "offer_id": offer_id, "granted_at": "2017-01-01T00:00:00+00:00"}
        | dict.fromkeys(("activated_at", "revoked_at", "variant"))
        for number in range(grants)
    ]
    names = ("refusals", "corrections", "zone", "changed", "given", "held_out")
    facts = dict.fromkeys(names) | {"transactions": [], "grants": held, "pots": pots, "on_record": False}
    available = {str(compiled.offer.campaign_id): budget}
    return answer("cust-1", [[compiled]], facts | {"available": available}, about, PURCHASED_AT + timedelta(days=900)).verdicts


def found(verdict: VerdictView, rule: str) -> tuple[str, str, bool]:
    (one,) = (one for one in verdict.rules if one.rule == rule)
    return one.expected, one.actual, one.passed


@pytest.mark.parametrize(
    ("limit", "most", "pot", "gave", "left"),
    [
        ("redemptions_total", 5, "total ", (4, 600), "1"),
        ("redemptions_total", 5, "total ", (5, 750), "0"),
        ("reward_per_account", 400, "account acc-1", (2, 250), "150"),
        ("reward_per_account", 400, "account acc-1", (2, 251), "149"),
        ("budget_per_day", 400, "day 2017-03-15", (2, 250), "150 for 2017-03-15"),
        ("budget_per_day", 400, "day 2017-03-15", (2, 251), "149 for 2017-03-15"),
        ("budget_per_month", 400, "month 2017-03", (2, 250), "150 for 2017-03"),
        ("budget_per_month", 400, "month 2017-03", (2, 251), "149 for 2017-03"),
        ("budget_per_merchant", 400, "merchant shop-1", (2, 250), "150"),
        ("budget_per_merchant", 400, "merchant shop-1", (2, 251), "149"),
    ],
)
def test_a_pot_pays_to_the_last_of_it_and_refuses_what_is_more(limit: str, most: int, pot: str, gave: tuple[int, int], left: str) -> None:
    (verdict,) = ask(limited(**{limit: most}), bought(), {pot: gave})
    enough = left.split(maxsplit=1)[0] in {"1", "150"}
    assert (verdict.eligible, verdict.reward_minor) == ((True, 150) if enough else (False, 0))
    assert [reason.code for reason in verdict.reasons] == ([] if enough else [REASONS[limit]])
    assert found(verdict, RULES[limit]) == (f"at least {1 if limit == 'redemptions_total' else 150} left", left, enough)
    assert found(verdict, "budget") == ("at least 150 left", "10000", True)


@pytest.mark.parametrize(
    ("zone", "at", "day", "month"),
    [
        ("UTC", "2017-03-01T04:59:59+00:00", "2017-03-01", "2017-03"),
        (NEW_YORK, "2017-03-01T04:59:59.999999+00:00", "2017-02-28", "2017-02"),
        (NEW_YORK, "2017-03-01T05:00:00+00:00", "2017-03-01", "2017-03"),
        (NEW_YORK, "2017-04-01T03:59:59+00:00", "2017-03-31", "2017-03"),
    ],
)
def test_day_and_month_are_those_of_the_windows_clock(zone: str, at: str, day: str, month: str) -> None:
    compiled = limited(zone, budget_per_day=200, budget_per_month=300)
    (full_day,) = ask(compiled, bought(at), {f"day {day}": (1, 200)})
    (full_month,) = ask(compiled, bought(at), {f"month {month}": (1, 300)})
    assert [reason.code for reason in full_day.reasons] == ["day_budget_exhausted"]
    assert found(full_day, "budget of the day")[1] == f"0 for {day}"
    assert [reason.code for reason in full_month.reasons] == ["month_budget_exhausted"]
    assert found(full_month, "budget of the month")[1] == f"0 for {month}"


def test_a_purchase_without_an_account_is_held_to_no_pot_of_accounts() -> None:
    (verdict,) = ask(limited(reward_per_account=150), bought(account_token=None), {"account acc-1": (1, 150), "account ": (1, 150)})
    assert verdict.eligible
    assert found(verdict, "reward of the account") == ("at least 150 left", "not known which", True)


def test_all_purchases_at_unknown_merchants_share_a_pot() -> None:
    (verdict,) = ask(limited(budget_per_merchant=200), bought(merchant_id=None), {"merchant ": (1, 100)})
    assert [reason.code for reason in verdict.reasons] == ["merchant_budget_exhausted"]
    assert found(verdict, "budget of the merchant") == ("at least 150 left", "100", False)


def test_of_several_pots_the_first_that_refuses_gives_the_reason_and_each_says_what_it_has() -> None:
    given = {"day 2017-03-15": (1, 200), "month 2017-03": (2, 300)}
    (verdict,) = ask(limited(budget_per_day=200, budget_per_month=400), bought(), given, budget=149)
    codes = ["day_budget_exhausted", "month_budget_exhausted", "budget_exhausted"]
    assert [reason.code for reason in verdict.reasons] == codes
    assert [(rule.rule, rule.actual) for rule in verdict.rules if not rule.passed and rule.rule != "admitted"] == [
        ("budget of the day", "0 for 2017-03-15"),
        ("budget of the month", "100 for 2017-03"),
        ("budget", "149"),
    ]


def test_a_purchase_that_earns_nothing_anyhow_asks_nothing_of_an_empty_pot() -> None:
    (verdict,) = ask(limited(redemptions_total=1), bought(currency="EUR"), {"total ": (1, 150)})
    assert [reason.code for reason in verdict.reasons] == ["currency_mismatch"]
    assert found(verdict, "redemptions in total") == ("at least 0 left", "0", True)


def test_one_purchase_for_two_grants_takes_what_is_left_for_one_of_them() -> None:
    verdicts = ask(limited(budget_per_day=200), bought(), {}, grants=2)
    paid, refused = sorted(verdicts, key=lambda verdict: not verdict.eligible)
    assert (paid.reward_minor, refused.reward_minor) == (150, 0)
    assert found(refused, "budget of the day") == ("at least 150 left", "200 for 2017-03-15, some of it for another grant", False)
    assert [reason.code for reason in refused.reasons] == ["day_budget_exhausted"]


def test_an_offer_without_limits_tells_of_no_pot_but_the_budget() -> None:
    (verdict,) = ask(limited(), bought(), {})
    assert not {rule.rule for rule in verdict.rules} & set(RULES.values())
    assert verdict.rules[-1].rule == "budget"
