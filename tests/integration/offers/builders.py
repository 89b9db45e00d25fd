"""Campaigns and offers in a given state, made through the use cases as people would."""

import json
from typing import Any, Final
from uuid import UUID

from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked, NewCampaign, Why
from shared.kernel.ids import CAMPAIGN
from shared.offers import service as offers
from shared.offers.api import NewOffer, NewVersion, OfferView
from tests.conftest import MakeCall
from tests.unit.eligibility.builders import TERMS, terms

WHY: Final = Why(reason="because")
WINDOW: Final = {"start": "2026-01-01", "end": "2026-01-31", "zone": "America/New_York"}
LATER: Final = WINDOW | {"start": "2026-01-20"}


def campaign(call: MakeCall, *, window: dict[str, str] | None = None) -> UUID:
    """A draft that has not begun, or would have."""
    body = {"name": "Spring", "objective": "growth", "portfolio": "cards", "currency": "USD", "window": window or WINDOW}
    return campaigns.create_campaign(call("maya"), NewCampaign.model_validate_json(json.dumps(body))).campaign_id


def start(call: MakeCall, campaign_id: UUID) -> UUID:
    """Fund and schedule a campaign; it is live at once where its window is open."""
    campaigns.request_budget(call("maya"), campaign_id, BudgetAsked(amount=100_000, reason="growth"))
    campaigns.approve_budget(call("noor"), campaign_id, WHY)
    campaigns.schedule_campaign(call("maya"), campaign_id, WHY)
    return campaign_id


def body(campaign_id: UUID, **overrides: Any) -> NewOffer:
    """What a new offer is made from; overrides go into the terms."""
    text = {"campaign_id": CAMPAIGN.render(campaign_id), "name": "Fruit", "terms": TERMS | {"window": WINDOW} | overrides}
    return NewOffer.model_validate_json(json.dumps(text))


def draft(call: MakeCall, campaign_id: UUID, **overrides: Any) -> OfferView:
    return offers.create_offer(call("maya"), body(campaign_id, **overrides))


def submitted(call: MakeCall, campaign_id: UUID, **overrides: Any) -> UUID:
    """An offer written by maya, submitted by otto."""
    offer_id = draft(call, campaign_id, **overrides).offer_id
    offers.submit_offer(call("otto"), offer_id, WHY)
    return offer_id


def approved(call: MakeCall, campaign_id: UUID, **overrides: Any) -> UUID:
    offer_id = submitted(call, campaign_id, **overrides)
    offers.approve_offer(call("noor"), offer_id, WHY)
    return offer_id


def revise_and_approve(call: MakeCall, offer_id: UUID, **overrides: Any) -> None:
    """A second version, put in force."""
    offers.create_version(call("maya"), offer_id, NewVersion(terms=terms(**{"window": WINDOW} | overrides)))
    offers.submit_offer(call("maya"), offer_id, WHY)
    offers.approve_offer(call("noor"), offer_id, WHY)
