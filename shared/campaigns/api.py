"""What callers send and get about campaigns."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.campaigns.model import BudgetRequest, Campaign, window
from shared.eligibility.terms import LocalTime
from shared.eligibility.validation_window import YEARS, reckonable
from shared.kernel.ids import BudgetRequestId, CampaignId
from shared.kernel.trail import ChangeView
from shared.kernel.wire import Amount, Currency, Minor, Moment, Text, Wire
from shared.kernel.zones import Zone


class CampaignWindow(Wire):
    """When a campaign runs, in local time: from the start to the end; a date as the end means that whole day."""

    start: LocalTime
    end: LocalTime
    zone: Zone

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "CampaignWindow":
        if not all(reckonable(local) for local in (self.start, self.end)):
            raise ValueError(f"start and end must lie in the years {YEARS[0]} to {YEARS[-1]}")
        starts_at, ends_at = window(self.start, self.end, self.zone)
        if ends_at <= starts_at:
            raise ValueError("the end must come after the start")
        return self


class NewCampaign(Wire):
    """A campaign to be prepared. Its id may be chosen by the sender."""

    campaign_id: CampaignId | None = None
    name: Text
    objective: Text
    portfolio: Text
    currency: Currency
    window: CampaignWindow


BudgetChange = Literal["raise", "lower"]


class BudgetAsked(Wire):
    """A request to raise the budget by an amount, or to lower it by as much of it as is free."""

    change: BudgetChange = "raise"
    amount: Amount
    reason: Text


class Why(Wire):
    """The reason of a decision or of a change, kept in the history."""

    reason: Text


class CampaignView(Wire):
    """A campaign as it is now."""

    campaign_id: CampaignId
    name: str
    objective: str
    portfolio: str
    currency: Currency
    starts_at: Moment
    ends_at: Moment
    zone: str
    state: str
    created_by: str
    created_at: Moment

    @classmethod
    def of(cls, campaign: Campaign) -> "CampaignView":
        """Show a campaign."""
        names = (name for name in cls.model_fields if name != "state")
        return cls(state=campaign.state.value, **{name: getattr(campaign, name) for name in names})


class Campaigns(Wire):
    """Campaigns, newest first."""

    campaigns: list[CampaignView]


class BudgetRequestView(Wire):
    """A request to raise or lower a budget and what became of it."""

    request_id: BudgetRequestId
    campaign_id: CampaignId
    change: BudgetChange
    amount_minor: Minor
    currency: Currency
    state: str
    requested_by: str
    requested_at: Moment
    reason: str
    decided_by: str | None
    decided_at: Moment | None
    decision_reason: str | None

    @classmethod
    def of(cls, request: BudgetRequest, currency: str) -> "BudgetRequestView":
        """Show a request."""
        names = (name for name in cls.model_fields if name != "currency")
        return cls(currency=currency, **{name: getattr(request, name) for name in names})


class BudgetRequests(Wire):
    """The requests of a campaign in the order they were made."""

    budget_requests: list[BudgetRequestView]


class History(Wire):
    """Who did what when and why, oldest first."""

    history: list[ChangeView]


class Page(Wire):
    """How much of a list to give."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0)] = 0
