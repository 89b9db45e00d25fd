"""An offer made ready for use: its rules compiled to closures once, so that a purchase is judged by a few look-ups."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby, repeat
from operator import attrgetter, ge, gt
from typing import Any, Final

from shared.eligibility.model import Offer, Purchase, Version
from shared.eligibility.periods import CompiledPeriod, CompiledRecency, compile_period, compile_recency
from shared.eligibility.rewards import compile_reward, largest_reward
from shared.eligibility.scope import CompiledScope, compile_scope
from shared.eligibility.terms import Clawback, Operator, Terms
from shared.eligibility.usual import Earned, WhyNot, earned, why_not
from shared.eligibility.windows import CompiledWindow, compile_window
from shared.kernel.errors import Broken
from shared.kernel.money import to_minor

COMPARE: Final[dict[Operator, Callable[[int, int], bool]]] = {Operator.AT_LEAST: ge, Operator.MORE_THAN: gt}

BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
"""Of all time: of lapsed customers it matters that they had bought, however long ago."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CompiledVersion:
    """One version's terms as numbers and closures; all amounts in minor units of its currency."""

    number: int
    in_force_from: datetime
    terms: Terms
    scope: CompiledScope
    in_scope: Callable[[Purchase], bool]
    """Whether the purchase is what the offer is about; asks nothing of time, currency or customer."""
    qualifying_minor: Callable[[Purchase], int]
    window: CompiledWindow
    reward: Callable[[int], int]
    """What a qualifying amount earns before the customer's limits; nothing qualifying earns nothing, of a fixed reward too."""
    sums: bool
    """A grant has a running sum: of what was spent, or of the visits."""
    cumulative: bool
    visits: int
    """So many purchases complete a grant; 0 where they are not counted."""
    repeat: bool
    carries: bool
    """Cumulative and repeated: a completion takes the threshold off the running sum, and the rest carries on."""
    needs_activation: bool
    threshold_minor: int
    reaches_threshold: Callable[[int], bool]
    maximum_minor: int | None
    """A purchase of more does not count."""
    max_reward_minor: int | None
    redemptions_per_customer: int | None
    reward_per_customer_minor: int | None
    periods: tuple[CompiledPeriod, ...]
    clawback: Clawback
    why_not: WhyNot | None
    """The rules on whether a purchase counts, in one pass; None where it takes the table of rules."""
    earned: Earned | None
    """What a purchase earns that stands alone, in one pass; None where it takes the fold."""
    recency: CompiledRecency | None = None
    """Which customers the offer is for, by what they had bought before the grant; None where it does not matter."""
    variant: str | None = None
    """Of which variant these are the terms; None where they are for everybody."""
    variants: Mapping[str, "CompiledVersion"] = field(default_factory=dict)

    def for_variant(self, variant: str | None) -> "CompiledVersion":
        """The version as it is for grants of a variant; for those of none, or of one that it does not know, as it is for everybody."""
        return self.variants.get(variant, self) if variant else self


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CompiledOffer:
    """An offer with its versions compiled, in order. Compared and hashed by identity."""

    offer: Offer
    versions: tuple[CompiledVersion, ...]
    earliest: datetime
    """No purchase before this moment can count or be asked after, under any version, in any zone."""
    latest: datetime
    """No purchase at this moment or after it can count, under any version, in any zone."""
    max_reward_minor: int | None
    """The largest single reward under any version and variant; None where nothing bounds it."""
    groups: frozenset[str]
    """The stacking groups that it belongs to under any version."""
    asks_recency: bool
    """Whether any version asks what customers had bought before their grants."""

    @property
    def minds_refusals(self) -> bool:
        """Whether what a pot refuses leaves more to other purchases, by the customer's limits, or to other offers, by its groups."""
        return bool(self.groups) or any(
            version.periods or version.redemptions_per_customer is not None or version.reward_per_customer_minor is not None
            for version in self.versions
        )

    def version_at(self, at: datetime) -> CompiledVersion:
        """The version in force at a moment; before the first one's, the first: its window says when it applies."""
        newest = self.versions[-1]
        if newest.in_force_from <= at:
            return newest
        return next((version for version in reversed(self.versions) if version.in_force_from <= at), self.versions[0])

    def may_hold(self, purchase: Purchase) -> bool:
        """Whether the version in force has the purchase in scope, and the coarse range of time holds it."""
        return self.earliest <= purchase.at < self.latest and self.version_at(purchase.at).in_scope(purchase)


