"""Terms that may be stored can pay: a search finds purchases that earn a reward which every pot of the offer covers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import given, settings

from shared.eligibility.compile import CompiledOffer, compile_offer
from shared.eligibility.fold import evaluate
from shared.eligibility.model import Evaluation, Item, Purchase
from shared.eligibility.scope import codes
from shared.eligibility.terms import PercentReward, Terms, TieredReward
from shared.kernel.money import BASIS_POINTS, to_minor
from shared.kernel.reasons import Reason
from shared.redemptions.admission import Pots, admit, keys_of
from shared.redemptions.model import Owner, Policy, difference
from shared.redemptions.pots import shared_pots
from tests.conftest import NOW
from tests.unit.eligibility.builders import grant, history, offer, purchase
from tests.unit.eligibility.strategies import all_terms

LONG: Final = timedelta(days=100)
HALF_AN_HOUR: Final = timedelta(minutes=30)
WRONG_TIME: Final = {Reason.OUTSIDE_WINDOW, Reason.DATE_EXCLUDED, Reason.DAY_EXCLUDED, Reason.TIME_EXCLUDED}
FIELDS: Final = {
    "merchants": "merchant_id",
    "locations": "location_id",
    "network_merchant_ids": "network_merchant_id",
    "mccs": "mcc",
    "brands": "brand",
    "channels": "channel",
    "countries": "country",
    "regions": "region",
    "card_products": "card_product",
}
PLENTY: Final = 10**9


@settings(max_examples=300, deadline=None)
@given(all_terms)
def test_terms_that_may_be_stored_can_pay(terms: Terms) -> None:
    compiled, bought = compile_offer(offer(terms)), _in_scope(terms)
    at = next(at for at in _moments(terms) if not _at_a_wrong_time(_judged(compiled, bought, at, [1])))
    assert any(_is_admitted(compiled, _judged(compiled, bought, at, _parts(terms, amount))) for amount in _edges(terms))


def _in_scope(terms: Terms) -> Purchase:
    """A purchase with a code that is let through of each list that is asked."""
    chosen: dict[str, Any] = {field: _let_through(terms, kind) for kind, field in FIELDS.items() if _let_through(terms, kind)}
    product = _let_through(terms, "products")
    return purchase(**{"merchant_id": "m0", "account_token": "a1", **chosen}, items=(Item(product, 1),) if product else ())


def _let_through(terms: Terms, kind: str) -> str | None:
    return min(set(codes(terms.scope.include, kind) or ()) - set(codes(terms.scope.exclude, kind) or ()), default=None)


def _moments(terms: Terms) -> Iterator[datetime]:
    """Every half an hour of the window."""
    at, end = (datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(terms.window.zone)) for text in (terms.window.start, terms.window.end))
    while at < end + timedelta(days=1):
        yield at.astimezone(UTC)
        at += HALF_AN_HOUR


def _edges(terms: Terms) -> list[int]:
    """The amounts at which something may change: thresholds, maximum, tiers, and where a share begins to be a whole minor unit."""
    asked, reward = terms.qualification, terms.reward
    tiers = reward.tiers if isinstance(reward, TieredReward) else []
    shares = [reward.basis_points] if isinstance(reward, PercentReward) else [tier.basis_points for tier in tiers if tier.basis_points]
    amounts = [asked.threshold, *(tier.reached for tier in tiers), *([asked.maximum] if asked.maximum is not None else [])]
    minors = [to_minor(amount, terms.currency) * (asked.visits or 1) for amount in amounts]
    return sorted({edge + more for edge in (0, *minors) for more in (0, 1, 2, *(-(-BASIS_POINTS // share) for share in shares))})


def _parts(terms: Terms, amount: int) -> list[int]:
    """An amount as the purchases that it takes: one, so many visits, or as many as the maximum of one asks for."""
    if terms.qualification.kind == "single_purchase":
        return [amount]
    if terms.qualification.visits:
        some, more = divmod(amount, terms.qualification.visits)
        return [some + (place < more) for place in range(terms.qualification.visits)]
    most = PLENTY if terms.qualification.maximum is None else to_minor(terms.qualification.maximum, terms.currency)
    return [min(most, amount - start) for start in range(0, amount, most)]


def _judged(compiled: CompiledOffer, bought: Purchase, at: datetime, amounts: list[int]) -> Evaluation:
    """What purchases of these amounts, all at one moment, come to for a grant that was given and activated then, to a lapsed customer."""
    made = [
        replace(bought, transaction_id=f"t{number}", at=at, amount_minor=amount, items=tuple(Item(i.product, amount) for i in bought.items))
        for number, amount in enumerate(amounts)
    ]
    long_ago = [replace(bought, transaction_id="t", at=at - LONG)] if compiled.versions[0].terms.recency else []
    return evaluate(compiled, history(*long_ago, *made, grants=(grant(granted_at=at, activated_at=at),)))


def _at_a_wrong_time(evaluation: Evaluation) -> bool:
    return bool({decision.reason for decision in evaluation.decisions} & WRONG_TIME)


def _is_admitted(compiled: CompiledOffer, evaluation: Evaluation) -> bool:
    """Whether all pots of the offer, none of which has given anything yet, cover the first reward."""
    who = Owner(
        offer_id=compiled.offer.offer_id,
        campaign_id=compiled.offer.campaign_id,
        customer_id="c",
        currency="USD",
        policies={1: Policy()},
        pots=shared_pots(compiled),
    )
    changes = difference([(who, evaluation)], (), now=NOW)
    left = {key: pot.most for key, pot in keys_of(changes).items()}
    admitted = admit(changes, Pots(available_minor={who.campaign_id: PLENTY}, shared=left), now=NOW).redemptions
    return any(redemption.reward_minor > 0 for redemption in admitted)
