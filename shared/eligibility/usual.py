"""The usual terms in one pass: why a purchase does not count, and what it earns, without asking one rule after the other.

What decides is the table of rules in `rules`. This is the same for the rules that nearly every offer has, in the same order, written out as
one function, as it is much faster; a test holds the one against the other. Terms that ask for more than this are left to the table: a field
of the terms that is not listed here is one of these, so whoever adds a term need not know of this module until it is to be fast.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, cast

from pydantic.fields import FieldInfo

from shared.eligibility.model import Grant, History, Purchase, within
from shared.eligibility.rewards import reckon
from shared.eligibility.scope import CompiledScope
from shared.eligibility.terms import Limits, Operator, Qualification, Terms, Window
from shared.eligibility.windows import CompiledWindow
from shared.eligibility.written import write
from shared.kernel.money import to_minor
from shared.kernel.reasons import Reason
from shared.kernel.wire import Wire

WhyNot = Callable[[History, Grant, Purchase, int, int], Reason | None]
"""Of a grant and a purchase, how often the grant was completed before, and the amount that qualifies: why the purchase does not count."""
Earned = Callable[[History, Grant, Purchase], Reason | int | None]
"""Of a grant without purchases before and a purchase of which all has cleared: the reward before the customer's limits, in minor units, or
the reason why there is none; None where the purchase is not in scope."""


class Clause(NamedTuple):
    """When a purchase does not count, in Python, and the reason why."""

    when: str
    reason: Reason | None
    """None where the purchase has one of its own."""
    asked: Callable[[Terms], bool] = lambda _: True
    """Whether terms ask for it at all; where they don't, the clause is left out."""


COMPLETED: Final = Clause("completions", Reason.ALREADY_COMPLETED, asked=lambda terms: not terms.repeat)
CLAUSES: Final = (
    Clause("grant.granted_at > at", Reason.NOT_TARGETED),
    Clause("grant.revoked_at is not None and grant.revoked_at <= at", Reason.GRANT_REVOKED),
    Clause("history.consent_withdrawn and within(history.consent_withdrawn, at)", Reason.CONSENT_WITHDRAWN),
    Clause("grant.activated_at is None", Reason.NOT_ACTIVATED, asked=lambda terms: terms.activation == "required"),
    Clause("grant.activated_at > at", Reason.ACTIVATED_AFTER_PURCHASE, asked=lambda terms: terms.activation == "required"),
    Clause("not start <= at < stop and not in_window(at, purchase.zone, history.zone)", Reason.OUTSIDE_WINDOW),
    Clause("purchase.currency != currency", Reason.CURRENCY_MISMATCH),
    Clause("purchase.ended is not None", None),
    COMPLETED,
    Clause("amount_minor < least", Reason.AMOUNT_BELOW_THRESHOLD, asked=lambda terms: terms.qualification.kind != "cumulative_spend"),
    Clause("amount_minor > most", Reason.AMOUNT_ABOVE_MAXIMUM, asked=lambda terms: terms.qualification.maximum is not None),
)


SAME: Final = {"within": within, **{reason.name: reason for reason in Reason}}
"""What names stand for whatever the terms."""


KNOWN: Final[Mapping[type[Wire], frozenset[str]]] = {
    Terms: frozenset(
        ("currency", "reward", "qualification", "scope", "window", "activation", "limits", "repeat", "hold_days", "stacking", "goodwill",
         "clawback", "audience", "frequency_cap", "content", "default_language", "variants")
    ),
    Qualification: frozenset(("kind", "threshold", "operator", "maximum", "base", "visits")),
    Window: frozenset(("start", "end", "end_inclusive", "zone", "zone_policy")),
    Limits: frozenset(
        ("redemptions_per_customer", "reward_per_customer", "per_period", "redemptions_total", "reward_per_account", "budget_per_day",
         "budget_per_month", "budget_per_merchant")
    ),
}  # fmt: skip
"""Fields of terms that are seen to here, or mean nothing to whether a purchase counts. Who sets another one is left to the table."""


def why_not(terms: Terms, window: CompiledWindow) -> WhyNot | None:
    """The rules under these terms, of an offer that was never stopped and customers who are not held out; None where that is not all."""
    if not _usual(terms):
        return None
    steps = ("at = purchase.at", *_steps(terms), "return None")
    return cast("WhyNot", write("history, grant, purchase, completions, amount_minor", steps, _names(terms, window)))


def earned(terms: Terms, window: CompiledWindow, scope: CompiledScope) -> Earned | None:
    """What a purchase earns by itself under these terms, by the same rules; None where they are not all, or sums decide."""
    if not _usual(terms) or terms.qualification.kind != "single_purchase":
        return None
    reward = reckon(terms)
    steps = (
        f"if not ({scope.asks.text}): return None",
        f"amount_minor = {scope.qualifies.text}",
        "at = purchase.at",
        *_steps(terms, without=COMPLETED),
        f"return ({reward.text}) or {Reason.NOTHING_TO_REWARD.name}",
    )
    names = {**_names(terms, window), **scope.asks.names, **scope.qualifies.names, **reward.names}
    return cast("Earned", write("history, grant, purchase", steps, names))


def _steps(terms: Terms, without: Clause | None = None) -> Iterator[str]:
    for clause in CLAUSES:
        if clause is not without and clause.asked(terms):
            yield f"if {clause.when}: return {clause.reason.name if clause.reason else 'purchase.ended'}"


def _names(terms: Terms, window: CompiledWindow) -> dict[str, object]:
    """What the names in the clauses stand for."""
    start, stop = window.surely()
    asked = terms.qualification
    more = asked.operator is Operator.MORE_THAN
    return {
        **SAME,
        "start": start,
        "stop": stop,
        "in_window": window.holds,
        "currency": terms.currency,
        "least": to_minor(asked.threshold, terms.currency) + more,
        "most": None if asked.maximum is None else to_minor(asked.maximum, terms.currency),
    }


def _usual(terms: Terms) -> bool:
    """Whether terms set nothing but what is known here."""
    parts = (terms, terms.qualification, terms.window, terms.limits)
    return all(getattr(part, name) == field.default for part in parts for name, field in _others(type(part)))


def _others(part: type[Wire]) -> Iterator[tuple[str, FieldInfo]]:
    return ((name, field) for name, field in part.model_fields.items() if name not in KNOWN[part])
