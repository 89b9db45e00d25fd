"""The use cases of campaigns, one function each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from events.payloads import CampaignEnded, CampaignWentLive
from shared.campaigns import store
from shared.campaigns.api import (
    BudgetAsked,
    BudgetRequests,
    BudgetRequestView,
    Campaigns,
    CampaignView,
    History,
    NewCampaign,
    Page,
    Why,
)
from shared.campaigns.model import TOP_UP_STATES, BudgetRequest, Campaign, Change, State, Timeline, window
from shared.kernel.errors import Conflict, Invalid, Problem
from shared.kernel.ids import CAMPAIGN, CampaignId, new_id
from shared.kernel.money import MAX_MINOR, to_decimal, to_minor
from shared.kernel.trail import ChangeView
from shared.ledger import service as ledger
from shared.ledger.model import Pot
from shared.platform.call import Call, Transaction

MOST_DUE: Final = 100
SCHEDULER: Final = "schedule"


def create_campaign(call: Call, body: NewCampaign) -> CampaignView:
    """Prepare a campaign as a draft."""
    with call.transaction() as tx:
        starts_at, ends_at = window(body.window.start, body.window.end, body.window.zone)
        campaign = Campaign(
            campaign_id=body.campaign_id or new_id(tx.now),
            name=body.name,
            objective=body.objective,
            portfolio=body.portfolio,
            currency=body.currency,
            starts_at=starts_at,
            ends_at=ends_at,
            zone=body.window.zone,
            state=State.DRAFT,
            created_by=call.caller.subject,
            created_at=tx.now,
        )
        if not store.insert(tx, campaign):
            raise Conflict("There is a campaign with this id already.")
        store.move(tx, None, campaign, _change(call, tx, "create", None, campaign, body.objective))
        return tx.answer(CampaignView.of(campaign), status=201)


def list_campaigns(call: Call, query: Page) -> Campaigns:
    """Campaigns, newest first."""
    with call.reading() as tx:
        return Campaigns(campaigns=[CampaignView.of(c) for c in store.list_all(tx, limit=query.limit, offset=query.offset)])


def get_campaign(call: Call, campaign_id: CampaignId) -> CampaignView:
    """One campaign."""
    with call.reading() as tx:
        return CampaignView.of(store.read(tx, campaign_id))


def campaign_history(call: Call, campaign_id: CampaignId) -> History:
    """Who did what with a campaign, when and why."""
    with call.reading() as tx:
        store.read(tx, campaign_id)
        return History(history=[ChangeView.of(change) for change in store.history(tx, campaign_id)])


def request_budget(call: Call, campaign_id: CampaignId, body: BudgetAsked) -> BudgetRequestView:
    """Ask for a budget, for more of it, or for less; another person decides. Less is refused, with the figures, where it is not free."""
    with call.transaction() as tx:
        before = store.read(tx, campaign_id, lock=True)
        request = BudgetRequest(
            request_id=new_id(tx.now),
            campaign_id=campaign_id,
            change=body.change,
            amount_minor=_amount(body, before.currency),
            state="requested",
            requested_by=call.caller.subject,
            requested_at=tx.now,
            reason=body.reason,
        )
        if request.change == "lower":
            _require_free(before, request, ledger.pots(tx, [campaign_id]))
        after = before if before.state in TOP_UP_STATES else before.after("request_budget")
        if not store.insert_request(tx, request):
            raise Conflict("The campaign has a request for budget that is not decided yet.")
        store.move(tx, before, after, _change(call, tx, request.action("request"), before, after, body.reason))
        return tx.answer(BudgetRequestView.of(request, before.currency), status=201)


def list_budget_requests(call: Call, campaign_id: CampaignId) -> BudgetRequests:
    """The requests for budget of a campaign and what became of them."""
    with call.reading() as tx:
        campaign = store.read(tx, campaign_id)
        requests = store.list_requests(tx, campaign_id)
        return BudgetRequests(budget_requests=[BudgetRequestView.of(r, campaign.currency) for r in requests])


def approve_budget(call: Call, campaign_id: CampaignId, body: Why) -> CampaignView:
    """Approve the open request: the money can be spent, or is taken back, from this moment. What is no longer free can't be taken back."""
    with call.transaction() as tx:
        before, request = _open_request(tx, campaign_id)
        approved = request.decided("approved", by=call.caller.subject, at=tx.now, reason=body.reason)
        after = before if before.state in TOP_UP_STATES else before.after("approve_budget")
        store.decide(tx, approved)
        _post(tx, before, request)
        store.move(tx, before, after, _change(call, tx, request.action("approve"), before, after, body.reason))
        return tx.answer(CampaignView.of(after))


