"""Everything that is wrong with terms beyond their shape, found at once, before they are stored."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from shared.eligibility.terms import Channel, FixedReward, PercentReward, Terms
from shared.eligibility.windows import DAY, TICK, find_zone, life_days, local_span
from shared.kernel.errors import Problem
from shared.kernel.ids import SEGMENT
from shared.kernel.money import BASIS_POINTS, MAX_MINOR, share, to_decimal, to_minor
from shared.kernel.wire import Amount

YEARS: Final = range(1970, 2200)
"""Years in which a window may lie: far from the ends of the calendar, where zones can't be reckoned."""
LISTS: Final = ("merchants", "locations", "mccs", "products")

REWARD: Final = "/reward/amount"
CAP: Final = "/reward/cap"
THRESHOLD: Final = "/qualification/threshold"
REWARD_LIMIT: Final = "/limits/reward_per_customer"

Minors = Mapping[str, int]
"""The amounts that are given and can be read, in minor units, by their path."""


def problems(terms: Terms) -> tuple[Problem, ...]:
    """All that is wrong with the meaning of terms, each with where and how to mend it. Terms without problems can't fail in use."""
    amounts = _amounts(terms)
    unreadable = {path: why for path, amount in amounts.items() if (why := _unreadable(amount, terms.currency))}
    minors = {path: to_minor(amount, terms.currency) for path, amount in amounts.items() if path not in unreadable}
    found = [Problem(path=path, message=why) for path, why in unreadable.items()]
    return (*found, *(problem for rule in RULES for problem in rule(terms, minors)))


def _amounts(terms: Terms) -> dict[str, Amount]:
    reward = terms.reward
    given = {
        REWARD: reward.amount if isinstance(reward, FixedReward) else None,
        CAP: reward.cap if isinstance(reward, PercentReward) else None,
        THRESHOLD: terms.qualification.threshold,
        REWARD_LIMIT: terms.limits.reward_per_customer,
    }
    return {path: amount for path, amount in given.items() if amount is not None}


def _unreadable(amount: Amount, currency: str) -> str | None:
    try:
        return (
            None if to_minor(amount, currency) <= MAX_MINOR else f"Is more than {to_decimal(MAX_MINOR, currency)}: give a smaller amount."
        )
    except ValueError as error:
        return f"{error}: give fewer decimals."


def _pays_nothing(_terms: Terms, minors: Minors) -> Iterator[Problem]:
    for path in (REWARD, CAP, REWARD_LIMIT):
        if minors.get(path, 1) < 1:
            yield Problem(path=path, message="Pays nothing: give at least one minor unit of the currency.")


def _limit_below_reward(terms: Terms, minors: Minors) -> Iterator[Problem]:
    reward, limit = minors.get(REWARD), minors.get(REWARD_LIMIT)
    if reward and limit and limit < reward:
        smallest = to_decimal(reward, terms.currency)
        yield Problem(path=REWARD_LIMIT, message=f"Is below the fixed reward, which could never be paid in full: give at least {smallest}.")


def _endless(terms: Terms, minors: Minors) -> Iterator[Problem]:
    if terms.repeat and terms.qualification.kind == "cumulative_spend" and minors.get(THRESHOLD) == 0:
        yield Problem(path=THRESHOLD, message="A cumulative offer that repeats would complete endlessly at 0: give a threshold above 0.")


def _share_of_threshold(terms: Terms, minors: Minors) -> Iterator[Problem]:
    """A cumulative offer that repeats rewards the threshold, whatever was spent."""
    reward, threshold = terms.reward, minors.get(THRESHOLD)
    if not (terms.repeat and terms.qualification.kind == "cumulative_spend" and isinstance(reward, PercentReward) and threshold):
        return
    if share(threshold, reward.basis_points, rounding=reward.rounding) == 0:
        yield Problem(path="/reward/basis_points", message="This share of the threshold rounds to nothing: raise it or the threshold.")


def _repeats_once(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    if terms.repeat and terms.limits.redemptions_per_customer == 1:
        message = "Contradicts `repeat`: allow more than one redemption per customer, or let the offer complete once."
        yield Problem(path="/limits/redemptions_per_customer", message=message)


def _nothing_in_scope(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for kind in LISTS:
        included, excluded = getattr(terms.scope.include, kind), getattr(terms.scope.exclude, kind)
        if included and set(included) <= set(excluded or ()):
            yield Problem(path=f"/scope/exclude/{kind}", message=f"Excludes all the {kind} that are included: leave at least one of them.")


def _zone_unknown(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    if find_zone(terms.window.zone) is None:
        message = f"{terms.window.zone!r} is no IANA time zone: give one such as America/New_York."
        yield Problem(path="/window/zone", message=message)


def _far_away(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for name, text in (("start", terms.window.start), ("end", terms.window.end)):
        if not reckonable(text):
            yield Problem(
                path=f"/window/{name}", message=f"Is too far away to be reckoned with: give a year from {YEARS.start} to {YEARS.stop - 1}."
            )


def _window_empty(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    length = _length(terms)
    if length is not None and length <= TICK:
        yield Problem(path="/window/end", message="The window holds no time: give an end after its start.")


def _life_beyond_window(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    length, days = _length(terms), life_days(terms.window)
    if length is not None and days and days * DAY > length > TICK:
        yield Problem(path="/window/life_after_grant", message="Is longer than the window: shorten it, or leave it out.")


def _segment_twice(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for segment in sorted(set(terms.audience.segments_in) & set(terms.audience.segments_out)):
        message = f"{SEGMENT.render(segment)} is in `segments_in` too, which leaves none of it: take it out of one of them."
        yield Problem(path="/audience/segments_out", message=message)


def _nobody_left(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    if terms.audience.holdout == BASIS_POINTS:
        yield Problem(path="/audience/holdout", message="Holds the whole audience out: give less than 10000 basis points.")


def _content_twice(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    seen: set[tuple[Channel, str]] = set()
    for place, content in enumerate(terms.content):
        key = (content.channel, content.language)
        if key in seen:
            message = f"There is a content for {content.channel.value} in {content.language} already: keep one."
            yield Problem(path=f"/content/{place}", message=message)
        seen.add(key)


def reckonable(local_time: str) -> bool:
    """Whether a local date or time lies in the years that can be reckoned with."""
    return datetime.fromisoformat(local_time).year in YEARS


def _length(terms: Terms) -> timedelta | None:
    """How long the window is on a wall clock; None where that can't be reckoned."""
    if not (reckonable(terms.window.start) and reckonable(terms.window.end)):
        return None
    local = local_span(terms.window)
    return local.stop - local.start


RULES: Final[tuple[Callable[[Terms, Minors], Iterator[Problem]], ...]] = (
    _pays_nothing,
    _limit_below_reward,
    _endless,
    _share_of_threshold,
    _repeats_once,
    _nothing_in_scope,
    _zone_unknown,
    _far_away,
    _window_empty,
    _life_beyond_window,
    _segment_twice,
    _nobody_left,
    _content_twice,
)
"""Every rule on the meaning of terms, in the order in which problems are told."""
