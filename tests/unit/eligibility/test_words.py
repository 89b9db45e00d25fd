"""What an explanation says of each rule where it is asked: what was asked for and what was found; and what it says where it is not."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from shared.eligibility.compile import compile_offer
from shared.eligibility.explain import explain
from shared.eligibility.model import Interval, Item, RuleResult
from shared.eligibility.rules import COMPLETES, OF_PURCHASE
from shared.kernel.reasons import Reason
from tests.unit.eligibility.builders import GRANTED_AT, PURCHASED_AT, grant, history, offer, purchase, terms

DAY: Final = timedelta(days=1)
SHOWN: Final = "wednesday, 2017-03-15T12:00:00-04:00 in America/New_York"
AT: Final = "2017-03-15T16:00:00+00:00"
NEVER_LATER: Final = Interval(start=PURCHASED_AT - DAY)
OVER: Final = Interval(start=PURCHASED_AT - 3 * DAY, end=PURCHASED_AT - 2 * DAY)
CUMULATIVE: Final[dict[str, Any]] = {"kind": "cumulative_spend", "threshold": 5000}
LISTS: Final = {
    "brand": ("brands", "brand", "Corner", "Other", Reason.BRAND_NOT_IN_SCOPE),
    "location": ("locations", "location_id", "l1", "l2", Reason.LOCATION_NOT_IN_SCOPE),
    "network merchant id": ("network_merchant_ids", "network_merchant_id", "n1", "n2", Reason.NETWORK_MERCHANT_NOT_IN_SCOPE),
    "merchant category": ("mccs", "mcc", "5411", "5812", Reason.MCC_NOT_IN_SCOPE),
    "channel": ("channels", "channel", "online", "app", Reason.CHANNEL_NOT_IN_SCOPE),
    "country": ("countries", "country", "US", "CA", Reason.COUNTRY_NOT_IN_SCOPE),
    "region": ("regions", "region", "US-NY", "US-CA", Reason.REGION_NOT_IN_SCOPE),
    "card product": ("card_products", "card_product", "gold", "blue", Reason.CARD_PRODUCT_NOT_IN_SCOPE),
}


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an explanation of one purchase says of one rule, under terms, an offer and a history that ask it."""

    rule: str
    expected: str
    actual: str
    reason: Reason | None = None
    """Why the purchase fails the rule; it passes where there is none."""
    terms: dict[str, Any] = field(default_factory=dict)
    offer: dict[str, Any] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    bought: dict[str, Any] = field(default_factory=dict)

    def result(self) -> RuleResult:
        made = compile_offer(offer(terms(**self.terms), **self.offer))
        verdicts = explain(made, history(**self.known), purchase(**self.bought))
        return next(result for result in verdicts[0].rules if result.rule == self.rule)


def window(rule: str, expected: str, actual: str, reason: Reason | None, **asked: Any) -> Said:
    return Said(rule=rule, expected=expected, actual=actual, reason=reason, terms={"window": asked})


def limited(rule: str, expected: str, actual: str, reason: Reason | None, **limits: Any) -> Said:
    """After one completion that paid 5.00."""
    before = {"purchases": (purchase("t0", at=PURCHASED_AT - DAY),)}
    return Said(rule=rule, expected=expected, actual=actual, reason=reason, terms={"repeat": True, "limits": limits}, known=before)


