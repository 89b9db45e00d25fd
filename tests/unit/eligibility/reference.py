"""The fold written once more, slowly and another way: a time line of happenings that switch things on and off.

It reads the terms themselves and compiles nothing. Wall clocks are compared as they are shown; windows here end with whole days.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.eligibility.life import Message
from shared.eligibility.model import Grant, History, Interval, Offer, Purchase
from shared.eligibility.terms import FixedReward, PeriodLimit, Terms, TieredReward, ZonePolicy
from shared.kernel.money import Rounding
from shared.kernel.reasons import Reason
from tests.unit.eligibility.reference_life import Seen, plain, seen_of

SWITCH, GRANT, ACTIVATION, PURCHASE = range(4)
Outcomes = list[tuple[UUID, str, int, int, datetime, str, int]]
"""Grant, completion, reward, what of it is earned, from when it is held, by which purchase, under which version."""
Amounts = tuple[int, int, int]
"""Three sums side by side: of what is judged, of what stands, of what of that has cleared."""
Decisions = list[tuple[str, UUID | None, Reason | None]]


@dataclass
class State:
    """All that is known at one moment of the time line."""

    paused: int = 0
    opted_out: int = 0
    withdrawn: bool = False
    cancelled: bool = False
    given: set[UUID] = field(default_factory=set)
    bought: datetime | None = None
    bought_before: dict[UUID, datetime | None] = field(default_factory=dict)
    active: set[UUID] = field(default_factory=set)
    safe: set[UUID] = field(default_factory=set)
    revoked: set[UUID] = field(default_factory=set)
    done: dict[UUID, int] = field(default_factory=dict)
    saved: dict[UUID, Amounts] = field(default_factory=dict)
    posted: dict[UUID, datetime] = field(default_factory=dict)
    visits: dict[UUID, int] = field(default_factory=dict)
    moments: dict[tuple[UUID, str], datetime] = field(default_factory=dict)
    outcomes: Outcomes = field(default_factory=list)
    decisions: Decisions = field(default_factory=list)


class Bought(NamedTuple):
    """A purchase that counts for a grant."""

    grant_id: UUID
    amounts: Amounts
    life: Seen
    version: int


def evaluate_slowly(offer: Offer, history: History, messages: Iterable[Message] = ()) -> tuple[Outcomes, Decisions]:
    """What a history comes to, with the purchases of which messages tell."""
    state = State()
    seen = [*map(plain, {purchase.transaction_id: purchase for purchase in history.purchases}.values()), *seen_of(messages)]
    for _, _, _, happening, subject in sorted(_happenings(offer, history, seen), key=lambda entry: entry[:3]):
        if happening == "purchase":
            _buy(state, offer, history, subject)
        else:
            _switch(state, happening, subject)
    return state.outcomes, state.decisions


def _happenings(offer: Offer, history: History, seen: Iterable[Seen]) -> Iterator[tuple[datetime, int, str, str, Any]]:
    yield from _ends("paused", offer.pauses)
    yield from _ends("opted_out", history.consent_withdrawn)
    for name, at in (("withdrawn", offer.withdrawn_at), ("cancelled", offer.cancelled_at)):
        if at:
            yield at, SWITCH, "", name, None
    for grant in history.grants:
        yield grant.granted_at, GRANT, "", "given", grant.grant_id
        if grant.activated_at:
            yield grant.activated_at, ACTIVATION, "", "active", grant.grant_id
        if grant.revoked_at:
            yield grant.revoked_at, SWITCH, "", "revoked", grant.grant_id
    for life in seen:
        yield life.net.at, PURCHASE, life.net.transaction_id, "purchase", life


def _ends(name: str, intervals: tuple[Interval, ...]) -> Iterator[tuple[datetime, int, str, str, Any]]:
    for interval in intervals:
        yield interval.start, SWITCH, "", name, 1
        if interval.end:
            yield interval.end, SWITCH, "", name, -1


def _switch(state: State, happening: str, subject: Any) -> None:  # noqa: ANN401  (whatever the happening is about)
    if happening == "withdrawn":
        state.withdrawn, state.safe = True, set(state.active)
    elif happening == "cancelled":
        state.cancelled = True
    elif happening in ("paused", "opted_out"):
        setattr(state, happening, getattr(state, happening) + subject)
    else:
        getattr(state, happening).add(subject)
        if happening == "given":
            state.bought_before[subject] = state.bought


def _buy(state: State, offer: Offer, history: History, life: Seen) -> None:
    purchase = life.net
    passed = [version for version in offer.versions if version.in_force_from <= purchase.at]
    version = max(passed, key=lambda v: v.in_force_from) if passed else min(offer.versions, key=lambda v: v.in_force_from)
    amounts, ended = _amounts(version.terms, life)
    if amounts is None:
        return
    if history.held_out or not history.grants:
        state.decisions.append((purchase.transaction_id, None, Reason.HELD_OUT if history.held_out else Reason.NOT_TARGETED))
        return
    for grant in sorted(history.grants, key=lambda g: (g.granted_at, g.grant_id)):
        terms = _as_promised(version.terms, grant)
        reason = _why_not(state, terms, history, grant, purchase, ended) or _amount_wrong(terms, amounts[0])
        if reason is None:
            reason = _complete(state, terms, history, Bought(grant.grant_id, amounts, life, version.number))
        state.decisions.append((purchase.transaction_id, grant.grant_id, reason))
    if life.ended is None:
        state.bought = purchase.at


def _as_promised(terms: Terms, grant: Grant) -> Terms:
    """The terms written anew with what the grant's variant says."""
    written = terms.model_dump(mode="json")
    for variant in written["variants"]:
        if variant["name"] == grant.variant:
            written["reward"] = variant["reward"] or written["reward"]
            if variant["threshold"] is not None:
                written["qualification"]["threshold"] = variant["threshold"]
    return Terms.model_validate_json(json.dumps(written))