def compile_offer(offer: Offer) -> CompiledOffer:
    """Compile every version of an offer. Its terms must be free of problems (see `validation`); Broken when it has no version."""
    if not offer.versions:
        raise Broken("An offer without an approved version can't be compiled", offer_id=offer.offer_id)
    ordered = sorted(offer.versions, key=attrgetter("in_force_from", "number"))
    versions = tuple(map(compile_version, ordered, _scopes(ordered), repeat(_takes_the_table(offer))))
    spans = [version.window.widest() for version in versions]
    rewards = [promised.max_reward_minor for version in versions for promised in (version, *version.variants.values())]
    asks_recency = any(version.recency for version in versions)
    return CompiledOffer(
        offer=offer,
        versions=versions,
        earliest=BEGINNING if asks_recency else min(span.start for span in spans),
        latest=max(span.stop for span in spans),
        max_reward_minor=None if None in rewards else max(reward for reward in rewards if reward is not None),
        groups=frozenset(stacking.group for version in versions if (stacking := version.terms.stacking)),
        asks_recency=asks_recency,
    )


def compile_version(version: Version, scope: CompiledScope, takes_the_table: bool) -> CompiledVersion:  # noqa: FBT001
    """Compile one version's terms, given its compiled scope, for everybody and for each variant."""
    terms, limits = version.terms, version.terms.limits
    window = compile_window(terms.window)
    qualification, cumulative = terms.qualification, terms.qualification.kind == "cumulative_spend"
    made = CompiledVersion(
        number=version.number,
        in_force_from=version.in_force_from,
        scope=scope,
        in_scope=scope.holds,
        qualifying_minor=scope.qualifying_minor,
        window=window,
        sums=qualification.kind != "single_purchase",
        cumulative=cumulative,
        visits=qualification.visits or 0,
        repeat=terms.repeat,
        carries=cumulative and terms.repeat,
        needs_activation=terms.activation == "required",
        maximum_minor=_minor(terms, qualification.maximum),
        redemptions_per_customer=limits.redemptions_per_customer,
        reward_per_customer_minor=_minor(terms, limits.reward_per_customer),
        periods=tuple(map(compile_period, limits.per_period)),
        clawback=terms.clawback,
        recency=compile_recency(terms.recency, terms.window.zone) if terms.recency else None,
        **_promised(terms, window, scope, takes_the_table),
    )
    variants = {
        variant.name: replace(made, variant=variant.name, **_promised(terms.under(variant), window, scope, takes_the_table))
        for variant in terms.variants
    }
    return replace(made, variants=variants)


def _takes_the_table(offer: Offer) -> bool:
    """Whether more than the usual rules decide, whatever the purchase: the offer was stopped, or asks what was bought before the grant."""
    stopped = offer.pauses or offer.withdrawn_at or offer.cancelled_at
    return bool(stopped) or any(version.terms.recency for version in offer.versions)


def _promised(terms: Terms, window: CompiledWindow, scope: CompiledScope, takes_the_table: bool) -> dict[str, Any]:  # noqa: FBT001
    """What a variant can have otherwise than everybody."""
    threshold, compare = to_minor(terms.qualification.threshold, terms.currency), COMPARE[terms.qualification.operator]
    return {
        "terms": terms,
        "reward": compile_reward(terms),
        "threshold_minor": threshold,
        "reaches_threshold": lambda amount: compare(amount, threshold),
        "max_reward_minor": _max_reward(terms, threshold),
        "why_not": None if takes_the_table else why_not(terms, window),
        "earned": None if takes_the_table else earned(terms, window, scope),
    }


def _scopes(versions: list[Version]) -> Iterator[CompiledScope]:
    """Each version's compiled scope; versions in a row that ask the same share one."""
    for (scope, base), alike in groupby(versions, key=attrgetter("terms.scope", "terms.qualification.base")):
        yield from repeat(compile_scope(scope, base), len(list(alike)))


def _minor(terms: Terms, amount: int | str | None) -> int | None:
    return None if amount is None else to_minor(amount, terms.currency)


def _max_reward(terms: Terms, threshold_minor: int) -> int | None:
    """The least of what bounds one reward: the fixed amount or the cap, the threshold that a repeat pays on, the customer's limit."""
    repeats_on_threshold = terms.repeat and terms.qualification.kind == "cumulative_spend"
    bounds = [
        largest_reward(terms),
        _minor(terms, terms.limits.reward_per_customer),
        compile_reward(terms)(threshold_minor) if repeats_on_threshold else None,
    ]
    return min((bound for bound in bounds if bound is not None), default=None)
