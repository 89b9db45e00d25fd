"""Random offers and histories, crowded together so that their edges meet."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import sub
from typing import Any, Final

from hypothesis import strategies as st

from shared.eligibility.life import Kind, Message
from shared.eligibility.model import Grant, History, Interval, Item, Offer, Purchase, Refusal, Version
from shared.eligibility.terms import Terms, Variant
from shared.eligibility.validation import problems
from shared.kernel.ids import derived_id
from shared.kernel.reasons import Reason
from tests.unit.eligibility.builders import offer, terms

START: Final = datetime(2017, 3, 9, 5, tzinfo=UTC)
"""Three days before clocks go forward in New York."""
ZONES: Final = ("America/New_York", "America/Los_Angeles", "Asia/Tokyo")
AMOUNTS: Final = (300, 250, 101, 100, 99, 1, 0, 1000, 2500)

moments = st.builds(
    lambda hours, ticks: START + timedelta(hours=hours, microseconds=ticks), st.integers(0, 168), st.sampled_from([0, 0, 0, 1])
)
days = st.integers(8, 17).map(lambda day: f"2017-03-{day:02}")
amounts = st.sampled_from(AMOUNTS)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def rarely(strategy: st.SearchStrategy[Any], otherwise: Any = None) -> st.SearchStrategy[Any]:  # noqa: ANN401
    """Seldom: what stands in the way must not stand there always. (Hypothesis likes the ends of a range, so the middle is taken.)"""
    usual = st.just(otherwise)
    return st.integers(0, 6).flatmap(lambda roll: strategy if roll == 3 else usual)


def _so_many(of: st.SearchStrategy[Any], count: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(of, min_size=count, max_size=count)


def _interval(start: datetime, length: timedelta | None) -> Interval:
    return Interval(start=start, end=start + length if length else None)


def codes(*known: str) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True)


places = st.fixed_dictionaries(
    {},
    optional={
        "merchants": codes("m1", "m2"),
        "locations": codes("l1", "l2"),
        "brands": codes("Corner", "Best"),
        "network_merchant_ids": codes("n1", "n2"),
        "mccs": codes("5411", "5812", "5400-5499", "5412-5812"),
        "channels": codes("in_store", "online"),
        "countries": codes("US", "CA"),
        "regions": codes("NY", "ON"),
        "card_products": codes("gold", "basic"),
        "products": codes("p1", "p2", "p3"),
    },
)
rewards = st.one_of(
    st.fixed_dictionaries({"kind": st.just("fixed"), "amount": st.sampled_from([1, 50, "1.00"])}),
    st.fixed_dictionaries(
        {
            "kind": st.just("percent"),
            "basis_points": st.sampled_from([50, 333, 1000, 10_000]),
            "minimum": rarely(st.sampled_from([1, 20, "0.40"])),
            "cap": maybe(st.sampled_from([1, 30, "0.75"])),
            "rounding": st.sampled_from(["half_up", "down"]),
        }
    ),
    st.builds(
        lambda on, starts, paid, bounds: {
            "kind": "tiers",
            "on": on,
            "tiers": [{"reached": start, **pays} for start, pays in zip(sorted(starts), paid, strict=False)],
            **bounds,
        },
        st.sampled_from(["whole", "marginal"]),
        st.lists(st.sampled_from([0, 1, 100, 101, 250, 1000]), min_size=1, max_size=3, unique=True),
        st.lists(st.sampled_from([{"basis_points": 333}, {"basis_points": 1000}, {"amount": 25}]), min_size=3, max_size=3),
        st.sampled_from([{}, {"minimum": 7}, {"cap": 60}, {"rounding": "down"}]),
    ),
)
periods = st.lists(
    st.fixed_dictionaries(
        {
            "redemptions": st.integers(1, 2),
            "per": st.sampled_from(["P1D", "P1W", "P1M", "P2D"]),
            "kind": st.sampled_from(["calendar", "rolling"]),
        }
    ),
    max_size=2,
)
variants = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["gold", "plain"]), "segments": st.integers(1, 9).map(lambda n: [f"seg_{n:032x}"])},
        optional={"reward": rewards, "threshold": st.sampled_from([100, 101, 300])},
    ),
    max_size=2,
).map(lambda listed: [Variant.model_validate_json(json.dumps(one)) for one in listed])
pot_limits = st.sampled_from([1, 25, 60, "2.00", "0.001", 0])
clawbacks = st.fixed_dictionaries(
    {},
    optional={
        "partial_refund": st.just("keep"),
        "limits": st.just("keep"),
        "budget": st.just("withdraw"),
        "negative_balance": st.just("write_off"),
        "write_off_floor": rarely(st.sampled_from([1, "0.40", "0.401"]), 0),
    },
)
qualifications = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["single_purchase", "cumulative_spend", "visits"]),
        "threshold": st.sampled_from([100, 250, 0, "3.00"]),
        "operator": st.sampled_from([">=", ">"]),
        "base": st.sampled_from(["total", "subtotal"]),
        "maximum": rarely(st.sampled_from([250, 300, "10.00"])),
    }
).map(lambda asked: asked | ({"visits": 2} if asked["kind"] == "visits" else {}))
any_terms: st.SearchStrategy[Terms] = st.builds(
    terms,
    reward=rewards,
    qualification=qualifications,
    scope=st.fixed_dictionaries({"include": rarely(places, {}), "exclude": rarely(places, {})}),
    window=st.fixed_dictionaries(
        {
            "start": rarely(days, "2017-03-08"),
            "end": rarely(days, "2017-03-17"),
            "end_inclusive": st.booleans(),
            "zone": st.sampled_from(ZONES),
            "zone_policy": st.sampled_from(["fixed", "merchant", "customer"]),
            "life_after_grant": rarely(st.sampled_from(["P1D", "P3D"])),
            "days_of_week": rarely(codes("thursday", "friday", "saturday", "sunday")),
            "times_of_day": rarely(codes("00:00-12:00", "22:00-02:00", "01:00-03:00", "12:00-24:00")),
            "tail": rarely(st.sampled_from(["P1D", "P4D"])),
            "excluded_dates": rarely(st.lists(days, min_size=1, max_size=3)),
        }
    ),
    activation=st.sampled_from(["automatic", "required"]),
    recency=st.sampled_from([None, None, None, *({"customers": who, "within": "P1D"} for who in ("new", "lapsed"))]),
    limits=st.fixed_dictionaries(
        {
            "redemptions_per_customer": maybe(st.integers(1, 4)),
            "reward_per_customer": maybe(st.sampled_from([1, 60, 120, "2.00"])),
            "per_period": rarely(periods, []),
            "redemptions_total": rarely(st.integers(1, 2)),
        }
        | {f"budget_per_{of}": rarely(pot_limits) for of in ("day", "month", "merchant")}
        | {"reward_per_account": rarely(pot_limits)},
    ),
    repeat=st.sampled_from([True, False]),
    clawback=st.just({}) | clawbacks,
)
all_terms: st.SearchStrategy[Terms] = st.builds(lambda made, some: made.model_copy(update={"variants": some}), any_terms, variants).filter(
    lambda made: not problems(made)
)
terms_of_lives: st.SearchStrategy[Terms] = st.builds(
    terms,
    reward=rewards,
    qualification=qualifications,
    scope=st.sampled_from([{}, {"include": {"products": ["p1"]}}, {"exclude": {"products": ["p1"]}}]),
    limits=st.sampled_from([{}, {}, {"redemptions_per_customer": 2}, {"reward_per_customer": 120}]),
    repeat=st.booleans(),
    clawback=clawbacks,
).filter(lambda made: not problems(made))
"""Terms that nothing but the amounts keeps from being met."""
lengths = st.integers(1, 48).map(lambda hours: timedelta(hours=hours))
intervals = st.lists(st.builds(_interval, moments, maybe(lengths)), max_size=2).map(tuple)


starts_of_versions = st.lists(moments, min_size=1, max_size=2, unique=True)
ends = rarely(moments)
breaks = rarely(intervals, ())
zones = maybe(st.sampled_from(ZONES))
held_out = rarely(st.booleans(), otherwise=False)


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    starts = draw(starts_of_versions)
    versions = [Version(number=n, in_force_from=at, terms=draw(all_terms)) for n, at in enumerate(sorted(starts), 1)]
    stops = {name: draw(ends) for name in ("withdrawn_at", "cancelled_at")}
    return offer(*versions, pauses=draw(breaks), **stops)


later = st.builds(lambda hours, ticks: timedelta(hours=hours, microseconds=ticks), st.integers(0, 168), st.sampled_from([0, 0, -1]))


purchases_told: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "at": st.builds(sub, moments, rarely(lengths, timedelta())),
        "recorded_at": maybe(later),
        "amount_minor": rarely(st.just(-100), 250) | amounts,
        "currency": rarely(st.sampled_from(["USD", "CAD"]), "USD"),
        "merchant_id": st.sampled_from(["m1", "m1", "m1", "m2", None]),
        "matched_by": st.sampled_from(["merchant_id", "descriptor"]),
        "descriptor": maybe(st.just("BLUE CUP")),
        "location_id": maybe(st.sampled_from(["l1", "l2"])),
        "mcc": maybe(st.sampled_from(["5411", "5812"])),
        "brand": maybe(st.sampled_from(["Corner", "Best"])),
        "network_merchant_id": maybe(st.sampled_from(["n1", "n2"])),
        "channel": maybe(st.sampled_from(["in_store", "online"])),
        "country": maybe(st.sampled_from(["US", "CA"])),
        "region": maybe(st.sampled_from(["NY", "ON"])),
        "tip_minor": st.sampled_from([0, 0, 1, 50]),
        "tax_minor": st.sampled_from([0, 0, 1]),
        "cash_back_minor": rarely(st.sampled_from([1, 100, 5000]), 0),
        "card_product": maybe(st.sampled_from(["gold", "basic"])),
        "zone": zones,
        "items": st.lists(st.builds(Item, st.sampled_from(["p1", "p2", "p3", "p4"]), st.sampled_from([*AMOUNTS, -100])), max_size=3).map(
            tuple
        ),
    }
)


def _purchase(told: dict[str, Any], name: str) -> Purchase:
    late, known = told["recorded_at"], told["merchant_id"] is not None
    return Purchase(
        **told
        | {
            "transaction_id": name,
            "recorded_at": None if late is None else told["at"] + late,
            "matched_by": told["matched_by"] if known else Reason.MERCHANT_UNKNOWN.code,
        }
    )


def purchases(name: str = "t") -> st.SearchStrategy[Purchase]:
    """One purchase."""
    return purchases_told.map(partial(_purchase, name=name))


several_purchases = (
    st.integers(1, 6)
    .flatmap(partial(_so_many, purchases_told))
    .map(lambda told: tuple(_purchase(one, f"t{number}") for number, one in enumerate(told)))
)
told_of_lives: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "posted_at": maybe(moments),
        "amount_minor": amounts,
        "tip_minor": st.sampled_from([0, 0, 1, 50]),
        "items": st.lists(st.builds(Item, st.sampled_from(["p1", "p2"]), st.sampled_from([100, 250, 300])), max_size=2).map(tuple),
    }
)
last_words = st.lists(st.sampled_from([Kind.DECLINE, Kind.EXPIRY, Kind.REVERSAL, Kind.REVERSAL]), max_size=1)
counts_of_refunds = st.sampled_from([0, 0, 1, 1, 2])
counts_of_authorizations = st.sampled_from([1, 1, 2, 0])
counts_of_parts = st.integers(0, 2)


@st.composite
def lives(draw: st.DrawFn, name: str) -> list[Message]:
    """What is said of one purchase, in any order: in one message, or authorised and cleared; taken back, and refunded."""
    alone = Purchase(transaction_id=name, at=draw(moments), amount_minor=0, currency="USD", merchant_id="m1")
    said = partial(_said, draw, alone)
    last = draw(last_words)
    refunds = [said(Kind.REFUND, name=f"{name}-refund-{n}") for n in range(draw(counts_of_refunds))]
    if draw(st.booleans()):
        told = [said(Kind.PURCHASE), *(said(kind) for kind in last if kind is Kind.REVERSAL)]
    else:
        parts = draw(counts_of_parts)
        count = draw(st.sampled_from([None, parts, parts + 1]))
        told = [said(Kind.AUTHORIZATION, sequence=n) for n in range(draw(counts_of_authorizations))]
        told += [said(Kind.CLEARING, sequence=n + 1, count=count or None) for n in range(parts)]
        told += [said(kind) for kind in last]
    return draw(st.permutations([*told, *refunds]))


def _said(draw: st.DrawFn, alone: Purchase, kind: Kind, *, sequence: int = 0, count: int | None = None, name: str | None = None) -> Message:
    """One message about a purchase, with amounts, items and moments of its own."""
    said = replace(alone, transaction_id=name or alone.transaction_id, at=draw(ends) or alone.at, **draw(told_of_lives))
    return Message(kind=kind, sequence=sequence, purchase_id=alone.transaction_id, said=said, sequence_count=count)


lives_of_some = st.integers(1, 3).flatmap(lambda count: st.tuples(*(lives(f"t{n}") for n in range(count))))
messages_of_lives = lives_of_some.map(lambda told: [message for life in told for message in life])
"""What is said of some purchases."""


grants_told: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "granted_at": rarely(moments, START),
        "activated_at": rarely(maybe(moments), START),
        "revoked_at": ends,
        "variant": st.sampled_from([None, "gold", "gold", "plain", "gone"]),
    }
)
some_grants = (
    st.sampled_from([1, 1, 2, 3, 0])
    .flatmap(partial(_so_many, grants_told))
    .map(lambda told: tuple(Grant(grant_id=derived_id("grant", f"g{number}"), **one) for number, one in enumerate(told)))
)
some_refusals = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["t0", "t1", "t2", "1", "2"])), max_size=3)


@st.composite
def histories(draw: st.DrawFn, bought: st.SearchStrategy[tuple[Purchase, ...]] = several_purchases) -> History:
    given = draw(some_grants)
    refusals = [(given[place % len(given)], completion) for place, completion in draw(some_refusals)] if given else []
    return History(
        grants=given,
        purchases=draw(bought),
        consent_withdrawn=draw(breaks),
        zone=draw(zones),
        refusals=tuple(Refusal(grant_id=g.grant_id, completion=n, reason=Reason.BUDGET_EXHAUSTED) for g, n in refusals),
        held_out=draw(held_out),
    )