def reject_budget(call: Call, campaign_id: CampaignId, body: Why) -> CampaignView:
    """Refuse the open request; the campaign may ask again."""
    with call.transaction() as tx:
        before, request = _open_request(tx, campaign_id)
        store.decide(tx, request.decided("rejected", by=call.caller.subject, at=tx.now, reason=body.reason))
        after = before if before.state in TOP_UP_STATES else before.after("reject_budget")
        store.move(tx, before, after, _change(call, tx, request.action("reject"), before, after, body.reason))
        return tx.answer(CampaignView.of(after))


def schedule_campaign(call: Call, campaign_id: CampaignId, body: Why) -> CampaignView:
    """Let a funded campaign start by itself when its window opens; at once where it is open already."""
    with call.transaction() as tx:
        before = store.read(tx, campaign_id, lock=True)
        after = before.after("schedule")
        store.move(tx, before, after, _change(call, tx, "schedule", before, after, body.reason))
        return tx.answer(CampaignView.of(_move_by_time(tx, after)))


def pause_campaign(call: Call, campaign_id: CampaignId, body: Why) -> CampaignView:
    """Stop a live campaign for a while: purchases made from now on earn nothing."""
    return _command(call, campaign_id, "pause", body.reason)


def resume_campaign(call: Call, campaign_id: CampaignId, body: Why) -> CampaignView:
    """Let a paused campaign go on."""
    return _command(call, campaign_id, "resume", body.reason)


def cancel_campaign(call: Call, campaign_id: CampaignId, body: Why) -> CampaignView:
    """Stop a campaign for good; what was earned stays earned."""
    return _command(call, campaign_id, "cancel", body.reason)


def move_due_campaigns(tx: Transaction) -> int:
    """Start and end campaigns whose time has come, at most a hundred in one go; how many moved."""
    due = store.lock_due(tx, now=tx.now, most=MOST_DUE)
    for campaign in due:
        _move_by_time(tx, campaign)
    return len(due)


def require_campaign(tx: Transaction, campaign_id: UUID) -> Campaign:
    """The campaign, for areas that hang things on it. Raises NotFound."""
    return store.read(tx, campaign_id)


def newest_campaigns(tx: Transaction, *, most: int) -> list[Campaign]:
    """The newest campaigns, at most so many, for reports about all of them."""
    return store.list_all(tx, limit=most, offset=0)


def timelines_since(tx: Transaction, revision: int) -> list[Timeline]:
    """The timelines of campaigns that changed after a revision; for caches."""
    return store.timelines_since(tx, revision)


def _command(call: Call, campaign_id: UUID, action: str, reason: str) -> CampaignView:
    with call.transaction() as tx:
        before = store.read(tx, campaign_id, lock=True)
        after = before.after(action)
        store.move(tx, before, after, _change(call, tx, action, before, after, reason))
        if after.state is State.CANCELLED:
            _emit_ended(tx, campaign_id, tx.now, cancelled=True)
        return tx.answer(CampaignView.of(after))


