"""What a customer is offered now, and the activation of an offer."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import dropwhile, islice
from typing import Final, NamedTuple
from uuid import UUID

from shared.audiences import store
from shared.audiences.histories import emit_changed
from shared.audiences.model import Grant, Held
from shared.audiences.usable import asks_what_was_had, expires_at, least_reward_minor, pays_again_at, why_not
from shared.audiences.wallet_api import Activated, Activation, Shown, WalletOffer, WalletOffers, WalletQuery
from shared.eligibility import bounds
from shared.eligibility.compile import CompiledOffer, CompiledVersion
from shared.eligibility.matching import Catalogue
from shared.eligibility.terms import Content, Terms
from shared.kernel.errors import Conflict, Invalid, NotFound, Problem
from shared.kernel.ids import GrantId
from shared.kernel.reasons import Reason
from shared.kernel.shards import shard_of
from shared.kernel.wire import ExternalId, ReasonView
from shared.ledger import service as ledger
from shared.offers.catalogue import catalogue
from shared.platform.call import Call, Transaction
from shared.platform.locks import lock_shards
from shared.redemptions.had import NOTHING_HAD, Had, had
from shared.redemptions.used_up import UsedUp, used_up

WHY: Final = "an offer was activated"


class Usable(NamedTuple):
    """A grant that can be used, and what of its offer is used up for now all the same."""

    held: Held
    had: Had
    compiled: CompiledOffer
    version: CompiledVersion
    used_up: Sequence[UsedUp] = ()

    @property
    def terms(self) -> Terms:
        """What the offer promises this customer now."""
        return self.version.terms

    @property
    def expires_at(self) -> datetime:
        """The first moment at which it can't be used any more."""
        return expires_at(self.version, self.held)

    @property
    def least_minor(self) -> int:
        """The least that its next redemption would pay."""
        return least_reward_minor(self.version, self.had)

    @property
    def pays_again_at(self) -> datetime | None:
        """When time has brought more of all that is used up; None where nothing is, or it will not before the grant expires."""
        if not self.used_up or any(used.lasts(self.expires_at) for used in self.used_up):
            return None
        return max(used.until for used in self.used_up if used.until)


def list_customer_offers(call: Call, customer_id: ExternalId, query: WalletQuery) -> WalletOffers:
    """The offers that a customer can use now, newest first; on a channel only those that it was not shown too often."""
    with call.reading() as tx:
        usable = _usable(tx, customer_id)
        if query.channel:
            usable = _within_caps(tx, customer_id, usable)
        page = islice(_after(usable, query.after), query.limit)
        return WalletOffers(offers=[_shown(found, query) for found in page])


def activate_offer(call: Call, customer_id: ExternalId, grant_id: GrantId, body: Activation) -> Activated:
    """Activate an offer as of a moment. Once more changes nothing; told late of an earlier moment, the earlier holds."""
    with call.transaction() as tx:
        lock_shards(tx, [shard_of(customer_id, call.shards)])
        grant = store.grant(tx, grant_id)
        if grant is None or grant.customer_id != customer_id:
            raise NotFound("The customer has no such grant.")
        at = body.at or tx.now
        _check_moment(tx, grant, at)
        if body.at is None:
            _check_money(tx, grant)
        if store.activate(tx, grant_id, at):
            emit_changed(call, tx, store.changed_pairs(tx, {customer_id: at}, grant.offer_id), WHY)
            activated_at = at
        else:
            activated_at = grant.activated_at or at
        return tx.answer(Activated(grant_id=grant_id, offer_id=grant.offer_id, activated_at=activated_at))


def _check_money(tx: Transaction, grant: Grant) -> None:
    """Raise Conflict where a grant would be activated now of an offer that is used up; what is told late was shown in time."""
    if grant.activated_at is not None:
        return
    if ledger.nearly_exhausted(tx, [grant.campaign_id]):
        raise Conflict("The offer's budget has run out.", reason=Reason.BUDGET_EXHAUSTED.code)
    compiled = catalogue(tx).get(grant.offer_id)
    if compiled:
        version = compiled.version_at(tx.now).for_variant(grant.variant)
        for used in used_up(tx, grant.customer_id, {compiled: bounds.least_reward_minor(version)}).get(grant.offer_id, ()):
            if used.lasts(compiled.latest):
                raise Conflict(used.reason.support, reason=used.reason.code)


def _usable(tx: Transaction, customer_id: str) -> list[Usable]:
    """Grants in live campaigns of offers whose rules let a purchase count now; those not activated only while something is left to give."""
    known = catalogue(tx)
    found = []
    wallet = store.wallet(tx, customer_id)
    bought = _bought_before(tx, known, wallet)
    had_before = had(tx, customer_id, _had_of(known, wallet, tx.now), known)
    for held in wallet:
        compiled, his = known.get(held.grant.offer_id), had_before.get(held.grant.offer_id, NOTHING_HAD)
        if compiled and why_not(compiled, held, his, tx.now, bought.get(held.grant.grant_id)) is None:
            found.append(Usable(held, his, compiled, compiled.version_at(tx.now).for_variant(held.grant.variant)))
    return _while_it_lasts(tx, customer_id, found) if found else []


def _had_of(known: Catalogue, wallet: Iterable[Held], at: datetime) -> set[UUID]:
    """The offers of which a customer ever had anything, and which that may use up for him."""
    had_of = {held.grant.offer_id for held in wallet if held.redeemed}
    return {offer_id for offer_id in had_of if (compiled := known.get(offer_id)) and asks_what_was_had(compiled.version_at(at))}


