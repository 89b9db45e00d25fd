"""Would this purchase earn, and why: the fold with a purchase that may not have happened, in one read of the database."""

from asyncio import to_thread
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from events.payloads import PurchaseSaid
from shared.eligibility.compile import CompiledOffer
from shared.eligibility.explain import explain
from shared.eligibility.life import Message, purchases_of
from shared.eligibility.matching import Catalogue
from shared.eligibility.model import Before, Grant, History, Purchase, Refusal, RuleResult, Verdict
from shared.kernel.errors import NotFound
from shared.kernel.ids import CampaignId, GrantId, OfferId
from shared.kernel.reasons import Reason
from shared.kernel.wire import Currency, ExternalId, Minor, Wire
from shared.offers.catalogue import at_hand, catalogue
from shared.offers.model import Revisions
from shared.platform.call import Call
from shared.platform.database import joined
from shared.redemptions.history import message_of_row
from shared.redemptions.purchases import NOTHING_KNOWN, Surroundings, purchase_of, surroundings
from shared.redemptions.store import SQL, without_consent

MOST_OFFERS: Final = 50
ASKED: Final = "asked"


class PurchaseAsked(PurchaseSaid):
    """A purchase, made or thought of. With the id of one that was made, it takes that one's place."""

    transaction_id: ExternalId = ASKED


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
    before: Before
    budget_left_minor: Minor
    """What the campaign's budget could still cover when this was asked."""
    rules: tuple[RuleResult, ...]
    reasons: list[ReasonView]


class Eligibility(Wire):
    """Verdicts in the order of offers and grants; `eligible` when any of them pays."""

    customer_id: ExternalId
    eligible: bool
    verdicts: list[VerdictView]


async def check_eligibility(call: Call, body: EligibilityAsked) -> Eligibility:
    """Judge a purchase of a customer, at its own moment: verdict, every rule with its values, reasons."""
    (answer,) = await check_together(call, [body])
    if isinstance(answer, NotFound):
        raise answer
    return answer


async def check_together(call: Call, bodies: Sequence[EligibilityAsked]) -> list[Eligibility | NotFound]:
    """Answer several questions with one read of the database."""
    snapshot = at_hand(call.database)
    questions = await _questions(call, bodies, snapshot.catalogue)
    facts = await _read(call, questions)
    if not snapshot.covers(Revisions(offers=facts[0]["offers_revision"], campaigns=facts[0]["campaigns_revision"])):
        questions = await _questions(call, bodies, await to_thread(_catalogue, call))
        facts = await _read(call, questions)
    return [_answer(question, about) for question, about in zip(questions, facts, strict=True)]


class _Question(NamedTuple):
    """Whom it is about, the purchase, and the offers that it is held against."""

    asked: EligibilityAsked
    purchase: Purchase
    wanted: Sequence[CompiledOffer]


async def _questions(call: Call, bodies: Sequence[EligibilityAsked], offers: Catalogue) -> list[_Question]:
    asked = [body.purchase for body in bodies]
    known = NOTHING_KNOWN
    if offers.asks_brands or any(purchase.location_id for purchase in asked):
        known = await to_thread(_surroundings, call, asked, brands=offers.asks_brands)
    now = call.clock.now()
    purchases = [purchase_of(purchase, known, recorded_at=now) for purchase in asked]
    return [_Question(body, purchase, _wanted(offers, body.offer_id, purchase)) for body, purchase in zip(bodies, purchases, strict=True)]


def _surroundings(call: Call, asked: Sequence[PurchaseSaid], *, brands: bool) -> Surroundings:
    with call.reading() as tx:
        return surroundings(tx, asked, brands=brands)


def _catalogue(call: Call) -> Catalogue:
    with call.reading() as tx:
        return catalogue(tx)


def _wanted(offers: Catalogue, offer_id: UUID | None, purchase: Purchase) -> Sequence[CompiledOffer]:
    if offer_id is None:
        return offers.candidates(purchase)[:MOST_OFFERS]
    found = offers.get(offer_id)
    return [found] if found else []


