"""From what the database tells of a customer to verdicts on a purchase, and their words. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

from shared.eligibility.compile import CompiledOffer
from shared.eligibility.explain import explain
from shared.eligibility.life import Message, given_back, purchases_of
from shared.eligibility.model import Correction, Grant, History, Purchase, Refusal, RuleResult, Verdict
from shared.eligibility.stacking import Member
from shared.kernel.reasons import Reason
from shared.kernel.wire import ReasonView
from shared.redemptions.eligibility_api import Eligibility, VerdictView
from shared.redemptions.history import message_of_row
from shared.redemptions.rehearsal import Rehearsal, pots_of
from shared.redemptions.store import correction_of_row, without_consent

NO_SUCH_OFFER: Final = "There is no approved offer of this id."
MOST_OFFERS: Final = 50

Together = Sequence[CompiledOffer]
"""An offer, and those that it must be folded with."""

Facts = Mapping[str, Any]
"""A row of read_eligibility or read_eligibility_as_of; its transactions are messages, each with the ids of offers that it is under."""


class Judged(NamedTuple):
    """Whose purchase is asked about, by what was known at which moment, and whether as it is recorded rather than as it is told."""

    customer_id: str
    purchase: Purchase
    as_of: datetime
    as_recorded: bool


def in_order(offers: Iterable[CompiledOffer]) -> Sequence[CompiledOffer]:
    """The first of these offers by their ids, as many as are judged at most."""
    return sorted(offers, key=attrgetter("offer.offer_id"))[:MOST_OFFERS]


def all_of(wanted: Iterable[Together]) -> Collection[CompiledOffer]:
    """All offers whose histories are needed, once each."""
    return dict.fromkeys(chain.from_iterable(wanted)).keys()


def budgets_of(offers: Iterable[CompiledOffer]) -> set[UUID]:
    """The campaigns whose budgets may bear what these offers promise."""
    offers = list(offers)
    goodwill = {version.terms.goodwill for compiled in offers for version in compiled.versions}
    return {compiled.offer.campaign_id for compiled in offers} | {campaign for campaign in goodwill if campaign}


def facts_of_row(row: DictRow) -> Facts:
    """The facts of a row of a statement."""
    return row | {"transactions": [(_message(told), told["offers"]) for told in row["transactions"] or ()]}


def answer(
    customer_id: str, wanted: Sequence[Together], facts: Facts, purchase: Purchase, as_of: datetime, *, as_recorded: bool = False
) -> Eligibility:
    """The verdicts on a purchase under these offers, in their order and that of grants.

    The purchase takes the place of one with its id in the history; with `as_recorded`, that one stays, as it is known there, and no pot
    is asked.
    """
    judged = Judged(customer_id, purchase, as_of, as_recorded)
    members = {compiled: Member(compiled, history_of(compiled, facts)) for compiled in all_of(wanted)}
    grouped = ([members[compiled] for compiled in together] for together in wanted)
    views = [view for together in grouped for view in _under(together, facts, judged)]
    return Eligibility(
        customer_id=customer_id,
        as_of=as_of,
        merchant_id=purchase.merchant_id,
        matched_by=purchase.matched_by or Reason.MERCHANT_UNKNOWN.code,
        on_record=facts["on_record"],
        eligible=any(view.eligible for view in views),
        verdicts=views,
    )


def _under(together: Sequence[Member], facts: Facts, judged: Judged) -> Iterator[VerdictView]:
    (compiled, history), *rivals = together
    purchase = judged.purchase
    made = next((known for known in history.purchases if known.transaction_id == purchase.transaction_id), None)
    if made:
        purchase = made if judged.as_recorded else replace(purchase, recorded_at=made.recorded_at)
    rehearsal = None
    if not made and not judged.as_recorded:
        pots = pots_of((member.compiled for member in together), purchase)
        rehearsal = Rehearsal.of(judged.customer_id, purchase, pots, facts, judged.as_of)
    left_minor = _left_minor(compiled, facts, purchase)
    for verdict in explain(compiled, history, purchase, rivals=rivals, admits=rehearsal.admits if rehearsal else None):
        of_pots = tuple(rehearsal.rules(compiled, verdict.grant_id, left_minor)) if rehearsal else ()
        yield _view(compiled, verdict, left_minor[0], of_pots)


def _left_minor(compiled: CompiledOffer, facts: Facts, purchase: Purchase) -> tuple[int, int]:
    """In the campaign's pot, and in the one for goodwill."""
    available: Mapping[str, int] = facts["available"] or {}
    goodwill = compiled.version_at(purchase.at).terms.goodwill
    return available.get(str(compiled.offer.campaign_id), 0), available.get(str(goodwill), 0)


def history_of(compiled: CompiledOffer, facts: Facts) -> History:
    """What is known of the customer and an offer."""
    offer_id = str(compiled.offer.offer_id)
    grants = [row for row in facts["grants"] or () if row["offer_id"] == offer_id]
    messages = [message for message, offers in facts["transactions"] if offer_id in offers]
    return History(
        grants=tuple([_grant(row) for row in grants]),
        purchases=tuple(purchases_of(messages)),
        consent_withdrawn=without_consent(facts["changed"] or (), facts["given"] or ()),
        zone=facts["zone"],
        refusals=tuple([_refusal(row) for row in facts["refusals"] or () if row["offer_id"] == offer_id]),
        corrections=tuple([_correction(row) for row in facts["corrections"] or () if row["offer_id"] == offer_id]),
        given_back=given_back(messages),
        held_out=not grants and str(compiled.offer.campaign_id) in (facts["held_out"] or ()),  # a grant given all the same counts
    )


def _grant(row: dict[str, Any]) -> Grant:
    return Grant(
        grant_id=UUID(row["grant_id"]),
        granted_at=datetime.fromisoformat(row["granted_at"]),
        activated_at=_moment(row["activated_at"]),
        revoked_at=_moment(row["revoked_at"]),
        variant=row["variant"],
    )


def _message(row: Mapping[str, Any]) -> Message:
    moments = {"at": datetime.fromisoformat(row["at"]), "recorded_at": datetime.fromisoformat(row["recorded_at"])}
    return message_of_row({**row, **moments, "posted_at": _moment(row["posted_at"])})


def _refusal(row: dict[str, Any]) -> Refusal:
    return Refusal(grant_id=UUID(row["grant_id"]), completion=row["completion"], reason=Reason.of(row["reason"]))


def _correction(row: dict[str, Any]) -> Correction:
    ids = {name: UUID(row[name]) for name in ("correction_id", "grant_id")}
    return correction_of_row(row | ids | {"at": datetime.fromisoformat(row["at"])})


def _view(compiled: CompiledOffer, verdict: Verdict, left_minor: int, pots: Sequence[RuleResult]) -> VerdictView:
    """A verdict as it is told; of a purchase not yet made with what each pot that it would take from has left."""
    reasons = dict.fromkeys((*verdict.reasons, *(rule.reason for rule in pots if rule.reason)))
    return VerdictView(
        offer_id=compiled.offer.offer_id,
        campaign_id=compiled.offer.campaign_id,
        grant_id=verdict.grant_id,
        version=verdict.version,
        variant=verdict.variant,
        eligible=verdict.eligible,
        reward_minor=verdict.reward_minor,
        currency=compiled.versions[-1].terms.currency,
        before=verdict.before,
        budget_left_minor=left_minor,
        rules=(*verdict.rules, *pots),
        reasons=[ReasonView.of(reason) for reason in reasons],
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