WHO: Final = [
    Said(rule="not held out", expected="outside the hold-out group", actual="in the hold-out group", reason=Reason.HELD_OUT,
         known={"held_out": True}),
    Said(rule="targeted", expected=f"a grant given by {AT}", actual="no grant", reason=Reason.NOT_TARGETED, known={"grants": ()}),
    Said(rule="targeted", expected=f"a grant given by {AT}", actual="granted 2017-02-20T00:00:00+00:00"),
    Said(rule="grant not revoked", expected=f"before {AT}", actual=AT, reason=Reason.GRANT_REVOKED,
         known={"grants": (grant(revoked_at=PURCHASED_AT),)}),
    Said(rule="consent", expected="outside 2017-03-14T16:00:00+00:00 until further notice", actual=AT, reason=Reason.CONSENT_WITHDRAWN,
         known={"consent_withdrawn": (NEVER_LATER,)}),
    Said(rule="activated", expected="an activation", actual="activated never", reason=Reason.NOT_ACTIVATED,
         terms={"activation": "required"}),
    Said(rule="activated", expected="an activation", actual="activated never", reason=Reason.NOT_ACTIVATED,
         terms={"activation": "required"}, known={"grants": ()}),
    Said(rule="activated", expected="an activation", actual=f"activated {AT}", terms={"activation": "required"},
         known={"grants": (grant(activated_at=PURCHASED_AT),)}),
    Said(rule="activated in time", expected=f"activated by {AT}", actual="activated 2017-03-16T16:00:00+00:00",
         reason=Reason.ACTIVATED_AFTER_PURCHASE, terms={"activation": "required"},
         known={"grants": (grant(activated_at=PURCHASED_AT + DAY),)}),
]  # fmt: skip
WHEN: Final = [
    window("grant alive", "before 2017-03-02T00:00:00+00:00", AT, Reason.GRANT_EXPIRED, life_after_grant="P10D", end_inclusive=False),
    Said(rule="grant alive", expected="at any time", actual=AT, terms={"window": {"life_after_grant": "P10D"}}, known={"grants": ()}),
    window("in the window", "2017-03-01 to 2017-03-14 (inclusive) in America/New_York", "2017-03-15T12:00:00-04:00 in America/New_York",
           Reason.OUTSIDE_WINDOW, end="2017-03-14"),
    window("in the window", "2017-03-01 to 2017-03-15 (exclusive) in America/New_York", "2017-03-15T12:00:00-04:00 in America/New_York",
           Reason.OUTSIDE_WINDOW, end="2017-03-15", end_inclusive=False),
    window("date not excluded", "none of 2017-03-15", SHOWN, Reason.DATE_EXCLUDED, excluded_dates=["2017-03-15"]),
    window("date not excluded", "none of 2017-03-14, 2017-03-15, 2017-03-16", SHOWN, Reason.DATE_EXCLUDED,
           excluded_dates=["2017-03-16", "2017-03-15", "2017-03-14"]),
    window("date not excluded", "none of 4 dates", SHOWN, Reason.DATE_EXCLUDED,
           excluded_dates=["2017-03-14", "2017-03-15", "2017-03-16", "2017-03-17"]),
    window("day of the week", "one of monday, sunday", SHOWN, Reason.DAY_EXCLUDED, days_of_week=["monday", "sunday"]),
    window("time of day", "one of 08:00-09:00, 13:00-14:00", SHOWN, Reason.TIME_EXCLUDED, times_of_day=["08:00-09:00", "13:00-14:00"]),
    window("arrived in time", "recorded before 2017-04-11T04:00:00+00:00", "not recorded yet", None, tail="P10D"),
    Said(rule="arrived in time", expected="recorded before 2017-04-11T04:00:00+00:00", actual="2017-04-11T04:00:00+00:00",
         reason=Reason.LATE_POSTING, terms={"window": {"tail": "P10D"}},
         bought={"recorded_at": PURCHASED_AT + 26 * DAY + timedelta(hours=12)}),
]  # fmt: skip
STOPPED: Final = [
    Said(rule="not withdrawn", expected=f"before {AT}", actual=AT, reason=Reason.WITHDRAWN, offer={"withdrawn_at": PURCHASED_AT}),
    Said(rule="not withdrawn", expected=f"before {AT}, or activated before", actual=AT, reason=Reason.WITHDRAWN,
         offer={"withdrawn_at": PURCHASED_AT}, terms={"activation": "required"}),
    Said(rule="not paused", actual=AT, reason=Reason.PAUSED, offer={"pauses": (OVER, NEVER_LATER)},
         expected="outside 2017-03-12T16:00:00+00:00 until 2017-03-13T16:00:00+00:00, 2017-03-14T16:00:00+00:00 until further notice"),
    Said(rule="not cancelled", expected=f"before {AT}", actual=AT, reason=Reason.CANCELLED, offer={"cancelled_at": PURCHASED_AT}),
    Said(rule="currency", expected="USD", actual="CAD", reason=Reason.CURRENCY_MISMATCH, bought={"currency": "CAD"}),
]  # fmt: skip
BEFORE_THE_GRANT: Final = {"purchases": (purchase("t0", at=GRANTED_AT - DAY),)}
NEW: Final = {"recency": {"customers": "new", "within": "P30D"}}
LAPSED: Final = {"recency": {"customers": "lapsed", "within": "P30D"}}
RECENT: Final = [
    Said(rule="new customer", expected="nothing bought after 2017-01-21T00:00:00+00:00 and before the grant", reason=Reason.NOT_NEW,
         actual="bought last 2017-02-19T00:00:00+00:00", terms=NEW, known=BEFORE_THE_GRANT),
    Said(rule="new customer", expected="nothing bought after P30D before the grant and before the grant", actual="no grant", terms=NEW,
         known={"grants": ()}),
    Said(rule="lapsed customer", expected="bought last by 2017-01-21T00:00:00+00:00", actual="bought last 2017-02-19T00:00:00+00:00",
         reason=Reason.NOT_LAPSED, terms=LAPSED, known=BEFORE_THE_GRANT),
    Said(rule="lapsed customer", expected="bought last by 2017-01-21T00:00:00+00:00", actual="bought last never",
         reason=Reason.NOT_LAPSED, terms=LAPSED),
]  # fmt: skip
WHERE: Final = [
    Said(rule="merchant", expected="one of m1", actual="m2", reason=Reason.MERCHANT_NOT_IN_SCOPE, bought={"merchant_id": "m2"}),
    Said(rule="merchant", expected="one of m1", actual="unknown", reason=Reason.MERCHANT_UNKNOWN, bought={"merchant_id": None}),
    *(Said(rule=rule, expected=f"one of {other}", actual=code, reason=reason, terms={"scope": {"include": {kind: [other]}}},
           bought={name: code})
      for rule, (kind, name, code, other, reason) in LISTS.items()),
    *(Said(rule=rule, expected=f"one of {other}", actual="unknown", reason=reason, terms={"scope": {"include": {kind: [other]}}})
      for rule, (kind, _, _, other, reason) in LISTS.items()),
    *(Said(rule=rule, expected=f"any, none of {code}", actual=code, reason=reason, terms={"scope": {"exclude": {kind: [code]}}},
           bought={name: code})
      for rule, (kind, name, code, _, reason) in LISTS.items()),
    Said(rule="products", expected="one of p1", actual="4 products", reason=Reason.PRODUCT_NOT_IN_SCOPE,
         terms={"scope": {"include": {"products": ["p1"]}}}, bought={"items": tuple(Item(f"p{n}", 1) for n in range(2, 6))}),
    Said(rule="country", expected="any, none of 4 countries", actual="FR",
         terms={"scope": {"exclude": {"countries": ["US", "CA", "MX", "GB"]}}}, bought={"country": "FR"}),
    Said(rule="products", expected="one of p1", actual="no items", reason=Reason.PRODUCT_NOT_IN_SCOPE,
         terms={"scope": {"include": {"products": ["p1"]}}}),
    Said(rule="products", expected="one of p1", actual="p1, p2", terms={"scope": {"include": {"products": ["p1"]}}},
         bought={"items": (Item("p2", 1), Item("p1", 1))}),
]  # fmt: skip
COUNTED: Final = [
    Said(rule="purchase stands", expected="authorised or cleared, and not refunded", actual="declined", reason=Reason.DECLINED,
         bought={"ended": Reason.DECLINED}),
    Said(rule="purchase stands", expected="authorised or cleared, and not refunded", actual="stands"),
    Said(rule="not completed before", expected="completes once", actual="completed 1 times before", reason=Reason.ALREADY_COMPLETED,
         known={"purchases": (purchase("t0", at=PURCHASED_AT - DAY),)}),
    Said(rule="amount", expected=">= 20.00 USD", actual="19.99 USD", reason=Reason.AMOUNT_BELOW_THRESHOLD, bought={"amount_minor": 1999}),
    Said(rule="amount", expected="> 20.00 USD", actual="20.00 USD", reason=Reason.AMOUNT_BELOW_THRESHOLD,
         terms={"qualification": {"operator": ">"}}, bought={"amount_minor": 2000}),
    Said(rule="amount", expected=">= 2000 JPY", actual="1999 JPY", reason=Reason.AMOUNT_BELOW_THRESHOLD, terms={"currency": "JPY"},
         bought={"currency": "JPY", "amount_minor": 1999}),
    Said(rule="maximum amount", expected="<= 30.00 USD", actual="30.01 USD", reason=Reason.AMOUNT_ABOVE_MAXIMUM,
         terms={"qualification": {"maximum": 3000}}, bought={"amount_minor": 3001}),
]  # fmt: skip
COMPLETED: Final = [
    Said(rule="running sum", expected=">= 50.00 USD", actual="25.00 USD", reason=Reason.PROGRESS_BELOW_THRESHOLD,
         terms={"qualification": CUMULATIVE}),
    Said(rule="visits", expected="2 visits", actual="1 visits", reason=Reason.PROGRESS_BELOW_THRESHOLD,
         terms={"qualification": {"kind": "visits", "threshold": 1000, "visits": 2}}),
    Said(rule="something to reward", expected="a reward on 0.01 USD", actual="0.00 USD", reason=Reason.NOTHING_TO_REWARD,
         terms={"qualification": {"threshold": 0}, "reward": {"kind": "percent", "basis_points": 1}}, bought={"amount_minor": 1}),
    limited("customer's redemptions", "fewer than 1 before", "1 before", Reason.CUSTOMER_LIMIT_REACHED, redemptions_per_customer=1),
    limited("customer's redemptions", "fewer than 2 before", "1 before", None, redemptions_per_customer=2),
    limited("customer's reward", "less than 5.00 USD before", "5.00 USD before", Reason.CUSTOMER_LIMIT_REACHED, reward_per_customer=500),
    limited("customer's reward", "less than 5.01 USD before", "5.00 USD before", None, reward_per_customer=501),
    limited("customer's redemptions in a period", "fewer than 1 in P1W (calendar) and fewer than 2 in P1M (rolling)",
            "1 before and 1 before", Reason.PERIOD_LIMIT_REACHED,
            per_period=[{"redemptions": 1, "per": "P1W", "kind": "calendar"}, {"redemptions": 2, "per": "P1M", "kind": "rolling"}]),
]  # fmt: skip
SAID: Final = [*WHO, *WHEN, *STOPPED, *RECENT, *WHERE, *COUNTED, *COMPLETED]