async def _read(call: Call, questions: Sequence[_Question]) -> list[dict[str, Any]]:
    """All that the verdicts depend on, in one statement."""
    values = {
        "customer_ids": joined(question.asked.customer_id for question in questions),
        "offer_ids": ";".join(joined(compiled.offer.offer_id for compiled in question.wanted) for question in questions),
        "campaign_ids": ";".join(joined({compiled.offer.campaign_id for compiled in question.wanted}) for question in questions),
    }
    async with call.database.connection_to_loop() as connection:
        return await (await connection.execute(SQL["read_eligibility"], values, prepare=True)).fetchall()


def _answer(question: _Question, facts: dict[str, Any]) -> Eligibility | NotFound:
    asked, purchase, wanted = question
    if asked.offer_id and not wanted:
        return NotFound("There is no approved offer of this id.")
    views = [view for compiled in wanted for view in _verdicts(compiled, facts, purchase)]
    return Eligibility(customer_id=asked.customer_id, eligible=any(view.eligible for view in views), verdicts=views)


def _verdicts(compiled: CompiledOffer, facts: dict[str, Any], purchase: Purchase) -> Iterator[VerdictView]:
    history = _history(compiled, facts)
    made = next((known for known in history.purchases if known.transaction_id == purchase.transaction_id), None)
    purchase = replace(purchase, recorded_at=made.recorded_at) if made else purchase
    left_minor = (facts["available"] or {}).get(str(compiled.offer.campaign_id), 0)
    for verdict in explain(compiled, history, purchase):
        yield _view(compiled, verdict, left_minor, made=made is not None)


def _history(compiled: CompiledOffer, facts: dict[str, Any]) -> History:
    offer_id = str(compiled.offer.offer_id)
    grants = [row for row in facts["grants"] or () if row["offer_id"] == offer_id]
    return History(
        grants=tuple([_grant(row) for row in grants]),
        purchases=tuple(purchases_of([_stored_message(row) for row in facts["transactions"] or () if offer_id in row["offers"]])),
        consent_withdrawn=without_consent(facts["changed"] or (), facts["given"] or ()),
        zone=facts["zone"],
        refusals=tuple([_refusal(row) for row in facts["refusals"] or () if row["offer_id"] == offer_id]),
        held_out=not grants and str(compiled.offer.campaign_id) in (facts["held_out"] or ()),  # a grant given all the same counts
    )


def _grant(row: dict[str, Any]) -> Grant:
    return Grant(
        grant_id=UUID(row["grant_id"]),
        granted_at=datetime.fromisoformat(row["granted_at"]),
        activated_at=_moment(row["activated_at"]),
        revoked_at=_moment(row["revoked_at"]),
    )


def _stored_message(row: dict[str, Any]) -> Message:
    moments = {"at": datetime.fromisoformat(row["at"]), "recorded_at": datetime.fromisoformat(row["recorded_at"])}
    return message_of_row(row | moments | {"posted_at": _moment(row["posted_at"])})


def _refusal(row: dict[str, Any]) -> Refusal:
    return Refusal(grant_id=UUID(row["grant_id"]), completion=row["completion"], reason=Reason.of(row["reason"]))


def _view(compiled: CompiledOffer, verdict: Verdict, left_minor: int, *, made: bool) -> VerdictView:
    """A verdict as it is told; of a purchase not yet made with whether the campaign's budget covers it now."""
    budget = () if made else (_budget(verdict.reward_minor, left_minor),)
    refusals = [rule.reason for rule in budget if rule.reason]
    return VerdictView(
        offer_id=compiled.offer.offer_id,
        campaign_id=compiled.offer.campaign_id,
        grant_id=verdict.grant_id,
        version=verdict.version,
        eligible=verdict.eligible and not refusals,
        reward_minor=0 if refusals else verdict.reward_minor,
        currency=compiled.versions[-1].terms.currency,
        before=verdict.before,
        budget_left_minor=left_minor,
        rules=(*verdict.rules, *budget),
        reasons=[ReasonView(code=r.code, support=r.support, customer=r.customer) for r in (*verdict.reasons, *refusals)],
    )


def _budget(reward_minor: int, left_minor: int) -> RuleResult:
    enough = reward_minor <= left_minor
    return RuleResult(
        rule="budget",
        passed=enough,
        expected=f"at least {reward_minor} left",
        actual=str(left_minor),
        reason=None if enough else Reason.BUDGET_EXHAUSTED,
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