def _while_it_lasts(tx: Transaction, customer_id: str, found: Iterable[Usable]) -> list[Usable]:
    """Those of grants that are worth showing by what is left to give, and what is not: all that are activated, with what is used up."""
    exhausted = ledger.nearly_exhausted(tx, {usable.held.grant.campaign_id for usable in found})
    pots = used_up(tx, customer_id, _least_rewards(found))
    goodwill = _goodwill(tx, found)
    shown = []
    for usable in found:
        grant, used = usable.held.grant, [*_of_periods(usable, tx.now), *pots.get(usable.held.grant.offer_id, ())]
        if grant.activated_at or not (grant.campaign_id in exhausted or any(one.lasts(usable.expires_at) for one in used)):
            left_minor = max(usable.held.left_minor, goodwill.get(usable.terms.goodwill, 0) if usable.terms.goodwill else 0)
            of_budget = [UsedUp(Reason.BUDGET_EXHAUSTED, None)] if left_minor < usable.least_minor else []
            shown.append(usable._replace(used_up=[*used, *of_budget]))
    return shown


def _of_periods(usable: Usable, at: datetime) -> list[UsedUp]:
    """That the customer has had as much as the limits of periods allow, and until when."""
    until = pays_again_at(usable.version, usable.held, usable.had, at)
    return [UsedUp(Reason.PERIOD_LIMIT_REACHED, until)] if until else []


def _least_rewards(found: Iterable[Usable]) -> dict[CompiledOffer, int]:
    """The offers of grants, each with the least that a redemption of any of these would pay."""
    least: dict[CompiledOffer, int] = {}
    for usable in found:
        least[usable.compiled] = min(usable.least_minor, least.get(usable.compiled, usable.least_minor))
    return least


def _goodwill(tx: Transaction, found: Iterable[Usable]) -> Mapping[UUID, int]:
    """What the campaigns have left that bear, out of goodwill, what those of grants can't."""
    asked = {usable.terms.goodwill for usable in found if usable.terms.goodwill and usable.held.left_minor < usable.least_minor}
    return ledger.balances(tx, asked) if asked else {}


def _bought_before(tx: Transaction, known: Catalogue, wallet: Iterable[Held]) -> dict[UUID, datetime]:
    """When the customer had last bought something in scope before grants, of offers that ask for it."""
    asking = [held.grant.grant_id for held in wallet if (compiled := known.get(held.grant.offer_id)) and compiled.asks_recency]
    return store.bought_before(tx, asking) if asking else {}


def _within_caps(tx: Transaction, customer_id: str, usable: list[Usable]) -> list[Usable]:
    caps = {
        found.held.grant.offer_id: (tx.now - timedelta(days=int(cap.per[1:-1])), cap.impressions)
        for found in usable
        if (cap := found.terms.frequency_cap)
    }
    often = store.shown_often(tx, customer_id, caps) if caps else set()
    return [found for found in usable if found.held.grant.offer_id not in often]


def _after(usable: Sequence[Usable], after: UUID | None) -> Iterable[Usable]:
    """What comes after a grant that was shown last; all where it is not listed any more."""
    if after is None or all(found.held.grant.grant_id != after for found in usable):
        return usable
    return islice(dropwhile(lambda found: found.held.grant.grant_id != after, usable), 1, None)


def _shown(found: Usable, query: WalletQuery) -> WalletOffer:
    held, version, terms, grant = found.held, found.version, found.terms, found.held.grant
    return WalletOffer(
        grant_id=grant.grant_id,
        offer_id=grant.offer_id,
        campaign_id=grant.campaign_id,
        version=version.number,
        variant=version.variant,
        state="completed" if held.completions else "activated" if grant.activated_at else "granted",
        completions=held.completions,
        granted_at=grant.granted_at,
        activated_at=grant.activated_at,
        expires_at=found.expires_at,
        activation=terms.activation,
        currency=terms.currency,
        reward=terms.reward,
        qualification=terms.qualification,
        content=[Shown.of(content) for content in _content(terms, query)],
        used_up=[ReasonView.of(used.reason) for used in found.used_up],
        pays_again_at=found.pays_again_at,
    )


def _content(terms: Terms, query: WalletQuery) -> list[Content]:
    """The words for the channel asked for (else for each), in the language that comes nearest; else in the offer's default."""
    best: dict[str, Content] = {}
    wanted = query.language or terms.default_language
    for words in sorted(terms.content, key=lambda words: _distance(words.language, wanted, terms.default_language)):
        if query.channel in {None, words.channel.value}:
            best.setdefault(words.channel.value, words)
    return list(best.values())


def _distance(language: str, wanted: str, default: str) -> tuple[bool, ...]:
    """First the language itself, then without its country, then of another country, then the default; any other comes last."""
    return language != wanted, language != wanted[:2], language[:2] != wanted[:2], language != default


def _check_moment(tx: Transaction, grant: Grant, at: datetime) -> None:
    """Raise Invalid for a moment that can't be, and Conflict for one at which there was nothing to activate."""
    if at > tx.now:
        raise Invalid(problems=(Problem(path="/at", message="must not be in the future"),))
    if at < grant.granted_at:
        raise Invalid(problems=(Problem(path="/at", message=f"must not be before the offer was granted, {grant.granted_at.isoformat()}"),))
    compiled = catalogue(tx).get(grant.offer_id)
    ends = [grant.revoked_at]
    if compiled:
        ends += [compiled.latest, compiled.offer.withdrawn_at, compiled.offer.cancelled_at]
    if any(end is not None and end <= at for end in ends):
        raise Conflict("The offer was over at that moment.")