def _amounts(terms: Terms, life: Seen) -> tuple[Amounts | None, Reason | None]:
    """How much is judged, stands and has cleared under the terms' clawback (None: out of scope), and why nothing stands."""
    net = _qualifying(terms, life.net)
    if net is None:
        return None, None
    of_gross = (_qualifying(terms, life.gross) or 0, _qualifying(terms, life.gross_cleared) or 0)
    of_net = (_at_most_all(terms, life.net, life), _at_most_all(terms, life.net_cleared, life))
    reward_stays = terms.clawback.partial_refund == "keep" and life.wiped_out is None
    before_refunds = reward_stays or terms.clawback.limits == "keep"
    judged = of_gross[0] if before_refunds else of_net[0]
    return (judged, *(of_gross if reward_stays else of_net)), life.ended if before_refunds else life.wiped_out


def _at_most_all(terms: Terms, purchase: Purchase, life: Seen) -> int:
    """A refund that names no product gives back what does not qualify first: all that is left may still qualify."""
    amount = _qualifying(terms, purchase) or 0
    return min(amount, max(purchase.amount_minor - purchase.cash_back_minor, 0)) if life.refunded else amount


def _qualifying(terms: Terms, purchase: Purchase) -> int | None:
    """The qualifying amount; None for a purchase out of scope."""
    include, exclude = terms.scope.include, terms.scope.exclude
    for kind, code in _codes(purchase):
        wanted, unwanted = getattr(include, kind), getattr(exclude, kind)
        if (wanted is not None and not _listed(code, wanted)) or (unwanted is not None and _listed(code, unwanted)):
            return None
    if include.products is None and (exclude.products is None or not purchase.items):
        extra = purchase.tip_minor + purchase.tax_minor if terms.qualification.base == "subtotal" else 0
        return max(0, purchase.amount_minor - purchase.cash_back_minor - extra)
    kept = [item for item in purchase.items if include.products is None or item.product in include.products]
    kept = [item for item in kept if item.product not in (exclude.products or [])]
    return max(0, sum(item.amount_minor for item in kept)) if kept else None


def _codes(purchase: Purchase) -> list[tuple[str, str | None]]:
    return [
        ("merchants", purchase.merchant_id),
        ("brands", purchase.brand),
        ("locations", purchase.location_id),
        ("network_merchant_ids", purchase.network_merchant_id),
        ("mccs", purchase.mcc),
        ("channels", purchase.channel),
        ("countries", purchase.country),
        ("regions", purchase.region),
        ("card_products", purchase.card_product),
    ]


