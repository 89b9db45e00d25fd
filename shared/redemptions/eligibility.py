"""Would this purchase earn, and why: the fold with a purchase that may not have happened, in one read of the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from events.payloads import MAX_ITEMS, BasketItem
from shared.eligibility.compile import CompiledOffer
from shared.eligibility.explain import explain
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Grant, History, Purchase, Refusal, RuleResult, Verdict
from shared.kernel.errors import NotFound
from shared.kernel.ids import CampaignId, GrantId, OfferId
from shared.kernel.reasons import Reason
from shared.kernel.wire import Amount, Currency, ExternalId, Minor, Moment, Wire
from shared.merchants import service as merchants
from shared.offers.catalogue import at_hand, catalogue
from shared.offers.model import Revisions
from shared.platform.call import Call, Transaction
from shared.platform.database import exactly_one, joined
from shared.redemptions.purchases import purchase_of
from shared.redemptions.store import SQL, without_consent
from shared.redemptions.store import purchase_of as stored_purchase

MOST_OFFERS: Final = 50
ASKED: Final = "asked"


class PurchaseAsked(Wire):
    """A purchase, made or thought of. With the id of one that was made, it takes that one's place."""

    transaction_id: ExternalId = ASKED
    at: Moment
    currency: Currency
    amount: Amount
    merchant_id: ExternalId
    location_id: ExternalId | None = None
    mcc: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None
    items: Annotated[list[BasketItem], Field(max_length=MAX_ITEMS)] = Field(default_factory=list)


class EligibilityAsked(Wire):
    """Whom it is about, which offer (all in whose scope the purchase falls, when none is named), and the purchase."""

    customer_id: ExternalId
    offer_id: OfferId | None = None
    purchase: PurchaseAsked


class ReasonView(Wire):
    """A reason code with its sentences."""

    code: str
    support: str
    customer: str


class VerdictView(Wire):
    """The answer for one grant, or for the offer where the customer holds none."""

    offer_id: OfferId
    campaign_id: CampaignId
    grant_id: GrantId | None
    version: int | None
    eligible: bool
    reward_minor: Minor
    currency: Currency
    rules: tuple[RuleResult, ...]
    reasons: list[ReasonView]


class Eligibility(Wire):
    """Verdicts in the order of offers and grants; `eligible` when any of them pays."""

    customer_id: ExternalId
    eligible: bool
    verdicts: list[VerdictView]


def check_eligibility(call: Call, body: EligibilityAsked) -> Eligibility:
    """Judge a purchase of a customer, at its own moment: verdict, every rule with its values, reasons."""
    with call.reading() as tx:
        snapshot = at_hand(tx.database)
        offers = snapshot.catalogue
        purchase = _purchase(tx, body.purchase)
        wanted = _wanted(offers, body.offer_id, purchase)
        facts = _read(tx, body, wanted)
        if not snapshot.covers(Revisions(offers=facts["offers_revision"], campaigns=facts["campaigns_revision"])):
            offers = catalogue(tx)
            wanted = _wanted(offers, body.offer_id, purchase)
            facts = _read(tx, body, wanted)
    if body.offer_id and not wanted:
        raise NotFound("There is no approved offer of this id.")
    views = [view for compiled in wanted for view in _verdicts(compiled, facts, purchase)]
    return Eligibility(customer_id=body.customer_id, eligible=any(view.eligible for view in views), verdicts=views)


def _purchase(tx: Transaction, asked: PurchaseAsked) -> Purchase:
    return purchase_of(asked, merchants.places(tx, [asked.location_id]) if asked.location_id else {})


def _wanted(offers: Catalogue, offer_id: UUID | None, purchase: Purchase) -> Sequence[CompiledOffer]:
    if offer_id is None:
        return offers.candidates(purchase)[:MOST_OFFERS]
    found = offers.get(offer_id)
    return [found] if found else []


def _read(tx: Transaction, body: EligibilityAsked, wanted: Sequence[CompiledOffer]) -> dict[str, Any]:
    """All that the verdict depends on, in one statement."""
    values = {
        "customer_id": body.customer_id,
        "offer_ids": joined(compiled.offer.offer_id for compiled in wanted),
        "campaign_ids": joined({compiled.offer.campaign_id for compiled in wanted}),
    }
    return exactly_one(tx.connection, SQL["read_eligibility"], prepare=True, **values)


def _verdicts(compiled: CompiledOffer, facts: dict[str, Any], purchase: Purchase) -> list[VerdictView]:
    history = _history(compiled, facts)
    available_minor = (facts["available"] or {}).get(str(compiled.offer.campaign_id), 0)
    made = any(known.transaction_id == purchase.transaction_id for known in history.purchases)
    return [
        _view(compiled, verdict if made else _with_budget(verdict, available_minor), purchase)
        for verdict in explain(compiled, history, purchase)
    ]


def _history(compiled: CompiledOffer, facts: dict[str, Any]) -> History:
    offer_id = str(compiled.offer.offer_id)
    grants = [row for row in facts["grants"] or () if row["offer_id"] == offer_id]
    purchases = [row for row in facts["transactions"] or () if offer_id in row["offers"]]
    refusals = [row for row in facts["refusals"] or () if row["offer_id"] == offer_id]
    return History(
        grants=tuple(
            Grant(
                grant_id=UUID(row["grant_id"]),
                granted_at=datetime.fromisoformat(row["granted_at"]),
                activated_at=_moment(row["activated_at"]),
                revoked_at=_moment(row["revoked_at"]),
            )
            for row in grants
        ),
        purchases=tuple(stored_purchase(row | {"at": datetime.fromisoformat(row["at"])}) for row in purchases),
        consent_withdrawn=without_consent(facts["changed"] or [], facts["given"] or []),
        zone=facts["zone"],
        refusals=tuple(
            Refusal(grant_id=UUID(row["grant_id"]), ordinal=row["ordinal"], reason=Reason.of(row["reason"])) for row in refusals
        ),
        held_out=not grants and str(compiled.offer.campaign_id) in (facts["held_out"] or ()),  # a grant given all the same counts
    )


def _with_budget(verdict: Verdict, available_minor: int) -> Verdict:
    """The verdict on a purchase not yet made, with what the campaign's budget says of it now."""
    enough = verdict.reward_minor <= available_minor
    rule = RuleResult(
        rule="budget",
        passed=enough,
        expected=f"at least {verdict.reward_minor} left",
        actual=str(available_minor),
        reason=None if enough else Reason.BUDGET_EXHAUSTED,
    )
    return Verdict(
        grant_id=verdict.grant_id,
        version=verdict.version,
        eligible=verdict.eligible and enough,
        reward_minor=verdict.reward_minor if enough else 0,
        rules=(*verdict.rules, rule),
        reasons=verdict.reasons if enough else (*verdict.reasons, Reason.BUDGET_EXHAUSTED),
    )


def _view(compiled: CompiledOffer, verdict: Verdict, purchase: Purchase) -> VerdictView:
    return VerdictView(
        offer_id=compiled.offer.offer_id,
        campaign_id=compiled.offer.campaign_id,
        grant_id=verdict.grant_id,
        version=verdict.version,
        eligible=verdict.eligible,
        reward_minor=verdict.reward_minor,
        currency=compiled.version_at(purchase.at).terms.currency,
        rules=verdict.rules,
        reasons=[ReasonView(code=r.code, support=r.support, customer=r.customer) for r in verdict.reasons],
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