@pytest.mark.parametrize("said", SAID, ids=lambda said: f"{said.rule}: {said.actual}")
def test_a_rule_that_is_asked_tells_both_sides(said: Said) -> None:
    expected = RuleResult(rule=said.rule, passed=said.reason is None, expected=said.expected, actual=said.actual, reason=said.reason)
    assert said.result() == expected


def test_every_rule_is_asked_above() -> None:
    assert {said.rule for said in SAID} == {rule.name for rule in OF_PURCHASE} | {rule.name for rule in COMPLETES}


NOT_ASKED: Final = {
    "not held out": "outside the hold-out group",
    "grant alive": "no end of its own",
    "grant not revoked": "never revoked",
    "consent": "never withdrawn",
    "activated": "no activation needed",
    "activated in time": "no activation needed",
    "date not excluded": "any date",
    "day of the week": "any day",
    "time of day": "any time",
    "arrived in time": "however late",
    "not withdrawn": "never withdrawn",
    "not paused": "never paused",
    "not cancelled": "never cancelled",
    "new customer": "new or not",
    "lapsed customer": "lapsed or not",
    "merchant": "any merchant",
    **{rule: f"any {rule}" for rule in LISTS},
    "products": "any product",
    "not completed before": "completes again and again",
    "maximum amount": "any amount",
    "running sum": "the one purchase decides",
    "visits": "visits are not counted",
    "customer's redemptions": "any number",
    "customer's reward": "any amount",
    "customer's redemptions in a period": "any number",
}


def test_a_rule_that_is_not_asked_says_what_holds_instead() -> None:
    (verdict,) = explain(compile_offer(offer(terms(scope={}, repeat=True))), history(), purchase())
    plain = {result.rule: result.actual for result in verdict.rules if result.expected == result.actual and result.rule != "currency"}
    assert plain == NOT_ASKED
    (cumulative,) = explain(compile_offer(offer(terms(qualification=CUMULATIVE))), history(), purchase())
    assert next(result.actual for result in cumulative.rules if result.rule == "amount") == "the sum decides"