def _listed(code: str | None, listed: list[str]) -> bool:
    """Whether a code is one of a list, or lies between the two of a range in it."""
    ranges = [entry.split("-") for entry in listed if len(entry) == len("5411-5499")]
    return code is not None and (code in listed or any(first <= code <= last for first, last in ranges))


def _why_not(state: State, terms: Terms, history: History, grant: Grant, purchase: Purchase, ended: Reason | None) -> Reason | None:
    gid, asked = grant.grant_id, terms.activation == "required"
    facts = [
        (gid not in state.given, Reason.NOT_TARGETED),
        (_outlived(terms, history, grant, purchase), Reason.GRANT_EXPIRED),
        (gid in state.revoked, Reason.GRANT_REVOKED),
        (state.opted_out > 0, Reason.CONSENT_WITHDRAWN),
        (asked and grant.activated_at is None, Reason.NOT_ACTIVATED),
        (asked and gid not in state.active, Reason.ACTIVATED_AFTER_PURCHASE),
        (not _in_window(terms, history, purchase), Reason.OUTSIDE_WINDOW),
        *_hours(terms, purchase.at.astimezone(_zone(terms, history, purchase))),
        (_late(terms, history, purchase), Reason.LATE_POSTING),
        (state.withdrawn and not (asked and gid in state.safe), Reason.WITHDRAWN),
        (state.paused > 0, Reason.PAUSED),
        (state.cancelled, Reason.CANCELLED),
        (purchase.currency != terms.currency, Reason.CURRENCY_MISMATCH),
        *_unlike(terms, grant, state.bought_before.get(gid)),
        (ended is not None, ended),
        (not terms.repeat and state.done.get(gid, 0) > 0, Reason.ALREADY_COMPLETED),
    ]
    return next((reason for failed, reason in facts if failed), None)


def _unlike(terms: Terms, grant: Grant, bought: datetime | None) -> list[tuple[bool, Reason]]:
    """Whether the customer was neither new nor lapsed, by the days on a wall clock from the last purchase to the grant."""
    if terms.recency is None:
        return []
    clock, days = ZoneInfo(terms.window.zone), timedelta(days=int(terms.recency.within.strip("PD")))
    ago = (grant.granted_at.astimezone(clock) - days).timestamp()
    recent = bought is not None and bought.timestamp() > ago
    if terms.recency.customers == "new":
        return [(recent, Reason.NOT_NEW)]
    return [(bought is None or recent, Reason.NOT_LAPSED)]


def _zone(terms: Terms, history: History, purchase: Purchase) -> ZoneInfo:
    own = {ZonePolicy.FIXED: None, ZonePolicy.MERCHANT: purchase.zone, ZonePolicy.CUSTOMER: history.zone}[terms.window.zone_policy]
    return ZoneInfo(own or terms.window.zone)


def _in_window(terms: Terms, history: History, purchase: Purchase) -> bool:
    day = purchase.at.astimezone(_zone(terms, history, purchase)).date().isoformat()
    window = terms.window
    return window.start <= day <= window.end if window.end_inclusive else window.start <= day < window.end


def _late(terms: Terms, history: History, purchase: Purchase) -> bool:
    if terms.window.tail is None or purchase.recorded_at is None:
        return False
    arrived = purchase.recorded_at.astimezone(_zone(terms, history, purchase)).date()
    last = date.fromisoformat(terms.window.end) + timedelta(days=int(terms.window.tail.strip("PD")))
    return arrived > last or (arrived == last and not terms.window.end_inclusive)