def _move_by_time(tx: Transaction, campaign: Campaign) -> Campaign:
    """Carry out what is due: the change holds from its due moment, however late it (or the scheduling) is."""
    if campaign.state is State.SCHEDULED and campaign.starts_at <= tx.now < campaign.ends_at:
        live = campaign.after("start")
        store.move(tx, campaign, live, _timed("start", campaign, live, campaign.starts_at))
        event = CampaignWentLive(campaign_id=campaign.campaign_id, live_at=campaign.starts_at)
        tx.emit(event, subject=CAMPAIGN.render(campaign.campaign_id), key=campaign.campaign_id.hex)
        return live
    if campaign.ends_at <= tx.now:
        ended = campaign.after("end")
        store.move(tx, campaign, ended, _timed("end", campaign, ended, campaign.ends_at))
        _emit_ended(tx, campaign.campaign_id, campaign.ends_at, cancelled=False)
        return ended
    return campaign


def _emit_ended(tx: Transaction, campaign_id: UUID, at: datetime, *, cancelled: bool) -> None:
    event = CampaignEnded(campaign_id=campaign_id, ended_at=at, cancelled=cancelled)
    tx.emit(event, subject=CAMPAIGN.render(campaign_id), key=campaign_id.hex)


def _open_request(tx: Transaction, campaign_id: UUID) -> tuple[Campaign, BudgetRequest]:
    campaign = store.read(tx, campaign_id, lock=True)
    request = store.open_request(tx, campaign_id)
    if request is None:
        raise Conflict("The campaign has no request for budget that waits for a decision.")
    return campaign, request


def _post(tx: Transaction, campaign: Campaign, request: BudgetRequest) -> None:
    """Move the money that an approved request is about."""
    campaign_id, request_id, amount_minor = campaign.campaign_id, request.request_id, request.amount_minor
    if request.change == "raise":
        ledger.approve_budget(tx, campaign_id, request_id=request_id, amount_minor=amount_minor, currency=campaign.currency)
        return
    pots = ledger.lock_pots(tx, [campaign_id])
    _require_free(campaign, request, pots)
    ledger.withdraw_budget(tx, campaign_id, request_id=request_id, amount_minor=amount_minor, pots=pots)


def _require_free(campaign: Campaign, request: BudgetRequest, pots: Mapping[UUID, Pot]) -> None:
    """Raise Conflict, with the figures, unless what a budget is to be lowered by is free."""
    pot = pots.get(campaign.campaign_id)
    if campaign.state not in TOP_UP_STATES or pot is None:
        allowed = ", ".join(sorted(state.value for state in TOP_UP_STATES))
        raise Conflict(f"The budget of a campaign that is {campaign.state.value} can't be lowered; it must be {allowed}.")
    if request.amount_minor > pot.available_minor:
        by, *figures = (
            to_decimal(minor, pot.currency)
            for minor in (
                request.amount_minor, pot.approved_minor, pot.reserved_minor, pot.payable_minor, pot.gone_minor, pot.available_minor
            )
        )  # fmt: skip
        said = "Of {} approved, {} is reserved, {} payable and {} paid or on its way: {} is free.".format(*figures)
        raise Conflict(f"The budget can't be lowered by {by} {pot.currency}. {said}")


def _amount(body: BudgetAsked, currency: str) -> int:
    try:
        amount_minor = to_minor(body.amount, currency)
    except ValueError as error:
        raise Invalid(problems=(Problem(path="/amount", message=str(error)),)) from error
    if not 0 < amount_minor <= MAX_MINOR:
        message = f"must be more than nothing and at most {to_decimal(MAX_MINOR, currency)}"
        raise Invalid(problems=(Problem(path="/amount", message=message),))
    return amount_minor


def _change(call: Call, tx: Transaction, action: str, before: Campaign | None, after: Campaign, reason: str) -> Change:
    return Change(
        action=action, from_state=before.state if before else None, to_state=after.state, by=call.caller.subject, at=tx.now, reason=reason
    )


def _timed(action: str, before: Campaign, after: Campaign, at: datetime) -> Change:
    return Change(action=action, from_state=before.state, to_state=after.state, by=SCHEDULER, at=at, reason="The time had come.")