def _hours(terms: Terms, local: datetime) -> list[tuple[bool, Reason]]:
    """Dates, days of the week and times of day, by what a clock and a calendar on the wall show."""
    window, clock = terms.window, local.strftime("%H:%M")
    today, yesterday = (day.strftime("%A").lower() for day in (local, local - timedelta(days=1)))
    nights = [pair for text in window.times_of_day or [] if (pair := text.split("-"))[0] >= pair[1]]
    spans = [pair for text in window.times_of_day or [] if (pair := text.split("-"))[0] < pair[1]]
    begun_today = any(start <= clock for start, _ in nights) or any(start <= clock < stop for start, stop in spans)
    begun_yesterday = any(clock < stop for _, stop in nights)
    days = [yesterday] * begun_yesterday + [today] * (begun_today or not begun_yesterday)
    return [
        (local.date().isoformat() in (window.excluded_dates or []), Reason.DATE_EXCLUDED),
        (not set(days) & set(window.days_of_week or days), Reason.DAY_EXCLUDED),
        (window.times_of_day is not None and not begun_today and not begun_yesterday, Reason.TIME_EXCLUDED),
    ]


def _outlived(terms: Terms, history: History, grant: Grant, purchase: Purchase) -> bool:
    if terms.window.life_after_grant is None:
        return False
    zone, days = _zone(terms, history, purchase), int(terms.window.life_after_grant.strip("PD"))
    end = grant.granted_at.astimezone(zone) + timedelta(days=days)  # the same time on the wall clock
    left = end.timestamp() - purchase.at.timestamp()
    return left < 0 or (left == 0 and not terms.window.end_inclusive)


def _amount_wrong(terms: Terms, amount: int) -> Reason | None:
    asked = terms.qualification
    if asked.kind != "cumulative_spend" and not _reached(terms, amount):
        return Reason.AMOUNT_BELOW_THRESHOLD
    return Reason.AMOUNT_ABOVE_MAXIMUM if asked.maximum is not None and amount > _minor(asked.maximum) else None


def _reached(terms: Terms, amount: int) -> bool:
    threshold = _minor(terms.qualification.threshold)
    return amount > threshold or (amount == threshold and terms.qualification.operator.value == ">=")


def _complete(state: State, terms: Terms, history: History, bought: Bought) -> Reason | None:
    gid, kind = bought.grant_id, terms.qualification.kind
    if kind != "single_purchase":
        had = state.saved.get(gid, (0, 0, 0))
        state.saved[gid] = (had[0] + bought.amounts[0], had[1] + bought.amounts[1], had[2] + bought.amounts[2])
        state.visits[gid] = state.visits.get(gid, 0) + 1
        state.posted[gid] = max(state.posted.get(gid, bought.life.posted_at), bought.life.posted_at)
    reason = again = _complete_once(state, terms, history, bought)
    while again is None and kind == "cumulative_spend" and terms.repeat:
        again = _complete_once(state, terms, history, bought)
    return reason


def _complete_once(state: State, terms: Terms, history: History, bought: Bought) -> Reason | None:
    gid, kind = bought.grant_id, terms.qualification.kind
    judged, standing, cleared = bought.amounts if kind == "single_purchase" else state.saved[gid]
    if (kind == "cumulative_spend" and not _reached(terms, judged)) or (kind == "visits" and state.visits[gid] < _count(terms)):
        return Reason.PROGRESS_BELOW_THRESHOLD
    full = _promised(terms, judged)
    if full == 0:
        return Reason.NOTHING_TO_REWARD
    most = _left_of_limits(state, terms, history, bought.life.net)
    if isinstance(most, Reason):
        return most
    full = min(full, most)
    reward = full if standing == judged else min(full, _promised(terms, standing) if _reached(terms, standing) else 0)
    earned = reward
    if cleared != standing:
        earned = min(reward, _promised(terms, cleared)) if _reached(terms, cleared) and kind != "visits" else 0
    _record(state, terms, bought, reward, earned)
    return None


def _promised(terms: Terms, amount: int) -> int:
    """What an amount earns; a sum that carries on is rewarded by the threshold, however much of it there is."""
    carries = terms.qualification.kind == "cumulative_spend" and terms.repeat
    return _reward(terms, _minor(terms.qualification.threshold) if carries else amount)


def _left_of_limits(state: State, terms: Terms, history: History, purchase: Purchase) -> int | Reason:
    """The most that the customer may still be given, or why it is nothing."""
    refused = {(refusal.grant_id, refusal.completion) for refusal in history.refusals}
    had = [outcome[:3] for outcome in state.outcomes if outcome[:2] not in refused]
    limits, most = terms.limits, 10**9
    if limits.redemptions_per_customer is not None and len(had) >= limits.redemptions_per_customer:
        return Reason.CUSTOMER_LIMIT_REACHED
    if limits.reward_per_customer is not None:
        most = _minor(limits.reward_per_customer) - sum(amount for _, _, amount in had)
    if most <= 0:
        return Reason.CUSTOMER_LIMIT_REACHED
    zone = _zone(terms, history, purchase)
    for limit in limits.per_period:
        if sum(_same_period(limit, state.moments[key[:2]], purchase.at, zone) for key in had) >= limit.redemptions:
            return Reason.PERIOD_LIMIT_REACHED
    return most


def _record(state: State, terms: Terms, bought: Bought, reward: int, earned: int) -> None:
    gid, kind, purchase = bought.grant_id, terms.qualification.kind, bought.life.net
    held_from = bought.life.posted_at if kind == "single_purchase" else state.posted[gid]
    if kind == "cumulative_spend" and terms.repeat:
        threshold = _minor(terms.qualification.threshold)
        judged, standing, cleared = state.saved[gid]
        state.saved[gid] = (judged - threshold, standing - threshold, cleared - threshold)
    if kind == "visits":
        del state.saved[gid], state.visits[gid], state.posted[gid]
    state.done[gid] = state.done.get(gid, 0) + 1
    completion = purchase.transaction_id if kind == "single_purchase" else str(state.done[gid])
    state.moments[gid, completion] = purchase.at
    state.outcomes.append((gid, completion, reward, earned, held_from, purchase.transaction_id, bought.version))


def _count(terms: Terms) -> int:
    assert terms.qualification.visits is not None
    return terms.qualification.visits


def _same_period(limit: PeriodLimit, before: datetime, at: datetime, zone: ZoneInfo) -> bool:
    """Whether a redemption before is still in the period of one now, by what two wall clocks show."""
    then, now = before.astimezone(zone), at.astimezone(zone)
    if limit.kind == "calendar":
        shown = {"D": "%Y-%m-%d", "W": "%G-%V", "M": "%Y-%m"}[limit.per[-1]]
        return then.strftime(shown) == now.strftime(shown)
    number = int(limit.per[1:-1])
    if limit.per[-1] == "M":
        back = now.replace(tzinfo=None)
        for _ in range(number):
            back = back.replace(day=1) - timedelta(days=1)
        last_day = back.day
        start = back.replace(day=min(now.day, last_day), tzinfo=zone, fold=now.fold)
    else:
        start = now - timedelta(days=number * (7 if limit.per[-1] == "W" else 1))
    return before.timestamp() > start.timestamp()


def _minor(amount: int | str) -> int:
    return amount if isinstance(amount, int) else int(Decimal(amount) * 100)


def _reward(terms: Terms, base: int) -> int:
    reward = terms.reward
    if base == 0:
        return 0
    if isinstance(reward, FixedReward):
        return _minor(reward.amount)
    exact = _tiered(reward, Decimal(base)) if isinstance(reward, TieredReward) else Decimal(base) * reward.basis_points / 10_000
    rounding = ROUND_HALF_UP if reward.rounding is Rounding.HALF_UP else ROUND_DOWN
    whole = int(exact.quantize(Decimal(1), rounding=rounding))
    if reward.minimum is not None:
        whole = max(whole, _minor(reward.minimum))
    return whole if reward.cap is None else min(whole, _minor(reward.cap))


def _tiered(reward: TieredReward, base: Decimal) -> Decimal:
    """Cent by cent for slices; for whole amounts the last tier that is reached."""
    paid = Decimal(0)
    for tier, following in zip(reward.tiers, [*reward.tiers[1:], None], strict=True):
        start = Decimal(_minor(tier.reached))
        if base < start:
            break
        if reward.on == "whole":
            paid = base * tier.basis_points / 10_000 if tier.basis_points is not None else Decimal(_minor(tier.amount or 0))
        else:
            end = base if following is None else min(base, Decimal(_minor(following.reached)))
            paid += (end - start) * (tier.basis_points or 0) / 10_000
    return paid
